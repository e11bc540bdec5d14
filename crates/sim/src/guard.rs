//! Watches every step against the one envelope of limits.

use crate::touch::Contact;
use back::{Back, EXCLUDED_PRESSURE_PA, Envelope, Zone};
use serde::{Deserialize, Serialize};

/// Which limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Node force over the zone's cap, N.
    Force,
    /// Local pressure over the zone's cap, Pa.
    Pressure,
    /// Node pressure where none may be (keep-out or excluded zone), Pa.
    KeepOut,
    /// Rise of the force, N/s.
    Rate,
    /// Contact above a fraction of the pain threshold for too long, s.
    Dwell,
    /// Shear force over normal force.
    Shear,
    /// Node inside the resting skin where that is limited, m.
    Push,
    /// Pressure over time on one place of the skin, Pa s. The node is the upper one of its side.
    Dose,
    /// Length of the session, s. The node is the first, which stands for the machine.
    Session,
}

/// A limit passed by one node in one zone: the worst of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// Which limit.
    pub limit: Limit,
    /// Node, 0 to 3: left upper, left lower, right upper, right lower.
    pub node: usize,
    /// Zone under the node.
    pub zone: Zone,
    /// First time, s.
    pub t_s: f64,
    /// Worst value, in the limit's unit.
    pub value: f64,
    /// What was allowed then.
    pub allowed: f64,
}

/// A node that presses less says nothing about shear: the ratio of two small forces, N.
const SHEAR_FROM_N: f64 = 5.0;

/// Time constant of the rate's filter, s: a rate that lasts, not a step of the solver.
const RATE_FILTER_S: f64 = 0.05;

/// The guard of one run.
#[derive(Clone, Debug)]
pub struct Guard {
    envelope: Envelope,
    percussive: bool,
    slow_force_n: [f64; 4],
    dwell_s: [[f64; 2]; 4],
    /// How long a node has pressed harder than the lower of the two fault forces, s.
    fault_s: [f64; 4],
    violations: Vec<Violation>,
}

impl Guard {
    /// Watches four nodes under an envelope.
    pub fn new(envelope: Envelope) -> Guard {
        Guard {
            envelope,
            percussive: false,
            slow_force_n: [0.0; 4],
            dwell_s: [[0.0; 2]; 4],
            fault_s: [0.0; 4],
            violations: Vec::new(),
        }
    }

    /// A force at which the machine has failed, whatever it was told: the node's force and the ceiling, N. Call it once a step.
    pub(crate) fn failed(&mut self, node: usize, force_n: f64, dt_s: f64) -> Option<(f64, f64)> {
        let over = force_n > self.envelope.fault_force_n(f64::INFINITY);
        self.fault_s[node] = if over { self.fault_s[node] + dt_s } else { 0.0 };
        let ceiling_n = self.envelope.fault_force_n(self.fault_s[node]);
        (force_n > ceiling_n).then_some((force_n, ceiling_n))
    }

    /// Looks at the time of the session after a step.
    pub(crate) fn watch_clock(&mut self, zone: Zone, t_s: f64) {
        let allowed = self.envelope.session_max_s();
        if t_s > allowed {
            // One entry, wherever the node is.
            let zone = self
                .violations
                .iter()
                .find(|v| v.limit == Limit::Session)
                .map_or(zone, |v| v.zone);
            self.record(Violation {
                limit: Limit::Session,
                node: 0,
                zone,
                t_s,
                value: t_s,
                allowed,
            });
        }
    }

    /// Looks at what one place of the skin has borne in the end.
    pub(crate) fn watch_dose(&mut self, back: &Back, u: f64, x_m: f64, t_s: f64, dose_pa_s: f64) {
        let allowed = self.envelope.dose_cap_pa_s();
        if dose_pa_s > allowed {
            let node = if x_m < 0.0 { 0 } else { 2 };
            let zone = back.zone(u, x_m).zone;
            self.record(Violation {
                limit: Limit::Dose,
                node,
                zone,
                t_s,
                value: dose_pa_s,
                allowed,
            });
        }
    }

    /// The limits it watches.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Every limit passed so far, one entry per limit, node and zone.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Looks at one node after a step; returns its zone.
    pub fn watch(
        &mut self,
        back: &Back,
        node: usize,
        contact: &Contact,
        t_s: f64,
        dt_s: f64,
    ) -> Zone {
        let place = back.zone(contact.u, contact.x_m);
        let zone = place.zone;
        let mut found = [None; 8];
        if contact.force_n > 0.0 {
            let cap_n = self.envelope.force_cap_n(zone, contact.area_m2);
            let peak_cap_pa = self.envelope.peak_pressure_cap_pa(zone, contact.area_m2);
            let barred = self.envelope.excluded(zone);
            found[0] = (!barred && contact.force_n > cap_n).then_some((
                Limit::Force,
                contact.force_n,
                cap_n,
            ));
            found[1] = (!barred && contact.peak_pa > peak_cap_pa).then_some((
                Limit::Pressure,
                contact.peak_pa,
                peak_cap_pa,
            ));
            found[2] = (contact.barred_peak_pa > EXCLUDED_PRESSURE_PA).then_some((
                Limit::KeepOut,
                contact.barred_peak_pa,
                EXCLUDED_PRESSURE_PA,
            ));
            let shear = contact.shear_n[0].hypot(contact.shear_n[1]) / contact.force_n;
            let slides = contact.force_n > SHEAR_FROM_N && shear > self.envelope.shear_cap();
            found[6] = slides.then_some((Limit::Shear, shear, self.envelope.shear_cap()));
            let push_cap_m = self.envelope.push_cap_m(zone);
            found[7] = (contact.depth_m > push_cap_m).then_some((
                Limit::Push,
                contact.depth_m,
                push_cap_m,
            ));
            let pain_pa = self.envelope.band_pressure_pa(zone, contact.area_m2, 1.0);
            for (i, fraction) in [0.6, 0.8].into_iter().enumerate() {
                let above = contact.mean_pa() > fraction * pain_pa;
                self.dwell_s[node][i] = if above {
                    self.dwell_s[node][i] + dt_s
                } else {
                    0.0
                };
                let allowed = self.envelope.dwell_cap_s(fraction + 1e-9);
                let dwell_s = self.dwell_s[node][i];
                found[3 + i] = (dwell_s > allowed).then_some((Limit::Dwell, dwell_s, allowed));
            }
        } else {
            self.dwell_s[node] = [0.0; 2];
        }
        let rate_n_s = (contact.force_n - self.slow_force_n[node]) / RATE_FILTER_S;
        self.slow_force_n[node] += rate_n_s * dt_s;
        let rate_cap = self.envelope.rate_cap_n_s(self.percussive);
        found[5] = (rate_n_s > rate_cap).then_some((Limit::Rate, rate_n_s, rate_cap));
        for (limit, value, allowed) in found.into_iter().flatten() {
            self.record(Violation {
                limit,
                node,
                zone,
                t_s,
                value,
                allowed,
            });
        }
        zone
    }

    fn record(&mut self, new: Violation) {
        let same =
            |v: &&mut Violation| v.limit == new.limit && v.node == new.node && v.zone == new.zone;
        match self.violations.iter_mut().find(same) {
            Some(old) if new.value / new.allowed > old.value / old.allowed => {
                *old = Violation {
                    t_s: old.t_s,
                    ..new
                };
            }
            Some(_) => {}
            None => self.violations.push(new),
        }
    }
}
