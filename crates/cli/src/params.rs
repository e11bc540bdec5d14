//! `kneadlab params`: every parameter path, as `--set` takes it.

use crate::input::Sets;
use crate::print;
use crate::talk::Outcome;
use serde_json::Value;
use std::path::PathBuf;

/// The file.
#[derive(clap::Args)]
pub struct Args {
    /// A scene, study, mechanism, body or stack
    scene: PathBuf,
    #[command(flatten)]
    sets: Sets,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the table.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let params = scene::params_with(&args.scene, &args.sets.sets)?;
    if args.json {
        print::json(&params)?;
        return Ok(Outcome::Good);
    }
    let limit = |v: Option<f64>| v.map_or(String::new(), print::number);
    let mut rows = vec![
        ["path", "value", "unit", "min", "max", "meaning"]
            .map(String::from)
            .to_vec(),
    ];
    rows.extend(params.into_iter().map(|p| {
        let value = match &p.value {
            Value::Number(n) => n.as_f64().map_or_else(|| n.to_string(), print::number),
            other => other.to_string(),
        };
        vec![p.path, value, p.unit, limit(p.min), limit(p.max), p.meaning]
    }));
    let mut out = print::out();
    print::table(&mut out, 1, &rows)?;
    print::finish(out)?;
    Ok(Outcome::Good)
}
