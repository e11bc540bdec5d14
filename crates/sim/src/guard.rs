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
    /// Beats a second, 0 for none.
    beat_hz: f64,
    slow_force_n: [f64; 4],
    dwell_s: [[f64; 2]; 4],
    /// How long a node has pressed harder than the lower of the two fault forces, s.
    fault_s: [f64; 4],
    violations: Vec<Violation>,
    load: f64,
}

impl Guard {
    /// Watches four nodes under an envelope.
    pub fn new(envelope: Envelope) -> Guard {
        Guard {
            envelope,
            beat_hz: 0.0,
            slow_force_n: [0.0; 4],
            dwell_s: [[0.0; 2]; 4],
            fault_s: [0.0; 4],
            violations: Vec::new(),
            load: 0.0,
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
        // One entry, wherever the node is.
        let zone = self
            .violations
            .iter()
            .find(|v| v.limit == Limit::Session)
            .map_or(zone, |v| v.zone);
        self.hold(Violation {
            limit: Limit::Session,
            node: 0,
            zone,
            t_s,
            value: t_s,
            allowed: self.envelope.session_max_s(),
        });
    }

    /// Looks at what one place of the skin has borne in the end.
    pub(crate) fn watch_dose(&mut self, back: &Back, u: f64, x_m: f64, t_s: f64, dose_pa_s: f64) {
        self.hold(Violation {
            limit: Limit::Dose,
            node: if x_m < 0.0 { 0 } else { 2 },
            zone: back.zone(u, x_m).zone,
            t_s,
            value: dose_pa_s,
            allowed: self.envelope.dose_cap_pa_s(),
        });
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

    /// Says how many beats a second the machine makes from now on; 0 for none.
    pub(crate) fn beats(&mut self, beat_hz: f64) {
        self.beat_hz = beat_hz;
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
        let mut looks = [(Limit::Rate, 0.0, 1.0); 8];
        if contact.force_n > 0.0 {
            if !self.envelope.excluded(zone) {
                let cap_n = self.envelope.force_cap_n(zone, contact.area_m2);
                let peak_cap_pa = self.envelope.peak_pressure_cap_pa(zone, contact.area_m2);
                looks[0] = (Limit::Force, contact.force_n, cap_n);
                looks[1] = (Limit::Pressure, contact.peak_pa, peak_cap_pa);
            }
            looks[2] = (Limit::KeepOut, contact.barred_peak_pa, EXCLUDED_PRESSURE_PA);
            if contact.force_n > SHEAR_FROM_N {
                let shear = contact.shear_n[0].hypot(contact.shear_n[1]) / contact.force_n;
                looks[6] = (Limit::Shear, shear, self.envelope.shear_cap());
            }
            looks[7] = (Limit::Push, contact.depth_m, self.envelope.push_cap_m(zone));
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
        // Of percussion the force is averaged over a beat.
        let (percussive, filter_s) = if self.beat_hz > 0.0 {
            (true, 1.0 / self.beat_hz)
        } else {
            (false, RATE_FILTER_S)
        };
        let rate_n_s = (contact.force_n - self.slow_force_n[node]) / filter_s;
        self.slow_force_n[node] += rate_n_s * dt_s;
        looks[5] = (
            Limit::Rate,
            rate_n_s,
            self.envelope.rate_cap_n_s(percussive),
        );
        for (limit, value, allowed) in looks {
            self.hold(Violation {
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

    /// Compares a value with what is allowed, and records it where it is more.
    fn hold(&mut self, look: Violation) {
        let load = if look.allowed > 0.0 {
            look.value / look.allowed
        } else if look.value > 0.0 {
            1.0 + look.value
        } else {
            0.0
        };
        self.load = self.load.max(load);
        if look.value > look.allowed {
            self.record(look);
        }
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
