//! How a machine's firmware finds the shoulders of who sits there: a state machine over its own sensors.

use serde::{Deserialize, Serialize};

use crate::timing::AxisLimits;

/// What the machine's sensors say, as coarsely as they do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensed {
    /// Carriage from the top of the track, by the walk motor's pulses, m.
    pub walk_m: f64,
    /// Slide out of the retracted position, by its motor's pulses, m.
    pub protrude_m: f64,
    /// Angle of the arms, positive where the upper nodes are ahead, rad.
    pub arm_rad: f64,
    /// Force of the nodes of one side, mean of both, N.
    pub force_n: f64,
}

/// How fast the axes shall go.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AxisSpeeds {
    /// Carriage, m/s, positive down the back.
    pub walk_m_s: f64,
    /// Slide, m/s, positive into the user.
    pub protrude_m_s: f64,
}

/// Where the scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScanStage {
    /// Out until the back is felt.
    Reach,
    /// Up at the weakest force.
    Rise,
    /// Further up, pressed harder, until the upper nodes are over the shoulder.
    Climb,
    /// A little further at the weakest force.
    Clear,
    /// Down again, the slide held, until the shoulder bears the nodes.
    Descend,
    /// Found.
    Found,
    /// Given up: the track ended, or the shoulder never bore the nodes.
    Lost,
}

impl ScanStage {
    /// In a word, as files have it.
    pub fn name(self) -> &'static str {
        match self {
            ScanStage::Reach => "reach",
            ScanStage::Rise => "rise",
            ScanStage::Climb => "climb",
            ScanStage::Clear => "clear",
            ScanStage::Descend => "descend",
            ScanStage::Found => "found",
            ScanStage::Lost => "lost",
        }
    }
}

/// What the sensors said at a moment worth keeping.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// Carriage, m.
    pub walk_m: f64,
    /// Slide, m.
    pub protrude_m: f64,
    /// Arms, rad.
    pub arm_rad: f64,
    /// The slide was at the end of its stroke: it could not follow the force.
    pub all_out: bool,
}

/// What the scan goes by. All estimates: makers publish the order of the forces and not their values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanPlan {
    /// Where it begins to press harder, carriage from the top of the track, m: under everybody's shoulders.
    pub climb_from_m: f64,
    /// Weakest force P1, then P2 under which it climbs, and P3 that is felt when the shoulder bears the nodes again, N a side.
    pub forces_n: [f64; 3],
    /// Speed up the back, m/s.
    pub rise_m_s: f64,
    /// The same pressed harder, m/s: where the back comes nearer, the slide gives way behind it, and the force is more by what that lags.
    pub climb_m_s: f64,
    /// Speed down onto the shoulder, m/s.
    pub descend_m_s: f64,
    /// How much further up it goes from the provisional shoulder, m.
    pub clear_m: f64,
    /// How far below that it looks for the force, m.
    pub below_m: f64,
    /// Arms that stand at this angle have nothing before their upper nodes, rad.
    pub swung_rad: f64,
}

/// The state machine: two published ways, one after the other.
///
/// - Up at the weakest force P1, further up under P2. The provisional shoulder is where the arms swing, their upper nodes having nothing
///   before them any more (the first of three signs in CN 201910866819; the other two, current and speed of the walk motor, it calls poor
///   for sprung arms). There the contact drops over the top (JP2011-172638).
/// - A little further, and down with the slide held until P3 is felt: that is the shoulder (JP2011-172638).
#[derive(Clone, Debug)]
pub struct ShoulderFinder {
    plan: ScanPlan,
    limits: AxisLimits,
    stage: ScanStage,
    speeds: AxisSpeeds,
    turned_m: f64,
    swung: Option<Sighting>,
    borne: Option<Sighting>,
}

/// Slide speed for an error of force, m/s per N: full speed for 15 N (E).
const GAIN_M_S_N: f64 = 0.025 / 15.0;
/// Share of a force at which it is reached: the last of it takes long.
const FELT: f64 = 0.9;
/// Nearer than this to its end an axis has arrived, m.
const AT_END_M: f64 = 0.0015;

impl ShoulderFinder {
    /// At home, retracted, the nodes wide apart.
    pub fn new(plan: ScanPlan, limits: AxisLimits) -> ShoulderFinder {
        ShoulderFinder {
            plan,
            limits,
            stage: ScanStage::Reach,
            speeds: AxisSpeeds::default(),
            turned_m: 0.0,
            swung: None,
            borne: None,
        }
    }

    /// Where it is.
    pub fn stage(&self) -> ScanStage {
        self.stage
    }

    /// Nothing more to do.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, ScanStage::Found | ScanStage::Lost)
    }

    /// The provisional shoulder: where the arms swung.
    pub fn swung(&self) -> Option<Sighting> {
        self.swung
    }

    /// Where the shoulder bore the nodes.
    pub fn borne(&self) -> Option<Sighting> {
        self.borne
    }

    /// Reads the sensors and says how fast to go for the next `dt_s`.
    pub fn step(&mut self, sensed: &Sensed, dt_s: f64) -> AxisSpeeds {
        self.look(sensed);
        let [p1, p2, _] = self.plan.forces_n;
        let press = |wanted_n: f64| {
            let most = self.limits.protrude_m_s;
            (GAIN_M_S_N * (wanted_n - sensed.force_n)).clamp(-most, most)
        };
        let (walk_m_s, protrude_m_s) = match self.stage {
            ScanStage::Reach => (0.0, press(p1)),
            ScanStage::Rise | ScanStage::Clear => (-self.plan.rise_m_s, press(p1)),
            ScanStage::Climb => (-self.plan.climb_m_s, press(p2)),
            ScanStage::Descend => (self.plan.descend_m_s, 0.0),
            ScanStage::Found | ScanStage::Lost => (0.0, 0.0),
        };
        self.slew(walk_m_s, protrude_m_s, dt_s)
    }

    /// Goes on to the next stage where the sensors say so.
    fn look(&mut self, sensed: &Sensed) {
        let [p1, _, p3] = self.plan.forces_n;
        let here = Sighting {
            walk_m: sensed.walk_m,
            protrude_m: sensed.protrude_m,
            arm_rad: sensed.arm_rad,
            all_out: sensed.protrude_m >= self.limits.protrude_max_m - AT_END_M,
        };
        let (top_m, bottom_m) = self.limits.walk_range_m;
        let at_top = sensed.walk_m <= top_m + AT_END_M;
        match self.stage {
            // A hollow may lie out of reach: the back comes nearer further up.
            ScanStage::Reach if sensed.force_n >= FELT * p1 || here.all_out => {
                self.stage = ScanStage::Rise
            }
            ScanStage::Rise if sensed.walk_m <= self.plan.climb_from_m => {
                self.stage = ScanStage::Climb;
            }
            ScanStage::Climb if sensed.arm_rad >= self.plan.swung_rad => {
                self.swung = Some(here);
                self.turned_m = sensed.walk_m - self.plan.clear_m;
                self.stage = ScanStage::Clear;
            }
            ScanStage::Climb if at_top => self.stage = ScanStage::Lost,
            ScanStage::Clear if sensed.walk_m <= self.turned_m || at_top => {
                self.turned_m = sensed.walk_m;
                self.stage = ScanStage::Descend;
            }
            // While it brakes and turns the force of the way up dies away.
            ScanStage::Descend if self.speeds.walk_m_s > 0.0 && sensed.force_n >= p3 => {
                self.borne = Some(here);
                self.stage = ScanStage::Found;
            }
            ScanStage::Descend
                if sensed.walk_m >= self.turned_m + self.plan.clear_m + self.plan.below_m
                    || sensed.walk_m >= bottom_m - AT_END_M =>
            {
                self.stage = ScanStage::Lost;
            }
            _ => {}
        }
    }

    /// Speeds change within the axes' accelerations.
    fn slew(&mut self, walk_m_s: f64, protrude_m_s: f64, dt_s: f64) -> AxisSpeeds {
        let towards =
            |from: f64, to: f64, accel: f64| from + (to - from).clamp(-accel * dt_s, accel * dt_s);
        let limits = &self.limits;
        let walk_m_s = walk_m_s.clamp(-limits.walk_m_s, limits.walk_m_s);
        self.speeds = AxisSpeeds {
            walk_m_s: towards(self.speeds.walk_m_s, walk_m_s, limits.walk_m_s2),
            protrude_m_s: towards(self.speeds.protrude_m_s, protrude_m_s, limits.protrude_m_s2),
        };
        self.speeds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: AxisLimits = AxisLimits {
        walk_range_m: (0.06, 0.70),
        walk_m_s: 0.05,
        walk_m_s2: 0.2,
        protrude_max_m: 0.09,
        protrude_m_s: 0.025,
        protrude_m_s2: 0.1,
        knead_rad_s: 3.0,
        knead_rad_s2: 12.0,
    };
    const PLAN: ScanPlan = ScanPlan {
        climb_from_m: 0.42,
        forces_n: [15.0, 40.0, 25.0],
        rise_m_s: 0.030,
        climb_m_s: 0.030,
        descend_m_s: 0.015,
        clear_m: 0.030,
        below_m: 0.060,
        swung_rad: 0.40,
    };

    /// A wall of 2 N/mm whose top edge stands at a carriage position of `edge_m`; arms swing over it, and nothing is felt above.
    fn scan(edge_m: f64) -> (ShoulderFinder, f64) {
        let mut finder = ShoulderFinder::new(PLAN, LIMITS);
        let (mut walk_m, mut protrude_m, mut t_s, dt_s) = (0.48, 0.0_f64, 0.0, 0.004);
        let mut before = AxisSpeeds::default();
        while !finder.is_done() && t_s < 90.0 {
            let over = walk_m < edge_m;
            let force_n: f64 = if over { 0.0 } else { 2e3 * (protrude_m - 0.05) };
            let sensed = Sensed {
                walk_m,
                protrude_m,
                arm_rad: if over { 0.43 } else { 0.1 },
                force_n: force_n.max(0.0),
            };
            let speeds = finder.step(&sensed, dt_s);
            let most = LIMITS.walk_m_s2 * dt_s + 1e-12;
            assert!((speeds.walk_m_s - before.walk_m_s).abs() <= most);
            assert!(speeds.protrude_m_s.abs() <= LIMITS.protrude_m_s);
            before = speeds;
            walk_m += speeds.walk_m_s * dt_s;
            protrude_m = (protrude_m + speeds.protrude_m_s * dt_s).clamp(0.0, 0.09);
            t_s += dt_s;
        }
        (finder, t_s)
    }

    /// It sees the edge on its way up and again on its way down, both within a step's way (0.1 mm), in about the time that its speeds say:
    /// 50 mm of slide at 25 mm/s, 280 and 30 mm up at 30 mm/s, 30 mm down at 15 mm/s make 14.3 s, and the slide creeps to its force for 2 s more.
    #[test]
    fn an_edge_is_seen_twice() {
        let (finder, took_s) = scan(0.20);
        assert_eq!(finder.stage(), ScanStage::Found);
        for sighting in [finder.swung(), finder.borne()] {
            let at_m = sighting.expect("seen").walk_m;
            assert!((at_m - 0.20).abs() < 2e-4, "{at_m}");
        }
        assert!((14.0..18.0).contains(&took_s), "{took_s}");
    }

    #[test]
    fn a_wall_without_a_top_has_no_shoulder() {
        let (finder, _) = scan(0.0);
        assert_eq!(finder.stage(), ScanStage::Lost);
        assert_eq!((finder.swung(), finder.borne()), (None, None));
    }
}
