//! The one place where limits are asked for: tuning, the simulator's guard, the export and the viewer all ask here.

use crate::body::Sex;
use crate::limits::Limits;
use crate::policy::{Decision, Policy, UnknownCondition, combine};
use crate::zone::{Place, Zone};

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

    /// Node force, N: the zone's cap at this area and never over 60 N, both times the policy's scale; 0 where excluded or refused.
    pub fn force_cap_n(&self, zone: Zone, area_m2: f64) -> f64 {
        if self.refused() || self.excluded(zone) {
            return 0.0;
        }
        let cap_n = self
            .limits
            .zone_cap_n(zone, area_m2)
            .min(self.limits.node_force_default_max_n);
        self.policy.pressure_scale * cap_n
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
        (limits.peak_to_mean_max * mean_pa).min(self.policy.pressure_scale * tenth_pa)
    }

    /// Force rate, N/s: of pressing, or of percussion averaged over one cycle (0 where percussion is forbidden).
    pub fn rate_cap_n_s(&self, percussive: bool) -> f64 {
        match (percussive, self.policy.forbid_percussion) {
            (false, _) => self.limits.press_rate_max_n_s,
            (true, false) => self.limits.tap_rate_max_n_s,
            (true, true) => 0.0,
        }
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

    /// Longest session, s.
    pub fn session_max_s(&self) -> f64 {
        (60.0 * self.policy.max_minutes).min(self.limits.session_max_s)
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

    fn envelope(ids: &[&str]) -> Envelope {
        Envelope::new(&ids.iter().map(ToString::to_string).collect::<Vec<_>>())
            .expect("known conditions")
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

        assert_eq!(envelope(&["scoliosis_kyphosis"]).midline_half_m(), 0.030);
        assert_eq!(
            envelope(&["pacemaker_icd"]).force_cap_n(Zone::LP, 1e-3),
            0.0
        );
    }

    /// Bands: 0.35 of the pooled median of LP (sqrt(520 x 400) / sqrt(1.16) = 423.5 kPa at 1 cm2) at 4 cm2 is 0.35 x 423.5 / 2 = 74.1 kPa.
    #[test]
    fn a_band_counts_in_fractions_of_the_median_threshold() {
        let p = envelope(&["fibromyalgia"]).band_pressure_pa(Zone::LP, 4e-4, 0.35);
        assert!((p - 74.1e3).abs() < 0.1e3, "{p}");
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
