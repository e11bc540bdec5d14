//! What every run keeps of its nodes and motors, whatever the machine.

use crate::bed::Bed;
use crate::movie::Camera;
use crate::pressing::Pressing;
use crate::trace::{Beyond, MotorPeak, NodeEffort, NodePeak, PressureMap, Recording, ShearDose};

/// Counts along with a run, step by step.
pub(crate) struct Tally {
    recording: Recording,
    /// As in a trace.
    pub nodes: Vec<NodePeak>,
    pub beyond: Vec<Option<Beyond>>,
    pub map: PressureMap,
    pub trunk_lift_m: f64,
    pub duration_s: f64,
    pub steps: u64,
    motors: Vec<MotorPeak>,
    shear: ShearDose,
    pub camera: Option<Camera>,
    cells: usize,
    touches: usize,
    next_row_s: f64,
    next_map_s: f64,
}

impl Tally {
    /// Nothing yet.
    pub fn new<'a>(
        bed: &Bed,
        recording: &Recording,
        nodes: usize,
        motors: impl IntoIterator<Item = &'a str>,
    ) -> Tally {
        let map = PressureMap::blank(bed, recording.map);
        let motor = |name: &str| MotorPeak {
            name: name.to_owned(),
            peak_a: 0.0,
            rms_a: 0.0,
        };
        Tally {
            recording: *recording,
            nodes: vec![NodePeak::default(); nodes],
            beyond: vec![None; nodes],
            shear: ShearDose::blank(&map, nodes),
            map,
            trunk_lift_m: 0.0,
            duration_s: 0.0,
            steps: 0,
            motors: motors.into_iter().map(motor).collect(),
            camera: (recording.movie_hz > 0.0).then(|| Camera::new(bed)),
            cells: 0,
            touches: 0,
            next_row_s: 0.0,
            next_map_s: 0.0,
        }
    }

    /// Adds a step, after which the hip stands `lift_m` out; whether a row is due.
    pub fn add(
        &mut self,
        pressing: &Pressing<'_>,
        lift_m: f64,
        current_a: impl IntoIterator<Item = f64>,
    ) -> bool {
        self.steps += 1;
        self.duration_s = pressing.t_s;
        self.trunk_lift_m = self.trunk_lift_m.max(lift_m);
        for (peak, contact) in self.nodes.iter_mut().zip(pressing.contacts) {
            peak.force_n = peak.force_n.max(contact.force_n);
            peak.peak_pa = peak.peak_pa.max(contact.peak_pa);
            self.cells += contact.cells;
            self.touches += usize::from(contact.cells > 0);
        }
        for (i, beyond) in self.beyond.iter_mut().enumerate() {
            *beyond = Beyond::worse(*beyond, pressing, i);
        }
        for (motor, current_a) in self.motors.iter_mut().zip(current_a) {
            motor.peak_a = motor.peak_a.max(current_a.abs());
            // Squares are summed; the root of their mean is taken in the end.
            motor.rms_a += current_a * current_a;
        }
        let due = |next_s: f64| pressing.t_s + 1e-9 >= next_s;
        if let Some(camera) = self.camera.as_mut().filter(|_| due(self.next_map_s)) {
            self.next_map_s += 1.0 / self.recording.movie_hz;
            camera.shoot(pressing);
        }
        if !due(self.next_row_s) {
            return false;
        }
        let dt_s = 1.0 / self.recording.rate_hz;
        self.next_row_s += dt_s;
        if self.recording.map {
            self.map.add(pressing, dt_s);
            self.shear.add(&self.map, pressing, dt_s);
        }
        true
    }

    /// What each node did over the run.
    pub fn efforts(&self, pressing: &Pressing<'_>) -> Vec<NodeEffort> {
        let touches = pressing.touches.iter().enumerate();
        touches
            .map(|(i, touch)| NodeEffort::of(touch, i, &self.shear))
            .collect()
    }

    /// Currents over the run.
    pub fn motors(&self) -> Vec<MotorPeak> {
        let rms = |motor: &MotorPeak| MotorPeak {
            rms_a: (motor.rms_a / self.steps.max(1) as f64).sqrt(),
            ..motor.clone()
        };
        self.motors.iter().map(rms).collect()
    }

    /// Cells under a touching node, mean.
    pub fn cells_per_patch(&self) -> f64 {
        self.cells as f64 / self.touches.max(1) as f64
    }
}
