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

/// Time constant of the rate's filter, s: a rate that lasts, not a step of the solver.
const RATE_FILTER_S: f64 = 0.05;

/// The guard of one run.
#[derive(Clone, Debug)]
pub struct Guard {
    envelope: Envelope,
    percussive: bool,
    slow_force_n: [f64; 4],
    dwell_s: [[f64; 2]; 4],
    violations: Vec<Violation>,
    load: f64,
}

impl Guard {
    /// Watches four nodes under an envelope.
    pub fn new(envelope: Envelope) -> Guard {
        Guard {
            envelope,
            percussive: false,
            slow_force_n: [0.0; 4],
            dwell_s: [[0.0; 2]; 4],
            violations: Vec::new(),
            load: 0.0,
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

    /// Largest value over what was allowed so far, by any limit: above 1 there is a violation. Where nothing is allowed (dwell, under
    /// conditions that forbid deep work) it is 1 and the value, in the limit's unit.
    pub fn load(&self) -> f64 {
        self.load
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
        // Limit, value, what is allowed. Without contact only the rate says something.
        let mut looks = [(Limit::Rate, 0.0, 1.0); 6];
        if contact.force_n > 0.0 {
            if !self.envelope.excluded(zone) {
                let cap_n = self.envelope.force_cap_n(zone, contact.area_m2);
                let peak_cap_pa = self.envelope.peak_pressure_cap_pa(zone, contact.area_m2);
                looks[0] = (Limit::Force, contact.force_n, cap_n);
                looks[1] = (Limit::Pressure, contact.peak_pa, peak_cap_pa);
            }
            looks[2] = (Limit::KeepOut, contact.barred_peak_pa, EXCLUDED_PRESSURE_PA);
            let pain_pa = self.envelope.band_pressure_pa(zone, contact.area_m2, 1.0);
            for (i, fraction) in [0.6, 0.8].into_iter().enumerate() {
                let above = contact.mean_pa() > fraction * pain_pa;
                self.dwell_s[node][i] = if above {
                    self.dwell_s[node][i] + dt_s
                } else {
                    0.0
                };
                let allowed = self.envelope.dwell_cap_s(fraction + 1e-9);
                looks[3 + i] = (Limit::Dwell, self.dwell_s[node][i], allowed);
            }
        } else {
            self.dwell_s[node] = [0.0; 2];
        }
        let rate_n_s = (contact.force_n - self.slow_force_n[node]) / RATE_FILTER_S;
        self.slow_force_n[node] += rate_n_s * dt_s;
        looks[5] = (
            Limit::Rate,
            rate_n_s,
            self.envelope.rate_cap_n_s(self.percussive),
        );
        for (limit, value, allowed) in looks {
            let load = if allowed > 0.0 {
                value / allowed
            } else if value > 0.0 {
                1.0 + value
            } else {
                0.0
            };
            self.load = self.load.max(load);
            if value > allowed {
                self.record(Violation {
                    limit,
                    node,
                    zone,
                    t_s,
                    value,
                    allowed,
                });
            }
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
