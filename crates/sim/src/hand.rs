//! An ideal hand: it does a technique on the same skin as the machine does, with the force that the technique asks for.

use std::f64::consts::{PI, TAU};

use back::{Back, Envelope};
use nalgebra::{Isometry3, Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};
use program::{ContactShape, Direction, Manner, Part, Path};
use tissue::{Effort, Indenter};

use crate::bed::Bed;
use crate::fault::Fault;
use crate::touch::{Contact, NodeLaw, Solve, Touch};
use crate::traction::Wheel;

/// What a hand did at one moment. The user lies still, and the left hand does as the right one in a mirror: one is simulated.
#[derive(Clone, Copy, Debug)]
pub struct HandRow {
    /// Time, s.
    pub t_s: f64,
    /// Force that the technique wants now, N.
    pub wanted_n: f64,
    /// What it does to the skin.
    pub contact: Contact,
    /// Mean pressure over the median pain pressure for the contact area.
    pub fraction: f64,
    /// It works: neither on its way nor coming down or leaving.
    pub working: bool,
}

/// Step of a hand, s.
const DT_S: f64 = 0.004;
/// Time to sink in, and to leave, s (E).
const RAMP_S: f64 = 1.0;
/// Time from one place to the next, s (E).
const MOVE_S: f64 = 0.7;
/// Share of the missing force that a step makes up for: a hand of some 10 Hz (E, a therapist's is slower but knows what comes).
const GAIN: f64 = 0.4;
/// Fastest in or out, m/s (E).
const FASTEST_M_S: f64 = 0.4;
/// A finger's or palm's flesh over its bone, N/m (E).
const FLESH_N_M: f64 = 2e4;
/// Bare hand on a shirt (E).
const FRICTION: f64 = 0.3;
/// How deep a hand sinks in, m (E): with its area it gives the curvature.
const SINK_M: f64 = 0.010;

/// The surface that touches: an ellipsoid whose patch, sunk in by 10 mm, has the technique's area, longer along the spine for edge and forearm (E).
pub fn surface(manner: &Manner) -> Indenter {
    let area_m2 = (manner.contact_m2[0] * manner.contact_m2[1]).sqrt();
    let ratio = match manner.shape {
        ContactShape::Thumb | ContactShape::Heel | ContactShape::Node => 1.0,
        ContactShape::Fingers => 0.6,
        ContactShape::Palm => 1.3,
        ContactShape::Edge | ContactShape::Forearm => 2.5,
    };
    // Half lengths of the patch: across and along the spine.
    let across_m = (area_m2 / (PI * ratio)).sqrt();
    let along_m = ratio * across_m;
    // On an ellipsoid with semi-axes (a, h, c) a plane SINK below the tip cuts half lengths a k and c k, k^2 = 1 - (1 - SINK/h)^2. Half of the way
    // sinks the skin under the rim too, so the patch is that of half the depth.
    let high_m = 1.5 * SINK_M;
    let k = (1.0 - (1.0 - 0.5 * SINK_M / high_m).powi(2)).sqrt();
    let wide_m = (across_m / k).max(high_m * 0.6);
    let long_m = (along_m / k).max(high_m * 0.6);
    Indenter::Ellipsoid {
        semi_axes_m: [wide_m, high_m, long_m],
    }
}

/// Does one part of a session as a hand would, `rate_hz` rows a second. `bed` is the user's skin under the hand's own radii.
///
/// The force is led by what is felt, the place by the technique: middle of every band, the part's firmness. Not reckoned: the weight of the arm, how a palm
/// wraps, grip and lift.
///
/// # Errors
/// [`Fault`] where a force is not finite.
pub fn perform(
    back: &Back,
    envelope: &Envelope,
    bed: &Bed,
    part: &Part,
    rate_hz: f64,
) -> Result<Vec<HandRow>, Fault> {
    let manner = &part.manner;
    let law = NodeLaw {
        shape: surface(manner),
        cover: None,
        stiffness_n_m: FLESH_N_M,
        friction: FRICTION,
        wheel: Wheel::Fixed,
        effort: Effort {
            tolerance: 1e-3,
            products_max: 60,
            rounds_max: 1,
        },
    };
    let extent_m = law.shape.extent_m(&Vector3::y());
    let mut touch = Touch::new(law, bed);
    let plan = Plan::of(part, back.arc_length_m());
    let mut rows = Vec::new();
    // From the skin to the deepest point of the hand, m: > 0 is pressed in.
    let mut depth_m = -0.002;
    let mut slope_n_m = 2e3;
    let mut before = (depth_m, 0.0);
    let mut next_s = 0.0;
    let steps = (plan.length_s() / DT_S).ceil() as u64;
    for step in 1..=steps {
        let t_s = step as f64 * DT_S;
        let Wish {
            u,
            x_m,
            force_n,
            working,
        } = plan.at(t_s);
        let row = bed.row_of(u);
        let column = (bed.size()[1] / 2) as f64 + x_m / bed.cell_m();
        let Some(foot) = bed.place([row, column]) else {
            return Err(Fault {
                t_s,
                part: "hand".into(),
                what: format!("there is no skin at station {u:.2}"),
            });
        };
        let inward = -foot.normal.into_inner();
        let centre = foot.point - inward * (extent_m - depth_m);
        // Its y axis points in, its x to the side.
        let side = (foot.side.into_inner() - inward * foot.side.dot(&inward)).normalize();
        let axes = Matrix3::from_columns(&[side, inward, side.cross(&inward)]);
        let pose = Isometry3::from_parts(
            Translation3::from(centre.coords),
            UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(axes)),
        );
        let contact = touch.step(bed, &pose, DT_S, Solve::Now);
        if !contact.force_n.is_finite() {
            return Err(Fault {
                t_s,
                part: "hand".into(),
                what: "its force is not finite".into(),
            });
        }
        if t_s + 1e-9 >= next_s {
            next_s += 1.0 / rate_hz;
            let zone = back.zone(contact.u, contact.x_m).zone;
            let fraction = contact.fraction_of_pain(envelope, zone);
            rows.push(HandRow {
                t_s,
                wanted_n: force_n,
                contact,
                fraction,
                working,
            });
        }
        // How stiff it feels, from the last two moments where they tell.
        let (depth_before, force_before) = before;
        before = (depth_m, contact.force_n);
        let went_m = depth_m - depth_before;
        if went_m.abs() > 2e-5 && contact.force_n > 0.5 {
            let felt = (contact.force_n - force_before) / went_m;
            slope_n_m = (0.8 * slope_n_m + 0.2 * felt.clamp(500.0, 2e4)).clamp(500.0, 2e4);
        }
        let want_m = if force_n <= 0.0 {
            // Off the skin.
            -0.003 - depth_m
        } else {
            (force_n - contact.force_n) / slope_n_m
        };
        let most_m = FASTEST_M_S * DT_S;
        depth_m += (GAIN * want_m).clamp(-most_m, most_m);
    }
    Ok(rows)
}

/// Where the hand shall be, and how hard.
struct Wish {
    u: f64,
    x_m: f64,
    force_n: f64,
    working: bool,
}

/// Places or strokes of a part in time.
struct Plan<'a> {
    manner: &'a Manner,
    target_n: f64,
    x_m: f64,
    /// Stations to begin and end at: strokes, or the same twice for places.
    visits: Vec<[f64; 2]>,
    work_s: f64,
    rate_hz: f64,
    amplitude_m: f64,
    length_m: f64,
}

fn middle(band: [f64; 2]) -> f64 {
    (band[0] * band[1]).sqrt()
}

/// Where a hand works beside the spine where the part does not say, m: on the ridge of the muscle (E).
const BESIDE_M: f64 = 0.050;

impl<'a> Plan<'a> {
    fn of(part: &'a Part, length_m: f64) -> Plan<'a> {
        let manner = &part.manner;
        let budget_s = 60.0 * part.minutes;
        let (low_u, high_u) = (part.from_u.min(part.to_u), part.from_u.max(part.to_u));
        let around_s = 2.0 * RAMP_S + MOVE_S;
        let (mut visits, work_s);
        if manner.path == Path::Line {
            let speed_m_s = manner.speed_m_s.map_or(0.03, middle);
            work_s = (high_u - low_u) * length_m / speed_m_s;
            let strokes = (budget_s / (work_s + around_s)).round().max(1.0) as usize;
            visits = (0..strokes)
                .map(|i| match manner.direction {
                    Direction::Up => [high_u, low_u],
                    Direction::Down => [low_u, high_u],
                    Direction::Both if i % 2 == 0 => [low_u, high_u],
                    Direction::Both => [high_u, low_u],
                })
                .collect();
        } else {
            let hold = manner.hold_s.unwrap_or([3.0, 10.0]);
            let wanted = ((high_u - low_u) / part.spacing_u - 1e-3).ceil().max(0.0) as usize + 1;
            let fits = |each_s: f64| ((budget_s / each_s).floor() as usize).max(1);
            let places = wanted.min(fits(around_s + hold[0]));
            let rounds = fits(places as f64 * (around_s + middle(hold)));
            work_s = (budget_s / (places * rounds) as f64 - around_s).clamp(hold[0], hold[1]);
            visits = Vec::new();
            for round in 0..rounds {
                for place in 0..places {
                    let share = if places == 1 {
                        0.5
                    } else {
                        place as f64 / (places - 1) as f64
                    };
                    let share = if round % 2 == 0 { share } else { 1.0 - share };
                    let u = low_u + share * (high_u - low_u);
                    visits.push([u, u]);
                }
            }
        }
        Plan {
            manner,
            target_n: manner.target_n(part.firmness),
            x_m: part.width_m.unwrap_or(BESIDE_M),
            visits,
            work_s,
            rate_hz: manner.rate_hz.map_or(0.0, middle),
            amplitude_m: manner.amplitude_m.map_or(0.0, middle),
            length_m,
        }
    }

    fn visit_s(&self) -> f64 {
        RAMP_S + self.work_s + RAMP_S + MOVE_S
    }

    fn length_s(&self) -> f64 {
        self.visits.len() as f64 * self.visit_s()
    }

    fn at(&self, t_s: f64) -> Wish {
        let visit = ((t_s / self.visit_s()) as usize).min(self.visits.len() - 1);
        let since_s = t_s - visit as f64 * self.visit_s();
        let [from_u, to_u] = self.visits[visit];
        let next_u = self.visits.get(visit + 1).map_or(to_u, |v| v[0]);
        let worked_s = since_s - RAMP_S;
        let share = (worked_s / self.work_s).clamp(0.0, 1.0);
        let working = (0.0..self.work_s).contains(&worked_s);
        let left_s = worked_s - self.work_s;
        let mut wish = Wish {
            u: from_u + share * (to_u - from_u),
            x_m: self.x_m,
            force_n: 0.0,
            working,
        };
        if left_s >= RAMP_S {
            // On its way, off the skin.
            let way = ((left_s - RAMP_S) / MOVE_S).clamp(0.0, 1.0);
            wish.u = to_u + way * (next_u - to_u);
            return wish;
        }
        let ramp = if worked_s < 0.0 {
            since_s / RAMP_S
        } else if left_s > 0.0 {
            1.0 - left_s / RAMP_S
        } else {
            1.0
        };
        wish.force_n = ramp * self.target_n;
        if !working {
            return wish;
        }
        let phase = TAU * self.rate_hz * worked_s;
        // Grows over the first half second, as a hand's does.
        let swing = (worked_s / 0.5).min(1.0) * self.amplitude_m;
        match self.manner.path {
            Path::Place | Path::Line => {}
            Path::Circle => {
                wish.x_m += swing * phase.sin();
                wish.u += swing * (1.0 - phase.cos()) / self.length_m;
            }
            Path::Across => wish.x_m += swing * phase.sin(),
            Path::Beat => {
                wish.force_n = match self.manner.swing_n {
                    Some(swing_n) => self.target_n + middle(swing_n) * phase.sin(),
                    None => (self.target_n * phase.sin()).max(0.0),
                };
            }
        }
        wish
    }
}
