//! What commands take: `--set`, and scenes and studies that may run.

use crate::talk::say;
use anyhow::Context;
use back::{Envelope, NOTICE};
use clap::Args;
use scene::{
    AnyScene, FileKind, Kept, Loaded, LoadedRigScene, Problems, RigScene, Scene, Study, SweepStudy,
};
use std::fs;
use std::path::Path;
use tune::seat;

/// Values laid over a scene or study.
#[derive(Args, Clone, Debug, Default)]
pub struct Sets {
    /// Lay a value over the file, paths as `params` prints them (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = path_and_value)]
    pub sets: Vec<(String, String)>,
}

fn path_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => {
            Ok((path.trim().to_string(), value.trim().to_string()))
        }
        _ => Err("write PATH=VALUE, such as body.stature_mm=1700".into()),
    }
}

/// A number of threads; 0 is all cores.
pub fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n <= 1024 => Ok(n),
        _ => Err("allowed: 0 to 1024".into()),
    }
}

/// A scene that may run: warnings are told, a refused condition is an error.
pub fn scene(path: &Path, sets: &Sets) -> anyhow::Result<(Scene, Envelope, Vec<String>)> {
    let loaded = scene::load(path, &sets.sets);
    let Loaded { scene, warnings } = loaded.inspect_err(|_| note_kind(path, FileKind::Scene))?;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    warnings.iter().for_each(say);
    let envelope = allowed(&scene.conditions)?;
    Ok((scene, envelope, warnings))
}

/// What a file holds that goes into a folder with the text that names it.
pub fn kept(file: &Kept) -> anyhow::Result<Vec<u8>> {
    fs::read(&file.from).with_context(|| format!("cannot read {}", file.from.display()))
}

/// Whether a file is the scene of a rig.
pub fn is_rig_scene(path: &Path) -> bool {
    FileKind::of(path).is_ok_and(|kind| kind == FileKind::RigScene)
}

/// A rig's scene that may run: warnings are told, a refused condition is an error, and so is percussion where a condition
/// forbids it.
pub fn rig_scene(path: &Path, sets: &Sets) -> anyhow::Result<(RigScene, Envelope, Vec<String>)> {
    let LoadedRigScene { scene, warnings } = scene::load_rig_scene(path, &sets.sets)?;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    warnings.iter().for_each(say);
    let envelope = seat::allow_rig(&scene)?;
    note_policy(&envelope, &scene.conditions);
    Ok((scene, envelope, warnings))
}

/// A study that may run.
pub fn study(path: &Path, sets: &Sets) -> anyhow::Result<Study> {
    let study = told(path, scene::load_study(path, &sets.sets))?;
    allowed(&study.scene.conditions)?;
    Ok(study)
}

/// A study whose sweep may run; its scene may be one of a rig.
pub fn sweep(path: &Path, sets: &Sets) -> anyhow::Result<SweepStudy> {
    let study = told(path, scene::load_sweep(path, &sets.sets))?;
    match &study.scene {
        AnyScene::Carriage(scene) => drop(allowed(&scene.conditions)?),
        AnyScene::Rig(scene) => note_policy(&seat::allow_rig(scene)?, &scene.conditions),
    }
    Ok(study)
}

/// What was loaded, its warnings told.
fn told<T>(path: &Path, loaded: Result<T, Problems>) -> anyhow::Result<T> {
    let study = loaded.inspect_err(|_| note_kind(path, FileKind::Study))?;
    // Warnings of the file as it stands; values that were set have been checked for errors.
    if let Ok((_, warnings)) = scene::check_any(path) {
        warnings.iter().for_each(say);
    }
    Ok(study)
}

/// Told before the problems where the file is of another kind.
fn note_kind(path: &Path, wanted: FileKind) {
    if let Ok(kind) = FileKind::of(path)
        && kind != wanted
    {
        say(format_args!(
            "{}: this looks like a {kind}, and a {wanted} is expected",
            path.display()
        ));
    }
}

/// The limits under the given conditions, unless they forbid massage.
fn allowed(conditions: &[String]) -> anyhow::Result<Envelope> {
    let envelope = seat::allow(conditions)?;
    note_policy(&envelope, conditions);
    Ok(envelope)
}

/// Tells what conditions change.
fn note_policy(envelope: &Envelope, conditions: &[String]) {
    let policy = envelope.policy();
    if !conditions.is_empty() {
        let note = &policy.note;
        let colon = if note.is_empty() { "" } else { ": " };
        say(format_args!(
            "condition {}{colon}{note}. {NOTICE}",
            policy.id
        ));
    }
}
