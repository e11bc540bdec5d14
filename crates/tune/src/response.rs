//! What one body feels at every station and protrusion, technique by technique.

use crate::cast::{Player, Stage, knead_rad_s, roll_m_s};
use back::{EXCLUDED_PRESSURE_PA, Limits, Zone};
use mechanism::Drive;
use program::Technique;
use serde::{Deserialize, Serialize};
use sim::{Contact, Rest};

/// Depth of the first sample, m from touch.
pub(crate) const FIRST_M: f64 = -0.026;
/// Spacing of the samples, m.
pub(crate) const STEP_M: f64 = 0.005;
/// A node that presses less is not in effective contact, N.
pub(crate) const CONTACT_N: f64 = 5.0;
/// Depth of the last sample, m from touch.
pub(crate) const DEEPEST_M: f64 = 0.049;
/// Radius of a patch, m: what a passing node goes on by while the skin under it relaxes. In the shipped chair 8 to 12 mm; a
/// fifth more or less is 1 % of the force.
pub(crate) const PATCH_M: f64 = 0.010;
/// Shaft angles of a kneading turn.
const TURN_STEPS: usize = 16;
/// Beyond this multiple of a cap nothing more is sampled.
const HOPELESS: f64 = 2.5;

/// What a node does in one sample of a technique: pressure over the median pain pressure, and force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Feel {
    pub fraction: f64,
    /// Pressure over this body's own pain pressure.
    pub own_fraction: f64,
    pub force_n: f64,
    /// The zone's force cap as a fraction of the pain pressure, for this contact's area.
    pub cap_fraction: f64,
    pub cap_n: f64,
    /// Where it touches; between two samples as in the deeper one.
    pub zone: Zone,
}

/// Which limit is nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Node force.
    Force,
    /// Local pressure.
    Pressure,
    /// Pressure where none may be.
    KeepOut,
    /// Rise of the force.
    Rate,
    /// No balance: the trunk leaves the pad.
    Balance,
    /// Node inside the resting skin, or pushed out from touch, further than is allowed there.
    Push,
}

/// One cell of a response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// Press: both nodes at the start and the end of the hold. Knead, roll: both nodes at their peak.
    pub feels: Vec<Feel>,
    /// Nearest limit: value over cap, which, and where.
    pub load: f64,
    pub bound: Option<(Bound, Zone)>,
    /// Value over cap of the keep-out alone, and of all other limits.
    pub keep_out: f64,
    pub press: f64,
    /// How much more the tissue gives by the end of the ramp than at once.
    soft: f64,
}

/// Samples at `FIRST_M + i STEP_M`, ending where a cap is hopelessly passed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Curve {
    samples: Vec<Sample>,
}

impl Curve {
    /// Samples a technique at a station, deeper and deeper.
    pub fn sample(stage: &Stage<'_>, player: &Player, technique: Technique, u: f64) -> Curve {
        let mut samples: Vec<Sample> = Vec::new();
        let mut start = Rest::default();
        let mut depth_m = FIRST_M;
        while depth_m <= DEEPEST_M + 1e-9 {
            let mut sample = feel(stage, player, technique, u, depth_m, &mut start);
            if let Some(before) = samples.last() {
                approach_rate(
                    stage,
                    player.touch.datum_m(technique, u) + depth_m,
                    before,
                    &mut sample,
                );
            }
            let hopeless = sample.load > HOPELESS;
            samples.push(sample);
            if hopeless {
                break;
            }
            depth_m += STEP_M;
        }
        Curve { samples }
    }

    /// Largest depth that was sampled, m from touch.
    pub fn last_m(&self) -> f64 {
        FIRST_M + STEP_M * (self.samples.len().max(1) - 1) as f64
    }

    /// Value over cap at a depth; beyond the last sample the last value grows with the depth.
    pub fn load(&self, depth_m: f64) -> f64 {
        self.chord(depth_m, |s| s.load)
    }

    /// The same of the keep-out alone.
    pub fn keep_out(&self, depth_m: f64) -> f64 {
        self.chord(depth_m, |s| s.keep_out)
    }

    /// The same of all limits but the keep-out.
    pub fn press(&self, depth_m: f64) -> f64 {
        self.chord(depth_m, |s| s.press)
    }

    /// Force grows faster than depth, so the chord lies above the curve: on the safe side.
    fn chord(&self, depth_m: f64, value: impl Fn(&Sample) -> f64) -> f64 {
        let (i, f) = self.split(depth_m);
        let last = self.samples.len() - 1;
        let over = ((depth_m - self.last_m()) / STEP_M).max(0.0);
        let (a, b) = (
            value(&self.samples[i]),
            value(&self.samples[(i + 1).min(last)]),
        );
        (a + f * (b - a)) * (1.0 + over)
    }

    /// Which limit is nearest at a depth.
    pub fn bound(&self, depth_m: f64) -> Option<(Bound, Zone)> {
        let (i, f) = self.split(depth_m);
        self.samples[if f > 0.5 {
            (i + 1).min(self.samples.len() - 1)
        } else {
            i
        }]
        .bound
    }

    /// What nodes in contact do at a depth.
    pub fn feels(&self, depth_m: f64) -> impl Iterator<Item = Feel> + '_ {
        let (i, f) = self.split(depth_m);
        let last = self.samples.len() - 1;
        let (a, b) = (
            &self.samples[i].feels,
            &self.samples[(i + 1).min(last)].feels,
        );
        a.iter().zip(b).map(move |(a, b)| {
            let mix = |x: f64, y: f64| x + f * (y - x);
            Feel {
                fraction: mix(a.fraction, b.fraction),
                own_fraction: mix(a.own_fraction, b.own_fraction),
                force_n: mix(a.force_n, b.force_n),
                cap_fraction: mix(a.cap_fraction, b.cap_fraction),
                cap_n: mix(a.cap_n, b.cap_n),
                zone: b.zone,
            }
        })
    }

    fn split(&self, depth_m: f64) -> (usize, f64) {
        let x = ((depth_m - FIRST_M) / STEP_M).clamp(0.0, (self.samples.len() - 1) as f64);
        let i = (x as usize).min(self.samples.len() - 1);
        (i, x - i as f64)
    }
}

/// The rise of the force while the slide comes out over the ramp, from one sample to the next deeper one. Tissue that has
/// relaxed meets further travel as if at once, so the slope is `soft` times that of the relaxed forces: on the safe side, since it relaxes on.
fn approach_rate(stage: &Stage<'_>, protrude_m: f64, before: &Sample, sample: &mut Sample) {
    let scene = &stage.study.scene;
    let speed_m_s = protrude_m.max(0.0) / scene.timing.press_ramp_s;
    let speed_m_s = speed_m_s.min(scene.mechanism.protrude.speed_max_m_s);
    for (a, b) in before.feels.iter().zip(&sample.feels) {
        let rate_n_s = sample.soft * (b.force_n - a.force_n) / STEP_M * speed_m_s;
        let load = rate_n_s / stage.envelope.rate_cap_n_s(false);
        sample.press = sample.press.max(load);
        if load > sample.load {
            sample.load = load;
            sample.bound = Some((Bound::Rate, b.zone));
        }
    }
}

/// One technique at one station and depth, by statics.
pub(crate) fn feel(
    stage: &Stage<'_>,
    player: &Player,
    technique: Technique,
    u: f64,
    depth_m: f64,
    start: &mut Rest,
) -> Sample {
    let stroke_m = stage.study.scene.mechanism.protrude.stroke_m;
    let protrude_m = player.touch.command_m(technique, u, depth_m, stroke_m);
    let timing = &stage.study.scene.timing;
    let hold_s = stage
        .study
        .scene
        .session
        .steps
        .iter()
        .map(|s| s.hold_s)
        .fold(0.0, f64::max);
    let creep = player.subject.bed.creep();
    let after_ramp = |held_s: f64| {
        let pressed_s = player.touch.pressed_s(u, protrude_m, timing.press_ramp_s);
        creep.map_or(1.0, |c| c.compliance_after_ramp(pressed_s, held_s))
    };
    let in_passing =
        |speed_m_s: f64| creep.map_or(1.0, |c| c.compliance_in_passing(PATCH_M, speed_m_s));
    let park_rad = park_rad(stage, technique);
    let walk_m = player.subject.placement.walk_m(u);
    let drive = |knead_rad: f64| Drive {
        walk_m,
        protrude_m,
        knead_rad,
        tap_rad: 0.0,
    };
    let mut judge = Judge {
        stage,
        player,
        depth_m,
        sample: Sample {
            soft: after_ramp(0.0),
            ..Sample::default()
        },
    };
    match technique {
        Technique::Press => {
            for held_s in [0.0, hold_s] {
                let nodes = judge.rest(&drive(park_rad), after_ramp(held_s), start);
                judge.keep(nodes.unwrap_or_default());
            }
        }
        Technique::Roll => {
            let nodes = judge.rest(
                &drive(park_rad),
                in_passing(roll_m_s(&stage.study.scene)),
                start,
            );
            judge.keep(nodes.unwrap_or_default());
        }
        Technique::Knead => {
            let turn_s = std::f64::consts::TAU / knead_rad_s(&stage.study.scene);
            let soft = in_passing(stage.knead_m_s);
            let mut peak = [Contact::default(); 2];
            let mut before: Option<[Contact; 2]> = None;
            let mut first = None;
            for i in 0..TURN_STEPS {
                let theta = park_rad + std::f64::consts::TAU * i as f64 / TURN_STEPS as f64;
                let Some(nodes) = judge.rest(&drive(theta), soft, start) else {
                    break;
                };
                first = first.or(Some(nodes));
                if let Some(before) = before {
                    judge.rate(&before, &nodes, turn_s / TURN_STEPS as f64);
                }
                before = Some(nodes);
                for (peak, node) in peak.iter_mut().zip(nodes) {
                    if judge.fraction(&node) > judge.fraction(peak) {
                        *peak = node;
                    }
                }
            }
            if let (Some(before), Some(first)) = (before, first) {
                judge.rate(&before, &first, turn_s / TURN_STEPS as f64);
            }
            judge.keep(peak);
        }
    }
    judge.sample
}

/// Where the kneading shaft stands for a technique: as the session's first step of it says.
pub(crate) fn park_rad(stage: &Stage<'_>, technique: Technique) -> f64 {
    let steps = &stage.study.scene.session.steps;
    steps
        .iter()
        .find(|s| s.technique == technique)
        .or(steps.first())
        .map_or(0.0, |s| s.park_deg.to_radians())
}

/// Compares contacts with the envelope and keeps the worst.
struct Judge<'a> {
    stage: &'a Stage<'a>,
    player: &'a Player,
    /// From touch: more than the overlap of node and skin, where the trunk gives way.
    depth_m: f64,
    sample: Sample,
}

impl Judge<'_> {
    /// A balance, looked at against the caps. `None` without one.
    fn rest(&mut self, drive: &Drive, soft: f64, start: &mut Rest) -> Option<[Contact; 2]> {
        let found = self
            .player
            .statics
            .rest(&self.player.subject, drive, soft, start)
            .ok()
            .flatten();
        match found {
            Some(rest) => {
                *start = rest;
                for contact in &rest.contacts {
                    self.look(contact);
                }
                Some(rest.contacts)
            }
            _ => {
                *start = Rest::default();
                self.worse(10.0, Bound::Balance, Zone::LP);
                None
            }
        }
    }

    fn look(&mut self, contact: &Contact) {
        if contact.force_n <= 0.0 {
            return;
        }
        let zone = self.zone(contact);
        let envelope = &self.stage.envelope;
        if !envelope.excluded(zone) {
            self.worse(
                contact.force_n / envelope.force_cap_n(zone, contact.area_m2).max(1e-9),
                Bound::Force,
                zone,
            );
            self.worse(
                contact.peak_pa / envelope.peak_pressure_cap_pa(zone, contact.area_m2),
                Bound::Pressure,
                zone,
            );
        }
        self.worse(
            contact.depth_m.max(self.depth_m) / envelope.push_cap_m(zone),
            Bound::Push,
            zone,
        );
        self.worse(
            contact.barred_peak_pa / EXCLUDED_PRESSURE_PA,
            Bound::KeepOut,
            zone,
        );
    }

    fn rate(&mut self, before: &[Contact; 2], after: &[Contact; 2], dt_s: f64) {
        for (a, b) in before.iter().zip(after) {
            let rate_n_s = (b.force_n - a.force_n) / dt_s;
            self.worse(
                rate_n_s / self.stage.envelope.rate_cap_n_s(false),
                Bound::Rate,
                self.zone(b),
            );
        }
    }

    fn worse(&mut self, load: f64, bound: Bound, zone: Zone) {
        let kind = if bound == Bound::KeepOut {
            &mut self.sample.keep_out
        } else {
            &mut self.sample.press
        };
        *kind = kind.max(load);
        if load > self.sample.load {
            self.sample.load = load;
            self.sample.bound = Some((bound, zone));
        }
    }

    fn zone(&self, contact: &Contact) -> Zone {
        self.player.subject.back.zone(contact.u, contact.x_m).zone
    }

    fn fraction(&self, contact: &Contact) -> f64 {
        if contact.area_m2 <= 0.0 {
            return 0.0;
        }
        contact.mean_pa()
            / self
                .stage
                .envelope
                .reference_pressure_pa(self.zone(contact), contact.area_m2)
    }

    fn keep(&mut self, contacts: [Contact; 2]) {
        for contact in contacts {
            let zone = self.zone(&contact);
            let cap_n = self.stage.envelope.force_cap_n(zone, contact.area_m2);
            let fraction = self.fraction(&contact);
            let cap_fraction = if contact.force_n > 0.0 {
                fraction * cap_n / contact.force_n
            } else {
                0.0
            };
            let median_pa = Limits::builtin().median_ppt1_pa(zone);
            let own_pa = self.stage.envelope.own_ppt1_pa(
                &self.player.subject.back,
                zone,
                contact.u,
                contact.x_m,
            );
            let own_fraction = fraction * median_pa / own_pa;
            self.sample.feels.push(Feel {
                fraction,
                own_fraction,
                force_n: contact.force_n,
                cap_fraction,
                cap_n,
                zone,
            });
        }
    }
}
