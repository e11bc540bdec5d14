//! Massage tables `@NAME@` and their runtime, for firmware in Rust: no `std`, no allocator, no unsafe code.
//!
//! ```text
//! let mut tables = Context::open(IMAGE, IMAGE)?;
//! let mut fallback = Context::open_fallback(IMAGE)?;
//! let body = tables.class(stature_mm, bmi_x100);
//! let mut programme = Programme::start(&mut tables, body, conditions, depth_now);
//! loop { let command = programme.step(&mut tables, &inputs); /* every 10 ms */ }
//! ```
#![no_std]
#![forbid(unsafe_code)]

mod kneadlab_rt;

pub use kneadlab_rt::*;

/// The image `@NAME@.bin`: tables, caps, fallback and self test.
pub static IMAGE: &[u8] = include_bytes!("../../@NAME@.bin");
@INDICES@
