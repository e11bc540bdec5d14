//! Watches every step against the one envelope of limits.

use crate::touch::Contact;
use crate::trace::PressureMap;
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
    /// Rise of the force, N/s; of what beats where nothing may, any.
    Rate,
    /// Contact above a fraction of the pain threshold for too long, s.
    Dwell,
    /// Shear force over normal force.
    Shear,
    /// Node inside the resting skin where that is limited, m.
    Push,
    /// Pressure over time on one place of the skin, Pa s. The node is the upper one of its side, of a rig the first, which stands
    /// for the machine.
    Dose,
    /// Length of the session, s. The node is the first, which stands for the machine.
    Session,
}

/// A limit passed by one node in one zone: the worst of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// Which limit.
    pub limit: Limit,
    /// Node, 0 to 3: left upper, left lower, right upper, right lower; of a rig in the order of its heads.
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
    /// Strokes of a machine that taps: their time, s.
    stroke_s: Option<f64>,
    nodes: Vec<Watched>,
    violations: Vec<Violation>,
    load: f64,
}

/// What the guard remembers of a node.
#[derive(Clone, Debug, Default)]
struct Watched {
    slow_force_n: f64,
    dwell_s: [f64; 2],
    /// How long it has pressed harder than the lower of the two fault forces, s.
    fault_s: f64,
    /// Its force over the last stroke of a machine that taps: a ring of steps, and where it goes on.
    stroke_n: Vec<f64>,
    next: usize,
}

impl Guard {
    /// Watches so many nodes under an envelope.
    pub fn new(envelope: Envelope, nodes: usize) -> Guard {
        Guard {
            envelope,
            stroke_s: None,
            nodes: vec![Watched::default(); nodes],
            violations: Vec::new(),
            load: 0.0,
        }
    }

    /// The same for a machine that taps, a stroke taking so long: the rise of force is that of the mean over a stroke, held
    /// against the cap for percussion, s.
    #[must_use]
    pub fn percussive(self, stroke_s: f64) -> Guard {
        Guard {
            stroke_s: Some(stroke_s),
            ..self
        }
    }

    /// A force at which the machine has failed, whatever it was told: the node's force and the ceiling, N. Call it once a step.
    pub(crate) fn failed(&mut self, node: usize, force_n: f64, dt_s: f64) -> Option<(f64, f64)> {
        let over = force_n > self.envelope.fault_force_n(f64::INFINITY);
        let fault_s = &mut self.nodes[node].fault_s;
        *fault_s = if over { *fault_s + dt_s } else { 0.0 };
        let ceiling_n = self.envelope.fault_force_n(*fault_s);
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

    /// Looks at what the places of a pressure map have borne in the end; `node_at` says who stands for a place so far from the midline, m.
    pub(crate) fn watch_doses(
        &mut self,
        back: &Back,
        map: &PressureMap,
        t_s: f64,
        node_at: impl Fn(f64) -> usize,
    ) {
        for (i, dose_pa_s) in map.dose_pa_s.iter().enumerate() {
            let u = map.first_u + map.u_per_row * (i / map.columns) as f64;
            let x_m = map.first_x_m + map.x_per_column_m * (i % map.columns) as f64;
            self.hold(Violation {
                limit: Limit::Dose,
                node: node_at(x_m),
                zone: back.zone(u, x_m).zone,
                t_s,
                value: *dose_pa_s,
                allowed: self.envelope.dose_cap_pa_s(),
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

    /// Largest value over what was allowed so far, by any limit: above 1 there is a violation. Where nothing is allowed (dwell, under
    /// conditions that forbid deep work) it is 1 and the value, in the limit's unit.
    pub fn load(&self) -> f64 {
        self.load
    }

    /// Says how many beats a second the machine makes from now on; 0 for none.
    pub(crate) fn beats(&mut self, beat_hz: f64) {
        self.stroke_s = (beat_hz > 0.0).then(|| 1.0 / beat_hz);
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
            for (i, fraction) in self.envelope.dwell_fractions().into_iter().enumerate() {
                let above = contact.mean_pa() > fraction * pain_pa;
                let dwell_s = &mut self.nodes[node].dwell_s[i];
                *dwell_s = if above { *dwell_s + dt_s } else { 0.0 };
                let allowed = self.envelope.dwell_cap_s(fraction + 1e-9);
                looks[3 + i] = (Limit::Dwell, *dwell_s, allowed);
            }
        } else {
            self.nodes[node].dwell_s = [0.0; 2];
        }
        let watched = &mut self.nodes[node];
        let force_n = match self.stroke_s {
            Some(stroke_s) => watched.mean_n(contact.force_n, stroke_s, dt_s),
            None => contact.force_n,
        };
        let rate_n_s = (force_n - watched.slow_force_n) / RATE_FILTER_S;
        watched.slow_force_n += rate_n_s * dt_s;
        let beats = self.stroke_s.is_some();
        looks[5] = (
            Limit::Rate,
            rate_n_s,
            if beats && self.envelope.forbids_percussion(zone, contact.u) {
                0.0
            } else {
                self.envelope.rate_cap_n_s(beats)
            },
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

impl Watched {
    /// The mean of the force over the last stroke, N, this step in it; before a whole stroke it counts as nothing.
    fn mean_n(&mut self, force_n: f64, stroke_s: f64, dt_s: f64) -> f64 {
        let steps = (stroke_s / dt_s).round().max(1.0) as usize;
        if self.stroke_n.len() != steps {
            self.stroke_n = vec![0.0; steps];
            self.next = 0;
        }
        self.stroke_n[self.next] = force_n;
        self.next = (self.next + 1) % steps;
        self.stroke_n.iter().sum::<f64>() / steps as f64
    }
}
