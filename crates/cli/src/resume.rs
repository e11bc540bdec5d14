//! `kneadlab resume`: goes on with a sweep, here or by the engine it was submitted to; its study stands in the folder.

use crate::submit;
use crate::sweep::{self, Work};
use crate::talk::Outcome;
use anyhow::bail;
use std::path::PathBuf;

/// Which, and how.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the sweep
    folder: PathBuf,
    /// Compute on this machine, also where `submit` handed the parts to an engine
    #[arg(long)]
    here: bool,
    /// Where parts go to an engine: print what would be handed over; write and start nothing
    #[arg(long, conflicts_with_all = ["here", "shard"])]
    dry_run: bool,
    #[command(flatten)]
    work: Work,
}

/// Goes on.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    if !args.here && !args.work.is_part() {
        if let Some(order) = submit::order(&args.folder)? {
            return submit::again(&args.folder, order, args.dry_run, &args.work);
        }
        if args.dry_run {
            bail!(
                "{} was not submitted: nothing would be handed over\n  hint: kneadlab status tells what is missing",
                args.folder.display()
            );
        }
    }
    sweep::resume(&args.folder, &args.work)
}
