//! Why a sample is not done, and how a panic becomes one of the reasons.

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Why a sample is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such machine or massage.
    Infeasible(String),
    /// The computation broke down.
    Failed {
        /// Why.
        message: String,
        /// Where, after a panic; else empty.
        backtrace: String,
    },
}

impl Trouble {
    /// A failure without a panic.
    pub fn failed(message: impl Into<String>) -> Trouble {
        Trouble::Failed {
            message: message.into(),
            backtrace: String::new(),
        }
    }
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static BACKTRACE: RefCell<String> = const { RefCell::new(String::new()) };
}

static HOOK: Once = Once::new();

/// Does work that may panic; a panic is a failure with its backtrace, and prints nothing. Panics elsewhere are told as
/// before.
///
/// # Errors
/// The work's own trouble, or the panic.
pub fn catch_panics<T>(work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if CATCHING.get() {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                let told = format!("panicked at {place}\n{}", Backtrace::force_capture());
                BACKTRACE.replace(told);
            } else {
                before(info);
            }
        }));
    });
    CATCHING.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(false);
    result.unwrap_or_else(|payload| {
        let said = payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(Trouble::Failed {
            message: format!("panic: {said}"),
            backtrace: BACKTRACE.take(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_its_backtrace() {
        let trouble = catch_panics::<()>(|| panic!("the {} broke", "spring")).unwrap_err();
        let Trouble::Failed { message, backtrace } = trouble else {
            panic!("{trouble:?}");
        };
        assert_eq!(message, "panic: the spring broke");
        assert!(backtrace.contains("trouble.rs"), "{backtrace}");
        assert_eq!(catch_panics(|| Ok(3)), Ok(3));
        let other = Trouble::Infeasible("no".into());
        assert_eq!(catch_panics::<()>(|| Err(other.clone())), Err(other));
    }
}
