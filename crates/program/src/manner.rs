//! What hands do: one technique of a school, as data.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::session::ProgramProblem;

/// A technique as a school teaches it: what shall be felt, not what a machine does for it. Pairs are bands, least and most.
///
/// The machine's own deeds are [`Technique`](crate::Technique); [`plan`](crate::plan) finds those that come nearest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manner {
    /// What people call it.
    pub name: String,
    /// Who teaches it.
    pub school: School,
    /// The way of the hand on the skin.
    pub path: Path,
    /// Force of one hand, N: of a beat its peak, of a vibration what it rests with.
    pub force_n: [f64; 2],
    /// What the force swings by in a vibration, N; none where it is not asked for.
    pub swing_n: Option<[f64; 2]>,
    /// Force along the skin, N; none where it is not asked for.
    pub drag_n: Option<[f64; 2]>,
    /// What touches.
    pub shape: ContactShape,
    /// Contact area, m².
    pub contact_m2: [f64; 2],
    /// Mean pressure, Pa.
    pub pressure_pa: [f64; 2],
    /// Turns, rubs or beats a second; none for still hands and long strokes.
    pub rate_hz: Option<[f64; 2]>,
    /// Half the way of a turn, rub or beat, m; none for still hands and long strokes.
    pub amplitude_m: Option<[f64; 2]>,
    /// Speed of a long stroke, m/s.
    pub speed_m_s: Option<[f64; 2]>,
    /// Which way a long stroke presses.
    pub direction: Direction,
    /// Time at one place, s; a long stroke has none.
    pub hold_s: Option<[f64; 2]>,
    /// It beats: forbidden where percussion is.
    pub percussive: bool,
    /// It works above 0.6 of the pain threshold: forbidden where deep work is.
    pub deep: bool,
    /// What a machine must have for it.
    pub needs: Vec<Need>,
    /// Where the figures come from.
    pub sources: Sources,
}

/// Who teaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "names of schools")]
pub enum School {
    Shiatsu,
    Swedish,
    Osteopathic,
    Tuina,
    Chair,
    Other,
}

impl School {
    /// All of them.
    pub const ALL: [School; 6] = [
        School::Shiatsu,
        School::Swedish,
        School::Osteopathic,
        School::Tuina,
        School::Chair,
        School::Other,
    ];

    /// As files write it.
    pub fn name(self) -> &'static str {
        match self {
            School::Shiatsu => "shiatsu",
            School::Swedish => "swedish",
            School::Osteopathic => "osteopathic",
            School::Tuina => "tuina",
            School::Chair => "chair",
            School::Other => "other",
        }
    }
}

/// The way of the hand on the skin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Path {
    /// It stays, and presses.
    Place,
    /// It goes along the spine under pressure.
    Line,
    /// It goes round at one place.
    Circle,
    /// It rubs across the fibres beside the spine, to and fro sideways.
    Across,
    /// It beats, or vibrates: in and out.
    Beat,
}

impl Path {
    /// All of them.
    pub const ALL: [Path; 5] = [
        Path::Place,
        Path::Line,
        Path::Circle,
        Path::Across,
        Path::Beat,
    ];

    /// As files write it.
    pub fn name(self) -> &'static str {
        match self {
            Path::Place => "place",
            Path::Line => "line",
            Path::Circle => "circle",
            Path::Across => "across",
            Path::Beat => "beat",
        }
    }
}

/// What of a hand touches, or what stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "parts of a hand")]
pub enum ContactShape {
    Thumb,
    Fingers,
    Heel,
    Palm,
    Edge,
    Forearm,
    /// A machine's node.
    Node,
}

impl ContactShape {
    /// All of them.
    pub const ALL: [ContactShape; 7] = [
        ContactShape::Thumb,
        ContactShape::Fingers,
        ContactShape::Heel,
        ContactShape::Palm,
        ContactShape::Edge,
        ContactShape::Forearm,
        ContactShape::Node,
    ];

    /// As files write it.
    pub fn name(self) -> &'static str {
        match self {
            ContactShape::Thumb => "thumb",
            ContactShape::Fingers => "fingers",
            ContactShape::Heel => "heel",
            ContactShape::Palm => "palm",
            ContactShape::Edge => "edge",
            ContactShape::Forearm => "forearm",
            ContactShape::Node => "node",
        }
    }
}

/// Which way a long stroke presses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// There and back.
    Both,
    /// Towards the head, as effleurage goes with the veins; back without pressure.
    Up,
    /// Away from the head; back without pressure.
    Down,
}

impl Direction {
    /// All of them.
    pub const ALL: [Direction; 3] = [Direction::Both, Direction::Up, Direction::Down];

    /// As files write it.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Both => "both",
            Direction::Up => "up",
            Direction::Down => "down",
        }
    }
}

/// What a machine must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// An axis into the user.
    Protrude,
    /// An axis along the spine.
    Walk,
    /// Something that goes round: a kneading shaft.
    Knead,
    /// Movement sideways: a width axis, or a kneading shaft that stops on its way.
    Width,
    /// A quick axis in and out: a tapping shaft.
    Tap,
    /// Fingers that grip, lift or wrap: no axis stands for them.
    Hand,
}

impl Need {
    /// All of them.
    pub const ALL: [Need; 6] = [
        Need::Protrude,
        Need::Walk,
        Need::Knead,
        Need::Width,
        Need::Tap,
        Need::Hand,
    ];

    /// As files write it.
    pub fn name(self) -> &'static str {
        match self {
            Need::Protrude => "protrude",
            Need::Walk => "walk",
            Need::Knead => "knead",
            Need::Width => "width",
            Need::Tap => "tap",
            Need::Hand => "hand",
        }
    }

    /// What it is, for messages.
    pub fn meaning(self) -> &'static str {
        match self {
            Need::Protrude => "an axis into the user",
            Need::Walk => "an axis along the spine",
            Need::Knead => "a kneading shaft",
            Need::Width => "movement sideways",
            Need::Tap => "a tapping shaft",
            Need::Hand => "a hand that grips and wraps",
        }
    }
}

/// Where the figures of a [`Manner`] come from: each begins with its flag, V verified, D derived, W well known, M memory, E estimate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "one for each figure of the technique")]
pub struct Sources {
    pub force: String,
    pub contact: String,
    pub motion: String,
    pub time: String,
}

/// A machine that presses harder than this has failed, N (M, ISO/TS 15066: back and shoulders, quasi-static): the fault ceiling of the
/// limits, known here so that no file can ask for it.
const CEILING_N: f64 = 210.0;
/// A beat with a longer way than twice this is a blow, m (E): nearly twice a percussive gun's.
const PERCUSSION_AMPLITUDE_M: f64 = 0.020;

/// A beat slower than this is a blow, 1/s (E): the slowest tapotement is four times as quick.
const BEAT_LEAST_HZ: f64 = 1.0;
/// A press that stays no longer is a blow or a thrust, s (E): the shortest that a school asks for is 2 s.
const STAY_LEAST_S: f64 = 0.5;
/// A hand that presses goes no faster over the skin, m/s (E): twice the quickest stroke.
const HAND_M_S: f64 = 0.5;

/// Why no thrust is offered.
pub const NO_THRUST: &str = "high-velocity thrusts are never offered: they reach 1000 N within 0.17 s (V, J Chiropr Educ 2023;37:73), \
     vertebrae fail from 200 N on (V, review doi:10.1080/10833196.2020.1852906), and no machine can stop in the middle of one";

impl Manner {
    /// Everything that is wrong with it by itself; keys as files write them, in the file's units. Empty is good.
    pub fn check(&self) -> Vec<ProgramProblem> {
        let mut problems = Vec::new();
        let mut wrong = |key: &str, value: String, allowed: &str, hint: &str| {
            problems.push(ProgramProblem {
                step: None,
                key: key.to_owned(),
                value,
                allowed: allowed.to_owned(),
                hint: hint.to_owned(),
            });
        };
        let bands = [
            ("force_n", Some(self.force_n)),
            ("swing_n", self.swing_n),
            ("drag_n", self.drag_n),
            ("contact_cm2", Some(self.contact_m2)),
            ("pressure_kpa", Some(self.pressure_pa)),
            ("rate_hz", self.rate_hz),
            ("amplitude_mm", self.amplitude_m),
            ("speed_mm_s", self.speed_m_s),
            ("hold_s", self.hold_s),
        ];
        for (key, band) in bands {
            if let Some([low, high]) = band
                && low > high
            {
                let value = format!("from {low} to {high}");
                wrong(key, value, "the least first", "a band has two ends");
            }
        }
        if self.force_n[1] > CEILING_N {
            let value = format!("{} N", self.force_n[1]);
            wrong("force_n", value, "at most 210 N", NO_THRUST);
        }
        if self.path == Path::Beat
            && self
                .amplitude_m
                .is_some_and(|a| a[1] > PERCUSSION_AMPLITUDE_M)
        {
            let value = format!("{} mm", 1e3 * self.amplitude_m.map_or(0.0, |a| a[1]));
            wrong("amplitude_mm", value, "at most 20 mm for a beat", NO_THRUST);
        }
        // A thrust under another name: a single quick push.
        if let (Path::Place, Some([low, _])) = (self.path, self.hold_s)
            && low < STAY_LEAST_S
        {
            let value = format!("from {low} s");
            wrong("hold_s", value, "at least 0.5 s for a press", NO_THRUST);
        }
        if let (Path::Beat, Some([low, _])) = (self.path, self.rate_hz)
            && low < BEAT_LEAST_HZ
        {
            let value = format!("from {low} Hz");
            wrong("rate_hz", value, "at least 1 Hz for a beat", NO_THRUST);
        }
        let most_m_s = match self.path {
            Path::Line => self.speed_m_s.map(|speed| ("speed_mm_s", speed[1])),
            // The quickest with the shortest way: a band of rates times a band of ways is asked for together by nobody.
            Path::Circle | Path::Across => match (self.rate_hz, self.amplitude_m) {
                (Some(rate), Some(way)) => Some(("rate_hz", TAU * rate[1] * way[0])),
                _ => None,
            },
            Path::Place | Path::Beat => None,
        };
        if let Some((key, m_s)) = most_m_s.filter(|(_, m_s)| *m_s > HAND_M_S) {
            let value = format!("{:.0} mm/s over the skin", 1e3 * m_s);
            wrong(key, value, "at most 500 mm/s", NO_THRUST);
        }
        // What the figures say of each other: force over area is pressure, to a factor of 2 at either end.
        let [low_pa, high_pa] = self.pressure_pa;
        let most_pa = self.force_n[1] / self.contact_m2[0];
        let least_pa = self.force_n[0] / self.contact_m2[1];
        if low_pa > 2.0 * most_pa || high_pa < 0.5 * least_pa {
            let allowed = format!("about {:.0} to {:.0} kPa", 1e-3 * least_pa, 1e-3 * most_pa);
            let value = format!("{:.0} to {:.0} kPa", 1e-3 * low_pa, 1e-3 * high_pa);
            let hint = "pressure is force over contact area";
            wrong("pressure_kpa", value, &allowed, hint);
        }
        for need in self.implied() {
            if !self.needs.contains(&need) {
                let value = self
                    .needs
                    .iter()
                    .map(|n| n.name())
                    .collect::<Vec<_>>()
                    .join(", ");
                let hint = format!("path = {:?} takes {}", self.path.name(), need.meaning());
                wrong(
                    "needs",
                    value,
                    &format!("{} among them", need.name()),
                    &hint,
                );
            }
        }
        let flagged = |text: &str| {
            let flag = text.split([' ', ',', ':', ';']).next().unwrap_or("");
            !flag.is_empty()
                && flag
                    .split('/')
                    .all(|f| ["V", "D", "W", "M", "E"].contains(&f))
        };
        for (key, text) in [
            ("source.force", &self.sources.force),
            ("source.contact", &self.sources.contact),
            ("source.motion", &self.sources.motion),
            ("source.time", &self.sources.time),
        ] {
            if !flagged(text) {
                let hint =
                    "V verified, D derived, W well known, M memory, E estimate; then the source";
                wrong(
                    key,
                    format!("{text:?}"),
                    "a text that begins with a flag",
                    hint,
                );
            }
        }
        problems
    }

    /// What its path takes of any machine.
    pub fn implied(&self) -> Vec<Need> {
        match self.path {
            Path::Place => vec![Need::Protrude],
            Path::Line => vec![Need::Protrude, Need::Walk],
            Path::Circle => vec![Need::Protrude, Need::Knead],
            Path::Across => vec![Need::Protrude, Need::Width],
            Path::Beat => vec![Need::Tap],
        }
    }

    /// The force it aims at, N: `firmness` (0 to 1) of the way through its band.
    pub fn target_n(&self, firmness: f64) -> f64 {
        let [low, high] = self.force_n;
        low + firmness * (high - low)
    }

    /// A hand so large that the two nodes of a side stand for it: more than a node touches, 25 cm² (E).
    pub fn takes_both_nodes(&self) -> bool {
        self.contact_m2[0] >= 25e-4
    }

    /// Whether the skin is left at every beat.
    pub fn leaves_skin(&self) -> bool {
        self.path == Path::Beat && self.swing_n.is_none()
    }
}

/// The middle of a band as ratios go.
pub(crate) fn middle(band: [f64; 2]) -> f64 {
    if band[0] > 0.0 {
        (band[0] * band[1]).sqrt()
    } else {
        0.5 * (band[0] + band[1])
    }
}
