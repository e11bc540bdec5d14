//! Classical points as stations and lateral distances.

use crate::level::{Level, SACRAL_STEP};

/// A point of the bladder meridian (or SI, GV) on the back, WHO standard location: at the level of a vertebra, some cun beside the midline.
/// 3 cun reach from the midline to the medial scapular border, so a cun differs from body to body.
///
/// W; BL11-15, 17, 23, 24 and 51 checked against a source (V).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Acupoint {
    /// `BL23`.
    pub name: &'static str,
    /// Vertebra of its level; the points of S3 and S4 count from S2 down, see [`Acupoint::station`].
    pub level: Level,
    /// Distance from the midline, cun.
    pub cun: f64,
    /// Sacral vertebrae further down.
    below: f64,
}

impl Acupoint {
    /// Its station, the same for every body.
    pub fn station(&self) -> f64 {
        self.level.station() + SACRAL_STEP * self.below
    }
}

const fn p(name: &'static str, level: Level, cun: f64) -> Acupoint {
    Acupoint {
        name,
        level,
        cun,
        below: 0.0,
    }
}

/// The points of the back from the neck down: inner line (1.5 cun), outer line (3 cun), midline. GB21 depends on the shoulder: [`crate::Back::gb21`].
#[rustfmt::skip]
pub const ACUPOINTS: [Acupoint; 39] = [
    p("BL10", Level::C2, 1.3), p("BL11", Level::T1, 1.5), p("BL12", Level::T2, 1.5), p("BL13", Level::T3, 1.5),
    p("BL14", Level::T4, 1.5), p("BL15", Level::T5, 1.5), p("BL16", Level::T6, 1.5), p("BL17", Level::T7, 1.5),
    p("BL18", Level::T9, 1.5), p("BL19", Level::T10, 1.5), p("BL20", Level::T11, 1.5), p("BL21", Level::T12, 1.5),
    p("BL22", Level::L1, 1.5), p("BL23", Level::L2, 1.5), p("BL24", Level::L3, 1.5), p("BL25", Level::L4, 1.5),
    p("BL26", Level::L5, 1.5), p("BL27", Level::S1, 1.5), p("BL28", Level::S2, 1.5),
    Acupoint { name: "BL29", level: Level::S2, cun: 1.5, below: 1.0 },
    Acupoint { name: "BL30", level: Level::S2, cun: 1.5, below: 2.0 },
    p("BL41", Level::T2, 3.0), p("BL42", Level::T3, 3.0), p("BL43", Level::T4, 3.0), p("BL44", Level::T5, 3.0),
    p("BL45", Level::T6, 3.0), p("BL46", Level::T7, 3.0), p("BL47", Level::T9, 3.0), p("BL48", Level::T10, 3.0),
    p("BL49", Level::T11, 3.0), p("BL50", Level::T12, 3.0), p("BL51", Level::L1, 3.0), p("BL52", Level::L2, 3.0),
    p("BL53", Level::S2, 3.0),
    Acupoint { name: "BL54", level: Level::S2, cun: 3.0, below: 2.0 },
    p("SI14", Level::T1, 3.0), p("SI15", Level::C7, 2.0),
    p("GV14", Level::C7, 0.0), p("GV4", Level::L2, 0.0),
];

/// A named point of one body, right side.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// `BL23`; Huatuo's points have the vertebra with them.
    pub name: String,
    /// Station.
    pub u: f64,
    /// Distance from the midline, m.
    pub x_m: f64,
    /// W well known, E estimate.
    pub flag: &'static str,
}

/// Vertebrae of the Huatuo points (EX-B2): T1 to L5, half a cun beside the spine. All lie inside the midline's keep-out.
pub(crate) fn huatuo() -> impl Iterator<Item = Level> {
    Level::ALL
        .into_iter()
        .filter(|l| (Level::T1..=Level::L5).contains(l))
}

/// GB20, in the hollow under the occiput, m from the midline (W).
pub(crate) const GB20_X_M: f64 = 0.050;
