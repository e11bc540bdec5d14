//! What a node drags: its travel over the skin, its wheel, the shear on the skin and the work done.

use crate::bed::Foot;
use crate::touch::Contact;
use nalgebra::{Isometry3, Vector3};
use tissue::{Axle, Bristles, Drag, Grip, Spin, Travel};

/// How a node turns about its axle, the x axis of its own frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wheel {
    /// Not at all: it rubs.
    Fixed,
    /// By a motor of its own, against what carries it.
    Driven {
        /// Rate about the axle, rad/s.
        rate_rad_s: f64,
    },
    /// Freely, but for its bearing.
    Free {
        /// Drag of the bearing, as a share of the normal force at the rim, 0 upwards.
        resistance: f64,
    },
}

/// Energy that a node has given so far, J, and how far it has slipped.
///
/// `normal + shear` went into the skin. Of the shear, `slip_loss` is heat at the surface and the rest is strain, given
/// back or lost by slip later; of the normal part, what is not stored at the moment has been eaten by relaxation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// By pressure.
    pub normal_j: f64,
    /// By shear.
    pub shear_j: f64,
    /// Lost by slip on the skin.
    pub slip_loss_j: f64,
    /// Lost in the node's bearing; not part of the other two.
    pub bearing_loss_j: f64,
    /// Slip, in the mean over the patch weighted by pressure, m.
    pub slip_m: f64,
}

impl Work {
    /// All of it that went into the user, J.
    pub fn done_j(&self) -> f64 {
        self.normal_j + self.shear_j
    }
}

/// The shear side of one node's contact; axes of its pairs: down the rows, across the columns of the window.
#[derive(Clone, Debug)]
pub(crate) struct Traction {
    friction: f64,
    wheel: Wheel,
    bristles: Bristles,
    /// The node's place at the last step.
    last: Option<Isometry3<f64>>,
    /// Its motion since the last solve.
    travel: Travel,
    /// Time since the last solve, s.
    age_s: f64,
    /// At the last solve.
    drag: Drag,
    axle: [f64; 3],
    /// Mean depth of the surface under the node's centre at the last solve, m.
    lever_m: f64,
    /// Forces of the last step: by pressure, all.
    before_n: [Vector3<f64>; 2],
    work: Work,
}

/// What a solve of the pressure found, for the shear.
pub(crate) struct Pressed<'a> {
    pub pressure_pa: &'a [f64],
    /// From the node's centre to its surface over each pressed cell.
    pub arms_m: &'a [[f64; 3]],
    /// Mean depth of the surface under the centre, m.
    pub lever_m: f64,
    pub force_n: f64,
    /// From the centre to the foremost point, m.
    pub extent_m: f64,
    pub flexibility_m_pa: f64,
    pub cell_m: f64,
}

impl Traction {
    pub fn new(friction: f64, wheel: Wheel, window: usize) -> Traction {
        Traction {
            friction,
            wheel,
            bristles: Bristles::new(window),
            last: None,
            travel: Travel::default(),
            age_s: 0.0,
            drag: Drag::default(),
            axle: [0.0; 3],
            lever_m: 0.0,
            before_n: [Vector3::zeros(); 2],
            work: Work::default(),
        }
    }

    pub fn bristles(&self) -> &Bristles {
        &self.bristles
    }

    pub fn work(&self) -> &Work {
        &self.work
    }

    /// Moves the window over the skin.
    pub fn shift(&mut self, columns: isize, rows: isize) {
        self.bristles.shift(columns, rows);
    }

    /// Lets go of the skin. The work done stays on the books.
    pub fn lift(&mut self) {
        self.bristles.clear();
        self.last = None;
        self.drag = Drag::default();
        self.start();
        self.before_n = [Vector3::zeros(); 2];
    }

    /// Takes the node's motion since the last step; returns that of its centre, back frame, m.
    pub fn follow(&mut self, back_from_node: &Isometry3<f64>, foot: &Foot, dt_s: f64) -> Motion {
        let last = self
            .last
            .replace(*back_from_node)
            .unwrap_or(*back_from_node);
        let shift_m = back_from_node.translation.vector - last.translation.vector;
        let turn = back_from_node.rotation * last.rotation.inverse();
        // The angle is small: twice the sine of its half is the angle.
        let turn_rad = turn.imag() * (2.0 * turn.w.signum());
        let axes = [foot.down, foot.side, foot.normal];
        for (total, axis) in self.travel.shift_m.iter_mut().zip(&axes) {
            *total += shift_m.dot(axis);
        }
        for (total, axis) in self.travel.turn_rad.iter_mut().zip(&axes) {
            *total += turn_rad.dot(axis);
        }
        self.age_s += dt_s;
        let axle = back_from_node.rotation * Vector3::x();
        self.axle = axes.map(|a| axle.dot(&a));
        Motion {
            shift_m,
            roll_rad: turn_rad.dot(&axle),
        }
    }

    /// Travel of the node's centre since the last solve: down, side, m.
    pub fn shift_m(&self) -> [f64; 2] {
        self.travel.shift_m
    }

    /// Starts counting travel anew: there was no contact to drag.
    pub fn start(&mut self) {
        self.travel = Travel::default();
        self.age_s = 0.0;
    }

    /// Moves the bristles on to the pressure just solved.
    pub fn solve(&mut self, pressed: &Pressed<'_>) {
        self.lever_m = pressed.lever_m;
        if self.friction > 0.0 {
            let spin = match self.wheel {
                Wheel::Fixed => Spin::Fixed,
                Wheel::Driven { rate_rad_s } => Spin::Driven {
                    turn_rad: rate_rad_s * self.age_s,
                },
                Wheel::Free { resistance } => Spin::Free {
                    bearing_nm: resistance * pressed.force_n * pressed.extent_m,
                },
            };
            let under = [0.0, 0.0, pressed.extent_m];
            let arm_m = |i: usize| {
                if pressed.pressure_pa[i] > 0.0 {
                    pressed.arms_m[i]
                } else {
                    under
                }
            };
            let axle = Axle {
                direction: self.axle,
                spin,
            };
            let grip = Grip {
                friction: self.friction,
                flexibility_m_pa: pressed.flexibility_m_pa,
                cell_m: pressed.cell_m,
            };
            self.drag = self
                .bristles
                .step(pressed.pressure_pa, arm_m, &self.travel, &axle, &grip);
            self.work.shear_j += self.drag.work_j;
            self.work.slip_loss_j += self.drag.slip_loss_j;
            self.work.bearing_loss_j += self.drag.bearing_loss_j;
            self.work.slip_m += self.drag.slip_m;
        }
        self.start();
    }

    /// Adds the shear to a contact, carried on from the last solve along its own stiffness and never over Coulomb's
    /// limit, and books the work of the step.
    pub fn apply(&mut self, contact: &mut Contact, foot: &Foot, motion: &Motion, dt_s: f64) {
        let [along, across, both] = self.drag.stiffness_n_m;
        let ([s0, s1], [t0, t1, _]) = (self.travel.shift_m, self.travel.turn_rad);
        let (d0, d1) = (s0 - t1 * self.lever_m, s1 + t0 * self.lever_m);
        let wanted = [
            self.drag.force_n[0] + along * d0 + both * d1,
            self.drag.force_n[1] + across * d1 + both * d0,
        ];
        let limit_n = self.friction * contact.force_n;
        let size_n = wanted[0].hypot(wanted[1]);
        let share = if size_n > limit_n {
            limit_n / size_n
        } else {
            1.0
        };
        let [q0, q1] = wanted.map(|q| q * share);
        let pressed = contact.force_in_back;
        contact.shear_n = [q0, q1];
        contact.force_in_back += foot.down.into_inner() * q0 + foot.side.into_inner() * q1;
        let [a0, a1, _] = self.axle;
        let [more0, more1] = [q0 - self.drag.force_n[0], q1 - self.drag.force_n[1]];
        contact.axle_torque_nm = self.drag.torque_nm + self.lever_m * (more1 * a0 - more0 * a1);

        let mean =
            |now: &Vector3<f64>, before: &Vector3<f64>| 0.5 * (now + before).dot(&motion.shift_m);
        self.work.normal_j += mean(&pressed, &self.before_n[0]);
        let work_j = mean(&contact.force_in_back, &self.before_n[1])
            + contact.axle_torque_nm * motion.roll_rad;
        contact.power_w = if dt_s > 0.0 { work_j / dt_s } else { 0.0 };
        self.before_n = [pressed, contact.force_in_back];
    }
}

/// Motion of a node over a step, against the skin.
pub(crate) struct Motion {
    /// Of its centre, back frame, m.
    pub shift_m: Vector3<f64>,
    /// Of its carrier about the node's axle, rad.
    pub roll_rad: f64,
}
