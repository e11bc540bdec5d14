//! One body's back.

use nalgebra::{Point3, Vector3};
use tissue::{Law, Layer, Stack};

use crate::acupoint::{ACUPOINTS, Acupoint, GB20_X_M, Point, huatuo};
use crate::body::{Body, BodyProblem};
use crate::knot::Knot;
use crate::layers::{Layers, Thickness};
use crate::level::Level;
use crate::limits::{Limits, TissueDefaults};
use crate::scan::Scan;
use crate::sizes::Sizes;
use crate::spine::Spine;
use crate::surface::{Offset, Surface};
use crate::zone::Place;

/// Surface, landmarks, layers and zones of one body, sitting.
///
/// Back frame, m: x to the user's right, y forward into the user, z up; the origin lies on the seat plane under the midline skin point of S2.
/// Points are named by station `u` (fraction of the skin arc from C7, 0, to S2, 1; negative on the neck) and lateral distance x.
/// Valid for u of -0.13 to 1.25; beyond, the curve goes on straight and everything else stays as it is at the end.
#[derive(Clone, Debug)]
pub struct Back {
    body: Body,
    sizes: Sizes,
    spine: Spine,
    surface: Skin,
    layers: Layers,
}

/// The skin behind the midline.
#[derive(Clone, Debug)]
enum Skin {
    Shape(Surface),
    Scan(Scan),
}

impl Skin {
    fn offset(&self, u: f64, x_m: f64) -> Offset {
        match self {
            Skin::Shape(surface) => surface.offset(u, x_m),
            Skin::Scan(scan) => {
                let [y_m, by_u, by_x] = scan.offset(u, x_m);
                Offset { y_m, by_u, by_x }
            }
        }
    }
}

/// The trunk as one rigid body, for leaning on the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trunk {
    /// Head, arms and trunk: 0.53 of the body (E).
    pub mass_kg: f64,
    /// Centre of mass, back frame.
    pub centre: Point3<f64>,
    /// Hip joint, back frame.
    pub hip: Point3<f64>,
    /// About the lateral axis through the centre, kg m2.
    pub pitch_inertia_kg_m2: f64,
}

/// How far the mass centre of head, arms and trunk lies behind the hip joint, across the line from C7 to S2, m. Standing people hold it
/// there: the gravity line passes within 10 mm of the femoral heads, mostly behind (M, Roussouly et al. 2006, Eur Spine J 15; E for a
/// sitter). Half a chest depth in front of the skin, as it was once taken, puts it 50 mm behind: reclined by 30 degrees the trunk
/// then presses the pad with 1.4 times its weight's share across it, which the seat would have to hold.
pub const CENTRE_BEHIND_HIP_M: f64 = 0.010;

impl Back {
    /// Builds the back of a plausible body.
    ///
    /// # Errors
    /// Every implausible number of the body, see [`Body::check`].
    pub fn new(body: &Body) -> Result<Back, Vec<BodyProblem>> {
        let (errors, _) = body.check();
        if !errors.is_empty() {
            return Err(errors);
        }
        let sizes = Sizes::new(body);
        let (spine, surface) = match &body.scan {
            Some(scan) => (Spine::of_scan(scan, &sizes), Skin::Scan(scan.clone())),
            None => (
                Spine::new(body, &sizes),
                Skin::Shape(Surface::new(body, &sizes)),
            ),
        };
        Ok(Back {
            body: body.clone(),
            sizes,
            spine,
            surface,
            layers: Layers::new(body),
        })
    }

    /// Whether left and right are mirror images in shape: all but scans are. Knots do not count.
    pub fn is_symmetric(&self) -> bool {
        matches!(self.surface, Skin::Shape(_))
    }

    /// Whose back it is.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Its lengths.
    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// C7 to S2 along the midline skin, m.
    pub fn arc_length_m(&self) -> f64 {
        self.sizes.arc_length_m
    }

    /// Station of a vertebra.
    pub fn station(&self, level: Level) -> f64 {
        level.station()
    }

    /// Skin point.
    pub fn point(&self, u: f64, x_m: f64) -> Point3<f64> {
        let midline = self.spine.at(u);
        Point3::new(
            x_m,
            midline.y_m + self.surface.offset(u, x_m).y_m,
            midline.z_m,
        )
    }

    /// Outward unit normal of the skin, mostly to -y; continuous.
    pub fn normal(&self, u: f64, x_m: f64) -> Vector3<f64> {
        // The skin is the graph y(x, z) with z = z(u): outward is (dy/dx, -1, dy/dz).
        let midline = self.spine.at(u);
        let offset = self.surface.offset(u, x_m);
        Vector3::new(
            offset.by_x,
            -1.0,
            (midline.dy_du + offset.by_u) / midline.dz_du,
        )
        .normalize()
    }

    /// Station of the skin at a height: the inverse of the z of [`Back::point`].
    pub fn station_at(&self, z_m: f64) -> f64 {
        self.spine.station_at(z_m)
    }

    /// Lean of the midline's tangent from straight down, rad, positive where going down leads into the user. Thoracic kyphosis is its
    /// difference from T1 to T12, lumbar lordosis from S1 to L1.
    pub fn lean_rad(&self, u: f64) -> f64 {
        self.spine.at(u).lean_rad
    }

    /// Layer thicknesses; their sum is the depth of bone, except under QL and GL, where no bone is near and the sum is held at 60 mm, and in very heavy people, where it stops at 90 mm.
    pub fn thickness(&self, u: f64, x_m: f64) -> Thickness {
        self.layers.at(u, x_m)
    }

    /// Skin, fat and muscle at a point, with moduli, large-strain law and relaxation of [`Limits`].
    ///
    /// A [`Knot`] stiffens the muscle under its outline. The muscle's modulus is scaled by the body's tone and `exp(0.30 modulus_z)` (CV 0.3), fat's and skin's by `exp(0.15 modulus_z)` (E);
    /// muscle of 65 years and over by 1.07 (E, 1.0 to 1.15).
    pub fn stack(&self, u: f64, x_m: f64) -> Stack {
        let limits = Limits::builtin();
        let t = self.thickness(u, x_m);
        let b = &self.body;
        let soft = (0.15 * b.modulus_z).exp();
        let mut muscle =
            b.tone * (0.30 * b.modulus_z).exp() * if b.age_yr >= 65.0 { 1.07 } else { 1.0 };
        for knot in &b.knots {
            let top_m = t.skin_m + t.fat_m;
            let share = knot.share(self.distance_m(knot, u, x_m), top_m, t.total_m());
            if share > 0.0 {
                muscle /= 1.0 - share + share / knot.stiffness;
            }
        }
        let layers = vec![
            layer("skin", t.skin_m, &limits.skin, soft),
            layer("fat", t.fat_m, &limits.fat, soft),
            layer("muscle", t.muscle_m, &limits.muscle, muscle),
        ];
        Stack::try_new(layers).expect("layers have floors, moduli are positive, and both are tested over the plausible bodies")
    }

    /// The zone of a point.
    pub fn zone(&self, u: f64, x_m: f64) -> Place {
        Place::at(u, x_m, self.arc_length_m())
    }

    /// Pain threshold of this body for a zone at 1 cm2, Pa: its sex's mean spread log-normally (CV 0.40) by `pain_z`.
    pub fn ppt1_pa(&self, zone: crate::Zone) -> f64 {
        let limits = Limits::builtin();
        limits.ppt1_pa(zone, self.body.sex) * limits.pain_spread(self.body.pain_z)
    }

    /// The same at a place: over a tender knot lower by 105 kPa (V, Geri 2022), but by no more than to the floor of all thresholds.
    pub fn ppt1_at_pa(&self, zone: crate::Zone, u: f64, x_m: f64) -> f64 {
        let own_pa = self.ppt1_pa(zone);
        let limits = Limits::builtin();
        let over = |k: &&Knot| k.tender && self.distance_m(k, u, x_m) <= k.radius_m;
        match self.body.knots.iter().find(over) {
            Some(_) => (own_pa + limits.ppt_trigger_point_offset_pa).max(limits.pain_floor_pa),
            None => own_pa,
        }
    }

    /// From a knot's axis to a place along the skin, m.
    fn distance_m(&self, knot: &Knot, u: f64, x_m: f64) -> f64 {
        (self.arc_length_m() * (u - knot.u)).hypot(x_m - knot.x_m)
    }

    /// Head, arms and trunk as one rigid body.
    ///
    /// Hip joint 13 % of the sitting height of C7 over the seat and 0.55 buttock depths in front of the skin of S2 (E). Centre of mass 0.626 of the
    /// way from hip to shoulder joint, radius of gyration 0.496 of it (W, Winter, head-arms-trunk); the shoulder joint lies 40 mm under the
    /// acromion (E). The centre stands over the hip joint, 10 mm behind it, seen along the line from C7 to S2, which is upright in
    /// standing.
    pub fn trunk(&self) -> Trunk {
        let s = &self.sizes;
        let hip = Point3::new(0.0, 0.55 * s.buttock_depth_m, 0.13 * s.c7_sitting_m);
        let shoulder_z = s.c7_sitting_m - s.c7_to_acromion_m - 0.040;
        let length_m = shoulder_z - hip.z;
        let z = hip.z + 0.626 * length_m;
        let centre = Point3::new(0.0, hip.y - CENTRE_BEHIND_HIP_M, z);
        let mass_kg = Limits::builtin().backrest_mass_fraction * s.mass_kg;
        Trunk {
            mass_kg,
            centre,
            hip,
            pitch_inertia_kg_m2: mass_kg * (0.496 * length_m).powi(2),
        }
    }

    /// Station and lateral distance of an acupoint, m, on the right side.
    pub fn acupoint(&self, point: &Acupoint) -> (f64, f64) {
        (point.station(), point.cun * self.sizes.cun_m)
    }

    /// Every named point on the right side: [`crate::ACUPOINTS`], GB20, GB21, SI11 (the middle of the infraspinous fossa, half a scapula's breadth
    /// beyond its medial border at T5, E) and Huatuo's.
    pub fn points(&self) -> Vec<Point> {
        let point = |name: &str, (u, x_m): (f64, f64), flag| Point {
            name: name.into(),
            u,
            x_m,
            flag,
        };
        let mut all: Vec<Point> = ACUPOINTS
            .iter()
            .map(|p| point(p.name, self.acupoint(p), "W"))
            .collect();
        let s = &self.sizes;
        let fossa_m = s.medial_border_m + 0.5 * s.scapula_breadth_m(self.body.sex);
        all.push(point("GB20", (Level::C2.station(), GB20_X_M), "W"));
        all.push(point("GB21", self.gb21(), "W"));
        all.push(point("SI11", (Level::T5.station(), fossa_m), "E"));
        all.extend(huatuo().map(|l| {
            point(
                &format!("EX-B2 {}", l.name()),
                (l.station(), 0.5 * s.cun_m),
                "W",
            )
        }));
        all
    }

    /// GB21 on the right side: halfway between C7 and the acromion (WHO; W).
    pub fn gb21(&self) -> (f64, f64) {
        let z = self.sizes.c7_sitting_m - 0.5 * self.sizes.c7_to_acromion_m;
        (self.station_at(z), 0.25 * self.sizes.biacromial_m)
    }
}

fn layer(name: &str, thickness_m: f64, tissue: &TissueDefaults, scale: f64) -> Layer {
    Layer {
        name: name.into(),
        thickness_m,
        e_pa: scale * 2.0 * tissue.mu_pa * (1.0 + tissue.nu),
        nu: tissue.nu,
        law: Law::Ogden {
            alpha: tissue.alpha,
        },
        prony: tissue.prony.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Sex;
    use crate::population::Population;
    use crate::zone::Zone;

    /// Bodies of the survey and beyond it: the smallest and largest that may be asked for.
    fn bodies() -> Vec<Body> {
        let mut bodies: Vec<Body> = (0..40).map(|i| Population::survey(9).body(i)).collect();
        for sex in Sex::ALL {
            for (stature, bmi, age, z) in [
                (1.2, 13.0, 14.0, -2.0),
                (1.4, 45.0, 80.0, 2.0),
                (2.2, 60.0, 100.0, 3.0),
                (2.2, 13.0, 20.0, -3.0),
            ] {
                let kyphosis_z = z;
                bodies.push(Body {
                    kyphosis_z,
                    lordosis_z: -z,
                    girth_z: z,
                    breadth_z: -z,
                    muscle_z: z,
                    ..Body::mean(sex, stature, bmi, age)
                });
            }
        }
        bodies
    }

    #[test]
    fn the_skin_never_folds_and_its_normals_never_jump() {
        let mut worst = [0.0_f64; 2];
        for body in bodies() {
            let back = Back::new(&body).expect("plausible");
            for i in 0..=138 {
                let u = -0.13 + 0.01 * f64::from(i);
                assert!(
                    back.point(u + 0.01, 0.0).z < back.point(u, 0.0).z,
                    "z falls with u"
                );
                for j in -30..=30 {
                    let x = 0.005 * f64::from(j);
                    let n = back.normal(u, x);
                    assert!(
                        (n.norm() - 1.0).abs() < 1e-12 && n.y < -0.05,
                        "{body:?} {u} {x}: {n}"
                    );
                    // Where a node can come from behind.
                    if n.y > -0.5 {
                        continue;
                    }
                    for (k, step_m) in [0.0005, 0.000_25].into_iter().enumerate() {
                        let along = n.angle(&back.normal(u + step_m / back.arc_length_m(), x));
                        let across = n.angle(&back.normal(u, x + step_m));
                        worst[k] = worst[k].max(along).max(across);
                    }
                }
            }
        }
        // 0.073 rad over 0.5 mm is a radius of 7 mm: the neck of the smallest child. A kink would not halve with the step.
        assert!(worst[0] < 0.08, "{worst:?} rad");
        assert!(
            worst[1] < 0.55 * worst[0],
            "{worst:?} rad over 0.5 and 0.25 mm"
        );
    }

    /// Ten thousand people, half of them with the survey's correlations and ages to 80, at twenty random places each: height falls with the
    /// station, normals point out, and half a step turns the normal half as far, to the 0.016 rad that a curvature which jumps by 65 per m adds over
    /// 0.25 mm (the edge of the scapular plate jumps by 6 x 8 mm / (30 mm)^2 = 53 per m). A kink of 2 degrees turns it by 0.035 rad in either.
    #[test]
    fn no_skin_of_ten_thousand_folds_or_has_a_kink() {
        use crate::correlated::{Ages, Market, People, Points};
        let market = Market {
            ages: Ages::Even([20.0, 80.0]),
            ..Market::survey()
        };
        let others = People::Correlated {
            market,
            points: Points::LowDiscrepancy,
        };
        let mut sharpest = 0.0_f64;
        for i in 0..10_000 {
            let people = if i % 2 == 0 { People::Grouped } else { others };
            let body = people.body(12, i);
            let back = Back::new(&body).expect("everybody is plausible");
            for k in 0..20 {
                let random = |c: u64| crate::random::uniform(&[77, i, k, c]);
                let (u, x) = (-0.12 + 1.30 * random(0), 0.15 * (2.0 * random(1) - 1.0));
                assert!(
                    back.point(u + 1e-3, 0.0).z < back.point(u, 0.0).z,
                    "{body:?} {u}"
                );
                let n = back.normal(u, x);
                assert!(
                    (n.norm() - 1.0).abs() < 1e-12 && n.y < -0.05,
                    "{body:?} {u} {x}: {n}"
                );
                if n.y > -0.5 {
                    continue;
                }
                let turn = |step_m: f64| {
                    let along = n.angle(&back.normal(u + step_m / back.arc_length_m(), x));
                    along.max(n.angle(&back.normal(u, x + step_m)))
                };
                let (far, near) = (turn(0.0005), turn(0.000_25));
                sharpest = sharpest.max(far);
                assert!(
                    near < 0.5 * far + 0.016,
                    "{body:?} {u} {x}: {far} rad over 0.5 mm, {near} over half of it"
                );
            }
        }
        println!("sharpest turn {sharpest:.3} rad over 0.5 mm");
        // A radius of 8 mm: the edge of a slim neck.
        assert!(sharpest < 0.06, "{sharpest}");
    }

    #[test]
    fn normals_are_square_to_the_skin() {
        let back = Back::new(&Body::mean(Sex::Male, 1.756, 27.7, 30.0)).expect("plausible");
        for i in 0..130 {
            for j in -12..=12 {
                let (u, x, h) = (-0.12 + 0.0101 * f64::from(i), 0.01 * f64::from(j), 1e-5);
                let n = back.normal(u, x);
                let along = (back.point(u + h, x) - back.point(u - h, x)).normalize();
                let across = (back.point(u, x + h) - back.point(u, x - h)).normalize();
                assert!(
                    n.dot(&along).abs() < 1e-4 && n.dot(&across).abs() < 1e-4,
                    "{u} {x}"
                );
            }
        }
    }

    #[test]
    fn every_plausible_body_has_a_stack_everywhere() {
        for body in bodies() {
            let back = Back::new(&body).expect("plausible");
            for i in 0..=40 {
                for j in 0..=7 {
                    let (u, x) = (-0.15 + 0.036 * f64::from(i), 0.02 * f64::from(j));
                    let stack = back.stack(u, x);
                    assert_eq!(stack.layers().len(), 3);
                    assert!((stack.thickness_m() - back.thickness(u, x).total_m()).abs() < 1e-12);
                }
            }
        }
    }

    /// Muscle modulus: mu 6 kPa, nu 0.495: E = 2 x 6 x 1.495 = 17.94 kPa relaxed, x 2.1 contracted (38.45 / 18.55 kPa, Sadeghi 2020).
    #[test]
    fn val_contraction_stiffens_muscle_as_sadeghi_2020_found() {
        let e_pa = |tone: f64| {
            let body = Body {
                tone,
                ..Body::mean(Sex::Male, 1.756, 27.7, 30.0)
            };
            Back::new(&body)
                .expect("plausible")
                .stack(0.8, 0.035)
                .layers()[2]
                .e_pa
        };
        assert!((e_pa(1.0) - 17_940.0).abs() < 1e-6);
        assert!((e_pa(2.1) / e_pa(1.0) - 38.45 / 18.55).abs() < 0.03);
    }

    /// 0.53 x 75 kg = 39.75 kg near ISO/TS 15066's 40 kg; the mass centre lies between hip and shoulder, in front of the skin.
    #[test]
    fn val_trunk_has_the_mass_of_a_trunk() {
        let body = Body::mean(Sex::Male, 1.732, 25.0, 30.0); // 75.0 kg
        let back = Back::new(&body).expect("plausible");
        let trunk = back.trunk();
        assert!((trunk.mass_kg - 39.75).abs() < 0.05, "{}", trunk.mass_kg);
        assert!(trunk.hip.z < trunk.centre.z && trunk.centre.z < back.sizes().c7_sitting_m);
        assert!(trunk.centre.y > back.point(back.station_at(trunk.centre.z), 0.0).y + 0.08);
        // A rod of that mass over the trunk's length would have 1/12 m l^2 = 0.8 kg m2; head and arms at the far end double it.
        assert!(
            (1.0..3.5).contains(&trunk.pitch_inertia_kg_m2),
            "{}",
            trunk.pitch_inertia_kg_m2
        );
    }

    /// A knot of 12 mm, three times as stiff, 22 mm deep: over its middle the muscle gives in series, beside it and on the other side nothing
    /// changes. By hand: share s of the muscle is knot, so E / E0 = 1 / (1 - s + s / 3).
    #[test]
    fn val_a_knot_stiffens_its_place_and_lowers_its_threshold() {
        let plain = Body::mean(Sex::Female, 1.63, 25.0, 40.0);
        let (u, x_m) = (0.3, 0.045);
        let knot = Knot {
            u,
            x_m,
            depth_m: 0.022,
            radius_m: 0.012,
            stiffness: 3.0,
            tender: true,
        };
        let with = Back::new(&Body {
            knots: vec![knot],
            ..plain.clone()
        })
        .expect("plausible");
        let without = Back::new(&plain).expect("plausible");
        let muscle = |back: &Back, u: f64, x_m: f64| back.stack(u, x_m).layers()[2].e_pa;
        let t = with.thickness(u, x_m);
        let (top, bottom) = (t.skin_m + t.fat_m, t.total_m());
        let share = (bottom.min(0.034) - top.max(0.010)) / (bottom - top);
        assert!(
            (0.3..=1.0).contains(&share),
            "it lies in the muscle: {share}"
        );
        let ratio = muscle(&with, u, x_m) / muscle(&without, u, x_m);
        assert!(
            (ratio - 1.0 / (1.0 - share + share / 3.0)).abs() < 1e-9,
            "{ratio}"
        );
        assert_eq!(
            muscle(&with, u, -x_m),
            muscle(&without, u, -x_m),
            "the other side"
        );
        assert_eq!(
            muscle(&with, u, x_m + 0.013),
            muscle(&without, u, x_m + 0.013),
            "beside it"
        );
        let fall = without.ppt1_at_pa(Zone::IS, u, x_m) - with.ppt1_at_pa(Zone::IS, u, x_m);
        assert!((fall - 105e3).abs() < 1e-6, "{fall}");
        assert_eq!(with.ppt1_at_pa(Zone::IS, u, -x_m), with.ppt1_pa(Zone::IS));
    }

    /// Contracted muscle is thicker: 1.10 to 1.30 (E), 1.20 at 2.1 times the stiffness.
    #[test]
    fn contracted_muscle_is_thicker() {
        let thick = |tone: f64| {
            let body = Body {
                tone,
                ..Body::mean(Sex::Male, 1.756, 27.7, 30.0)
            };
            Back::new(&body)
                .expect("plausible")
                .thickness(0.8, 0.035)
                .muscle_m
        };
        assert!((thick(2.1) / thick(1.0) - 1.2).abs() < 1e-9);
    }

    #[test]
    fn an_implausible_body_builds_no_back() {
        let problems = Back::new(&Body::mean(Sex::Male, 2.5, 10.0, 30.0)).expect_err("a giant");
        assert_eq!(
            problems.iter().map(|p| p.key).collect::<Vec<_>>(),
            ["stature_m", "bmi_kg_m2"]
        );
    }

    /// 3 cun reach the medial scapular border, 56 mm in the mean woman: 1 cun = 18.7 mm, 1.5 cun = 28 mm. BL23 lies at L2.
    #[test]
    fn acupoints_scale_with_the_shoulder() {
        let back = Back::new(&Body::mean(Sex::Female, 1.62847, 25.5, 28.94)).expect("plausible");
        let bl23 = crate::ACUPOINTS
            .iter()
            .find(|p| p.name == "BL23")
            .expect("there is one");
        let (u, x) = back.acupoint(bl23);
        assert_eq!(u, Level::L2.station());
        assert!((x - 0.028).abs() < 2e-4, "{x}");
        // WHO: 17 pairs of Huatuo, 39 of the table, GB20, GB21, SI11; the fossa lies over the scapula.
        let points = back.points();
        assert_eq!(points.len(), 39 + 17 + 3);
        let si11 = points
            .iter()
            .find(|p| p.name == "SI11")
            .expect("there is one");
        assert_eq!(back.zone(si11.u, si11.x_m).zone, Zone::SC);
        assert!(
            points
                .iter()
                .filter(|p| p.name.starts_with("EX-B2"))
                .all(|p| back.zone(p.u, p.x_m).keep_out)
        );
        let (u, x) = back.gb21();
        assert!(u > 0.0 && u < 0.12 && (x - 0.0914).abs() < 1e-3, "{u} {x}");
        assert_eq!(back.zone(bl23.station(), 0.028).zone, Zone::LP);
    }
}
