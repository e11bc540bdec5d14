//! Numbers that protect, and the tissue they are about.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use tissue::PronyTerm;

use crate::body::Sex;
use crate::zone::Zone;

/// Every number of `data/limits.toml`, in SI. Flags: V verified, D derived, M from memory, E estimate.
///
/// An engineering envelope that needs clinical review.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Exponent of pain pressure over contact area, -0.5 (D, Defrin 2003: 406 kPa at 0.5 cm2, 205 kPa at 2 cm2).
    pub pain_exponent: f64,
    /// Area that thresholds are given for, 1 cm2.
    pub pain_ref_area_m2: f64,
    /// Pain pressure never falls under this, 30 kPa (E).
    pub pain_floor_pa: f64,
    /// Spread of thresholds between people, 0.40 (D).
    pub pain_cv: f64,
    /// Loading rate of the algometers, 40 kPa/s (M).
    pub pain_ramp_pa_s: f64,
    /// A node's force unless its user asks for more, 60 N (D/E: about what the 10th percentile of women bears at 10 cm2).
    pub node_force_default_max_n: f64,
    /// The most a user may ask for, 120 N (E).
    pub node_force_user_max_n: f64,
    /// Fault ceiling, 210 N (M, ISO/TS 15066, back, quasi-static).
    pub node_force_fault_n: f64,
    /// Transient over quasi-static, 2 (M, ISO/TS 15066).
    pub transient_multiplier: f64,
    /// How long a force counts as transient, 0.5 s (E).
    pub transient_max_s: f64,
    /// On a spinous process, 50 N (E); the midline is excluded anyway.
    pub spinous_force_max_n: f64,
    /// On one rib, 60 N (E).
    pub rib_force_max_n: f64,
    /// No node contact nearer to the midline, 18 mm (E).
    pub midline_exclusion_half_m: f64,
    /// Shear traction over normal pressure, 0.35 (E).
    pub shear_to_normal_max: f64,
    /// Force rate of pressing, 80 N/s (E).
    pub press_rate_max_n_s: f64,
    /// Force rate of percussion, 300 N/s, for the force averaged over one cycle (E).
    pub tap_rate_max_n_s: f64,
    /// Cover temperature, 43 degrees C (E).
    pub surface_temp_max_c: f64,
    /// Session, 1200 s (E).
    pub session_max_s: f64,
    /// Pressure over time on one place of the skin in a session, 1500 kPa s (E).
    pub dose_max_pa_s: f64,
    /// Thresholds under fibromyalgia over healthy ones, 0.49 (V, 370 over 758 kPa).
    pub ppt_fibromyalgia: f64,
    /// Change of the threshold over an active trigger point, -105 kPa (V, Geri 2022).
    pub ppt_trigger_point_offset_pa: f64,
    /// Thresholds under chronic low back pain over healthy ones, 0.8 (D).
    pub ppt_chronic_lbp: f64,
    /// Muscle, relaxed.
    pub muscle: TissueDefaults,
    /// Subcutaneous fat.
    pub fat: TissueDefaults,
    /// Skin.
    pub skin: TissueDefaults,
    /// Stiffness of a guarding muscle over a relaxed one, 1.5 (E).
    pub guard_multiplier: f64,
    /// Stiffness of a contracted muscle over a relaxed one, 2.1 (V, Sadeghi 2020).
    pub contracted_multiplier: f64,
    /// Cotton on PU, 0.30 (E).
    pub friction_cotton_on_pu: f64,
    /// Cotton on leather, 0.40 (E).
    pub friction_cotton_on_leather: f64,
    /// Skin on cotton, low site, 0.25 (V, Temel 2022, forearm).
    pub friction_skin_cotton_low: f64,
    /// Skin on cotton, high site, 0.79 (V, Temel 2022, chest).
    pub friction_skin_cotton_high: f64,
    /// Sweating over dry, 2 (V, 1 to 5).
    pub friction_sweat_multiplier: f64,
    /// Spring of the back, 35 N/mm (V, ISO/TS 15066 as quoted).
    pub iso15066_spring_n_m: f64,
    /// Effective mass of the trunk, 40 kg (M).
    pub trunk_effective_mass_kg: f64,
    /// Posteroanterior stiffness of the lumbar spine, 14 N/mm (M).
    pub lumbar_pa_stiffness_n_m: f64,
    /// Posteroanterior stiffness of the thoracic spine, 10 N/mm (E).
    pub thoracic_pa_stiffness_n_m: f64,
    /// Share of the body that leans on the backrest, 0.53 (E).
    pub backrest_mass_fraction: f64,
    /// Bands of pressure as a fraction of the pain threshold (E): gentle, moderate, firm, deep.
    pub bands: [(&'static str, [f64; 2]); 4],
    /// Fraction of pain pressure above which kneading counts as deep, 0.6 (E).
    pub deep_fraction: f64,
    /// Longest dwell above a fraction of pain pressure: 0.6 for 8 s, 0.8 for 3 s (E).
    pub dwell: [(f64, f64); 2],
    /// Local peak over mean pressure, 2 (E).
    pub peak_to_mean_max: f64,
    ppt1_pa: BTreeMap<Zone, [f64; 2]>,
    zone_cap_n_at_10cm2: BTreeMap<Zone, f64>,
}

/// A tissue: one-term Ogden `W = 2 mu / alpha^2 (...)`, initial shear modulus mu, with relaxation.
#[derive(Clone, Debug, PartialEq)]
pub struct TissueDefaults {
    /// Initial shear modulus, Pa (muscle 6, fat 1.5, skin 40 kPa; E).
    pub mu_pa: f64,
    /// Exponent (muscle 8, fat 12, skin 10; E).
    pub alpha: f64,
    /// Poisson's ratio (skin 0.49, others 0.495; E).
    pub nu: f64,
    /// Density, kg/m3.
    pub rho_kg_m3: f64,
    /// Relaxation (E, the muscle's sum shaped to Bosboom 2001).
    pub prony: Vec<PronyTerm>,
}

impl Limits {
    /// The limits that ship with the crate.
    pub fn builtin() -> &'static Limits {
        static LIMITS: LazyLock<Limits> = LazyLock::new(|| {
            let file: File = toml::from_str(LIMITS_TOML)
                .expect("crates/back/data/limits.toml is part of the program and is tested");
            Limits::from(file)
        });
        &LIMITS
    }

    /// Mean pain threshold of a zone at 1 cm2, Pa (E). IC takes SA's; the midlines, where no node presses, those beside them.
    pub fn ppt1_pa(&self, zone: Zone, sex: Sex) -> f64 {
        let zone = match zone {
            Zone::IC => Zone::SA,
            Zone::TM => Zone::TP,
            Zone::LM => Zone::LP,
            zone => zone,
        };
        self.ppt1_pa.get(&zone).map_or(0.0, |pair| sex.of(*pair))
    }

    /// Median threshold of a zone at 1 cm2 over equal parts of men and women, Pa.
    ///
    /// Both sexes spread log-normally with the same CV, so the mixture's median is the geometric mean of their medians, and a median is
    /// the mean over `sqrt(1 + CV^2)` (D).
    pub fn median_ppt1_pa(&self, zone: Zone) -> f64 {
        (self.ppt1_pa(zone, Sex::Male) * self.ppt1_pa(zone, Sex::Female)).sqrt()
            * self.pain_spread(0.0)
    }

    /// Threshold of the person `z` standard deviations from the median, over the mean: `exp(z s) / sqrt(1 + CV^2)`, `s^2 = ln(1 + CV^2)`.
    pub fn pain_spread(&self, z: f64) -> f64 {
        let s2 = (1.0 + self.pain_cv * self.pain_cv).ln();
        (z * s2.sqrt() - 0.5 * s2).exp()
    }

    /// Mean pressure that begins to hurt over a contact area: `p1 (A / 1 cm2)^-0.5`, at least 30 kPa, Pa.
    ///
    /// D from 0.5 to 2 cm2 (Defrin 2003), extrapolated to 50 cm2 (E). A larger patch hurts at a lower pressure, but a larger force.
    pub fn pain_pressure_pa(&self, ppt1_pa: f64, area_m2: f64) -> f64 {
        let law = ppt1_pa * (area_m2.max(0.0) / self.pain_ref_area_m2).powf(self.pain_exponent);
        // No contact hurts at no finite pressure; a point contact is left to the force caps.
        law.max(self.pain_floor_pa)
    }

    /// Force cap of a zone for a contact area, N: 0.9 of what the 10th percentile of women bears at 10 cm2, or less over thin tissue and
    /// kidney, times sqrt(A / 10 cm2) (D from E). IC takes SA's; 0 on the midlines.
    pub fn zone_cap_n(&self, zone: Zone, area_m2: f64) -> f64 {
        let zone = if zone == Zone::IC { Zone::SA } else { zone };
        self.zone_cap_n_at_10cm2
            .get(&zone)
            .map_or(0.0, |cap| cap * (area_m2.max(0.0) / 1e-3).sqrt())
    }
}

/// The file itself; policies are read from it too.
pub(crate) const LIMITS_TOML: &str = include_str!("../data/limits.toml");

impl From<File> for Limits {
    fn from(f: File) -> Limits {
        let kpa = |v: f64| 1e3 * v;
        Limits {
            pain_exponent: f.pain.exponent,
            pain_ref_area_m2: 1e-4 * f.pain.ref_area_cm2,
            pain_floor_pa: kpa(f.pain.floor_kpa),
            pain_cv: f.pain.cv,
            pain_ramp_pa_s: kpa(f.pain.ramp_kpa_s),
            node_force_default_max_n: f.limits.node_force_default_max_n,
            node_force_user_max_n: f.limits.node_force_user_max_n,
            node_force_fault_n: f.limits.node_force_fault_n,
            transient_multiplier: f.limits.transient_multiplier,
            transient_max_s: f.limits.transient_max_s,
            spinous_force_max_n: f.limits.spinous_force_max_n,
            rib_force_max_n: f.limits.rib_force_max_n,
            midline_exclusion_half_m: f.limits.midline_exclusion_half_mm / 1e3,
            shear_to_normal_max: f.limits.shear_to_normal_max,
            press_rate_max_n_s: f.limits.press_rate_max_n_s,
            tap_rate_max_n_s: f.limits.tap_rate_max_n_s,
            surface_temp_max_c: f.limits.surface_temp_max_c,
            session_max_s: f.limits.session_max_s,
            dose_max_pa_s: kpa(f.limits.dose_max_kpa_s),
            ppt_fibromyalgia: f.ppt_modifier.fibromyalgia,
            ppt_trigger_point_offset_pa: kpa(f.ppt_modifier.trigger_point_offset_kpa),
            ppt_chronic_lbp: f.ppt_modifier.chronic_lbp,
            guard_multiplier: f.muscle.guard_multiplier.unwrap_or(1.0),
            contracted_multiplier: f.muscle.contracted_multiplier.unwrap_or(1.0),
            muscle: f.muscle.tissue(0.495),
            fat: f.fat.tissue(0.495),
            skin: f.skin.tissue(0.49),
            friction_cotton_on_pu: f.friction.cotton_on_pu,
            friction_cotton_on_leather: f.friction.cotton_on_leather,
            friction_skin_cotton_low: f.friction.skin_cotton_low_dynamic,
            friction_skin_cotton_high: f.friction.skin_cotton_high_dynamic,
            friction_sweat_multiplier: f.friction.sweat_multiplier,
            iso15066_spring_n_m: 1e3 * f.foundation.iso15066_spring_n_mm,
            trunk_effective_mass_kg: f.foundation.trunk_effective_mass_kg,
            lumbar_pa_stiffness_n_m: 1e3 * f.foundation.lumbar_pa_stiffness_n_mm,
            thoracic_pa_stiffness_n_m: 1e3 * f.foundation.thoracic_pa_stiffness_n_mm,
            backrest_mass_fraction: f.foundation.backrest_mass_fraction,
            bands: [
                ("gentle", f.bands.gentle),
                ("moderate", f.bands.moderate),
                ("firm", f.bands.firm),
                ("deep", f.bands.deep),
            ],
            deep_fraction: f.limits.deep_fraction,
            dwell: f.limits.dwell_max_s.map(|[fraction, s]| (fraction, s)),
            peak_to_mean_max: f.limits.peak_to_mean_max,
            ppt1_pa: f
                .pain
                .ppt1_kpa
                .into_iter()
                .map(|(zone, pair)| (zone, pair.map(kpa)))
                .collect(),
            zone_cap_n_at_10cm2: f.limits.zone_cap_n_at_10cm2,
        }
    }
}

// What the file says. Unknown keys are refused, so that no number is lost between the file and the struct above.

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "meta")]
    _meta: toml::Table,
    pain: PainFile,
    limits: LimitsFile,
    ppt_modifier: ModifierFile,
    muscle: TissueFile,
    fat: TissueFile,
    skin: TissueFile,
    friction: FrictionFile,
    foundation: FoundationFile,
    bands: BandsFile,
    #[serde(rename = "policy")]
    _policy: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PainFile {
    exponent: f64,
    ref_area_cm2: f64,
    floor_kpa: f64,
    cv: f64,
    ramp_kpa_s: f64,
    ppt1_kpa: BTreeMap<Zone, [f64; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    node_force_default_max_n: f64,
    node_force_user_max_n: f64,
    node_force_fault_n: f64,
    transient_multiplier: f64,
    transient_max_s: f64,
    spinous_force_max_n: f64,
    rib_force_max_n: f64,
    midline_exclusion_half_mm: f64,
    shear_to_normal_max: f64,
    press_rate_max_n_s: f64,
    tap_rate_max_n_s: f64,
    surface_temp_max_c: f64,
    session_max_s: f64,
    dose_max_kpa_s: f64,
    deep_fraction: f64,
    dwell_max_s: [[f64; 2]; 2],
    peak_to_mean_max: f64,
    zone_cap_n_at_10cm2: BTreeMap<Zone, f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModifierFile {
    fibromyalgia: f64,
    trigger_point_offset_kpa: f64,
    chronic_lbp: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TissueFile {
    #[serde(rename = "model")]
    _model: String,
    mu_kpa: f64,
    alpha: f64,
    rho: f64,
    guard_multiplier: Option<f64>,
    contracted_multiplier: Option<f64>,
    prony_g: Vec<f64>,
    prony_tau_s: Vec<f64>,
}

impl TissueFile {
    fn tissue(self, nu: f64) -> TissueDefaults {
        let prony = self
            .prony_g
            .into_iter()
            .zip(self.prony_tau_s)
            .map(|(g, tau_s)| PronyTerm { g, tau_s })
            .collect();
        TissueDefaults {
            mu_pa: 1e3 * self.mu_kpa,
            alpha: self.alpha,
            nu,
            rho_kg_m3: self.rho,
            prony,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrictionFile {
    cotton_on_pu: f64,
    cotton_on_leather: f64,
    skin_cotton_low_dynamic: f64,
    skin_cotton_high_dynamic: f64,
    sweat_multiplier: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FoundationFile {
    iso15066_spring_n_mm: f64,
    trunk_effective_mass_kg: f64,
    lumbar_pa_stiffness_n_mm: f64,
    thoracic_pa_stiffness_n_mm: f64,
    backrest_mass_fraction: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BandsFile {
    gentle: [f64; 2],
    moderate: [f64; 2],
    firm: [f64; 2],
    deep: [f64; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Defrin et al. 2003: 406 kPa at 0.5 cm2 and 205 kPa at 2 cm2 on the back, so 1.98 between them; the law gives 4^0.5 = 2, and
    /// 287-290 kPa at 1 cm2 from either end (tolerance 2 %).
    #[test]
    fn val_pain_law_is_that_of_defrin_2003() {
        let limits = Limits::builtin();
        let p = |cm2: f64| limits.pain_pressure_pa(288.5e3, 1e-4 * cm2);
        assert!((p(0.5) / 406e3 - 1.0).abs() < 0.02, "{}", p(0.5));
        assert!((p(2.0) / 205e3 - 1.0).abs() < 0.02, "{}", p(2.0));
        assert!((p(0.5) / p(2.0) / (406.0 / 205.0) - 1.0).abs() < 0.02);
        assert_eq!(p(500.0), 30e3, "the floor");
    }

    /// The caps of the file follow from 0.9 x the 10th percentile (z = -1.2816) of women at 10 cm2, F = PPT sqrt(A 1 cm2), wherever no
    /// thinner tissue or kidney binds (SB, QL, SA). Tolerance 3 %: they were rounded to whole newtons on rounded steps.
    #[test]
    fn val_zone_caps_are_nine_tenths_of_what_one_woman_in_ten_bears() {
        let limits = Limits::builtin();
        for zone in [
            Zone::C7,
            Zone::UT,
            Zone::IS,
            Zone::SC,
            Zone::TP,
            Zone::TL,
            Zone::LP,
            Zone::GL,
        ] {
            let p10 = limits.ppt1_pa(zone, Sex::Female) * limits.pain_spread(-1.2816);
            let force_n = limits.pain_pressure_pa(p10, 1e-3) * 1e-3;
            let cap_n = limits.zone_cap_n(zone, 1e-3);
            assert!(
                (0.9 * force_n / cap_n - 1.0).abs() < 0.03,
                "{zone:?}: {} {cap_n}",
                0.9 * force_n
            );
        }
        assert_eq!(limits.zone_cap_n(Zone::TM, 1e-3), 0.0);
        assert_eq!(
            limits.zone_cap_n(Zone::IC, 1e-3),
            limits.zone_cap_n(Zone::SA, 1e-3)
        );
        assert!(
            (limits.zone_cap_n(Zone::LP, 4e-3) - 130.0).abs() < 1e-9,
            "twice at four times the area"
        );
    }

    /// Male 400, female 300 kPa mean, CV 0.4: medians 371.4 and 278.5 kPa, pooled 321.6. Half of each sex's people on either side.
    #[test]
    fn pooled_median_halves_the_mixture() {
        let median = Limits::builtin().median_ppt1_pa(Zone::UT);
        assert!((median - 321.6e3).abs() < 0.1e3, "{median}");
    }
}
