//! The mechanism as plain data: what an engineer writes in a file, in SI.

use serde::{Deserialize, Serialize};
use tissue::Indenter;

use crate::motor::GearMotor;

/// A wobble-shaft carriage on a curved track: what is bolted to what, and how big it is.
///
/// Fields are free to edit; [`Mechanism::check`] says what is wrong with them, and
/// [`Kinematics::new`](crate::Kinematics::new) turns them into motion. Ranges, meanings and sources of all scalar
/// fields stand in [`FIELDS`](crate::FIELDS).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mechanism {
    /// What people call it.
    pub name: String,
    /// The rail the carriage climbs.
    pub track: Track,
    /// What rides on the rail.
    pub carriage: Carriage,
    /// The slide that pushes the kneading unit out of the carriage.
    pub protrude: Protrude,
    /// Kneading shaft, its oblique bosses, arms and rods.
    pub knead: Wobble,
    /// The boomerang at each arm's tip.
    pub rocker: Rocker,
    /// The nodes of one side, upper first, then lower. Both sides carry the same.
    pub nodes: Vec<Node>,
    /// The flap between node and user.
    pub cover: Cover,
    /// One motor per axis.
    pub motors: Motors,
}

/// The rail in the machine's y-z plane: arcs from the top down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Arcs, top first.
    pub arcs: Vec<Arc>,
    /// Length over which the curvature changes linearly from one arc to the next, centred on their joint, m.
    pub blend_m: f64,
    /// `[y, z]` of the top end (s = 0) in the machine frame, m.
    pub top: [f64; 2],
    /// Tilt of the downward tangent at the top from straight down, rad; > 0 leans towards the user going down.
    pub heading_rad: f64,
}

/// One arc of a [`Track`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arc {
    /// Length along the rail, m.
    pub length_m: f64,
    /// Radius, m. > 0 bends towards the user (wraps a convex back), < 0 bulges into the user (neck, lumbar).
    /// Infinite is straight.
    pub radius_m: f64,
}

/// The frame on four rollers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carriage {
    /// Moving mass of carriage and kneading unit, kg.
    pub mass_kg: f64,
    /// Distance between upper and lower rollers along the rail, m.
    pub wheelbase_m: f64,
    /// Coulomb friction of the rollers in the rail.
    pub friction: f64,
}

/// The slide of the sub-frame (kneading shaft, arms, nodes) along the carriage's y.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Protrude {
    /// y of the kneading shaft in the carriage frame when retracted, m.
    pub retracted_m: f64,
    /// Travel from there, m.
    pub stroke_m: f64,
    /// Speed limit, m/s.
    pub speed_max_m_s: f64,
    /// Acceleration limit, m/s².
    pub accel_max_m_s2: f64,
}

/// The oblique-boss kneading shaft and its closed R-R-S-S loops, described for the right side (x > 0); the left is
/// its mirror image. Symbols in brackets are those of the crate's chapter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wobble {
    /// Boss distance from the midline (a), m.
    pub half_spacing_m: f64,
    /// Tilt of the boss axis from the shaft (alpha), rad.
    pub tilt_rad: f64,
    /// Eccentricity of the boss (e), m.
    pub eccentricity_m: f64,
    /// Phase of the eccentricity against the tilt (phi_e), rad.
    pub eccentricity_phase_rad: f64,
    /// Rocker pivot on the arm, from the boss centre (r0), m.
    pub pivot_on_arm_m: [f64; 3],
    /// The rod that keeps the arm from spinning with the shaft.
    pub rod: Rod,
    /// Usual kneading speed, rad/s.
    pub speed_rad_s: f64,
}

/// The rod between arm and tapping crank: ball joints at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rod {
    /// Ball on the arm, from the boss centre (b), m.
    pub on_arm_m: [f64; 3],
    /// Centre of the tapping crank in the sub-frame, right side (Q0), m.
    pub anchor_m: [f64; 3],
    /// Length between the balls (L), m.
    pub length_m: f64,
    /// Throw of the tapping crank (e_t), m; 0 for no tapping.
    pub crank_m: f64,
}

/// The boomerang at the arm's tip, with a node at each end, turning about x.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rocker {
    /// Upper node centre above the pivot, m.
    pub up_m: f64,
    /// Lower node centre below the pivot, m (a positive number).
    pub down_m: f64,
    /// Node centres in front of the pivot, m.
    pub forward_m: f64,
    /// Stops at +/- this angle, rad.
    pub range_rad: f64,
    /// Spring torque at angle 0, towards "upper node forward", N m.
    pub preload_nm: f64,
    /// Fall of that torque with the angle, N m/rad: torque = preload - rate * angle.
    pub rate_nm_rad: f64,
    /// Viscous damping, N m s/rad.
    pub damping_nm_s: f64,
    /// Mass of the rocker without nodes, kg.
    pub mass_kg: f64,
}

/// What touches the user (through the cover).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its name: `upper`, `lower`.
    pub name: String,
    /// Its shape; axle along x.
    pub shape: Indenter,
    /// Mass, kg.
    pub mass_kg: f64,
    /// Stiffness of rubber and arm in series, N/m.
    pub stiffness_n_m: f64,
    /// Coulomb friction against what it touches: cover, shirt or skin.
    pub friction: f64,
    /// How it turns about its axle.
    pub wheel: Wheel,
    /// Drag of a free wheel's bearing and fabric, as a share of the normal force at the rim; 0 for a fixed one.
    pub bearing_resistance: f64,
}

/// How a node turns about its axle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wheel {
    /// Freely, but for its bearing: it rolls.
    Free,
    /// Not at all: it rubs.
    Fixed,
}

/// The foam or fabric flap between nodes and user.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cover {
    /// Thickness, m.
    pub thickness_m: f64,
    /// Young's modulus of the plateau, Pa.
    pub e_pa: f64,
    /// Compressive strain at which the foam's cells are closed.
    pub densify_strain: f64,
}

/// One gear motor per axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Motors {
    /// Carriage along the track; joint in m.
    pub walk: GearMotor,
    /// Kneading shaft; joint in rad.
    pub knead: GearMotor,
    /// Tapping shaft; joint in rad.
    pub tap: GearMotor,
    /// Protrusion slide; joint in m.
    pub protrude: GearMotor,
}

impl Mechanism {
    /// A four-node wobble-shaft carriage on an S-track, such as mid-price chairs have.
    ///
    /// No maker publishes dimensions: they are engineering estimates (E) within the ranges of
    /// [`FIELDS`](crate::FIELDS), except the S-track's length (30 in, makers' advertisements (W)) and its thoracic
    /// arc, which equals the T2-T11 kyphosis of 39.9 degrees (Harrison 2002, J Spinal Disord Tech 15:213 (V)) to half
    /// a degree. The track's top stands so that its chord is vertical and C7 of a mean sitter (650 mm above the seat)
    /// lies at the end of the neck arc, s = 110 mm. Retracted and parked at 0, the nodes stay behind a pad 90 mm in
    /// front of the rail; the full stroke takes them 34 (thorax) to 43 mm (lumbar) past its surface.
    pub fn reference() -> Mechanism {
        let arc = |length_mm: f64, radius_mm: f64| Arc {
            length_m: length_mm / 1000.0,
            radius_m: radius_mm / 1000.0,
        };
        let node = |name: &str| Node {
            name: name.to_owned(),
            shape: Indenter::Sphere { radius_m: 0.025 },
            mass_kg: 0.12,
            stiffness_n_m: 30.0e3,
            friction: 0.30,
            wheel: Wheel::Free,
            bearing_resistance: 0.05,
        };
        Mechanism {
            name: "four-node wobble carriage on an S-track".to_owned(),
            track: Track {
                arcs: vec![
                    arc(110.0, -260.0),
                    arc(330.0, 480.0),
                    arc(220.0, -400.0),
                    arc(100.0, 420.0),
                ],
                blend_m: 0.020,
                top: [0.0, 0.759],
                heading_rad: 5.2_f64.to_radians(),
            },
            carriage: Carriage {
                mass_kg: 7.0,
                wheelbase_m: 0.120,
                friction: 0.05,
            },
            protrude: Protrude {
                retracted_m: -0.052,
                stroke_m: 0.070,
                speed_max_m_s: 0.025,
                accel_max_m_s2: 0.100,
            },
            knead: Wobble {
                half_spacing_m: 0.055,
                tilt_rad: 10.0_f64.to_radians(),
                eccentricity_m: 0.008,
                eccentricity_phase_rad: 0.0,
                pivot_on_arm_m: [0.0, 0.080, 0.070],
                rod: Rod {
                    on_arm_m: [0.0, -0.045, -0.010],
                    anchor_m: [0.055, -0.045, -0.080],
                    length_m: 0.070,
                    crank_m: 0.0,
                },
                speed_rad_s: rpm(25.0),
            },
            rocker: Rocker {
                up_m: 0.050,
                down_m: 0.050,
                forward_m: 0.0,
                range_rad: 25.0_f64.to_radians(),
                preload_nm: 0.2,
                rate_nm_rad: 0.01_f64.to_degrees(),
                damping_nm_s: 0.02,
                mass_kg: 0.30,
            },
            nodes: vec![node("upper"), node("lower")],
            cover: Cover {
                thickness_m: 0.015,
                e_pa: 25.0e3,
                densify_strain: 0.75,
            },
            motors: Motors::reference(),
        }
    }
}

impl Motors {
    /// 24 V brushed motors (E): worm 60:1 on a 10 mm pinion, worm 90:1, belt 5.5:1, gear 150:1 on a 25 mm pinion.
    /// Stall torque is five times the rated torque of 0.12, 0.20, 0.10 and 0.08 N m.
    pub fn reference() -> Motors {
        let motor =
            |no_load_rpm: f64, rated_nm: f64, ratio: f64, efficiency: f64, out: f64| GearMotor {
                supply_v: 24.0,
                no_load_rad_s: rpm(no_load_rpm),
                stall_torque_nm: 5.0 * rated_nm,
                friction_nm: 0.05 * rated_nm,
                rotor_inertia_kg_m2: 2.0e-5,
                current_limit_a: 5.0,
                ratio,
                efficiency,
                self_locking: efficiency <= 0.5,
                out_per_rad: out,
            };
        Motors {
            walk: motor(3500.0, 0.12, 60.0, 0.5, 0.010),
            knead: motor(3500.0, 0.20, 90.0, 0.45, 1.0),
            tap: motor(3500.0, 0.10, 5.5, 0.85, 1.0),
            protrude: motor(4000.0, 0.08, 150.0, 0.4, 0.025),
        }
    }
}

/// Turns per minute to rad/s.
pub(crate) fn rpm(turns_per_min: f64) -> f64 {
    turns_per_min * std::f64::consts::TAU / 60.0
}
