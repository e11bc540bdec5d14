//! Writes `crates/tissue/VALIDITY.md` and its pictures: `cargo xtask validity`.
//!
//! Not a test: it holds nothing to a bar. The figures come from the very functions that `tests/it/reference.rs` and
//! `tests/it/durometer.rs` hold to theirs.

// A test uses what a page does not, and the other way round; without a harness a module of tests is empty.
#[allow(dead_code)]
#[path = "../it/agreement.rs"]
mod agreement;
#[allow(dead_code, unused_imports)]
#[path = "../../crates/cli/src/chart.rs"]
mod chart;
#[path = "../it/csv.rs"]
mod csv;
mod page;
mod pictures;
mod sheet;

use std::fs;
use std::path::Path;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/tissue");
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        eprintln!("wrote crates/tissue/{name}");
    };
    fs::create_dir_all(folder.join("pictures")).expect("a folder for the pictures");
    let finite = pictures::Finite::read();
    for (name, picture) in pictures::all(&finite) {
        write(&format!("pictures/{name}.svg"), picture);
    }
    write("VALIDITY.md", page::text(&finite));
}
