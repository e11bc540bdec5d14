//! What a designer sizes bearings, pins and motors by: peaks and effective values over a run.

use mechanism::JointKind;
use serde::Serialize;

use crate::reactions::BearingLoad;
use crate::rig_world::RigWorld;

/// Largest and effective (root of the mean square) value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Span {
    /// Largest.
    pub peak: f64,
    /// Root of the mean square over time.
    pub rms: f64,
}

/// What a joint, or a closing, carried.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct JointLoad {
    /// Its name.
    pub name: String,
    /// `revolute`, `prismatic`, `track`, `spherical`, `fixed` or `closing`.
    pub kind: &'static str,
    /// Force across the axis, N; of balls and closings all of it.
    pub radial_n: Span,
    /// Force along the axis, N.
    pub axial_n: Span,
    /// Moment across the axis, N m.
    pub tilting_nm: Span,
    /// Moment about the axis, N m.
    pub torque_nm: Span,
    /// Radial load that wears a ball bearing as much as the run did: the mean over its way, `(sum F^3 ds / sum ds)^(1/3)` (ISO 281;
    /// axial load aside), N; 0 for one that did not move.
    pub mean_radial_n: f64,
    /// Way of the joint in all, rad or m; 0 for balls, welds and closings.
    pub way: f64,
}

/// What a drive did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DriveLoad {
    /// Its name.
    pub name: String,
    /// Torque or force on its joint, N m or N.
    pub effort: Span,
    /// Rate of its joint, rad/s or m/s.
    pub rate: Span,
    /// Motor current, A.
    pub current_a: Span,
    /// Heat of the winding, `R I^2`, mean over the run, W.
    pub copper_w: f64,
    /// Work on its joint, J: given less taken back.
    pub work_j: f64,
    /// Mean speed over the one it was asked for, where it has been asked to run at one speed for half a second; 0 where it never was.
    pub speed_share: f64,
    /// Standard deviation of its speed over the mean, where it has been asked to run at one speed for half a second and does not
    /// stall; 0 where it never was.
    pub speed_ripple: f64,
    /// Time for which it stood although it had been asked to run for half a second, s.
    pub stalled_s: f64,
}

/// How a drive ran where it was asked to run at one speed.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    asked: f64,
    since_s: f64,
    time_s: f64,
    /// Of the speed, over time.
    sum: f64,
    square: f64,
    /// Of the speed over the one asked for, stalls included.
    share: f64,
    stalled_s: f64,
}

impl Running {
    /// Time in which a drive shall have come to its speed, s.
    const RUN_UP_S: f64 = 0.5;
    /// It stands below this share of the speed.
    const STANDS: f64 = 0.01;

    fn add(&mut self, asked: f64, rate: f64, dt_s: f64) {
        self.since_s = if asked == self.asked {
            self.since_s + dt_s
        } else {
            0.0
        };
        self.asked = asked;
        if asked == 0.0 || self.since_s < Running::RUN_UP_S {
            return;
        }
        let speed = rate * asked.signum();
        self.share += speed / asked.abs() * dt_s;
        if speed < Running::STANDS * asked.abs() {
            self.stalled_s += dt_s;
        } else {
            self.time_s += dt_s;
            self.sum += speed * dt_s;
            self.square += speed * speed * dt_s;
        }
    }

    fn share(&self) -> f64 {
        match self.time_s + self.stalled_s {
            0.0 => 0.0,
            asked_s => self.share / asked_s,
        }
    }

    fn ripple(&self) -> f64 {
        if self.time_s == 0.0 {
            return 0.0;
        }
        let mean = self.sum / self.time_s;
        (self.square / self.time_s - mean * mean).max(0.0).sqrt() / mean
    }
}

/// Sums of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sizing {
    joints: Vec<Sums>,
    closings: Vec<Sums>,
    drives: Vec<[Sum; 3]>,
    work_j: Vec<f64>,
    running: Vec<Running>,
    steps: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    peak: f64,
    square: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// Radial, axial, tilting, torque.
    load: [Sum; 4],
    way: f64,
    wear: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        self.peak = self.peak.max(value.abs());
        self.square += value * value;
    }

    fn span(&self, steps: f64) -> Span {
        Span {
            peak: self.peak,
            rms: (self.square / steps.max(1.0)).sqrt(),
        }
    }
}

impl Sums {
    fn add(&mut self, load: &BearingLoad, way: f64) {
        let parts = [load.radial_n, load.axial_n, load.tilting_nm, load.torque_nm];
        for (sum, part) in self.load.iter_mut().zip(parts) {
            sum.add(part);
        }
        self.way += way;
        self.wear += load.radial_n.powi(3) * way;
    }

    fn load(&self, name: &str, kind: &'static str, steps: f64) -> JointLoad {
        let [radial_n, axial_n, tilting_nm, torque_nm] = self.load.map(|sum| sum.span(steps));
        JointLoad {
            name: name.to_owned(),
            kind,
            radial_n,
            axial_n,
            tilting_nm,
            torque_nm,
            mean_radial_n: if self.way > 0.0 {
                (self.wear / self.way).cbrt()
            } else {
                0.0
            },
            way: self.way,
        }
    }
}

impl Sizing {
    /// Adds a step.
    pub fn add(&mut self, world: &RigWorld) {
        let (frame, rig) = (world.frame(), world.linkage().rig());
        let dt_s = world.setup().dt_s;
        self.joints.resize(rig.joints.len(), Sums::default());
        self.closings.resize(rig.closings.len(), Sums::default());
        self.drives.resize(rig.drives.len(), [Sum::default(); 3]);
        self.work_j.resize(rig.drives.len(), 0.0);
        self.running.resize(rig.drives.len(), Running::default());
        self.steps += 1.0;
        for (i, reaction) in world.reactions().iter().enumerate() {
            let load = reaction.on_axis(world.axis(i).as_ref());
            self.joints[i].add(&load, frame.rates[i].abs() * dt_s);
        }
        for (i, sums) in self.closings.iter_mut().enumerate() {
            let load = BearingLoad {
                radial_n: frame.closing_n[i].norm(),
                tilting_nm: frame.closing_nm[i].norm(),
                ..BearingLoad::default()
            };
            sums.add(&load, 0.0);
        }
        for ((sums, drive), work_j) in self
            .drives
            .iter_mut()
            .zip(&frame.drives)
            .zip(&mut self.work_j)
        {
            for (sum, value) in sums
                .iter_mut()
                .zip([drive.effort, drive.rate, drive.current_a])
            {
                sum.add(value);
            }
            *work_j += drive.effort * drive.rate * dt_s;
        }
        for (running, drive) in self.running.iter_mut().zip(&frame.drives) {
            running.add(drive.asked, drive.rate, dt_s);
        }
    }

    /// Joints, then closings.
    pub fn joints(&self, world: &RigWorld) -> Vec<JointLoad> {
        let rig = world.linkage().rig();
        let joints = rig.joints.iter().zip(&self.joints).map(|(joint, sums)| {
            let kind = match joint.kind {
                JointKind::Revolute => "revolute",
                JointKind::Prismatic => "prismatic",
                JointKind::Track { .. } => "track",
                JointKind::Spherical => "spherical",
                JointKind::Fixed => "fixed",
            };
            sums.load(&joint.name, kind, self.steps)
        });
        let closings = rig
            .closings
            .iter()
            .zip(&self.closings)
            .map(|(closing, sums)| sums.load(&closing.name, "closing", self.steps));
        joints.chain(closings).collect()
    }

    /// Drives.
    pub fn drives(&self, world: &RigWorld) -> Vec<DriveLoad> {
        let rig = world.linkage().rig();
        rig.drives
            .iter()
            .zip(&self.drives)
            .zip(&self.work_j)
            .zip(&self.running)
            .map(|(((drive, sums), work_j), running)| {
                let [effort, rate, current_a] = sums.map(|sum| sum.span(self.steps));
                DriveLoad {
                    name: drive.name.clone(),
                    effort,
                    rate,
                    current_a,
                    copper_w: drive.motor.resistance_ohm() * current_a.rms * current_a.rms,
                    work_j: *work_j,
                    speed_share: running.share(),
                    speed_ripple: running.ripple(),
                    stalled_s: running.stalled_s,
                }
            })
            .collect()
    }
}
