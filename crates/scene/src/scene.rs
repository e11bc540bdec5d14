//! A scene as the rest of the house sees it: SI, complete, checked.

use back::Body;
use mechanism::Mechanism;
use program::{DepthMap, Session, Technique, Timing};
use serde::{Deserialize, Serialize};
use tissue::Stack;

/// The complete input of a run. Built by [`load`](fn@crate::load); fields are free to edit, and then the editor answers for
/// their sense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// What to call it in reports.
    pub name: String,
    /// Who sits in the chair.
    pub body: Body,
    /// Ids of health conditions, each known to [`back::policies`]. Whether they forbid the run is for the caller to ask.
    pub conditions: Vec<String>,
    /// What they sit on.
    pub chair: Chair,
    /// What massages them.
    pub mechanism: Mechanism,
    /// What it does.
    pub session: Session,
    /// How fast.
    pub timing: Timing,
    /// How far, before it is tuned.
    pub depth: ConstantDepth,
    /// How finely it is computed.
    pub solver: Solver,
    /// What the nodes touch.
    pub surface: Surface,
    /// How the user breathes.
    #[serde(default, skip_serializing_if = "Breath::is_usual")]
    pub breath: Breath,
    /// How the machine knows where the user's stations are.
    #[serde(default, skip_serializing_if = "StationScan::is_ideal")]
    pub scan: StationScan,
}

/// How the back moves with the breath: its skin goes out of the body and back, as a cosine, all of it alike (E).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breath {
    /// From breathed out to breathed in, m; 0 for a held breath.
    pub way_m: f64,
    /// Breaths a second.
    pub rate_hz: f64,
}

impl Default for Breath {
    /// Held; 15 a minute (E) would it be let go.
    fn default() -> Breath {
        Breath {
            way_m: 0.0,
            rate_hz: 0.25,
        }
    }
}

impl Breath {
    /// Whether a scene need not say it: what is usual leaves a scene's hash as it was.
    pub(crate) fn is_usual(&self) -> bool {
        *self == Breath::default()
    }

    /// Whether nothing moves.
    pub fn is_held(&self) -> bool {
        self.way_m == 0.0
    }

    /// How far the skin stands out at a time, m; 0 at the start, breathed out.
    pub fn out_m(&self, t_s: f64) -> f64 {
        0.5 * self.way_m * (1.0 - (std::f64::consts::TAU * self.rate_hz * t_s).cos())
    }
}

/// The backrest, its pad, and how the hips hold the trunk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chair {
    /// Angle of the backrest from the vertical, rad.
    pub recline_rad: f64,
    /// The seat plane in the machine frame, m along the backrest.
    pub seat_z_m: f64,
    /// The pad that carries the trunk.
    pub pad: Pad,
    /// The hips' hold.
    pub hip: Hip,
}

/// Foam on either side of the mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pad {
    /// Thickness, m.
    pub thickness_m: f64,
    /// Young's modulus of the foam's plateau, Pa.
    pub e_pa: f64,
    /// Compressive strain at which the cells are closed.
    pub densify_strain: f64,
    /// Its unloaded surface in front of the rail's curve, m.
    pub offset_m: f64,
    /// Width that carries, m.
    pub width_m: f64,
}

/// Springs that hold the trunk at the hip joint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hip {
    /// Spring, N/m.
    pub stiffness_n_m: f64,
    /// Share of critical damping.
    pub damping_ratio: f64,
}

/// One protrusion per level for the whole back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConstantDepth {
    /// Protrusion out of the retracted position at levels 1 to 5, m.
    pub protrude_m: [f64; 5],
}

impl DepthMap for ConstantDepth {
    /// The level's protrusion; levels beyond the ends take the nearest.
    fn protrude_m(&self, _technique: Technique, _u: f64, level: u8) -> f64 {
        self.protrude_m[usize::from(level.clamp(1, 5)) - 1]
    }
}

/// Step and cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Solver {
    /// Time step, s.
    pub dt_s: f64,
    /// Engine steps within a time step.
    pub substeps: usize,
    /// Cell of the pressure map, m.
    pub cell_m: f64,
    /// Steps from one solved pressure map to the next.
    pub patch_every: usize,
    /// Change of force at which a map is converged, a share.
    pub tolerance: f64,
    /// Sweeps at most for one map.
    pub max_iterations: usize,
}

/// What the nodes touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    /// The back of the scene's body.
    Back,
    /// A flat slab on rigid ground, for checks.
    Slab {
        /// Its tissue.
        stack: Stack,
        /// Its width (x) and its length (z), m.
        size_m: [f64; 2],
    },
}

/// How the machine knows where the stations of its user are. Runs obey it; tuning and sweeps always know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StationScan {
    /// It knows.
    #[default]
    Ideal,
    /// It looks for the shoulders before the session.
    Shoulder,
}

impl StationScan {
    fn is_ideal(&self) -> bool {
        *self == StationScan::Ideal
    }
}

impl Scene {
    /// What the scene is, as 64 hexadecimal digits: blake3 of every value in it but the three titles (of scene, mechanism
    /// and session). Two files that mean the same run have the same hash, whatever their comments, order, units or file
    /// names; any changed value changes it.
    pub fn hash(&self) -> String {
        let mut same = self.clone();
        same.name.clear();
        same.mechanism.name.clear();
        same.session.name.clear();
        crate::hash::of(&same)
    }
}
