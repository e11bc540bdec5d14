//! The vertebrae as stations along the back.

/// A vertebra, named by its spinous process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are the anatomist's")]
#[rustfmt::skip]
pub enum Level {
    C2, C3, C4, C5, C6, C7,
    T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12,
    L1, L2, L3, L4, L5,
    S1, S2,
}

impl Level {
    /// From the neck down.
    #[rustfmt::skip]
    pub const ALL: [Level; 25] = [
        Level::C2, Level::C3, Level::C4, Level::C5, Level::C6, Level::C7,
        Level::T1, Level::T2, Level::T3, Level::T4, Level::T5, Level::T6,
        Level::T7, Level::T8, Level::T9, Level::T10, Level::T11, Level::T12,
        Level::L1, Level::L2, Level::L3, Level::L4, Level::L5,
        Level::S1, Level::S2,
    ];

    /// `C7`, `T1`, ...
    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// Fraction of the skin arc from C7 (0) to S2 (1); the same for every body.
    ///
    /// T4, T7, T10, L1, L4 measured (V, Ernst et al. 2013, PMC3598670, 22 adults); the others between them by a monotone cubic (D);
    /// C2 from C2-C7 = 11.5 % of C2-PSIS (V, BMC Res Notes 2019 s13104-019-4299-8), C3-C6 evenly between (E).
    pub fn station(self) -> f64 {
        STATIONS[self as usize]
    }

    /// Flag of its station; C7 and S2 are the ends of the arc.
    pub fn flag(self) -> &'static str {
        use Level::{C2, C3, C4, C5, C6, L1, L4, T4, T7, T10};
        match self {
            C2 | T4 | T7 | T10 | L1 | L4 => "V",
            C3 | C4 | C5 | C6 => "E",
            _ => "D",
        }
    }
}

/// One sacral vertebra further down along the skin, beyond S2, in stations (E: as S1 to S2).
pub(crate) const SACRAL_STEP: f64 = 0.045;

#[rustfmt::skip]
const NAMES: [&str; 25] = [
    "C2", "C3", "C4", "C5", "C6", "C7",
    "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12",
    "L1", "L2", "L3", "L4", "L5", "S1", "S2",
];

#[rustfmt::skip]
const STATIONS: [f64; 25] = [
    -0.130, -0.104, -0.078, -0.052, -0.026, 0.000,
    0.049, 0.101, 0.155, 0.210, 0.269, 0.331, 0.390, 0.442, 0.490, 0.541, 0.596, 0.654,
    0.709, 0.761, 0.812, 0.861, 0.909, 0.955, 1.000,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Ernst 2013, table of spinous processes as a share of C7-PSIS: T4 21 %, T7 39 %, T10 54.1 %, L1 70.9 %, L4 86.1 %.
    #[test]
    fn val_stations_are_those_of_ernst_2013() {
        for (level, share) in [
            (Level::T4, 0.21),
            (Level::T7, 0.39),
            (Level::T10, 0.541),
            (Level::L1, 0.709),
            (Level::L4, 0.861),
        ] {
            assert!((level.station() - share).abs() < 5e-4, "{}", level.name());
        }
        // C2-C7 is 11.5 % of C2-PSIS: 0.130 / 1.130.
        assert!((-Level::C2.station() / (1.0 - Level::C2.station()) - 0.115).abs() < 1e-3);
        assert!(
            Level::ALL
                .windows(2)
                .all(|w| w[0].station() < w[1].station())
        );
        assert!(
            Level::ALL
                .iter()
                .enumerate()
                .all(|(i, l)| *l as usize == i && l.name() == format!("{l:?}"))
        );
    }
}
