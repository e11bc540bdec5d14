//! What a condition forbids.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::limits::LIMITS_TOML;
use crate::zone::Zone;

/// May a session start at all? In order of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Yes.
    Allow,
    /// Yes, gently.
    AllowLow,
    /// Only with a clinician's recorded clearance.
    Ask,
    /// No.
    Refuse,
}

/// What holds for people with one condition, or with several after [`combine`]. All numbers are estimates pending clinical review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name in scenes; several are joined by `+`.
    pub id: String,
    /// May a session start?
    pub decision: Decision,
    /// Zones without node contact, besides the midline.
    pub exclude: Vec<Zone>,
    /// Multiplies every force and pressure cap, 0 to 1.
    pub pressure_scale: f64,
    /// No percussion.
    pub forbid_percussion: bool,
    /// No kneading above 0.6 of the pain threshold.
    pub forbid_deep: bool,
    /// Longest session, min.
    pub max_minutes: f64,
    /// How the decision is supported: V public guidance, M memory, E estimate.
    pub support: String,
    /// What else to heed.
    pub note: String,
    /// No node contact nearer to the midline than this, mm, where the condition asks for more than the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub midline_half_mm: Option<f64>,
    /// No local pressure over this, kPa, where the condition names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pressure_kpa: Option<f64>,
    /// No more force than this where ribs lie under the node, N, where bone is weak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rib_force_max_n: Option<f64>,
    /// No node further into the back beside the lumbar spine than this, mm, where extension does harm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_max_mm: Option<f64>,
    /// Pain thresholds of people with the condition over those of others, where that was measured. Caps have the scale above; this
    /// one tells whether a body would be hurt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_scale: Option<f64>,
    /// From one session to the next the pressure may rise by so much, per cent. Machines must keep it: no session knows the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise_max_percent: Option<f64>,
    /// Whoever is as old, in years, has the condition without saying so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_age_yr: Option<f64>,
}

impl Policy {
    /// What is left of one where another asks for less, or for more with `f64::max`.
    fn narrow(mine: &mut Option<f64>, theirs: Option<f64>, stricter: fn(f64, f64) -> f64) {
        *mine = mine.iter().copied().chain(theirs).reduce(stricter);
    }
}

/// A condition that has no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown condition {id:?}; known are {}", known())]
pub struct UnknownCondition {
    /// What was asked for.
    pub id: String,
}

/// All policies, `none` first.
pub fn policies() -> &'static [Policy] {
    #[derive(Deserialize)]
    struct File {
        policy: Vec<Policy>,
    }
    static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
        let file: File = toml::from_str(LIMITS_TOML)
            .expect("crates/back/data/limits.toml is part of the program and is tested");
        file.policy
    });
    &POLICIES
}

/// The policy of a condition.
pub fn policy(id: &str) -> Option<&'static Policy> {
    policies().iter().find(|p| p.id == id)
}

/// The conditions that come with an age and are not among those given.
pub fn of_age(age_yr: f64, given: &[String]) -> Vec<String> {
    policies()
        .iter()
        .filter(|p| p.from_age_yr.is_some_and(|from| age_yr >= from) && !given.contains(&p.id))
        .map(|p| p.id.clone())
        .collect()
}

/// Several conditions at once: the union of exclusions, the smallest scale and time, the strictest decision. Two or more that ask a
/// clinician at a scale of 0.5 or less add up to a refusal (E). No condition is `none`; the same one twice counts once.
///
/// # Errors
/// The first unknown id.
pub fn combine<S: AsRef<str>>(ids: &[S]) -> Result<Policy, UnknownCondition> {
    let mut parts: Vec<&Policy> = Vec::new();
    for id in ids.iter().map(AsRef::as_ref) {
        let part = policy(id).ok_or_else(|| UnknownCondition { id: id.into() })?;
        // "none" beside a condition adds nothing.
        if part.id != "none" && !parts.contains(&part) {
            parts.push(part);
        }
    }
    let mut parts = parts.into_iter();
    let Some(first) = parts.next().or_else(|| policies().first()) else {
        return Err(UnknownCondition { id: "none".into() });
    };
    let asks_low = |p: &Policy| usize::from(p.decision == Decision::Ask && p.pressure_scale <= 0.5);
    let mut all = first.clone();
    let mut asks = asks_low(first);
    for p in parts {
        asks += asks_low(p);
        all.id = format!("{}+{}", all.id, p.id);
        all.decision = all.decision.max(p.decision);
        all.exclude.extend(&p.exclude);
        all.pressure_scale = all.pressure_scale.min(p.pressure_scale);
        all.forbid_percussion |= p.forbid_percussion;
        all.forbid_deep |= p.forbid_deep;
        all.max_minutes = all.max_minutes.min(p.max_minutes);
        all.support = format!("{}+{}", all.support, p.support);
        if !p.note.is_empty() {
            all.note = if all.note.is_empty() {
                p.note.clone()
            } else {
                format!("{}; {}", all.note, p.note)
            };
        }
        Policy::narrow(&mut all.midline_half_mm, p.midline_half_mm, f64::max);
        Policy::narrow(&mut all.max_pressure_kpa, p.max_pressure_kpa, f64::min);
        Policy::narrow(&mut all.rib_force_max_n, p.rib_force_max_n, f64::min);
        Policy::narrow(&mut all.push_max_mm, p.push_max_mm, f64::min);
        Policy::narrow(&mut all.threshold_scale, p.threshold_scale, f64::min);
        Policy::narrow(&mut all.raise_max_percent, p.raise_max_percent, f64::min);
    }
    all.exclude.sort_unstable();
    all.exclude.dedup();
    if asks >= 2 {
        all.decision = Decision::Refuse;
    }
    Ok(all)
}

fn known() -> String {
    policies()
        .iter()
        .map(|p| p.id.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_37_policies_and_each_is_stricter_than_none() {
        assert_eq!(policies().len(), 37);
        assert_eq!(policies()[0].id, "none");
        for p in policies() {
            assert!(
                (0.0..=1.0).contains(&p.pressure_scale) && p.max_minutes <= 20.0,
                "{}",
                p.id
            );
            assert_eq!(policy(&p.id), Some(p), "an id is used once");
        }
    }

    /// The table's "age >= 75" (`frail_or_75_plus`: 0.4, no percussion) holds by age alone, and once.
    #[test]
    fn val_old_age_is_a_condition() {
        let old = "frail_or_75_plus".to_string();
        assert_eq!(of_age(74.9, &[]), [""; 0]);
        assert_eq!(of_age(75.0, &[]), ["frail_or_75_plus"]);
        assert_eq!(of_age(90.0, &["osteopenia".into()]), ["frail_or_75_plus"]);
        assert_eq!(of_age(90.0, &[old]), [""; 0]);
    }

    /// Combination rule by hand: osteopenia (allow_low, TL SB, 0.6, 12 min) + fibromyalgia (allow_low, 0.45, 10 min).
    #[test]
    fn val_conditions_combine_to_the_strictest() {
        let p = combine(&["osteopenia", "none", "fibromyalgia", "osteopenia"]).expect("known");
        assert_eq!(p.decision, Decision::AllowLow);
        assert_eq!(p.exclude, [Zone::SB, Zone::TL]);
        assert_eq!((p.pressure_scale, p.max_minutes), (0.45, 10.0));
        assert_eq!(p.id, "osteopenia+fibromyalgia");

        // Two that ask, both at 0.4: refused. One at 0.6 beside one at 0.4 is still a question.
        assert_eq!(
            combine(&["rheumatoid_neck", "anticoagulant_bleeding"])
                .expect("known")
                .decision,
            Decision::Refuse
        );
        assert_eq!(
            combine(&["spinal_stenosis_lumbar", "anticoagulant_bleeding"])
                .expect("known")
                .decision,
            Decision::Ask
        );
        assert_eq!(combine::<&str>(&[]).expect("none"), policies()[0]);

        // What only one of them asks for stays, whichever stands first.
        for ids in [
            ["fibromyalgia", "osteopenia"],
            ["osteopenia", "fibromyalgia"],
        ] {
            let p = combine(&ids).expect("known");
            assert_eq!(
                (p.rib_force_max_n, p.threshold_scale),
                (Some(20.0), Some(0.49))
            );
        }

        let error = combine(&["gout"]).expect_err("unknown");
        assert!(
            error.to_string().contains("\"gout\"") && error.to_string().contains("osteoporosis")
        );
    }
}
