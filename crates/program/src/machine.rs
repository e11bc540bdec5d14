//! A machine as inverse kinematics sees it: axes with limits, and where they put the nodes.

use mechanism::{Hand, Kinematics, Mechanism};

use crate::manner::Need;
use crate::timing::AxisLimits;

/// A machine's forward model. What it has decides what it can do; how fast it is decides how well.
pub trait Machine {
    /// Its axes, in the order of positions.
    fn axes(&self) -> &[Axis];

    /// The middle of the right side's nodes with the axes at `at`, one position an axis: outward from the midline, down the spine,
    /// into the user, m. The spine counts as straight over the few centimetres that it is asked for. `None` where a loop does not close.
    fn place_m(&self, at: &[f64]) -> Option<[f64; 3]>;
}

/// One axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// What it is for.
    pub role: Need,
    /// Position when the nodes touch in the middle of its use, m or rad.
    pub rest: f64,
    /// How far from there it may go to either side, m or rad.
    pub reach: f64,
    /// Its limits.
    pub limits: Rates,
}

/// Speed, acceleration and jerk, per second, second² and second³, in m or rad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Speed.
    pub speed: f64,
    /// Acceleration.
    pub accel: f64,
    /// Jerk.
    pub jerk: f64,
}

/// Time in which an axis reaches its acceleration, s (E): current in the motor and wind-up in the gear.
pub(crate) const JERK_S: f64 = 0.02;

impl Rates {
    pub(crate) fn of(speed: f64, accel: f64) -> Rates {
        Rates {
            speed,
            accel,
            jerk: accel / JERK_S,
        }
    }
}

/// What an axis is called in messages.
pub(crate) fn axis_name(role: Need) -> &'static str {
    match role {
        Need::Protrude => "slide",
        Need::Walk => "carriage",
        Need::Knead => "kneading shaft",
        Need::Width => "width axis",
        Need::Tap => "tapping shaft",
        Need::Hand => "hand",
    }
}

/// The wobble carriage: walk, protrude, knead, and tap where its crank has a throw.
#[derive(Clone, Debug)]
pub struct Carriage {
    kinematics: Kinematics,
    axes: Vec<Axis>,
    /// Half the way of the nodes into the user in a turn of the tapping crank, m.
    tap_m: f64,
}

/// Positions of a carriage's axes in the order of its list.
pub(crate) const WALK: usize = 0;
pub(crate) const PROTRUDE: usize = 1;
pub(crate) const KNEAD: usize = 2;

impl Carriage {
    /// A carriage with its loops closed, or none where they do not close.
    pub fn new(mechanism: &Mechanism) -> Option<Carriage> {
        let kinematics = Kinematics::new(mechanism).ok()?;
        let limits = AxisLimits::of(mechanism);
        let axis = |role, reach, speed, accel| Axis {
            role,
            rest: 0.0,
            reach,
            limits: Rates::of(speed, accel),
        };
        let tap_rad_s = 0.8 * mechanism.motors.tap.no_load_rate();
        let mut axes = vec![
            // Not farther from its station than the next place is.
            axis(Need::Walk, 0.030, limits.walk_m_s, limits.walk_m_s2),
            axis(
                Need::Protrude,
                0.5 * limits.protrude_max_m,
                limits.protrude_m_s,
                limits.protrude_m_s2,
            ),
            axis(
                Need::Knead,
                std::f64::consts::PI,
                limits.knead_rad_s,
                limits.knead_rad_s2,
            ),
        ];
        let mut tap_m = 0.0;
        if mechanism.knead.rod.crank_m > 0.0 {
            axes.push(axis(Need::Tap, f64::INFINITY, tap_rad_s, tap_rad_s / 0.25));
            let into = |turn: u32| {
                let psi = f64::from(turn) * std::f64::consts::TAU / 64.0;
                let side = kinematics.pivot_in_carriage(0.0, psi, Hand::Right).ok()?;
                Some(side.pivot.translation.y)
            };
            let ways: Option<Vec<f64>> = (0..64).map(into).collect();
            let ways = ways?;
            let most = ways.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let least = ways.iter().copied().fold(f64::INFINITY, f64::min);
            tap_m = 0.5 * (most - least);
        }
        Some(Carriage {
            kinematics,
            axes,
            tap_m,
        })
    }

    /// Half the way into the user of a turn of the tapping crank at the narrowest, m; 0 without one.
    pub fn tap_m(&self) -> f64 {
        self.tap_m
    }

    /// Whether it has what is needed. A kneading shaft that stops on its way also moves the nodes sideways.
    pub fn has(&self, need: Need) -> bool {
        match need {
            Need::Width => true,
            need => self.axes.iter().any(|a| a.role == need),
        }
    }

    /// The pivot of the right arm in a whole turn of the shaft: half its way outward, along and into the user, m.
    pub fn orbit_m(&self) -> [f64; 3] {
        let mut low = [f64::INFINITY; 3];
        let mut high = [f64::NEG_INFINITY; 3];
        for turn in 0..72 {
            let theta = f64::from(turn) * std::f64::consts::TAU / 72.0;
            let Some(at) = self.place_m(&[0.0, 0.0, theta]) else {
                continue;
            };
            for i in 0..3 {
                low[i] = low[i].min(at[i]);
                high[i] = high[i].max(at[i]);
            }
        }
        std::array::from_fn(|i| 0.5 * (high[i] - low[i]))
    }

    /// The shaft's angle at which the nodes stand nearest to `width_m` from the midline, rad, and how far off, m. Of the two such angles
    /// the one nearer to 0.
    pub fn park(&self, width_m: f64) -> (f64, f64) {
        let off = |theta: f64| {
            self.place_m(&[0.0, 0.0, theta])
                .map_or(f64::INFINITY, |at| (at[0] - width_m).abs())
        };
        // Every degree, then the golden way in between two of them.
        let degree = 1f64.to_radians();
        let mut best = 0;
        for turn in 1..=180 {
            for angle in [turn, -turn] {
                if off(f64::from(angle) * degree) < off(f64::from(best) * degree) - 1e-9 {
                    best = angle;
                }
            }
        }
        let (mut low, mut high) = (f64::from(best - 1) * degree, f64::from(best + 1) * degree);
        for _ in 0..60 {
            let (a, b) = (low + 0.382 * (high - low), low + 0.618 * (high - low));
            if off(a) < off(b) {
                high = b;
            } else {
                low = a;
            }
        }
        let found = 0.5 * (low + high);
        (found, off(found))
    }
}

impl Machine for Carriage {
    fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The rocker's pivot: the rocker turns about it so that both nodes follow the back. The tapping crank stands still.
    fn place_m(&self, at: &[f64]) -> Option<[f64; 3]> {
        let side = self
            .kinematics
            .pivot_in_carriage(at[KNEAD], 0.0, Hand::Right)
            .ok()?;
        let pivot = side.pivot.translation;
        Some([pivot.x, at[WALK] - pivot.z, at[PROTRUDE] + pivot.y])
    }
}
