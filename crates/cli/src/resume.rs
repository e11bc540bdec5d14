//! `kneadlab resume`: goes on with a sweep; its study stands in the folder.

use crate::sweep::{self, Work};
use crate::talk::Outcome;
use std::path::PathBuf;

/// Which, and how.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the sweep
    folder: PathBuf,
    #[command(flatten)]
    work: Work,
}

/// Goes on.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    sweep::resume(&args.folder, &args.work)
}
