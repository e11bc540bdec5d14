//! A point of a sweep as a scene that can be run by itself.

use super::place::{self, Place, read_json};
use super::sheet::Pages;
use anyhow::{anyhow, bail};
use scene::{AnyScene, Scene};
use serde_json::Value;
use sim::{RigSim, Sim};
use std::path::Path;
use std::sync::Arc;
use tune::Workshop;
use tune::sweep::Plan;

/// Which one.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct Which {
    /// Of a sweep's folder: which point; without it the chosen one, or where nothing is feasible the nearest
    #[arg(long, value_name = "N")]
    pub point: Option<u64>,
    /// Of a sweep's folder: which case of the point, bodies times lists of conditions
    #[arg(long, value_name = "N", requires = "point")]
    pub case: Option<u64>,
}

/// A point on a body, ready to run as the sweep measured it.
pub enum Seated {
    /// On a carriage.
    Carriage(Arc<Scene>, Box<Sim>),
    /// On a rig.
    Rig(Box<RigSim>),
}

/// The scene of a point on a body, and its run as the sweep measured it.
pub fn seat(root: &Path, which: Which) -> anyhow::Result<Seated> {
    let (place, study) = Place::read(root)?;
    let plan = Plan::new(&study)?;
    let point = match which.point {
        Some(point) => point,
        None => chosen(&place)?,
    };
    let case = which.case.unwrap_or(0);
    plan.holds(point, case).map_err(|e| anyhow!(e))?;
    let values = match plan.sweep.search {
        None => plan.values(point),
        Some(_) => values(&place, &plan, point)?,
    };
    let (scene, depth) = plan.scene(point, case, &values).map_err(|e| anyhow!(e))?;
    match scene {
        AnyScene::Carriage(scene) => {
            let scene = Arc::from(scene);
            let sim = Workshop::default().seat(&scene, &scene.body, depth)?;
            Ok(Seated::Carriage(scene, Box::new(sim)))
        }
        AnyScene::Rig(scene) => {
            let sim = Workshop::default().seat_rig(&Arc::from(scene))?;
            Ok(Seated::Rig(Box::new(sim)))
        }
    }
}

fn chosen(place: &Place) -> anyhow::Result<u64> {
    let summary: Option<Value> = read_json(&place.root.join(place::SUMMARY))?;
    let point = summary.and_then(|s| {
        let of = |key: &str| s[key]["point"].as_u64();
        of("chosen").or(of("nearest"))
    });
    point.ok_or_else(|| anyhow!("no point is chosen here\n  hint: say which: --point N"))
}

/// Values of a search's point, from what the merge wrote.
fn values(place: &Place, plan: &Plan, point: u64) -> anyhow::Result<Vec<f64>> {
    let mut pages = Pages::open(&place.root.join(place::POINTS))?;
    while let Some(group) = pages.next_group()? {
        for cells in group {
            if cells[0].count() == point {
                return Ok(super::rows::point_values(plan, &cells));
            }
        }
    }
    bail!(
        "the search took no point {point}\n  hint: {} names those it took",
        place::POINTS
    )
}
