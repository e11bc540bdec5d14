//! `kneadlab view`: starts the program `kneadlab-view`, which is built apart.

use crate::talk::Outcome;
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// Everything goes on to the viewer.
#[derive(clap::Args)]
pub struct Args {
    /// A scene or an output folder, and the viewer's own options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Waits for it and hands on whether it went well.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let Some(program) = find() else {
        bail!(
            "the viewer is not here: no kneadlab-view beside this program or on the PATH\n  \
             hint: build it with: cargo build --release -p kneadlab-view"
        );
    };
    let status = Command::new(&program).args(&args.rest).status();
    let status = status.with_context(|| format!("cannot start {}", program.display()))?;
    Ok(Outcome::good_if(status.success()))
}

/// Beside this program first, then on the PATH.
fn find() -> Option<PathBuf> {
    let name = format!("kneadlab-view{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(PathBuf::from));
    let path = std::env::var_os("PATH").unwrap_or_default();
    own.into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(&name))
        .find(|file| file.is_file())
}
