//! The one place where limits are asked for: tuning, the simulator's guard, the export and the viewer all ask here.

use crate::back::Back;
use crate::body::Sex;
use crate::limits::Limits;
use crate::policy::{Decision, Policy, UnknownCondition, combine};
use crate::zone::{KIDNEYS_TO_U, Place, Zone};

/// Stands wherever limits print.
pub const NOTICE: &str = "Engineering envelope; needs clinical review; not medical advice.";

/// What a node may add to the pad's resting pressure in an excluded zone or on the midline, Pa (E).
pub const EXCLUDED_PRESSURE_PA: f64 = 2e3;

/// The limits of a session for a user with given conditions.
///
/// A refused session has caps of zero everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    policy: Policy,
    limits: &'static Limits,
}

/// One limit as it stands, ready to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRow {
    /// What it limits.
    pub name: &'static str,
    /// How far, in words.
    pub value: String,
    /// V, D, W, M or E.
    pub flag: &'static str,
    /// Who sees to it.
    pub kept_by: &'static str,
}

impl Envelope {
    /// Conditions by their ids, in any order; none for a healthy user.
    ///
    /// # Errors
    /// An id without a policy.
    pub fn new(conditions: &[String]) -> Result<Envelope, UnknownCondition> {
        Ok(Envelope {
            policy: combine(conditions)?,
            limits: Limits::builtin(),
        })
    }

    /// All conditions as one policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// No session may start.
    pub fn refused(&self) -> bool {
        self.policy.decision == Decision::Refuse
    }

    /// No node contact in this zone: a midline, or one that a condition excludes.
    pub fn excluded(&self, zone: Zone) -> bool {
        zone.is_midline() || self.policy.exclude.contains(&zone)
    }

    /// No node contact at this place: it is on the midline, or one of the zones that it belongs to is excluded.
    pub fn keeps_out(&self, place: &Place, x_m: f64) -> bool {
        x_m.abs() <= self.midline_half_m() || place.zones.iter().any(|zone| self.excluded(*zone))
    }

    /// No node contact nearer to the midline, m.
    pub fn midline_half_m(&self) -> f64 {
        self.policy
            .midline_half_mm
            .map_or(0.0, |mm| 1e-3 * mm)
            .max(self.limits.midline_exclusion_half_m)
    }

    /// Node force, N: the zone's cap at this area, never over 60 N, and over ribs never over a rib's 60 N (a node is narrower than two ribs are
    /// apart, so all of it may rest on one), all times the policy's scale; over ribs of weak bone what the policy names; 0 where excluded or
    /// refused.
    pub fn force_cap_n(&self, zone: Zone, area_m2: f64) -> f64 {
        if self.refused() || self.excluded(zone) {
            return 0.0;
        }
        let mut cap_n = self
            .limits
            .zone_cap_n(zone, area_m2)
            .min(self.limits.node_force_default_max_n);
        if zone.over_ribs() {
            cap_n = cap_n.min(self.limits.rib_force_max_n);
        }
        cap_n *= self.policy.pressure_scale;
        match self.policy.rib_force_max_n {
            Some(rib_n) if zone.over_ribs() => cap_n.min(rib_n),
            _ => cap_n,
        }
    }

    /// A machine that presses a person harder than this has failed, N: 210, and twice that for less than half a second (M, ISO/TS 15066, which is
    /// about collisions). No condition moves it: it is no limit to work at.
    pub fn fault_force_n(&self, held_s: f64) -> f64 {
        let limits = self.limits;
        if held_s <= limits.transient_max_s {
            limits.transient_multiplier * limits.node_force_fault_n
        } else {
            limits.node_force_fault_n
        }
    }

    /// Shear force of a node over its normal force: dry skin bruises by shear (E).
    pub fn shear_cap(&self) -> f64 {
        self.limits.shear_to_normal_max
    }

    /// Pressure over time on one place of the skin in a session, Pa s, times the policy's scale (E).
    pub fn dose_cap_pa_s(&self) -> f64 {
        self.policy.pressure_scale * self.limits.dose_max_pa_s
    }

    /// How far a node may stand inside the resting skin, and how far it may be pushed out from touch, m: not limited but beside the lumbar spine of people whom extension harms.
    pub fn push_cap_m(&self, zone: Zone) -> f64 {
        match self.policy.push_max_mm {
            Some(mm) if zone.is_lumbar() => 1e-3 * mm,
            _ => f64::INFINITY,
        }
    }

    /// Cover temperature, degrees C (E). Nothing here models heat: the machine must keep it.
    pub fn surface_temp_max_c(&self) -> f64 {
        self.limits.surface_temp_max_c
    }

    /// The most that can rest on one spinous process, N: what is let through on the midline times twice its half width and 40 mm of
    /// spine. Far under [`Limits::spinous_force_max_n`], which so never has to be looked at.
    pub fn spinous_force_bound_n(&self) -> f64 {
        EXCLUDED_PRESSURE_PA * 2.0 * self.midline_half_m() * 0.040
    }

    /// Pain threshold of a body at a place of a zone at 1 cm2, Pa: its own, lower over a tender knot and where a condition is known to lower
    /// it (fibromyalgia 0.49, V).
    pub fn own_ppt1_pa(&self, back: &Back, zone: Zone, u: f64, x_m: f64) -> f64 {
        self.policy.threshold_scale.unwrap_or(1.0) * back.ppt1_at_pa(zone, u, x_m)
    }

    /// Local peak pressure, Pa: twice the mean pressure at the force cap, and never over the pain pressure at 1 cm2 of the most
    /// sensitive tenth of women, times the policy's scale (D from E). 2 kPa where excluded or refused.
    ///
    /// Under a threshold probe of 1 cm2 pressure is nearly even, so a peak under its threshold hurts at no point; the 10th percentile of
    /// women is `0.57` of their mean (`exp(-1.28 s - s^2/2)`, `s^2 = ln(1 + 0.4^2)`). At or under 1 cm2 of contact this second bound binds.
    pub fn peak_pressure_cap_pa(&self, zone: Zone, area_m2: f64) -> f64 {
        if self.refused() || self.excluded(zone) {
            return EXCLUDED_PRESSURE_PA;
        }
        let limits = self.limits;
        let tenth_pa = limits.ppt1_pa(zone, Sex::Female) * limits.pain_spread(-1.2816);
        let mean_pa = self.force_cap_n(zone, area_m2) / area_m2.max(1e-9);
        let cap_pa = (limits.peak_to_mean_max * mean_pa).min(self.policy.pressure_scale * tenth_pa);
        self.policy
            .max_pressure_kpa
            .map_or(cap_pa, |kpa| cap_pa.min(1e3 * kpa))
    }

    /// Force rate, N/s: of pressing, or of percussion averaged over one cycle (0 where percussion is forbidden).
    pub fn rate_cap_n_s(&self, percussive: bool) -> f64 {
        match (percussive, self.policy.forbid_percussion) {
            (false, _) => self.limits.press_rate_max_n_s,
            (true, false) => self.limits.tap_rate_max_n_s,
            (true, true) => 0.0,
        }
    }

    /// Whether nothing may beat at a station of a zone: anywhere under a condition that forbids percussion, and for everybody on the flank above L3,
    /// where the kidneys lie (E).
    pub fn forbids_percussion(&self, zone: Zone, u: f64) -> bool {
        self.policy.forbid_percussion || zone == Zone::QL && u < KIDNEYS_TO_U
    }

    /// Longest time at a fraction of pain pressure, s: 8 from 0.6 on, 3 from 0.8 on, without bound below; 0 above 0.6 where a condition
    /// forbids deep work, and at pain.
    pub fn dwell_cap_s(&self, fraction_of_pain: f64) -> f64 {
        let deep = fraction_of_pain > self.limits.deep_fraction;
        if fraction_of_pain >= 1.0 || (deep && self.policy.forbid_deep) {
            return 0.0;
        }
        let longest = |(from, s): (f64, f64)| {
            if fraction_of_pain > from {
                s
            } else {
                f64::INFINITY
            }
        };
        self.limits
            .dwell
            .map(longest)
            .into_iter()
            .fold(f64::INFINITY, f64::min)
    }

    /// Fractions of pain pressure above which a stay is limited, the lower first.
    pub fn dwell_fractions(&self) -> [f64; 2] {
        self.limits.dwell.map(|(fraction, _)| fraction)
    }

    /// Longest stay at one place for a machine that feels no pressure, s: every stay counts as deep. It is the same under conditions that
    /// forbid deep work, since under their force caps nothing becomes deep.
    pub fn stay_cap_s(&self) -> f64 {
        self.limits.dwell[0].1
    }

    /// Longest session, s.
    pub fn session_max_s(&self) -> f64 {
        (60.0 * self.policy.max_minutes).min(self.limits.session_max_s)
    }

    /// Every limit that is not a zone's own, in force under these conditions, and who keeps it.
    pub fn rows(&self) -> Vec<LimitRow> {
        let (l, p) = (self.limits, &self.policy);
        let dwell = |from: f64| match self.dwell_cap_s(from + 1e-9) {
            0.0 => "never".to_string(),
            s => format!("{s} s"),
        };
        let excluded: Vec<&str> = p.exclude.iter().map(|z| z.name()).collect();
        let row = |name, value: String, flag, kept_by| LimitRow {
            name,
            value,
            flag,
            kept_by,
        };
        let all = "tuning, simulator, tables";
        let ribs_n = self
            .policy
            .rib_force_max_n
            .unwrap_or(f64::INFINITY)
            .min(p.pressure_scale * l.rib_force_max_n);
        let mut rows = vec![
            row(
                "node force",
                format!(
                    "{:.0} N, less by zone",
                    p.pressure_scale * l.node_force_default_max_n
                ),
                "E",
                all,
            ),
            row("node force over ribs", format!("{ribs_n:.0} N"), "E", all),
            row(
                "beside the midline",
                format!(
                    "no node contact within {:.0} mm",
                    1e3 * self.midline_half_m()
                ),
                "E",
                all,
            ),
            row(
                "zones left out",
                if excluded.is_empty() {
                    "none but the midline".into()
                } else {
                    excluded.join(", ")
                },
                "E",
                all,
            ),
            row(
                "where no node may press",
                format!("{:.0} kPa over the pad's own", 1e-3 * EXCLUDED_PRESSURE_PA),
                "E",
                all,
            ),
            row(
                "a spinous process",
                format!(
                    "{:.1} N at most, by the two above; limit {:.0} N",
                    self.spinous_force_bound_n(),
                    l.spinous_force_max_n
                ),
                "E",
                all,
            ),
            row(
                "local pressure",
                format!(
                    "{} x the mean at the force cap, and what hurts the most sensitive tenth of women at 1 cm2",
                    l.peak_to_mean_max
                ),
                "E",
                all,
            ),
            row(
                "rise of force, pressing",
                format!("{:.0} N/s", self.rate_cap_n_s(false)),
                "E",
                "tuning, simulator",
            ),
            row(
                "rise of force, tapping",
                if p.forbid_percussion {
                    "no percussion".into()
                } else {
                    format!("{:.0} N/s over one cycle", self.rate_cap_n_s(true))
                },
                "E",
                "no tapping is tuned or exported",
            ),
            row(
                "percussion on the flank above L3",
                "never: the kidneys".into(),
                "E",
                "check of sessions, simulator; no tapping is tuned or exported",
            ),
            row(
                "stay above 0.6 of pain pressure",
                dwell(l.dwell[0].0),
                "E",
                "simulator, tables",
            ),
            row(
                "stay above 0.8 of pain pressure",
                dwell(l.dwell[1].0),
                "E",
                "simulator",
            ),
            row(
                "shear over normal force",
                format!("{}", self.shear_cap()),
                "E",
                "simulator",
            ),
            row(
                "pressure over time on one place",
                format!("{:.0} kPa s", 1e-3 * self.dose_cap_pa_s()),
                "E",
                "simulator",
            ),
            row(
                "session",
                format!("{:.0} min", self.session_max_s() / 60.0),
                "E",
                "simulator, tables",
            ),
            row(
                "force at which the machine has failed",
                format!(
                    "{:.0} N, {:.0} N for less than {} s",
                    self.fault_force_n(f64::INFINITY),
                    self.fault_force_n(0.0),
                    l.transient_max_s
                ),
                "M",
                "simulator: it stops with a fault",
            ),
            row(
                "cover temperature",
                format!("{:.0} degrees C", self.surface_temp_max_c()),
                "E",
                "nothing here models heat: the machine",
            ),
            row(
                "what a user may ask for",
                format!(
                    "no more than the caps; {:.0} N whatever the machine",
                    l.node_force_user_max_n
                ),
                "E",
                "no level passes a cap",
            ),
        ];
        if let Some(kpa) = p.max_pressure_kpa {
            rows.push(row(
                "pressure, by the condition",
                format!("{kpa} kPa"),
                "E",
                all,
            ));
        }
        if let Some(mm) = p.push_max_mm {
            rows.push(row(
                "push into the lumbar spine",
                format!("{mm} mm"),
                "E",
                "tuning, simulator",
            ));
        }
        if let Some(percent) = p.raise_max_percent {
            rows.push(row(
                "more pressure than last time",
                format!("{percent} %"),
                "E",
                "no session knows the last one: the machine",
            ));
        }
        rows
    }

    /// Reference pressure of a zone and area, Pa: the median threshold, sexes pooled. Bands count in fractions of it; conditions act
    /// through the caps alone.
    pub fn reference_pressure_pa(&self, zone: Zone, area_m2: f64) -> f64 {
        self.limits
            .pain_pressure_pa(self.limits.median_ppt1_pa(zone), area_m2)
    }

    /// Mean pressure at a fraction of the reference, Pa: an edge of a band.
    pub fn band_pressure_pa(&self, zone: Zone, area_m2: f64, fraction: f64) -> f64 {
        fraction * self.reference_pressure_pa(zone, area_m2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies;

    fn envelope(ids: &[&str]) -> Envelope {
        Envelope::new(&ids.iter().map(ToString::to_string).collect::<Vec<_>>())
            .expect("known conditions")
    }

    /// The flank above L3 is left alone by whatever beats, the loin beside it and the flank below are not; a condition leaves nothing.
    #[test]
    fn nothing_beats_over_the_kidneys() {
        let healthy = envelope(&[]);
        assert!(healthy.forbids_percussion(Zone::QL, 0.75));
        assert!(!healthy.forbids_percussion(Zone::QL, 0.84));
        assert!(!healthy.forbids_percussion(Zone::LP, 0.75));
        assert!(envelope(&["fibromyalgia"]).forbids_percussion(Zone::LP, 0.75));
        let rows = healthy.rows();
        let row = rows.iter().find(|r| r.name.contains("flank"));
        assert!(row.is_some_and(|r| r.value.contains("never")), "{rows:?}");
    }

    #[test]
    fn caps_scale_with_area_and_condition() {
        let healthy = envelope(&[]);
        // LP: 65 N at 10 cm2, so 65 sqrt(5/10) = 45.96 N at 5 cm2; at 10 cm2 the 60 N of a node bind.
        assert!((healthy.force_cap_n(Zone::LP, 5e-4) - 45.962).abs() < 1e-3);
        assert_eq!(healthy.force_cap_n(Zone::LP, 1e-3), 60.0);
        assert_eq!(healthy.force_cap_n(Zone::LM, 1e-3), 0.0);
        // Mean at 5 cm2 is 91.9 kPa, so 183.8 kPa peak; one woman in ten has 400 x 0.567 = 227 kPa at 1 cm2.
        assert!((healthy.peak_pressure_cap_pa(Zone::LP, 5e-4) - 183.85e3).abs() < 10.0);
        assert!((healthy.peak_pressure_cap_pa(Zone::LP, 1e-4) - 226.7e3).abs() < 0.5e3);
        assert_eq!(healthy.session_max_s(), 1200.0);
        assert_eq!(
            [0.5, 0.6, 0.7, 0.9, 1.0].map(|f| healthy.dwell_cap_s(f)),
            [f64::INFINITY, f64::INFINITY, 8.0, 3.0, 0.0]
        );
        assert_eq!(
            [healthy.rate_cap_n_s(false), healthy.rate_cap_n_s(true)],
            [80.0, 300.0]
        );

        let thin = envelope(&["osteopenia"]);
        assert_eq!(thin.force_cap_n(Zone::LP, 1e-3), 36.0);
        assert_eq!(thin.force_cap_n(Zone::TL, 1e-3), 0.0);
        assert_eq!(
            thin.peak_pressure_cap_pa(Zone::TL, 1e-3),
            EXCLUDED_PRESSURE_PA
        );
        assert_eq!(thin.dwell_cap_s(0.7), 0.0);
        assert_eq!(thin.rate_cap_n_s(true), 0.0);
        assert_eq!(thin.session_max_s(), 720.0);

        // Over ribs of weak bone 20 N, over the loin the scaled cap.
        assert_eq!(thin.force_cap_n(Zone::IS, 1e-3), 20.0);
        assert_eq!(thin.force_cap_n(Zone::TP, 1e-3), 20.0);

        assert_eq!(envelope(&["scoliosis_kyphosis"]).midline_half_m(), 0.030);
        assert_eq!(
            envelope(&["pacemaker_icd"]).force_cap_n(Zone::LP, 1e-3),
            0.0
        );
    }

    /// Every limit that is not a zone's cap has a getter, and conditions move what they should. ISO/TS 15066, back: 210 N, 420 N transient.
    #[test]
    fn val_the_other_limits_are_those_of_the_file() {
        let healthy = envelope(&[]);
        assert_eq!(
            [0.1, 0.5, 0.6].map(|s| healthy.fault_force_n(s)),
            [420.0, 420.0, 210.0]
        );
        assert_eq!(
            (healthy.shear_cap(), healthy.surface_temp_max_c()),
            (0.35, 43.0)
        );
        assert_eq!(healthy.dose_cap_pa_s(), 1.5e6);
        assert_eq!(envelope(&["fibromyalgia"]).dose_cap_pa_s(), 0.45 * 1.5e6);
        // 2 kPa on 36 mm x 40 mm is 2.9 N.
        assert!((healthy.spinous_force_bound_n() - 2.88).abs() < 1e-9);
        assert!(healthy.spinous_force_bound_n() < Limits::builtin().spinous_force_max_n);

        let stenosis = envelope(&["spinal_stenosis_lumbar"]);
        assert_eq!(
            [Zone::LP, Zone::QL].map(|z| stenosis.push_cap_m(z)),
            [0.015; 2]
        );
        assert_eq!(stenosis.push_cap_m(Zone::IS), f64::INFINITY);
        assert_eq!(healthy.push_cap_m(Zone::LP), f64::INFINITY);

        // 370 kPa over 758 kPa, as limits.toml says twice: as a modifier and in the policy.
        let back = Back::new(&crate::Body::mean(Sex::Female, 1.63, 25.0, 40.0)).expect("plausible");
        let tender = envelope(&["fibromyalgia"]).own_ppt1_pa(&back, Zone::LP, 0.8, 0.035);
        assert_eq!(
            tender / back.ppt1_pa(Zone::LP),
            Limits::builtin().ppt_fibromyalgia
        );
        assert_eq!(
            healthy.own_ppt1_pa(&back, Zone::LP, 0.8, 0.035),
            back.ppt1_pa(Zone::LP)
        );
    }

    /// A refused condition has caps of zero. What its numbers would say after a clinician's clearance is in the policy; here it is looked
    /// at as if it had been given: osteoporosis 5 kPa at most.
    #[test]
    fn a_named_pressure_is_never_passed() {
        let policy = crate::policy("osteoporosis").expect("known").clone();
        let cleared = Envelope {
            policy: Policy {
                decision: Decision::Ask,
                ..policy
            },
            limits: Limits::builtin(),
        };
        assert_eq!(cleared.peak_pressure_cap_pa(Zone::LP, 1e-3), 5e3);
        assert_eq!(cleared.force_cap_n(Zone::IS, 1e-3), 0.25 * 53.0);
        assert_eq!(envelope(&["osteoporosis"]).force_cap_n(Zone::LP, 1e-3), 0.0);
    }

    /// Bands: 0.35 of the pooled median of LP (sqrt(520 x 400) / sqrt(1.16) = 423.5 kPa at 1 cm2) at 4 cm2 is 0.35 x 423.5 / 2 = 74.1 kPa.
    #[test]
    fn a_band_counts_in_fractions_of_the_median_threshold() {
        let p = envelope(&["fibromyalgia"]).band_pressure_pa(Zone::LP, 4e-4, 0.35);
        assert!((p - 74.1e3).abs() < 0.1e3, "{p}");
    }

    /// Why a stay of 8 s may stand where deep work is forbidden: the force cap of every zone, in every contact area, is a mean
    /// pressure under 0.6 of pain, from where on work is deep. (Healthy: 0.9 x what one woman in ten bears, 0.567 of the median of
    /// women: about 0.5.)
    #[test]
    fn val_nothing_is_deep_under_a_force_cap() {
        for policy in policies() {
            let envelope = envelope(&[policy.id.as_str()]);
            assert_eq!(envelope.stay_cap_s(), 8.0);
            for zone in Zone::ALL {
                for area_m2 in [0.5e-4, 2e-4, 5e-4, 10e-4, 20e-4, 40e-4] {
                    let mean_pa = envelope.force_cap_n(zone, area_m2) / area_m2;
                    let deep_pa = envelope.band_pressure_pa(zone, area_m2, 0.6);
                    assert!(
                        mean_pa <= deep_pa,
                        "{}, {}, {area_m2}: {mean_pa} over {deep_pa}",
                        policy.id,
                        zone.name()
                    );
                }
            }
        }
    }

    #[test]
    fn an_excluded_zone_takes_what_it_overlaps_with_it() {
        let thin = envelope(&["osteopenia"]);
        let border = Place::at(0.3, 0.0625, 0.5);
        assert!(thin.keeps_out(&border, 0.0625));
        let lumbar = Place::at(0.8, 0.035, 0.5);
        assert!(!thin.keeps_out(&lumbar, 0.035) && thin.keeps_out(&lumbar, 0.018));
    }
}
