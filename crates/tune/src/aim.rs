//! How far to press so that a technique's force is felt: the depths of a planned session before it is tuned.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::f64::consts::TAU;

use back::{Body, BodyProblem, EXCLUDED_PRESSURE_PA, Envelope};
use mechanism::{Drive, Kinematics};
use program::{DepthMap, Manner, Step, Technique};
use scene::Scene;
use sim::{Bed, Contact, Rest, Scan, Statics, Subject};

use crate::cast::COARSE_CELL_M;
use crate::response::PATCH_M;
use crate::tuner::keep_out_m;

/// Share of every cap that an aimed press may use: a run is some newtons beside statics (E).
const CAP_SHARE: f64 = 0.85;
/// The same of the cap on the rise of force, which a few angles of a turn tell less well (E).
const RATE_SHARE: f64 = 0.7;
/// Of a press ramp, the share that presses: the rest of it is on the way to the skin (E).
const PRESSED_SHARE: f64 = 0.5;
/// Protrusion is found to this, m.
const CLOSE_M: f64 = 2e-4;
/// Shaft angles of a turn, or of a tap.
const TURN_STEPS: usize = 16;

/// The protrusion at which each part's force is reached on one body by statics, as far as the caps allow; steps without a part take the scene's own
/// table.
///
/// A press aims at the middle of its hold and keeps the caps at its start, where it is strongest. A kneading aims with the peak of its turn, a beat with the tap out.
pub struct Aim<'a> {
    scene: &'a Scene,
    envelope: &'a Envelope,
    subject: Subject,
    statics: Statics,
    kinematics: Kinematics,
    found: RefCell<BTreeMap<(usize, u64), f64>>,
}

impl<'a> Aim<'a> {
    /// Of a scene's machine on a body.
    ///
    /// # Errors
    /// What is implausible about the body.
    pub fn new(
        scene: &'a Scene,
        body: &Body,
        kinematics: &Kinematics,
        envelope: &'a Envelope,
    ) -> Result<Aim<'a>, Vec<BodyProblem>> {
        let coarse = Bed::groundwork(COARSE_CELL_M);
        let subject = Subject::new(scene, body, kinematics, &coarse, envelope)?;
        let statics = Statics::new(scene, &subject, kinematics);
        Ok(Aim {
            scene,
            envelope,
            subject,
            statics,
            kinematics: kinematics.clone(),
            found: RefCell::default(),
        })
    }

    fn seek(&self, manner: &Manner, firmness: f64, step: &Step, u: f64) -> f64 {
        let target_n = manner.target_n(firmness);
        let poses = self.poses(step);
        let [soft, soft_cap] = self.softness(step);
        let walk_m = self.subject.placement.walk_m(u);
        let (mut out_m, mut in_m) = (0.0, self.scene.mechanism.protrude.stroke_m);
        if let Some(sway) = step.sway() {
            // The slide's own sway needs room at both ends.
            out_m += sway.protrude.most();
            in_m -= sway.protrude.most();
        }
        let clearance_m = keep_out_m(step.technique);
        let turn_s = match step.sway() {
            Some(sway) => 1.0 / sway.rate_hz,
            None => TAU / step.turn_rad_s(&self.scene.timing),
        };
        // A beat's rise is averaged over the beat.
        let round = match step.sway() {
            Some(sway) => !sway.tap,
            None => step.technique == Technique::Knead,
        };
        let mut start = Rest::default();
        let mut too_deep = |protrude_m: f64| {
            let mut before: Option<[Contact; 2]> = None;
            poses.iter().any(|[knead_rad, tap_rad, sway_m]| {
                let mut rest = |protrude_m: f64, soft: f64| {
                    let drive = Drive {
                        walk_m,
                        protrude_m: protrude_m + sway_m,
                        knead_rad: *knead_rad,
                        tap_rad: *tap_rad,
                    };
                    let rest = self.statics.rest(&self.subject, &drive, soft, &start);
                    if let Ok(Some(rest)) = rest {
                        start = rest;
                    }
                    rest.ok().flatten().map(|r| r.contacts)
                };
                let (Some(held), Some(first), Some(deeper)) = (
                    rest(protrude_m, soft),
                    rest(protrude_m, soft_cap),
                    rest(protrude_m + clearance_m, soft_cap),
                ) else {
                    return true;
                };
                let force = held.map(|c| c.force_n);
                let felt_n = if manner.takes_both_nodes() {
                    force[0] + force[1]
                } else {
                    force[0].max(force[1])
                };
                let quick = round
                    && before.replace(first).is_some_and(|before| {
                        let rise_n = |i: usize| (first[i].force_n - before[i].force_n).abs();
                        let rate_n_s = rise_n(0).max(rise_n(1)) * TURN_STEPS as f64 / turn_s;
                        rate_n_s > RATE_SHARE * self.envelope.rate_cap_n_s(false)
                    });
                let barred = |c: &Contact| c.barred_peak_pa > EXCLUDED_PRESSURE_PA;
                quick
                    || felt_n > target_n
                    || first.iter().any(|c| self.over(c))
                    || deeper.iter().any(barred)
            })
        };
        while in_m - out_m > CLOSE_M {
            let middle_m = 0.5 * (out_m + in_m);
            if too_deep(middle_m) {
                in_m = middle_m;
            } else {
                out_m = middle_m;
            }
        }
        out_m
    }

    /// Angles of kneading and tapping shaft that are looked at, and how far the slide sways there, m.
    fn poses(&self, step: &Step) -> Vec<[f64; 3]> {
        let park_rad = step.park_deg.to_radians();
        let round = (0..TURN_STEPS).map(|i| TAU * i as f64 / TURN_STEPS as f64);
        // Statics knows the right side: where a crank stands still the left one is half a turn on.
        let cranks = self.scene.mechanism.knead.rod.crank_m > 0.0;
        match step.sway() {
            _ if step.technique == Technique::Knead => {
                round.map(|rad| [park_rad + rad, 0.0, 0.0]).collect()
            }
            Some(sway) if sway.tap => round.map(|rad| [park_rad, rad, 0.0]).collect(),
            Some(sway) => round
                .map(|rad| {
                    let knead_rad = park_rad + sway.knead.value(rad);
                    [knead_rad, 0.0, sway.protrude.value(rad)]
                })
                .collect(),
            None if cranks => vec![[park_rad, 0.0, 0.0], [park_rad, 0.5 * TAU, 0.0]],
            None => vec![[park_rad, 0.0, 0.0]],
        }
    }

    /// How much more the tissue gives than at once: where the technique is aimed, and where the caps are kept.
    fn softness(&self, step: &Step) -> [f64; 2] {
        let timing = &self.scene.timing;
        let Some(creep) = self.subject.bed.creep() else {
            return [1.0; 2];
        };
        let pressed_s = PRESSED_SHARE * timing.press_ramp_s;
        match step.technique {
            Technique::Press => [0.5 * step.hold_s, 0.0]
                .map(|held_s| creep.compliance_after_ramp(pressed_s, held_s)),
            Technique::Roll => [creep.compliance_in_passing(PATCH_M, step.walk_m_s(timing)); 2],
            Technique::Knead => {
                // Half of the patch's way round in a turn is beside it.
                [creep.compliance_in_passing(PATCH_M, PATCH_M * step.turn_rad_s(timing)); 2]
            }
        }
    }

    /// Whether a contact uses more of a cap than it may.
    fn over(&self, contact: &Contact) -> bool {
        if contact.force_n <= 0.0 {
            return false;
        }
        let zone = self.subject.back.zone(contact.u, contact.x_m).zone;
        let envelope = self.envelope;
        let pressed = !envelope.excluded(zone)
            && (contact.force_n > CAP_SHARE * envelope.force_cap_n(zone, contact.area_m2)
                || contact.peak_pa
                    > CAP_SHARE * envelope.peak_pressure_cap_pa(zone, contact.area_m2));
        pressed || contact.depth_m > CAP_SHARE * envelope.push_cap_m(zone)
    }
}

impl DepthMap for Aim<'_> {
    fn protrude_m(&self, technique: Technique, u: f64, level: u8) -> f64 {
        self.scene.depth.protrude_m(technique, u, level)
    }

    fn step_protrude_m(&self, _index: usize, step: &Step, u: f64) -> f64 {
        let part = step.pace.map(|p| p.part);
        let Some((part, asked)) = part.and_then(|p| Some((p, self.scene.session.parts.get(p)?)))
        else {
            return self.protrude_m(step.technique, u, step.level);
        };
        // A part's steps differ in their ends only.
        let key = (part, u.to_bits());
        if let Some(found_m) = self.found.borrow().get(&key) {
            return *found_m;
        }
        let found_m = self.seek(&asked.manner, asked.firmness, step, u);
        self.found.borrow_mut().insert(key, found_m);
        found_m
    }

    fn touch_m(&self, step: &Step, u: f64) -> Option<f64> {
        let walk_m = self.subject.placement.walk_m(u);
        Scan::new(self.scene, &self.subject, &self.kinematics)
            .touch_m(walk_m, step.park_deg.to_radians())
    }

    fn least_roll_m_s(&self, step: &Step) -> Option<f64> {
        let part = self.scene.session.parts.get(step.pace?.part)?;
        part.manner.speed_m_s.map(|band| band[0])
    }
}
