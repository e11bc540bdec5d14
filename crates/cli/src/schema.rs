//! `kneadlab schema`: the JSON Schema of a kind of file, as `scenes/schema/` holds it.

use crate::print;
use crate::talk::Outcome;
use scene::FileKind;

/// The kind.
#[derive(clap::Args)]
pub struct Args {
    /// scene, rig_scene, study, mechanism, rig, stack, body or technique
    #[arg(value_parser = kind)]
    kind: FileKind,
}

fn kind(name: &str) -> Result<FileKind, String> {
    FileKind::named(name).ok_or_else(|| {
        "one of scene, rig_scene, study, mechanism, rig, stack, body, technique".into()
    })
}

/// Prints it.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    print::json(&scene::schema(args.kind))?;
    Ok(Outcome::Good)
}
