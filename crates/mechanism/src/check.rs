//! What is allowed: ranges of every scalar field, and what cannot be built.

use std::f64::consts::{PI, TAU};

use serde::{Deserialize, Serialize};
use tissue::Indenter;

use crate::kinematics::Kinematics;
use crate::mechanism::{Arc, Mechanism, Node};
use crate::wobble::Closure;

/// A scalar of a `T`: where it stands in a file, what it may be, and how to reach it.
pub struct Field<T: 'static> {
    /// Path in a mechanism file, unit last: `knead.tilt_deg`.
    pub path: &'static str,
    /// Unit of the file's value, `min` and `max`.
    pub unit: &'static str,
    /// SI value of one such unit.
    pub si: f64,
    /// Least allowed, in the file's unit.
    pub min: f64,
    /// Greatest allowed, in the file's unit.
    pub max: f64,
    /// What it is, and what it does when it is large.
    pub meaning: &'static str,
    /// Where range and default come from: V verified in a public source, D derived, W well known, E estimate.
    pub source: &'static str,
    /// Reads it, SI.
    pub get: fn(&T) -> f64,
    /// Writes it, SI.
    pub set: fn(&mut T, f64),
}

/// Something wrong with a mechanism. Values and limits are in the file's units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MechanismProblem {
    /// The first part of the key: `knead`, `track`.
    pub part: String,
    /// The key in a mechanism file: `knead.rod.length_mm`.
    pub key: String,
    /// Its value, with unit.
    pub value: String,
    /// What would be allowed.
    pub allowed: String,
    /// What to do about it, or why.
    pub hint: String,
}

impl std::fmt::Display for MechanismProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} = {}: allowed {}; {}",
            self.key, self.value, self.allowed, self.hint
        )
    }
}

macro_rules! fields {
    ($of:ty; $($path:literal $unit:literal $si:expr, $min:literal .. $max:literal, $at:ident $(. $rest:tt)* $([$i:literal])?, $source:literal, $meaning:literal;)*) => {
        &[$(Field {
            path: $path, unit: $unit, si: $si, min: $min, max: $max, meaning: $meaning, source: $source,
            get: |m: &$of| m.$at$(.$rest)*$([$i])?,
            set: |m: &mut $of, value: f64| m.$at$(.$rest)*$([$i])? = value,
        }),*]
    };
}

const MM: f64 = 1e-3;
const DEG: f64 = PI / 180.0;
const RPM: f64 = TAU / 60.0;

/// Every scalar of a [`Mechanism`] but those of its arcs and nodes ([`ARC_FIELDS`], [`NODE_FIELDS`]).
pub static FIELDS: &[Field<Mechanism>] = fields![Mechanism;
    "track.blend_mm" "mm" MM, 0.0..80.0, track.blend_m, "E", "length over which the curvature changes between arcs";
    "track.top_y_mm" "mm" MM, -200.0..200.0, track.top[0], "E", "forward position of the track's top in the machine frame";
    "track.top_z_mm" "mm" MM, 400.0..1200.0, track.top[1], "E", "height of the track's top above the seat";
    "track.heading_deg" "deg" DEG, -30.0..30.0, track.heading_rad, "E", "tilt of the track's top from vertical; > 0 leans to the user going down";
    "carriage.mass_kg" "kg" 1.0, 2.0..15.0, carriage.mass_kg, "E, usual 4-11", "moving mass of carriage and kneading unit";
    "carriage.wheelbase_mm" "mm" MM, 80.0..160.0, carriage.wheelbase_m, "E", "distance between upper and lower rollers";
    "carriage.friction" "1" 1.0, 0.0..0.3, carriage.friction, "E", "Coulomb friction of the rollers in the rail";
    "protrude.retracted_mm" "mm" MM, -200.0..50.0, protrude.retracted_m, "E", "kneading shaft in front of the rail when retracted; large: nodes press while they should not";
    "protrude.stroke_mm" "mm" MM, 40.0..130.0, protrude.stroke_m, "E, usual 50-80, flagship to 130", "travel of the protrusion slide";
    "protrude.speed_max_mm_s" "mm/s" MM, 3.0..60.0, protrude.speed_max_m_s, "E, usual 3-25", "speed limit of the slide";
    "protrude.accel_max_mm_s2" "mm/s^2" MM, 10.0..2000.0, protrude.accel_max_m_s2, "E", "acceleration limit of the slide";
    "knead.half_spacing_mm" "mm" MM, 30.0..110.0, knead.half_spacing_m, "E, node width 50-200", "boss distance from the midline: half the mean node width";
    "knead.tilt_deg" "deg" DEG, 0.0..16.0, knead.tilt_rad, "E, usual 6-16", "tilt of the boss axis: large kneads wider";
    "knead.eccentricity_mm" "mm" MM, 0.0..15.0, knead.eccentricity_m, "E", "boss eccentricity: large kneads deeper";
    "knead.eccentricity_phase_deg" "deg" DEG, -180.0..180.0, knead.eccentricity_phase_rad, "E", "eccentricity's angle ahead of the tilt";
    "knead.pivot_x_mm" "mm" MM, -40.0..40.0, knead.pivot_on_arm_m[0], "E", "rocker pivot outward of the boss centre";
    "knead.pivot_y_mm" "mm" MM, 30.0..160.0, knead.pivot_on_arm_m[1], "E", "rocker pivot in front of the boss centre";
    "knead.pivot_z_mm" "mm" MM, -160.0..160.0, knead.pivot_on_arm_m[2], "E", "rocker pivot above the boss centre";
    "knead.rod.on_arm_x_mm" "mm" MM, -60.0..60.0, knead.rod.on_arm_m[0], "E", "rod's ball on the arm, outward of the boss centre";
    "knead.rod.on_arm_y_mm" "mm" MM, -120.0..120.0, knead.rod.on_arm_m[1], "E", "rod's ball on the arm, in front of the boss centre";
    "knead.rod.on_arm_z_mm" "mm" MM, -120.0..120.0, knead.rod.on_arm_m[2], "E", "rod's ball on the arm, above the boss centre";
    "knead.rod.anchor_x_mm" "mm" MM, 0.0..150.0, knead.rod.anchor_m[0], "E", "tapping crank, distance from the midline";
    "knead.rod.anchor_y_mm" "mm" MM, -200.0..200.0, knead.rod.anchor_m[1], "E", "tapping crank, in front of the kneading shaft";
    "knead.rod.anchor_z_mm" "mm" MM, -200.0..200.0, knead.rod.anchor_m[2], "E", "tapping crank, above the kneading shaft";
    "knead.rod.length_mm" "mm" MM, 20.0..250.0, knead.rod.length_m, "E", "rod between its balls";
    "knead.rod.crank_mm" "mm" MM, 0.0..12.0, knead.rod.crank_m, "E, tapping stroke 5-25 p-p", "throw of the tapping crank; 0: no tapping";
    "knead.speed_rpm" "rpm" RPM, 3.0..45.0, knead.speed_rad_s, "E, usual 10-45", "usual kneading speed";
    "rocker.up_mm" "mm" MM, 30.0..80.0, rocker.up_m, "E, pitch 80-130", "upper node above the pivot";
    "rocker.down_mm" "mm" MM, 30.0..80.0, rocker.down_m, "E, pitch 80-130", "lower node below the pivot";
    "rocker.forward_mm" "mm" MM, -40.0..40.0, rocker.forward_m, "E", "nodes in front of the pivot";
    "rocker.range_deg" "deg" DEG, 5.0..45.0, rocker.range_rad, "W, usual 20-30", "stops at +/- this angle";
    "rocker.preload_nm" "N m" 1.0, 0.0..1.5, rocker.preload_nm, "E, usual 0.2-1.5", "spring torque at angle 0: large loads the upper node more than the lower";
    "rocker.rate_nm_deg" "N m/deg" 180.0 / PI, 0.0..0.08, rocker.rate_nm_rad, "E, usual 0.01-0.08", "fall of the spring torque with the angle";
    "rocker.damping_nm_s" "N m s/rad" 1.0, 0.0..0.5, rocker.damping_nm_s, "E", "viscous damping of the rocker";
    "rocker.mass_kg" "kg" 1.0, 0.05..1.0, rocker.mass_kg, "E, arm + rocker + nodes 0.4-1.2", "mass without nodes";
    "cover.thickness_mm" "mm" MM, 0.0..60.0, cover.thickness_m, "E, usual 15-60", "flap between node and user; large spreads and softens";
    "cover.e_kpa" "kPa" 1e3, 5.0..100.0, cover.e_pa, "E, usual 10-60", "plateau modulus of the flap's foam";
    "cover.densify_strain" "1" 1.0, 0.3..0.95, cover.densify_strain, "E", "compressive strain at which the foam's cells are closed";
    "motors.walk.supply_v" "V" 1.0, 6.0..48.0, motors.walk.supply_v, "E", "walk motor's supply";
    "motors.walk.no_load_rpm" "rpm" RPM, 500.0..20000.0, motors.walk.no_load_rad_s, "E", "walk motor's speed without load";
    "motors.walk.stall_torque_nm" "N m" 1.0, 0.02..5.0, motors.walk.stall_torque_nm, "E", "walk motor's torque at standstill";
    "motors.walk.friction_nm" "N m" 1.0, 0.0..0.2, motors.walk.friction_nm, "E", "walk motor's dry friction";
    "motors.walk.rotor_inertia_kg_m2" "kg m^2" 1.0, 1e-7..1e-3, motors.walk.rotor_inertia_kg_m2, "E", "inertia at the walk motor's shaft";
    "motors.walk.current_limit_a" "A" 1.0, 0.5..30.0, motors.walk.current_limit_a, "E, usual 3-6", "walk driver's current limit";
    "motors.walk.ratio" "1" 1.0, 1.0..500.0, motors.walk.ratio, "E", "walk gear: motor turns per pinion turn";
    "motors.walk.efficiency" "1" 1.0, 0.1..1.0, motors.walk.efficiency, "E", "walk gear: share of the power that arrives";
    "motors.walk.pinion_mm" "mm" MM, 2.0..60.0, motors.walk.out_per_rad, "E", "walk pinion's radius";
    "motors.knead.supply_v" "V" 1.0, 6.0..48.0, motors.knead.supply_v, "E", "kneading motor's supply";
    "motors.knead.no_load_rpm" "rpm" RPM, 500.0..20000.0, motors.knead.no_load_rad_s, "E", "kneading motor's speed without load";
    "motors.knead.stall_torque_nm" "N m" 1.0, 0.02..5.0, motors.knead.stall_torque_nm, "E", "kneading motor's torque at standstill";
    "motors.knead.friction_nm" "N m" 1.0, 0.0..0.2, motors.knead.friction_nm, "E", "kneading motor's dry friction";
    "motors.knead.rotor_inertia_kg_m2" "kg m^2" 1.0, 1e-7..1e-3, motors.knead.rotor_inertia_kg_m2, "E", "inertia at the kneading motor's shaft";
    "motors.knead.current_limit_a" "A" 1.0, 0.5..30.0, motors.knead.current_limit_a, "E, usual 3-6", "kneading driver's current limit";
    "motors.knead.ratio" "1" 1.0, 1.0..500.0, motors.knead.ratio, "E, worm 70-110", "kneading gear: motor turns per shaft turn";
    "motors.knead.efficiency" "1" 1.0, 0.1..1.0, motors.knead.efficiency, "E", "kneading gear: share of the power that arrives";
    "motors.tap.supply_v" "V" 1.0, 6.0..48.0, motors.tap.supply_v, "E", "tapping motor's supply";
    "motors.tap.no_load_rpm" "rpm" RPM, 500.0..20000.0, motors.tap.no_load_rad_s, "E", "tapping motor's speed without load";
    "motors.tap.stall_torque_nm" "N m" 1.0, 0.02..5.0, motors.tap.stall_torque_nm, "E", "tapping motor's torque at standstill";
    "motors.tap.friction_nm" "N m" 1.0, 0.0..0.2, motors.tap.friction_nm, "E", "tapping motor's dry friction";
    "motors.tap.rotor_inertia_kg_m2" "kg m^2" 1.0, 1e-7..1e-3, motors.tap.rotor_inertia_kg_m2, "E", "inertia at the tapping motor's shaft";
    "motors.tap.current_limit_a" "A" 1.0, 0.5..30.0, motors.tap.current_limit_a, "E, usual 3-6", "tapping driver's current limit";
    "motors.tap.ratio" "1" 1.0, 1.0..500.0, motors.tap.ratio, "E, belt 4-7", "tapping gear: motor turns per shaft turn";
    "motors.tap.efficiency" "1" 1.0, 0.1..1.0, motors.tap.efficiency, "E", "tapping gear: share of the power that arrives";
    "motors.protrude.supply_v" "V" 1.0, 6.0..48.0, motors.protrude.supply_v, "E", "protrusion motor's supply";
    "motors.protrude.no_load_rpm" "rpm" RPM, 500.0..20000.0, motors.protrude.no_load_rad_s, "E", "protrusion motor's speed without load";
    "motors.protrude.stall_torque_nm" "N m" 1.0, 0.02..5.0, motors.protrude.stall_torque_nm, "E", "protrusion motor's torque at standstill";
    "motors.protrude.friction_nm" "N m" 1.0, 0.0..0.2, motors.protrude.friction_nm, "E", "protrusion motor's dry friction";
    "motors.protrude.rotor_inertia_kg_m2" "kg m^2" 1.0, 1e-7..1e-3, motors.protrude.rotor_inertia_kg_m2, "E", "inertia at the protrusion motor's shaft";
    "motors.protrude.current_limit_a" "A" 1.0, 0.5..30.0, motors.protrude.current_limit_a, "E, usual 3-6", "protrusion driver's current limit";
    "motors.protrude.ratio" "1" 1.0, 1.0..500.0, motors.protrude.ratio, "E", "protrusion gear: motor turns per pinion turn";
    "motors.protrude.efficiency" "1" 1.0, 0.1..1.0, motors.protrude.efficiency, "E", "protrusion gear: share of the power that arrives";
    "motors.protrude.pinion_mm" "mm" MM, 2.0..60.0, motors.protrude.out_per_rad, "E", "protrusion pinion's radius";
];

/// The scalars of one of [`Track::arcs`](crate::Track::arcs); paths are below `track.arcs.N`.
pub static ARC_FIELDS: &[Field<Arc>] = fields![Arc;
    "length_mm" "mm" MM, 5.0..1400.0, length_m, "E", "length of the arc along the rail";
    "radius_mm" "mm" MM, -1e6..1e6, radius_m, "E", "> 0 bends towards the user, < 0 bulges into the user; at least 100 either way";
];

/// The scalars of one of [`Mechanism::nodes`]; paths are below `nodes.N`.
pub static NODE_FIELDS: &[Field<Node>] = fields![Node;
    "mass_kg" "kg" 1.0, 0.01..1.0, mass_kg, "E", "mass of the node";
    "stiffness_n_mm" "N/mm" 1e3, 5.0..200.0, stiffness_n_m, "E, usual 10-80", "rubber and arm flex in series; small: a soft node";
    "friction" "1" 1.0, 0.0..1.5, friction, "E, usual 0.2-0.45: cotton on PU", "Coulomb friction against what it touches: cover, shirt or skin; large drags the skin along";
    "bearing_resistance" "1" 1.0, 0.0..0.5, bearing_resistance, "E, usual 0.02-0.06", "what bearing and fabric hold back, a share of the normal force at the rim";
];

impl Mechanism {
    /// Everything that is wrong with it: fields out of range, and parts that cannot work together. Empty is good.
    pub fn check(&self) -> Vec<MechanismProblem> {
        let mut problems = Vec::new();
        ranges(self, FIELDS, "", &mut problems);
        for (index, arc) in self.track.arcs.iter().enumerate() {
            let below = format!("track.arcs.{index}.");
            ranges(arc, ARC_FIELDS, &below, &mut problems);
            if arc.radius_m.abs() < 0.1 {
                problems.push(problem(
                    format!("{below}radius_mm"),
                    format!("{:.1} mm", arc.radius_m / MM),
                    "at least 100 mm, or at most -100 mm",
                    "a carriage cannot follow a tighter bend",
                ));
            }
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let below = format!("nodes.{index}.");
            ranges(node, NODE_FIELDS, &below, &mut problems);
            for extent_m in half_extents_m(&node.shape) {
                if !(0.005..=0.060).contains(&extent_m) {
                    problems.push(problem(
                        format!("{below}shape"),
                        format!("half size {:.1} mm", extent_m / MM),
                        "5 to 60 mm in every direction",
                        "massage nodes have radii of 15 to 45 mm and widths of 20 to 60 mm [E]",
                    ));
                    break;
                }
            }
        }
        if self.nodes.len() != 2 {
            problems.push(problem(
                "nodes",
                format!("{} nodes", self.nodes.len()),
                "2: upper, then lower",
                "a rocker carries one node at each end; both sides are the same",
            ));
        }
        // The rest only says something about numbers that make sense by themselves.
        if problems.is_empty() {
            self.check_together(&mut problems);
        }
        problems
    }

    fn check_together(&self, problems: &mut Vec<MechanismProblem>) {
        let track_m: f64 = self.track.arcs.iter().map(|arc| arc.length_m).sum();
        if self.carriage.wheelbase_m >= track_m {
            problems.push(problem(
                "carriage.wheelbase_mm",
                format!("{:.1} mm", self.carriage.wheelbase_m / MM),
                format!("less than the track's {:.1} mm", track_m / MM),
                "the carriage has to have somewhere to go",
            ));
        }
        self.check_rod(problems);
        let rest = self.rocker.preload_nm / self.rocker.rate_nm_rad;
        if self.rocker.preload_nm > 0.0 && rest > self.rocker.range_rad {
            problems.push(problem(
                "rocker.preload_nm",
                format!("{} N m", self.rocker.preload_nm),
                format!(
                    "at most rate x range = {:.3} N m",
                    self.rocker.rate_nm_rad * self.rocker.range_rad
                ),
                "unloaded, the rocker lies on its stop and knocks when a node lets go",
            ));
        }
    }

    /// A rod must close at every angle of both shafts; else the problem tells where it first does not.
    fn check_rod(&self, problems: &mut Vec<MechanismProblem>) {
        let length = self.knead.rod.length_m;
        let taps = if self.knead.rod.crank_m > 0.0 { 24 } else { 1 };
        let mut reach = (0.0_f64, f64::INFINITY);
        let mut first = None;
        for tap in 0..taps {
            for turn in 0..72 {
                let (theta, psi) = (f64::from(turn) * TAU / 72.0, f64::from(tap) * TAU / 24.0);
                let (short, long) = Closure::new(&self.knead, theta, psi).rod_range_m();
                reach = (reach.0.max(short), reach.1.min(long));
                if first.is_none() && !(short..=long).contains(&length) {
                    first = Some((theta, psi));
                }
            }
        }
        let Some((theta, psi)) = first else {
            return;
        };
        let allowed = if reach.0 < reach.1 {
            format!(
                "{:.1} to {:.1} mm for a whole turn",
                reach.0 / MM,
                reach.1 / MM
            )
        } else {
            "no length closes over a whole turn".to_owned()
        };
        problems.push(problem(
            "knead.rod.length_mm",
            format!("{:.1} mm", length / MM),
            allowed,
            format!(
                "the rod cannot close at kneading angle {:.0} deg, tapping angle {:.0} deg; move rod.anchor or rod.on_arm, or change its length",
                theta / DEG,
                psi / DEG
            ),
        ));
    }
}

impl Kinematics {
    /// Says whether a retracted node, the shaft parked at 0, stands in front of a pad whose surface lies `pad_m` in
    /// front of the track curve.
    pub fn check_retracts(&self, pad_m: f64) -> Option<MechanismProblem> {
        let front_m = self.front_m(0.0, 0.0).ok()?;
        (front_m > pad_m).then(|| {
            problem(
                "protrude.retracted_mm",
                format!("nodes reach {:.1} mm in front of the rail", front_m / MM),
                format!("at most {:.1} mm, the pad's surface", pad_m / MM),
                format!(
                    "retract by {:.1} mm more, or the nodes press while the carriage travels",
                    (front_m - pad_m) / MM
                ),
            )
        })
    }
}

/// Half sizes of a node along its x, y, z, m.
pub(crate) fn half_extents_m(shape: &Indenter) -> [f64; 3] {
    match *shape {
        Indenter::Sphere { radius_m }
        | Indenter::Flat { radius_m }
        | Indenter::Paraboloid { radius_m } => [radius_m; 3],
        Indenter::Ellipsoid { semi_axes_m } => semi_axes_m,
        Indenter::Roller {
            radius_m, length_m, ..
        } => [0.5 * length_m, radius_m, radius_m],
        Indenter::Torus { major_m, minor_m } => [minor_m, major_m + minor_m, major_m + minor_m],
        Indenter::Mesh(ref mesh) => mesh.half_extents_m(),
    }
}

fn ranges<T>(of: &T, fields: &[Field<T>], below: &str, problems: &mut Vec<MechanismProblem>) {
    for field in fields {
        let value = (field.get)(of) / field.si;
        // Room for the round trip through SI.
        let slack = 1e-9 * (field.max - field.min);
        if !(field.min - slack..=field.max + slack).contains(&value) {
            problems.push(problem(
                format!("{below}{}", field.path),
                format!("{value:.6} {}", field.unit),
                format!("{} to {} {}", field.min, field.max, field.unit),
                field.meaning,
            ));
        }
    }
}

fn problem(
    key: impl Into<String>,
    value: impl Into<String>,
    allowed: impl Into<String>,
    hint: impl Into<String>,
) -> MechanismProblem {
    let key = key.into();
    MechanismProblem {
        part: key.split('.').next().unwrap_or_default().to_owned(),
        key,
        value: value.into(),
        allowed: allowed.into(),
        hint: hint.into(),
    }
}
