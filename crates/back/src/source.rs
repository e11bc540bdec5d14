//! Where every default comes from.

use crate::layers;
use crate::limits::LIMITS_TOML;
use crate::policy::{Decision, policies};

/// A default with its flag and source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it belongs to.
    pub group: String,
    /// What it is.
    pub name: String,
    /// Its value, with its unit where the name has none.
    pub value: String,
    /// V verified in a source, D derived, W well known, M from memory, E estimate; two where decision and number differ.
    pub flag: String,
    /// Where from, or what is known about it.
    pub source: String,
}

impl Source {
    /// Nobody has measured it, or it was not looked up.
    pub fn is_estimate(&self) -> bool {
        self.flag.contains('E') || self.flag.contains('M')
    }
}

/// All defaults of this crate: those of `data/limits.toml` as they stand there, bone depths and layers, the shape of spine and surface, zones, people,
/// and the conditions' policies.
pub fn sources() -> Vec<Source> {
    let mut all = limits();
    all.extend(layers::sources());
    all.extend(
        SHAPE
            .iter()
            .map(|[group, name, value, flag, source]| Source {
                group: (*group).into(),
                name: (*name).into(),
                value: (*value).into(),
                flag: (*flag).into(),
                source: (*source).into(),
            }),
    );
    all.extend(policies().iter().map(|p| Source {
        group: "conditions".into(),
        name: p.id.clone(),
        value: match p.decision {
            Decision::Refuse => "refuse".into(),
            decision => format!(
                "{}, x {}, {} min",
                match decision {
                    Decision::Allow => "allow",
                    Decision::AllowLow => "allow low",
                    _ => "ask a clinician",
                },
                p.pressure_scale,
                p.max_minutes
            ),
        },
        flag: if p.support == "E" { "E".into() } else { format!("{}/E", p.support.trim_end_matches("/E")) },
        source: "decision as flagged first, numbers E; makers' and regulators' pages and papers in data/README.md".into(),
    }));
    all
}

/// The lines of `limits.toml`: a number's flag is the first letter of its comment, or of the comment beside its table's name.
fn limits() -> Vec<Source> {
    let mut all = Vec::new();
    let (mut group, mut shared) = (String::new(), None);
    for line in LIMITS_TOML.lines() {
        let (text, comment) = line
            .split_once('#')
            .map_or((line, None), |(a, b)| (a, Some(b)));
        let text = text.trim();
        if let Some(name) = text.strip_prefix('[') {
            group = name.trim_end_matches(']').to_string();
            shared = comment.and_then(flagged);
        } else if let Some((key, value)) = text.split_once('=')
            && !group.starts_with('[')
            && group != "meta"
            && !value.contains('"')
        {
            let (flag, source) = comment.and_then(flagged).or(shared).unwrap_or(("", ""));
            all.push(Source {
                group: group.clone(),
                name: key.trim().into(),
                value: value.trim().into(),
                flag: flag.into(),
                source: source.into(),
            });
        }
    }
    all
}

/// Splits `E  of pain pressure` into flag and text.
fn flagged(comment: &str) -> Option<(&str, &str)> {
    let comment = comment.trim();
    let (flag, text) = comment.split_once(' ').unwrap_or((comment, ""));
    ["V", "D", "W", "M", "E"]
        .contains(&flag)
        .then(|| (flag, text.trim()))
}

/// Group, name, value, flag, source of what the code of spine, surface, zones and people says.
#[rustfmt::skip]
const SHAPE: &[[&str; 5]] = &[
    ["sizes", "means and spreads by sex, stature, BMI, age", "18 sizes", "D", "ANSUR II, 4082 men and 1986 women; straight lines beyond the survey"],
    ["sizes", "C7 to S2 along the skin", "1.025 x C7 to crest / 0.861", "E", "arc factor E; 0.861 (V) and the result, 50.9 cm (V): Ernst 2013"],
    ["sizes", "medial scapular border", "65 mm men, 56 mm women", "E", "50 to 80 mm (V, Hoppenfeld and others)"],
    ["levels", "T4, T7, T10, L1, L4", "0.21, 0.39, 0.541, 0.709, 0.861", "V", "Ernst 2013, 22 adults"],
    ["levels", "the other vertebrae", "between them", "D", "monotone cubic"],
    ["levels", "C2", "-0.130", "V", "BMC Res Notes 2019 s13104-019-4299-8; C3 to C6 evenly between (E)"],
    ["spine", "thoracic kyphosis, seated", "38 +- 9 degrees", "E", "standing 42.8 +- 8.8 men, 40.4 +- 9.5 women (V, Lang-Tapia 2011)"],
    ["spine", "lumbar lordosis, seated", "12 +- 8 men, 18 +- 9 women, degrees", "E", "standing 17.3 and 29.6 (V, the same)"],
    ["spine", "cervical lordosis, seated", "15 degrees", "E", "10 to 25 (W)"],
    ["spine", "sacral bend", "25 degrees", "E", "20 to 30"],
    ["spine", "kyphosis and lordosis go together", "r = 0.3", "E", "no correlation of skin angles was found"],
    ["surface", "half breadths and depths of chest, waist, hip", "of the survey", "D", "ANSUR II"],
    ["surface", "roundness", "superellipse of power 2.5, straight on beyond 0.85 of the half breadth, 0.93 at the neck", "E", "power 2.2 to 2.8"],
    ["surface", "depth at C7, acromion, axilla", "0.35, 0.40, 0.45 of chest depth", "E", "the survey has no depth there"],
    ["surface", "slope of the upper trapezius", "24 degrees from the neck's foot to the acromion, 77 / 61 mm under C7", "D", "ANSUR II: shoulder length over half biacromial breadth"],
    ["surface", "half breadth at the neck's foot", "1.05 x neck base circumference / 2 pi", "E", "a neck is a little wider than deep"],
    ["surface", "median groove", "thorax 4 to 1, lumbar 10 to 3 mm over BMI 22 to 32; width 17 mm", "E", "14 to 20 mm; deeper in muscular people; no measurement was found"],
    ["surface", "paraspinal ridges", "4 mm at 32 mm, 8 mm at 40 mm", "E", "transverse processes reach 30 to 45 mm (V)"],
    ["surface", "scapular plate", "8 mm, T2 to T8", "E", "inferior angle at T8 (V), not T7"],
    ["surface", "gluteal lobes", "(buttock - waist depth) / 2 + 20 mm at 70 mm", "E", "buttock and waist depth are the survey's; the lobe is not"],
    ["layers", "fat over BMI", "x 1 + 0.09 (BMI - 23) men, 0.10 women; 0.35 to 4", "E", "r2 = 0.44 with BMI (V, Lee JJ 2016)"],
    ["layers", "spread between people", "skin 15, fat 40, muscle 22 %", "E", "Hung 2011: SD over mean 20 to 45 %"],
    ["layers", "from 65 years", "skin x 0.9, muscle x 0.85, its modulus x 1.07", "E", "more fat in the muscle (V, direction)"],
    ["layers", "contracted muscle", "x 1.20 thick", "E", "1.10 to 1.30"],
    ["layers", "no bone under flank and buttock", "held at 60 mm", "E", "deeper tissue hardly counts under a node of 25 mm"],
    ["tissue", "modulus between people", "CV 30 % muscle, 15 % fat and skin", "E", "shear-wave speed SD 14 to 20 % (V)"],
    ["tissue", "knot", "3 x as stiff where none is given", "E", "no measurement over a knot was found"],
    ["zones", "lateral offsets", "the same for every body", "E", "levels V and D"],
    ["trunk", "hip joint", "0.13 of C7 over the seat; 0.55 buttock depths in front", "E", "no survey has it"],
    ["trunk", "mass centre and gyration", "0.626 and 0.496 of hip to shoulder", "W", "Winter"],
    ["people", "ages", "evenly 20 to 65", "E", "the survey's are 17 to 58"],
    ["people", "fat, muscle, stiffness, threshold", "independent of each other", "E", "stiffness and threshold may go together (V, Nim 2021, LBP)"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_has_a_flag_and_every_estimate_is_found() {
        let all = sources();
        for s in &all {
            let letters = s
                .flag
                .split('/')
                .all(|f| ["V", "D", "W", "M", "E"].contains(&f));
            assert!(
                letters && ![&s.name, &s.value, &s.source].contains(&&String::new()),
                "{s:?}"
            );
        }
        // A number of the file of each kind, by hand.
        let find = |group: &str, name: &str| {
            all.iter()
                .find(|s| s.group == group && s.name == name)
                .expect("listed")
        };
        assert_eq!(
            (
                find("pain", "exponent").flag.as_str(),
                find("pain", "exponent").value.as_str()
            ),
            ("D", "-0.5")
        );
        assert_eq!(find("pain.ppt1_kpa", "UT").flag, "E", "its table's flag");
        assert_eq!(find("limits", "node_force_fault_n").flag, "M");
        assert_eq!(find("muscle", "contracted_multiplier").flag, "V");
        assert!(find("bands", "deep").is_estimate());
        assert_eq!(
            all.iter().filter(|s| s.group == "conditions").count(),
            policies().len()
        );
        assert_eq!(
            all.iter()
                .filter(|s| s.group == "bone depth" && s.flag == "V")
                .count(),
            6,
            "Kawchuk's"
        );
    }
}
