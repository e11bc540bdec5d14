//! Named regions of the back, each with its own limits.

use serde::{Deserialize, Serialize};

use crate::limits::Limits;

/// A region of the back, the same on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Zone {
    /// Nape, over C6 to T1.
    C7,
    /// Upper trapezius.
    UT,
    /// Thoracic midline: no node contact.
    TM,
    /// Between the scapulae.
    IS,
    /// Body of the scapula.
    SC,
    /// Spine and borders of the scapula.
    SB,
    /// Beside the thoracic spine.
    TP,
    /// Ribs.
    TL,
    /// Lumbar midline: no node contact.
    LM,
    /// Beside the lumbar spine.
    LP,
    /// Flank, over the quadratus lumborum and the kidney.
    QL,
    /// Sacrum.
    SA,
    /// Posterior iliac crest; takes the sacrum's values.
    IC,
    /// Buttock.
    GL,
}

impl Zone {
    /// From the neck down.
    pub const ALL: [Zone; 14] = [
        Zone::C7,
        Zone::UT,
        Zone::TM,
        Zone::IS,
        Zone::SC,
        Zone::SB,
        Zone::TP,
        Zone::TL,
        Zone::LM,
        Zone::LP,
        Zone::QL,
        Zone::SA,
        Zone::IC,
        Zone::GL,
    ];

    /// The code, as scenes and tables write it.
    pub fn name(self) -> &'static str {
        [
            "C7", "UT", "TM", "IS", "SC", "SB", "TP", "TL", "LM", "LP", "QL", "SA", "IC", "GL",
        ][self as usize]
    }

    /// In words.
    pub fn title(self) -> &'static str {
        [
            "nape",
            "upper trapezius",
            "thoracic midline",
            "interscapular",
            "scapula body",
            "scapula spine and borders",
            "thoracic paraspinal",
            "ribs",
            "lumbar midline",
            "lumbar paraspinal",
            "flank",
            "sacrum",
            "iliac crest",
            "gluteal",
        ][self as usize]
    }

    /// A midline zone, where no node may press.
    pub fn is_midline(self) -> bool {
        matches!(self, Zone::TM | Zone::LM)
    }

    /// Ribs or transverse processes lie under it, so that the force on one rib is limited too (layer table: IS, TP, TL; and the flank, which
    /// the floating ribs reach into).
    pub fn over_ribs(self) -> bool {
        matches!(self, Zone::IS | Zone::TP | Zone::TL | Zone::QL)
    }

    /// Beside or on the lumbar spine: what presses here pushes the lordosis.
    pub fn is_lumbar(self) -> bool {
        matches!(self, Zone::LM | Zone::LP | Zone::QL)
    }

    /// Its rectangles: `[from_u, to_u, from_x_m, to_x_m]`, x counted from the midline to either side.
    pub fn rectangles(self) -> impl Iterator<Item = [f64; 4]> {
        RECTANGLES
            .iter()
            .filter(move |(zone, _)| *zone == self)
            .map(|(_, r)| *r)
    }

    /// Stations of its upper and lower end.
    pub fn span_u(self) -> [f64; 2] {
        self.rectangles()
            .fold([f64::MAX, f64::MIN], |[a, b], r| [a.min(r[0]), b.max(r[1])])
    }
}

/// The kidneys lie above L3 (W): down to its station the flank has no percussion.
pub const KIDNEYS_TO_U: f64 = 0.812;

/// Where a point of the back lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The zone whose limits hold: the strictest of those that contain the point, else of its neighbours.
    pub zone: Zone,
    /// Within 18 mm of the midline: no node contact. A policy may widen it, see [`crate::Envelope::midline_half_m`].
    pub keep_out: bool,
    /// All zones that contain the point; in a gap, all its neighbours.
    pub zones: Vec<Zone>,
}

impl Place {
    /// Strictest means the smallest force cap, then the lowest pain threshold.
    ///
    /// A point of a gap is judged by the first zone met within 45 mm in each of the four directions (up, down, to the midline, away from
    /// it) and by the nearest one. The midline zones end at their 18 mm: they are no neighbours, else no node could work beside the spine.
    pub(crate) fn at(u: f64, x_m: f64, arc_length_m: f64) -> Place {
        let x = x_m.abs();
        let mut zones = Vec::new();
        for (zone, [u0, u1, x0, x1]) in RECTANGLES {
            if (u0..=u1).contains(&u) && (x0..=x1).contains(&x) {
                zones.push(zone);
            }
        }
        if zones.is_empty() {
            // Distance up, down, inward and outward, where that way leads into a rectangle within reach, and the shortest way.
            let ways_m = |[u0, u1, x0, x1]: [f64; 4]| {
                let (below, above) = ((u0 - u) * arc_length_m, (u - u1) * arc_length_m);
                let (outside, inside) = (x0 - x, x - x1);
                let (du, dx) = (below.max(above).max(0.0), outside.max(inside).max(0.0));
                let faces = |distance: f64, aside: f64| {
                    if aside == 0.0 && distance > 0.0 && distance < REACH_M {
                        distance
                    } else {
                        f64::INFINITY
                    }
                };
                [
                    faces(above, dx),
                    faces(below, dx),
                    faces(inside, du),
                    faces(outside, du),
                    (du * du + dx * dx).sqrt(),
                ]
            };
            let nowhere = [f64::INFINITY; 5];
            let ways = RECTANGLES.map(|(zone, rectangle)| match zone.is_midline() {
                true => (zone, nowhere),
                false => (zone, ways_m(rectangle)),
            });
            let mut first_m = nowhere;
            for (_, ways_m) in ways {
                for (first_m, way_m) in first_m.iter_mut().zip(ways_m) {
                    *first_m = first_m.min(way_m);
                }
            }
            // Zones that overlap are met at once.
            let met = |ways_m: [f64; 5]| {
                let mut pairs = ways_m.into_iter().zip(first_m);
                pairs.any(|(way_m, first_m)| way_m == first_m && way_m.is_finite())
            };
            zones.extend(ways.iter().filter(|(_, w)| met(*w)).map(|(zone, _)| zone));
        }
        zones.sort_unstable();
        zones.dedup();
        let zone = zones
            .iter()
            .copied()
            .min_by(|a, b| strictness(*a).total_cmp(&strictness(*b)))
            .unwrap_or(Zone::C7);
        Place {
            zone,
            keep_out: x <= Limits::builtin().midline_exclusion_half_m,
            zones,
        }
    }
}

/// How far a zone can be and still be a neighbour across a gap, m; the widest gap, nape to upper trapezius, is 42 mm (E).
const REACH_M: f64 = 0.045;

/// Force cap with the pain threshold as tie-break.
fn strictness(zone: Zone) -> f64 {
    let limits = Limits::builtin();
    limits.zone_cap_n(zone, 1e-3) + 1e-9 * limits.median_ppt1_pa(zone)
}

/// `[from_u, to_u, from_x_m, to_x_m]`; levels as in [`crate::Level::station`], lateral offsets E, the same for every body.
/// The nape and both midline zones reach 18 mm to either side. Buttock from S1 ("below the crest") to the seat.
/// The scapula's borders: medial T2-T8, lateral T3-T8, its spine half a level about T3. The flank's limits hold from T11 on where the kidneys lie under
/// the floating ribs: 60 to 110 mm from the midline, stations 0.60 to 0.74 (E); below T12 the gap's rule does it.
#[rustfmt::skip]
const RECTANGLES: [(Zone, [f64; 4]); 17] = [
    (Zone::C7, [-0.026, 0.049, 0.000, 0.018]), // C6-T1
    (Zone::UT, [ 0.000, 0.049, 0.060, 0.110]), // C7-T1
    (Zone::TM, [ 0.101, 0.596, 0.000, 0.018]), // T2-T11
    (Zone::IS, [ 0.101, 0.390, 0.030, 0.060]), // T2-T7
    (Zone::SC, [ 0.155, 0.390, 0.070, 0.120]), // T3-T7
    (Zone::SB, [ 0.101, 0.442, 0.060, 0.065]), // medial border T2-T8
    (Zone::SB, [ 0.128, 0.182, 0.060, 0.110]), // spine T3
    (Zone::SB, [ 0.155, 0.442, 0.108, 0.112]), // lateral border T3-T8
    (Zone::TP, [ 0.390, 0.654, 0.025, 0.045]), // T7-T12
    (Zone::TL, [ 0.390, 0.654, 0.060, 0.120]), // T7-T12
    (Zone::LM, [ 0.709, 0.909, 0.000, 0.018]), // L1-L5
    (Zone::LP, [ 0.709, 0.909, 0.020, 0.050]), // L1-L5
    (Zone::QL, [ 0.600, 0.654, 0.060, 0.110]), // T11-T12, kidney
    (Zone::QL, [ 0.709, 0.861, 0.060, 0.090]), // L1-L4
    (Zone::SA, [ 0.955, 1.250, 0.000, 0.040]), // S1-S3, and the coccyx down to the seat
    (Zone::IC, [ 0.955, 1.000, 0.040, 0.060]), // S1-S2
    (Zone::GL, [ 0.955, 1.250, 0.050, 0.120]), // below the crest
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_fall_into_the_strictest_zone() {
        let at = |u: f64, x: f64| Place::at(u, x, 0.5).zone;
        // Inside one zone.
        assert_eq!(at(0.8, 0.035), Zone::LP);
        assert_eq!(at(0.5, -0.035), Zone::TP);
        assert_eq!(at(0.3, 0.045), Zone::IS);
        assert_eq!(at(0.3, 0.0), Zone::TM);
        assert_eq!(at(0.8, 0.017), Zone::LM);
        // In an overlap the strictest: SB (30 N) over IS (53 N); in gaps the stricter neighbour.
        assert_eq!(at(0.3, 0.060), Zone::SB);
        assert_eq!(at(0.8, 0.055), Zone::QL);
        assert_eq!(at(0.5, 0.050), Zone::TL);
        assert_eq!(at(0.68, 0.035), Zone::TP);
        assert_eq!(at(0.93, 0.030), Zone::SA);
        // Over the kidneys: from T11 on, under the floating ribs, and in the gap that belongs to them; beside the spine not.
        for (u, x) in [
            (0.60, 0.06),
            (0.62, 0.11),
            (0.64, 0.050),
            (0.69, 0.10),
            (0.73, 0.105),
        ] {
            let place = Place::at(u, x, 0.5);
            assert_eq!(place.zone, Zone::QL, "{u} {x}: {place:?}");
            assert!(u > 0.654 || place.zones.contains(&Zone::TL), "{place:?}");
        }
        assert_eq!(at(0.64, 0.040), Zone::TP);
        assert_eq!(at(0.58, 0.080), Zone::TL);
        assert_eq!(at(0.02, 0.040), Zone::C7);
        // Beside the midline zones, but not in them.
        assert_eq!(at(0.8, 0.019), Zone::LP);
        assert_eq!(at(0.3, 0.025), Zone::IS);
        // Beyond the table: the nearest.
        assert_eq!(at(-0.10, 0.030), Zone::C7);
        assert_eq!(at(0.8, 0.14), Zone::QL);
        assert_eq!(at(0.3, 0.20), Zone::SC);
        assert_eq!(at(1.2, 0.03), Zone::SA);
    }

    #[test]
    fn every_point_has_a_zone_and_the_midline_is_kept_out() {
        for i in 0..300 {
            for j in 0..40 {
                let place = Place::at(-0.15 + 0.005 * f64::from(i), 0.005 * f64::from(j), 0.5);
                assert!(place.zones.contains(&place.zone));
                assert_eq!(place.keep_out, j <= 3, "18 mm");
            }
        }
        assert!(
            Zone::ALL
                .iter()
                .enumerate()
                .all(|(i, z)| *z as usize == i && z.name() == format!("{z:?}"))
        );
    }
}
