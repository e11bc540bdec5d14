//! From a path to a scene, with every problem told.

use std::path::Path;

use scene::Scene;

/// Loads and checks a scene; its warnings go to stderr.
pub fn load(path: &Path, sets: &[(String, String)]) -> anyhow::Result<Scene> {
    let loaded = scene::load(path, sets).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    for warning in &loaded.warnings {
        eprintln!("{warning}");
    }
    Ok(loaded.scene)
}
