//! Skin, fat and muscle over bone.

use crate::body::Body;
use crate::curve::{Pchip, Table, smoothstep};
use crate::source::Source;
use crate::spine::{FROM_U, TO_U};

/// How thick the layers are at one point of the back, m.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thickness {
    /// Skin, at least 1 mm.
    pub skin_m: f64,
    /// Fat, at least 1.5 mm.
    pub fat_m: f64,
    /// Muscle, or ligament over the spinous processes; at least 2 mm.
    pub muscle_m: f64,
}

impl Thickness {
    /// Skin to bone, m.
    pub fn total_m(&self) -> f64 {
        self.skin_m + self.fat_m + self.muscle_m
    }
}

/// Thickness fields: anchors on six lines at fixed distances from the midline; a monotone cubic along each line, a smoothstep from line
/// to line. A step between two anchors is therefore spread over their distance, 16 mm at least and mostly 20 to 30.
///
/// At an anchor, for the mean body of its sex and BMI: bone depth from [`DEPTHS`] (it wins), skin and fat from [`sites`], fat times
/// `clamp(1 + k (BMI - 23), 0.35, 4)` with k = 0.09 men, 0.10 women (E); where fat does not fit over the bone it gives way, and
/// muscle takes up the rest. Then the person: fat x (1 + 0.40 fat_z), muscle x (1 + 0.22 muscle_z), skin x (1 + 0.15 fat_z)
/// (spreads E after Hung 2011); from 65 yr skin x 0.9, muscle x 0.85 (E); contracted (tone 2.1) muscle x 1.20 (E, 1.10 to 1.30).
///
/// Under QL (beside the lumbar spine) and GL (buttocks) there is no bone near: there the total is held at [`UNSUPPORTED_M`] for every body, so
/// that contact sees a deep soft layer rather than none. Nowhere is it over [`DEEPEST_M`].
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    /// Skin, fat, muscle of each line over u.
    lines: Table<{ 3 * LINES }>,
}

impl Layers {
    pub fn new(body: &Body) -> Layers {
        let curves: Vec<Pchip> = (0..LINES)
            .flat_map(|line| {
                let anchors: Vec<(f64, [f64; 3])> = DEPTHS[line]
                    .iter()
                    .map(|a| (a.u, a.thickness_m(body)))
                    .collect();
                [0, 1, 2].map(|layer| {
                    Pchip::new(
                        &anchors
                            .iter()
                            .map(|(u, t)| [*u, t[layer]])
                            .collect::<Vec<_>>(),
                    )
                })
            })
            .collect();
        Layers {
            lines: Table::new(FROM_U, TO_U, 276, |u| {
                std::array::from_fn(|i| curves[i].at(u))
            }),
        }
    }

    pub fn at(&self, u: f64, x_m: f64) -> Thickness {
        let lines = self.lines.at(u.clamp(FROM_U, TO_U));
        let x = x_m.abs();
        let right = LINES_X_M
            .partition_point(|&line| line < x)
            .clamp(1, LINES - 1);
        let left = right - 1;
        let [w, _] = smoothstep((x - LINES_X_M[left]) / (LINES_X_M[right] - LINES_X_M[left]));
        let blend =
            |layer: usize| (1.0 - w) * lines[3 * left + layer][0] + w * lines[3 * right + layer][0];
        Thickness {
            skin_m: blend(0),
            fat_m: blend(1),
            muscle_m: blend(2),
        }
    }
}

/// Every anchor and every site with flag and source.
pub(crate) fn sources() -> Vec<Source> {
    let depths = DEPTHS.iter().zip(LINES_X_M).flat_map(|(anchors, x_m)| {
        anchors.iter().map(move |a| {
            let [m, f] = a.depth_mm;
            let depth = if m == f {
                format!("{m}")
            } else {
                format!("{m} / {f}")
            };
            Source {
                group: "bone depth".into(),
                name: format!("u {:.3}, {:.0} mm beside", a.u, 1e3 * x_m),
                value: if a.bone {
                    format!("{depth} mm at BMI {}, {:+} per unit", a.bmi, a.per_bmi_mm)
                } else {
                    format!("none; {depth} mm of soft tissue")
                },
                flag: if a.measured { "V" } else { "E" }.into(),
                source: a.source(x_m).into(),
            }
        })
    });
    let layers = sites::ALL.iter().map(|(name, site)| Source {
        group: "skin and fat".into(),
        name: (*name).into(),
        value: format!(
            "skin {} / {}, fat {} / {} mm at BMI 23, men / women",
            site.skin_mm[0], site.skin_mm[1], site.fat_mm[0], site.fat_mm[1]
        ),
        flag: "E".into(),
        source: match *name {
            "UT" => "skin over the shoulder blade 2.54 mm (V, Laurent 2007); fat: no measurement was found",
            "QL" => "skin at the waist 1.91 mm (V, Laurent 2007); fat: no measurement was found",
            _ => {
                "skin between 1.91 mm at the waist and 2.54 over the shoulder blade (V, Laurent 2007), women's thinner (V, \
                 direction); fat: no measurement was found"
            }
        }
        .into(),
    });
    depths.chain(layers).collect()
}

/// Skin to the end of the soft layer where no bone bounds it, m (E).
pub(crate) const UNSUPPORTED_M: f64 = 0.060;

/// No stack is deeper than this, m (E): under a node of 25 mm what lies deeper hardly counts. Reached at BMI 37 over the fourth lumbar
/// transverse process.
const DEEPEST_M: f64 = 0.090;

const LINES: usize = 6;

/// Spinous processes, laminae, transverse processes and rib angles, medial scapular border, scapula and ribs, flank.
const LINES_X_M: [f64; LINES] = [0.0, 0.025, 0.045, 0.065, 0.090, 0.120];

/// Skin and fat, mm, `[male, female]`, at BMI 23. All E, except UT skin (2.54 mm mean V, Laurent 2007).
struct Site {
    skin_mm: [f64; 2],
    fat_mm: [f64; 2],
}

/// The rows of [`Site`].
#[rustfmt::skip]
mod sites {
    use super::Site;
    pub const C7: Site = Site { skin_mm: [2.6, 2.3], fat_mm: [6.0, 8.0] };
    pub const UT: Site = Site { skin_mm: [2.5, 2.2], fat_mm: [5.0, 7.0] };
    pub const TM: Site = Site { skin_mm: [2.5, 2.2], fat_mm: [3.0, 4.0] };
    pub const IS: Site = Site { skin_mm: [2.5, 2.2], fat_mm: [5.0, 7.0] };
    pub const SC: Site = Site { skin_mm: [2.5, 2.2], fat_mm: [6.0, 8.0] };
    pub const SB: Site = Site { skin_mm: [2.5, 2.2], fat_mm: [5.0, 7.0] };
    pub const TP: Site = Site { skin_mm: [2.3, 2.0], fat_mm: [5.0, 7.0] };
    pub const TL: Site = Site { skin_mm: [2.2, 1.9], fat_mm: [6.0, 8.0] };
    pub const LM1: Site = Site { skin_mm: [2.3, 2.0], fat_mm: [7.0, 8.0] };
    pub const LM3: Site = Site { skin_mm: [2.3, 2.0], fat_mm: [9.0, 11.0] };
    pub const LM5: Site = Site { skin_mm: [2.3, 2.0], fat_mm: [13.0, 17.0] };
    pub const LP1: Site = Site { skin_mm: [2.2, 1.9], fat_mm: [8.0, 10.0] };
    pub const LP3: Site = Site { skin_mm: [2.2, 1.9], fat_mm: [9.0, 12.0] };
    pub const LP5: Site = Site { skin_mm: [2.2, 1.9], fat_mm: [12.0, 16.0] };
    pub const QL: Site = Site { skin_mm: [2.0, 1.8], fat_mm: [11.0, 15.0] };
    pub const SA: Site = Site { skin_mm: [2.3, 2.0], fat_mm: [10.0, 15.0] };
    pub const IC: Site = Site { skin_mm: [2.3, 2.0], fat_mm: [9.0, 14.0] };
    pub const GL: Site = Site { skin_mm: [2.2, 2.0], fat_mm: [18.0, 28.0] };
    /// By name.
    pub const ALL: [(&str, &Site); 18] = [
        ("C7", &C7), ("UT", &UT), ("TM", &TM), ("IS", &IS), ("SC", &SC), ("SB", &SB), ("TP", &TP), ("TL", &TL), ("LM1", &LM1), ("LM3", &LM3), ("LM5", &LM5), ("LP1", &LP1), ("LP3", &LP3), ("LP5", &LP5), ("QL", &QL), ("SA", &SA), ("IC", &IC), ("GL", &GL),
    ];
}

/// Bone depth at one point: `depth_mm + per_bmi_mm (BMI - bmi)`.
struct Anchor {
    u: f64,
    site: &'static Site,
    depth_mm: [f64; 2],
    bmi: f64,
    per_bmi_mm: f64,
    /// Whether bone bounds it, or nothing within [`UNSUPPORTED_M`].
    bone: bool,
    /// Measured (V), or an estimate.
    measured: bool,
}

impl Anchor {
    /// Where its depth comes from, `x_m` beside the midline.
    fn source(&self, x_m: f64) -> &'static str {
        let lumbar = (0.70..0.93).contains(&self.u);
        match x_m {
            _ if self.measured => "Kawchuk, MRI of 105 patients; slope and BMI E",
            _ if !self.bone => "no bone near: held at 60 mm",
            _ if self.u < 0.0 => "layer table of the nape; no measurement was found",
            _ if self.u > 0.93 => {
                "sacrum and iliac crest: PSIS 8, crest 15 mm as estimated; no measurement was found"
            }
            0.0 => "spinous process; between C7 and T12 no measurement was found",
            x if x < 0.03 && lumbar => {
                "lamina: half way from the spinous to the transverse process"
            }
            x if x < 0.05 && lumbar => {
                "transverse process: as much deeper than the spinous one as at L4 (V, Kawchuk)"
            }
            x if x < 0.05 => {
                "thoracic lamina, 25 to 35 mm; least at T5 and T6 (V, direction, Harran Univ. 2024)"
            }
            _ if lumbar => "flank over the iliac crest; no measurement was found",
            _ if self.u < 0.1 => {
                "trapezius over the upper ribs, by the layer table; no measurement was found"
            }
            _ if self.u < 0.45 => {
                "shoulder blade: spine 7, border 12, body 22 mm as estimated; no measurement was found"
            }
            _ => "ribs, 20 to 30 mm; no measurement was found",
        }
    }

    /// Skin, fat, muscle of this body, m.
    fn thickness_m(&self, body: &Body) -> [f64; 3] {
        let sex = body.sex;
        let old = body.age_yr >= 65.0;
        let depth = sex.of(self.depth_mm) + self.per_bmi_mm * (body.bmi_kg_m2 - self.bmi);
        let skin = sex.of(self.site.skin_mm);
        let grown = (1.0 + sex.of([0.09, 0.10]) * (body.bmi_kg_m2 - 23.0)).clamp(0.35, 4.0);
        let fat = (sex.of(self.site.fat_mm) * grown)
            .min(depth - skin - 2.0)
            .max(1.5);
        let muscle = (depth - skin - fat).max(2.0);

        let skin =
            (skin * (1.0 + 0.15 * body.fat_z).max(0.5) * if old { 0.9 } else { 1.0 }).max(1.0);
        let fat = (fat * (1.0 + 0.40 * body.fat_z).clamp(0.25, 2.2)).max(1.5);
        // Twice as stiff by contraction is a fifth thicker; in between, and a little beyond, in proportion.
        let tense = 1.0 + 0.20 * ((body.tone - 1.0) / 1.1).clamp(-0.5, 1.5);
        let muscle =
            (muscle * (1.0 + 0.22 * body.muscle_z).max(0.4) * if old { 0.85 } else { 1.0 } * tense)
                .max(2.0);
        let most = 1e3 * if self.bone { DEEPEST_M } else { UNSUPPORTED_M };
        let fat = fat.min(most - skin - 2.0);
        let rest = most - skin - fat;
        let muscle = if self.bone { muscle.min(rest) } else { rest };
        [skin, fat, muscle].map(|mm| 1e-3 * mm)
    }
}

const fn at(u: f64, site: &'static Site, depth_mm: f64, bmi: f64, per_bmi_mm: f64) -> Anchor {
    Anchor {
        u,
        site,
        depth_mm: [depth_mm; 2],
        bmi,
        per_bmi_mm,
        bone: true,
        measured: false,
    }
}

/// As read in a paper.
const fn seen(u: f64, site: &'static Site, depth_mm: f64, bmi: f64, per_bmi_mm: f64) -> Anchor {
    Anchor {
        measured: true,
        ..at(u, site, depth_mm, bmi, per_bmi_mm)
    }
}

/// No bone near.
const fn deep(u: f64, site: &'static Site) -> Anchor {
    Anchor {
        u,
        site,
        depth_mm: [1e3 * UNSUPPORTED_M; 2],
        bmi: 23.0,
        per_bmi_mm: 0.0,
        bone: false,
        measured: false,
    }
}

/// By sex, from the layer table's totals.
const fn both(u: f64, site: &'static Site, depth_mm: [f64; 2], per_bmi_mm: f64) -> Anchor {
    Anchor {
        u,
        site,
        depth_mm,
        bmi: 23.0,
        per_bmi_mm,
        bone: true,
        measured: false,
    }
}

/// Skin to bone along each line of [`LINES_X_M`].
///
/// - Spinous processes L1..L5 22.8, 23.0, 27.4, 33.4, 36.7 mm (V, MRI of 105 patients, Kawchuk via MedWire), taken at BMI 27 with
///   1.5 mm per unit (E); C7-T4 8, T5-T10 10, S1-S2 12 mm at BMI 22, 0.6 per unit (E); T11-T12 between (E).
/// - Transverse process of L4 69.4 mm (V, the same), 2.0 per unit (E); L1-L3 as much deeper than L4's spinous process as L4's is (E), L5
///   less, under the rising iliac crest (E). Laminae at 25 mm on the straight line between the two (E).
/// - Thoracic laminae at 25-45 mm: 25-35 mm, 1.0 per unit (E), least at T5-T6 (direction V, Harran Univ. 2024).
/// - Ribs behind x 60-110 mm: 20-30 mm, 0.9 per unit; scapular spine 7, medial border 12, body 22 mm, 0.4 per unit; PSIS 8, iliac crest 15 mm,
///   0.8 per unit (all E, at BMI 22).
/// - Neck, upper trapezius, sacrum beside the midline: totals of the layer table at BMI 23 (E).
#[rustfmt::skip]
const DEPTHS: [&[Anchor]; LINES] = {
    use sites::*;
    [
        &[ // 0 mm
            at(-0.130, &C7, 16.0, 22.0, 0.6), at(-0.052, &C7, 12.0, 22.0, 0.6), at(0.000, &C7, 8.0, 22.0, 0.6), at(0.049, &TM, 8.0, 22.0, 0.6),
            at(0.210, &TM, 8.0, 22.0, 0.6), at(0.269, &TM, 10.0, 22.0, 0.6), at(0.541, &TM, 10.0, 22.0, 0.6),
            at(0.596, &TM, 14.5, 27.0, 0.8), at(0.654, &TM, 18.5, 27.0, 1.1),
            seen(0.709, &LM1, 22.8, 27.0, 1.5), seen(0.761, &LM1, 23.0, 27.0, 1.5), seen(0.812, &LM3, 27.4, 27.0, 1.5),
            seen(0.861, &LM3, 33.4, 27.0, 1.5), seen(0.909, &LM5, 36.7, 27.0, 1.5),
            at(0.955, &SA, 12.0, 22.0, 0.6), at(1.000, &SA, 12.0, 22.0, 0.6), at(1.100, &SA, 14.0, 22.0, 0.6), at(1.250, &SA, 20.0, 22.0, 0.8),
        ],
        &[ // 25 mm
            at(-0.130, &C7, 30.0, 22.0, 1.0), at(0.049, &IS, 32.0, 22.0, 1.0), at(0.155, &IS, 30.0, 22.0, 1.0), at(0.300, &IS, 26.0, 22.0, 1.0),
            at(0.390, &TP, 27.0, 22.0, 1.0), at(0.541, &TP, 29.0, 22.0, 1.0), at(0.654, &TP, 32.0, 22.0, 1.2),
            at(0.709, &LP1, 42.8, 27.0, 1.8), at(0.761, &LP1, 43.0, 27.0, 1.8), at(0.812, &LP3, 47.4, 27.0, 1.8),
            at(0.861, &LP3, 53.4, 27.0, 1.8), at(0.909, &LP5, 47.0, 27.0, 1.8),
            both(0.955, &SA, [22.0, 25.0], 0.7), both(1.000, &SA, [20.0, 23.0], 0.7), both(1.100, &SA, [24.0, 27.0], 0.7), both(1.250, &SA, [32.0, 35.0], 0.7),
        ],
        &[ // 45 mm
            at(-0.130, &C7, 30.0, 22.0, 1.0), at(0.049, &IS, 34.0, 22.0, 1.0), at(0.155, &IS, 30.0, 22.0, 1.0), at(0.300, &IS, 26.0, 22.0, 1.0),
            at(0.390, &TP, 27.0, 22.0, 1.0), at(0.541, &TP, 28.0, 22.0, 1.0), at(0.654, &TP, 34.0, 22.0, 1.2),
            at(0.709, &LP1, 58.8, 27.0, 2.0), at(0.761, &LP1, 59.0, 27.0, 2.0), at(0.812, &LP3, 63.4, 27.0, 2.0),
            seen(0.861, &LP3, 69.4, 27.0, 2.0), at(0.909, &LP5, 50.0, 27.0, 1.5),
            at(0.955, &IC, 18.0, 22.0, 0.8), at(1.000, &IC, 8.0, 22.0, 0.8), both(1.060, &SA, [24.0, 27.0], 0.8), deep(1.150, &GL), deep(1.250, &GL),
        ],
        &[ // 65 mm
            at(-0.130, &C7, 32.0, 22.0, 0.9), both(-0.026, &UT, [32.0, 27.0], 0.9), both(0.049, &UT, [32.0, 27.0], 0.9),
            at(0.101, &SB, 14.0, 22.0, 0.4), at(0.155, &SB, 10.0, 22.0, 0.4), at(0.210, &SB, 12.0, 22.0, 0.4), at(0.390, &SB, 12.0, 22.0, 0.4),
            at(0.442, &SB, 15.0, 22.0, 0.6), at(0.490, &TL, 22.0, 22.0, 0.9), at(0.654, &TL, 26.0, 22.0, 0.9),
            deep(0.709, &QL), deep(0.812, &QL), at(0.861, &QL, 46.0, 22.0, 0.8), at(0.909, &LP5, 22.0, 22.0, 0.8),
            at(0.955, &IC, 20.0, 22.0, 0.8), at(1.000, &IC, 24.0, 22.0, 0.8), at(1.060, &GL, 40.0, 22.0, 0.8), deep(1.120, &GL), deep(1.250, &GL),
        ],
        &[ // 90 mm
            at(-0.130, &C7, 32.0, 22.0, 0.9), both(-0.026, &UT, [32.0, 27.0], 0.9), both(0.049, &UT, [32.0, 27.0], 0.9),
            at(0.101, &SC, 18.0, 22.0, 0.4), at(0.155, &SB, 7.0, 22.0, 0.4), at(0.210, &SC, 20.0, 22.0, 0.4), at(0.269, &SC, 22.0, 22.0, 0.4),
            at(0.390, &SC, 22.0, 22.0, 0.4), at(0.442, &TL, 22.0, 22.0, 0.7), at(0.654, &TL, 26.0, 22.0, 0.9),
            deep(0.709, &QL), deep(0.812, &QL), at(0.861, &QL, 40.0, 22.0, 0.8), at(0.909, &GL, 24.0, 22.0, 0.8),
            at(0.955, &GL, 36.0, 22.0, 0.8), deep(1.000, &GL), deep(1.250, &GL),
        ],
        &[ // 120 mm and beyond
            at(-0.130, &C7, 32.0, 22.0, 0.9), both(-0.026, &UT, [32.0, 27.0], 0.9), both(0.049, &UT, [32.0, 27.0], 0.9),
            at(0.101, &SC, 20.0, 22.0, 0.4), at(0.155, &SB, 9.0, 22.0, 0.4), at(0.210, &SC, 20.0, 22.0, 0.4), at(0.269, &SC, 24.0, 22.0, 0.4),
            at(0.390, &SC, 24.0, 22.0, 0.6), at(0.442, &TL, 24.0, 22.0, 0.9), at(0.654, &TL, 28.0, 22.0, 0.9),
            deep(0.709, &QL), deep(0.812, &QL), at(0.861, &QL, 40.0, 22.0, 0.8), at(0.909, &GL, 28.0, 22.0, 0.8),
            at(0.955, &GL, 36.0, 22.0, 0.8), deep(1.000, &GL), deep(1.250, &GL),
        ],
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Sex;
    use crate::level::Level;

    /// Kawchuk (MRI, 105 patients): skin to spinous process L1..L5 22.8, 23.0, 27.4, 33.4, 36.7 mm; L4 transverse process 69.4 mm. At BMI 27.
    #[test]
    fn val_lumbar_bone_depths_are_those_of_kawchuk() {
        for sex in Sex::ALL {
            let layers = Layers::new(&Body::mean(sex, 1.7, 27.0, 40.0));
            let levels = [Level::L1, Level::L2, Level::L3, Level::L4, Level::L5];
            for (level, mm) in levels.into_iter().zip([22.8, 23.0, 27.4, 33.4, 36.7]) {
                let depth_mm = 1e3 * layers.at(level.station(), 0.0).total_m();
                // The table's grid is 5e-3 in u: a level between two samples may miss its anchor by the cubic's error.
                assert!((depth_mm - mm).abs() < 0.3, "{} {depth_mm}", level.name());
            }
            let depth_mm = 1e3 * layers.at(Level::L4.station(), 0.045).total_m();
            assert!((depth_mm - 69.4).abs() < 0.5, "{depth_mm}");
        }
    }

    #[test]
    fn fields_are_smooth_and_keep_their_floors() {
        for sex in Sex::ALL {
            for (bmi, age, z) in [
                (13.0, 14.0, -3.0),
                (23.0, 30.0, 0.0),
                (27.0, 70.0, 1.0),
                (60.0, 90.0, 3.0),
            ] {
                let body = Body {
                    fat_z: z,
                    muscle_z: -z,
                    ..Body::mean(sex, 1.7, bmi, age)
                };
                let layers = Layers::new(&body);
                let mut worst = 0.0_f64;
                for i in 0..=276 {
                    for j in -30..=30 {
                        let (u, x) = (-0.13 + 0.005 * f64::from(i), 0.005 * f64::from(j));
                        let t = layers.at(u, x);
                        assert!(
                            t.skin_m >= 0.000_999
                                && t.fat_m >= 0.001_499
                                && t.muscle_m >= 0.001_999,
                            "{u} {x} {t:?}"
                        );
                        let across = (layers.at(u, x + 1e-4).total_m() - t.total_m()) / 1e-4;
                        let along = (layers.at(u + 2e-4, x).total_m() - t.total_m()) / 1e-4;
                        worst = worst.max(across.abs()).max(along.abs());
                    }
                }
                // 20 mm from anchor to anchor and 36 mm of depth between bone and none: 1.5 x 36 / 20 = 2.7. The last body, with 50 mm
                // more fat in one place than in the next, is beyond anybody of the survey.
                assert!(
                    worst < if bmi < 50.0 { 3.0 } else { 5.0 },
                    "{sex:?} {bmi}: {worst} m/m"
                );
                let deep = layers.at(0.76, 0.08).total_m();
                assert!(
                    (deep - UNSUPPORTED_M).abs() < 0.002,
                    "QL is bounded: {deep}"
                );
            }
        }
    }

    /// A heavier person has more fat over the lumbar spine: r2 = 0.44 with BMI (Lee JJ 2016). Direction only.
    #[test]
    fn fat_grows_with_bmi_and_with_its_residual() {
        let fat = |bmi: f64, z: f64| {
            Layers::new(&Body {
                fat_z: z,
                ..Body::mean(Sex::Female, 1.63, bmi, 30.0)
            })
            .at(0.8, 0.035)
            .fat_m
        };
        assert!(fat(20.0, 0.0) < fat(25.0, 0.0) && fat(25.0, 0.0) < fat(32.0, 0.0));
        assert!((fat(25.0, 1.0) / fat(25.0, 0.0) - 1.40).abs() < 1e-9);
    }
}
