//! What the body scan tells beyond the stations: where the user begins.

use mechanism::Drive;
use program::Technique;
use scene::Study;
use sim::{Rest, Statics, Subject};

use crate::tuned::RETRACTED_M;

/// Force at which a scan calls it touch, N on both nodes of a side (estimate). It is what a gentle press has: nearer to it bodies
/// differ less in force, and further off more. At 15 N the band share is 6 points lower (chapter).
const TOUCH_N: f64 = 25.0;
/// How far along the back a kneading orbit carries the rocker's pivot from its station: about 20 mm. That nodes lie above and
/// below the pivot is in the scan already, which touches with both.
const KNEAD_REACH_U: [f64; 5] = [-0.04, -0.02, 0.0, 0.02, 0.04];
/// Force at which contact begins, N on both nodes of a side: next to nothing.
const BEGIN_N: f64 = 0.5;
/// What a scan resolves, m (estimate).
const RESOLUTION_M: f64 = 0.001;

/// Protrusion at which the nodes meet the user, over the study's stations.
///
/// A chair finds it while it looks for the shoulders: it rolls along the back at its weakest force and keeps the
/// protrusion. Depths are counted from it, so that a hollow back and a round one get the same press. Here the scan is
/// ideal but for its resolution.
#[derive(Clone, Debug)]
pub(crate) struct TouchProfile {
    first_u: f64,
    u_per_point: f64,
    protrude_m: Vec<f64>,
    /// Protrusion at which contact begins, m. No chair measures it; it tells for how long a ramp has pressed.
    begin_m: Vec<f64>,
}

impl TouchProfile {
    pub fn scan(study: &Study, subject: &Subject, statics: &Statics) -> TouchProfile {
        let stations = study.stations.all_u();
        let stroke_m = study.scene.mechanism.protrude.stroke_m;
        let park_rad = study
            .scene
            .session
            .steps
            .first()
            .map_or(0.0, |s| s.park_deg.to_radians());
        let found: Vec<[f64; 2]> = stations
            .iter()
            .map(|u| {
                let walk_m = subject.placement.walk_m(*u);
                let force_n = |protrude_m: f64| {
                    let drive = Drive {
                        walk_m,
                        protrude_m,
                        knead_rad: park_rad,
                        tap_rad: 0.0,
                    };
                    let rest = statics.rest(subject, &drive, 1.0, &Rest::default());
                    rest.ok().flatten().map_or(f64::INFINITY, |r| {
                        r.contacts.iter().map(|c| c.force_n).sum()
                    })
                };
                let reach_m = |limit_n: f64, mut out_m: f64, mut in_m: f64| {
                    while in_m - out_m > 0.25 * RESOLUTION_M {
                        let middle = 0.5 * (out_m + in_m);
                        if force_n(middle) > limit_n {
                            in_m = middle
                        } else {
                            out_m = middle
                        }
                    }
                    in_m
                };
                let touch_m = reach_m(TOUCH_N, 0.0, stroke_m);
                let begin_m = reach_m(BEGIN_N, (touch_m - 0.02).max(0.0), touch_m);
                [(touch_m / RESOLUTION_M).round() * RESOLUTION_M, begin_m]
            })
            .collect();
        let last = stations.len() - 1;
        TouchProfile {
            first_u: stations[0],
            u_per_point: (stations[last] - stations[0]) / last.max(1) as f64,
            protrude_m: found.iter().map(|f| f[0]).collect(),
            begin_m: found.iter().map(|f| f[1]).collect(),
        }
    }

    /// The command for a depth from touch: within the stroke, and all the way in for [`RETRACTED_M`].
    pub fn command_m(&self, technique: Technique, u: f64, depth_m: f64, stroke_m: f64) -> f64 {
        if depth_m <= RETRACTED_M {
            0.0
        } else {
            (self.datum_m(technique, u) + depth_m).clamp(0.0, stroke_m)
        }
    }

    /// Protrusion that a technique's depths are counted from, m. A kneading orbit and its rocker reach up and down the back:
    /// they count from where the user is nearest within that reach, or a hollow would let them run into its rims.
    pub fn datum_m(&self, technique: Technique, u: f64) -> f64 {
        match technique {
            Technique::Press | Technique::Roll => self.protrude_m(u),
            Technique::Knead => KNEAD_REACH_U
                .iter()
                .map(|reach| self.protrude_m(u + reach))
                .fold(f64::INFINITY, f64::min),
        }
    }

    /// Protrusion at touch, m; held constant beyond the scanned stations.
    pub fn protrude_m(&self, u: f64) -> f64 {
        self.at(&self.protrude_m, u)
    }

    /// For how long a ramp of `ramp_s` from the retracted position to `protrude_m` presses, s.
    pub fn pressed_s(&self, u: f64, protrude_m: f64, ramp_s: f64) -> f64 {
        let free = self.at(&self.begin_m, u) / protrude_m.max(1e-6);
        ramp_s * (1.0 - free).max(0.0)
    }

    fn at(&self, profile: &[f64], u: f64) -> f64 {
        let last = profile.len() - 1;
        let x = ((u - self.first_u) / self.u_per_point).clamp(0.0, last as f64);
        let i = (x as usize).min(last.saturating_sub(1));
        let next = profile[(i + 1).min(last)];
        profile[i] + (x - i as f64) * (next - profile[i])
    }
}
