//! Joint positions in, attitudes and positions out.

use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::mechanism::{Carriage, Mechanism, Protrude, Rocker, Wobble};
use crate::track::TrackCurve;
use crate::wobble::{self, Closure};

/// The forward kinematics of one [`Mechanism`], built once. It holds no state: same joint positions, same bits.
#[derive(Clone, Debug)]
pub struct Kinematics {
    curve: TrackCurve,
    carriage: Carriage,
    protrude: Protrude,
    knead: Wobble,
    rocker: Rocker,
    node_radius_m: f64,
    /// Which of the two ways the rod's loop closes: the one with the smaller spin at theta = 0.
    branch: f64,
}

/// Joint positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drive {
    /// Carriage along the track, from its top, m.
    pub walk_m: f64,
    /// Slide out of the retracted position, m.
    pub protrude_m: f64,
    /// Kneading shaft angle (theta), rad.
    pub knead_rad: f64,
    /// Tapping shaft angle (psi), rad; the left crank is half a turn on.
    pub tap_rad: f64,
}

/// One arm's tip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Side {
    /// Rocker pivot and arm attitude: `machine_from_pivot`. The rocker turns about this frame's x.
    pub pivot: Isometry3<f64>,
    /// Spin of the arm about its boss axis, rad.
    pub beta_rad: f64,
}

/// Left or right of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// x < 0.
    Left,
    /// x > 0.
    Right,
}

/// How a frame moves with the kneading shaft, per radian of it, in the machine frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Twist {
    /// Of the rocker pivot, m/rad.
    pub linear_m_rad: Vector3<f64>,
    /// Of the arm, rad/rad.
    pub angular_rad_rad: Vector3<f64>,
}

/// The rod cannot close the loop here.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error(
    "the rod of {:.1} mm cannot close at kneading angle {:.0} deg, tapping angle {:.0} deg: it has to be {:.1} to {:.1} mm",
    1e3 * .rod_m, .knead_rad.to_degrees(), .tap_rad.to_degrees(), 1e3 * .reach_m.0, 1e3 * .reach_m.1
)]
pub struct LoopOpen {
    /// Kneading shaft angle, rad.
    pub knead_rad: f64,
    /// Angle of the crank of this side, rad.
    pub tap_rad: f64,
    /// Rod length, m.
    pub rod_m: f64,
    /// Shortest and longest rod that closes here, m.
    pub reach_m: (f64, f64),
}

/// Why a mechanism has no kinematics.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum KinematicsError {
    /// Not even at theta = 0.
    #[error(transparent)]
    Loop(#[from] LoopOpen),
    /// The carriage does not fit on its rail.
    #[error(
        "the track is {track_m} m long; the carriage's wheelbase of {wheelbase_m} m does not fit on it"
    )]
    Track {
        /// Length of the track, m.
        track_m: f64,
        /// Wheelbase, m.
        wheelbase_m: f64,
    },
}

impl Kinematics {
    /// Builds the track's table and picks the assembly of the rods.
    ///
    /// # Errors
    /// When the carriage is longer than its track, or the rod does not close at theta = psi = 0. A rod that opens
    /// elsewhere is told by [`Mechanism::check`], or by [`sides`](Self::sides) when it happens.
    pub fn new(mechanism: &Mechanism) -> Result<Kinematics, KinematicsError> {
        let curve = TrackCurve::new(&mechanism.track);
        let wheelbase_m = mechanism.carriage.wheelbase_m;
        if !(wheelbase_m > 0.0 && wheelbase_m < curve.length_m()) {
            return Err(KinematicsError::Track {
                track_m: curve.length_m(),
                wheelbase_m,
            });
        }
        let closure = Closure::new(&mechanism.knead, 0.0, 0.0);
        let (Some(one), Some(other)) = (closure.beta(1.0), closure.beta(-1.0)) else {
            return Err(loop_open(&mechanism.knead, 0.0, 0.0).into());
        };
        Ok(Kinematics {
            curve,
            carriage: mechanism.carriage,
            protrude: mechanism.protrude,
            knead: mechanism.knead,
            rocker: mechanism.rocker,
            node_radius_m: mechanism
                .nodes
                .iter()
                .map(|node| crate::check::half_extents_m(&node.shape)[1])
                .fold(0.0, f64::max),
            branch: if one.abs() <= other.abs() { 1.0 } else { -1.0 },
        })
    }

    /// The built track.
    pub fn curve(&self) -> &TrackCurve {
        &self.curve
    }

    /// Least and greatest `walk_m`: both rollers on the rail.
    pub fn walk_range(&self) -> (f64, f64) {
        let half = 0.5 * self.carriage.wheelbase_m;
        (half, self.curve.length_m() - half)
    }

    /// `machine_from_carriage`: origin in the middle of the chord between the rollers, z up the chord, y forward.
    pub fn carriage(&self, walk_m: f64) -> Isometry3<f64> {
        let half = 0.5 * self.carriage.wheelbase_m;
        let (upper, lower) = (
            self.curve.pose(walk_m - half),
            self.curve.pose(walk_m + half),
        );
        let heading = (lower.y_m - upper.y_m).atan2(upper.z_m - lower.z_m);
        Isometry3::from_parts(
            Translation3::new(
                0.0,
                0.5 * (upper.y_m + lower.y_m),
                0.5 * (upper.z_m + lower.z_m),
            ),
            UnitQuaternion::from_axis_angle(&Vector3::x_axis(), heading),
        )
    }

    /// `machine_from_shaft`: the sub-frame with the kneading shaft along its x.
    pub fn shaft(&self, walk_m: f64, protrude_m: f64) -> Isometry3<f64> {
        self.carriage(walk_m) * Translation3::new(0.0, self.protrude.retracted_m + protrude_m, 0.0)
    }

    /// Both arms' tips, left then right, in the machine frame.
    ///
    /// # Errors
    /// [`LoopOpen`] where a rod cannot close.
    pub fn sides(&self, drive: &Drive) -> Result<[Side; 2], LoopOpen> {
        let machine_from_shaft = self.shaft(drive.walk_m, drive.protrude_m);
        let mut sides = self.sides_in_shaft(drive.knead_rad, drive.tap_rad)?;
        for side in &mut sides {
            side.pivot = machine_from_shaft * side.pivot;
        }
        Ok(sides)
    }

    /// One arm's tip in the shaft's frame (the carriage's frame, with the slide at y = 0).
    ///
    /// # Errors
    /// [`LoopOpen`] where the rod cannot close.
    pub fn pivot_in_carriage(&self, theta: f64, psi: f64, hand: Hand) -> Result<Side, LoopOpen> {
        match hand {
            Hand::Right => self.right_in_shaft(theta, psi),
            Hand::Left => Ok(mirrored(
                &self.right_in_shaft(theta, psi + std::f64::consts::PI)?,
            )),
        }
    }

    /// Rocker pivot in the shaft's frame for an arm that does not spin about its boss: the path without the rod.
    pub fn wobble_closed_form(&self, theta: f64, hand: Hand) -> Point3<f64> {
        let right = wobble::no_spin_pivot(&self.knead, theta);
        match hand {
            Hand::Right => right,
            Hand::Left => Point3::new(-right.x, right.y, right.z),
        }
    }

    /// Node centre in the pivot's frame: node 0 is the upper, any other the lower.
    /// `rocker_rad > 0` moves the upper node forward (+y).
    pub fn node_in_pivot(&self, node: usize, rocker_rad: f64) -> Point3<f64> {
        let along = if node == 0 {
            self.rocker.up_m
        } else {
            -self.rocker.down_m
        };
        let (s, c) = rocker_rad.sin_cos();
        Point3::new(
            0.0,
            self.rocker.forward_m * c + along * s,
            along * c - self.rocker.forward_m * s,
        )
    }

    /// Where the rocker rests with nothing touching: where the spring's torque is zero, or at a stop.
    pub fn rocker_rest_rad(&self) -> f64 {
        let Rocker {
            preload_nm,
            rate_nm_rad,
            range_rad,
            ..
        } = self.rocker;
        let free = if rate_nm_rad > 0.0 {
            preload_nm / rate_nm_rad
        } else {
            f64::INFINITY * preload_nm.signum()
        };
        free.clamp(-range_rad, range_rad)
    }

    /// How the pivots move with the kneading shaft, left then right; central differences over 1e-4 rad, good to 1e-8.
    ///
    /// The shaft carries the torque `sum(F . linear + M . angular)` of the forces `F` and moments `M` (at the pivot)
    /// that the arms exert on what they touch, friction aside (virtual work).
    ///
    /// # Errors
    /// [`LoopOpen`] where a rod cannot close.
    pub fn knead_twist(&self, drive: &Drive) -> Result<[Twist; 2], LoopOpen> {
        let half = 1e-4;
        let at = |offset: f64| {
            self.sides(&Drive {
                knead_rad: drive.knead_rad + offset,
                ..*drive
            })
        };
        let (before, after) = (at(-half)?, at(half)?);
        Ok([0, 1].map(|side| {
            let (a, b) = (&before[side].pivot, &after[side].pivot);
            Twist {
                linear_m_rad: (b.translation.vector - a.translation.vector) / (2.0 * half),
                angular_rad_rad: (b.rotation * a.rotation.inverse()).scaled_axis() / (2.0 * half),
            }
        }))
    }

    /// The `walk_m` at which the rocker pivots stand straight behind the point `(y_m, z_m)` of the machine frame,
    /// that is, where the carriage's y axis through the pivots meets it. `None` where the rail is too short for it.
    pub fn walk_facing(&self, y_m: f64, z_m: f64, knead_rad: f64) -> Option<f64> {
        let pivot = self
            .right_in_shaft(knead_rad, 0.0)
            .ok()?
            .pivot
            .translation
            .z;
        let point = Point3::new(0.0, y_m, z_m);
        // How far the point lies above the pivots' line of travel: grows as the carriage goes down.
        let above = |walk_m: f64| self.carriage(walk_m).inverse_transform_point(&point).z - pivot;
        // Secants kept inside a bracket (Illinois), to far less than a rail is straight.
        let (low_m, high_m) = self.walk_range();
        let (mut low, mut high) = ((low_m, above(low_m)), (high_m, above(high_m)));
        if low.1 > 0.0 || high.1 < 0.0 {
            return None;
        }
        let mut at_m = low_m;
        for _ in 0..100 {
            at_m = (low.0 * high.1 - high.0 * low.1) / (high.1 - low.1);
            let off_m = above(at_m);
            if off_m.abs() < 1e-12 {
                break;
            }
            if off_m < 0.0 {
                low = (at_m, off_m);
                high.1 *= 0.5;
            } else {
                high = (at_m, off_m);
                low.1 *= 0.5;
            }
        }
        Some(at_m)
    }

    /// How far the foremost node surface stands in front of the track curve at its own height, shaft parked at
    /// `knead_rad`, rocker at rest: the greatest over the whole walk, m. Retracted and parked, it must lie behind the
    /// pad's surface.
    ///
    /// # Errors
    /// [`LoopOpen`] where a rod cannot close.
    pub fn front_m(&self, protrude_m: f64, knead_rad: f64) -> Result<f64, LoopOpen> {
        let (top, bottom) = self.walk_range();
        let rest = self.rocker_rest_rad();
        let in_shaft = self.right_in_shaft(knead_rad, 0.0)?.pivot;
        let mut front = f64::NEG_INFINITY;
        for place in 0..=64 {
            let walk_m = top + (bottom - top) * f64::from(place) / 64.0;
            let machine_from_pivot = self.shaft(walk_m, protrude_m) * in_shaft;
            for node in 0..2 {
                let centre = machine_from_pivot * self.node_in_pivot(node, rest);
                let rail = self.curve.pose(self.curve.s_at_z(centre.z));
                front = front.max(centre.y + self.node_radius_m - rail.y_m);
            }
        }
        Ok(front)
    }

    fn sides_in_shaft(&self, theta: f64, psi: f64) -> Result<[Side; 2], LoopOpen> {
        let right = self.right_in_shaft(theta, psi)?;
        let left = if self.knead.rod.crank_m == 0.0 {
            right
        } else {
            self.right_in_shaft(theta, psi + std::f64::consts::PI)?
        };
        Ok([mirrored(&left), right])
    }

    fn right_in_shaft(&self, theta: f64, psi: f64) -> Result<Side, LoopOpen> {
        let beta_rad = Closure::new(&self.knead, theta, psi)
            .beta(self.branch)
            .ok_or_else(|| loop_open(&self.knead, theta, psi))?;
        let attitude = wobble::arm_attitude(&self.knead, theta, beta_rad);
        let pivot = wobble::boss_centre(&self.knead, theta)
            + attitude * Vector3::from(self.knead.pivot_on_arm_m);
        Ok(Side {
            pivot: Isometry3::from_parts(
                pivot.into(),
                UnitQuaternion::from_rotation_matrix(&attitude),
            ),
            beta_rad,
        })
    }
}

fn loop_open(knead: &Wobble, theta: f64, psi: f64) -> LoopOpen {
    LoopOpen {
        knead_rad: theta,
        tap_rad: psi,
        rod_m: knead.rod.length_m,
        reach_m: Closure::new(knead, theta, psi).rod_range_m(),
    }
}

/// The mirror image in x: `M R M` with `M = diag(-1, 1, 1)`, in quaternion terms (w, x, -y, -z).
fn mirrored(side: &Side) -> Side {
    let (t, q) = (side.pivot.translation.vector, side.pivot.rotation);
    Side {
        pivot: Isometry3::from_parts(
            Translation3::new(-t.x, t.y, t.z),
            UnitQuaternion::new_unchecked(nalgebra::Quaternion::new(q.w, q.i, -q.j, -q.k)),
        ),
        beta_rad: side.beta_rad,
    }
}
