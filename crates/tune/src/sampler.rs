//! Plans of points in the unit cube: grid, random, Latin hypercube, scrambled Sobol'.
//!
//! Every point is a function of (seed, index) alone, so a shard computes its own points without its predecessors.

use crate::random::{hash, open_unit};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// How a plan fills the unit cube.
///
/// | | points | inside | good for |
/// |---|---|---|---|
/// | grid | product of the steps | ends included, `k / (steps - 1)` | few axes, tables |
/// | random | any | open | nothing that Sobol' does not do better; a yardstick |
/// | Latin hypercube | fixed beforehand | one point in each of `samples` strata of every axis | small plans of odd size |
/// | Sobol' | up to 2^32, best 2^m | every 2^m first points fill each axis evenly | all else |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampler {
    /// Every combination; the last axis runs fastest.
    Grid {
        /// Places on each axis, at least one; a single one stands in the middle.
        steps: Vec<u32>,
    },
    /// Independent and uniform.
    Random,
    /// One point in each of `samples` equal strata of every axis (McKay, Beckman, Conover 1979), the strata of an axis
    /// in an order of its own.
    LatinHypercube,
    /// Sobol' sequence with the direction numbers of Joe and Kuo (2008) and nested uniform scrambling (Owen 1995). The
    /// first point is kept: scrambled, it is as good as any, and leaving it out breaks the balance (Owen 2020).
    Sobol,
}

/// What is wrong with the size of a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    /// No axis or no point.
    #[error("the plan is empty: {axes} axes, {samples} samples; it needs at least one of each")]
    Empty {
        /// Axes asked for.
        axes: usize,
        /// Points asked for.
        samples: u64,
    },
    /// A grid's list of steps does not fit.
    #[error(
        "the grid has steps for {steps} axes, the plan has {axes}; give each axis its steps, at least 1"
    )]
    Steps {
        /// Axes with steps.
        steps: usize,
        /// Axes of the plan.
        axes: usize,
    },
    /// More points than can be counted or told apart.
    #[error("the plan has more points than {at_most}, the most this sampler tells apart")]
    TooMany {
        /// The most.
        at_most: u64,
    },
    /// More axes than there are direction numbers.
    #[error(
        "{axes} axes; sobol has direction numbers for at most {}; take latin_hypercube",
        Sampler::SOBOL_AXES_MAX
    )]
    Axes {
        /// Axes asked for.
        axes: usize,
    },
}

impl Sampler {
    /// Axes that the table of direction numbers reaches.
    pub const SOBOL_AXES_MAX: usize = 256;
    /// Points after which a Sobol' sequence of 32 bits repeats.
    pub const SOBOL_POINTS_MAX: u64 = 1 << 32;

    /// Points of the plan: `samples`, or what a grid makes of its steps; `None` where that passes 2^64.
    pub fn size(&self, samples: u64) -> Option<u64> {
        match self {
            Sampler::Grid { steps } => steps
                .iter()
                .try_fold(1u64, |size, &n| size.checked_mul(u64::from(n))),
            _ => Some(samples),
        }
    }

    /// Whether a plan of this size can be made.
    ///
    /// # Errors
    ///
    /// No axis, no point, steps that do not fit the axes, or more than the sampler tells apart.
    pub fn check(&self, samples: u64, axes: usize) -> Result<(), SamplerError> {
        if let Sampler::Grid { steps } = self
            && (steps.len() != axes || steps.contains(&0))
        {
            let steps = steps.iter().filter(|&&n| n > 0).count();
            return Err(SamplerError::Steps { steps, axes });
        }
        let size = self
            .size(samples)
            .ok_or(SamplerError::TooMany { at_most: u64::MAX })?;
        if size == 0 || axes == 0 {
            return Err(SamplerError::Empty {
                axes,
                samples: size,
            });
        }
        match self {
            Sampler::Sobol if axes > Sampler::SOBOL_AXES_MAX => Err(SamplerError::Axes { axes }),
            Sampler::Sobol if size > Sampler::SOBOL_POINTS_MAX => Err(SamplerError::TooMany {
                at_most: Sampler::SOBOL_POINTS_MAX,
            }),
            // A permutation of more is possible, strata of a double are not.
            Sampler::LatinHypercube if size > 1 << 52 => {
                Err(SamplerError::TooMany { at_most: 1 << 52 })
            }
            _ => Ok(()),
        }
    }

    /// Point `index` of a plan of `samples` points over `axes` axes. Grids ignore `seed` and `samples`, random and
    /// Sobol' plans ignore `samples`: a longer one begins with the shorter one.
    ///
    /// # Panics
    ///
    /// Where [`Sampler::check`] refuses, or `index` lies beyond the plan.
    pub fn point(&self, seed: u64, index: u64, samples: u64, axes: usize) -> Vec<f64> {
        let mut point = vec![0.0; axes];
        self.fill(seed, index, samples, &mut point);
        point
    }

    /// [`Sampler::point`] into a slice with one number an axis.
    ///
    /// # Panics
    ///
    /// As [`Sampler::point`].
    pub fn fill(&self, seed: u64, index: u64, samples: u64, point: &mut [f64]) {
        if let Err(problem) = self.check(samples, point.len()) {
            panic!("{problem}");
        }
        let size = self.size(samples).unwrap_or(u64::MAX);
        assert!(index < size, "point {index} of a plan of {size}");
        match self {
            Sampler::Grid { steps } => {
                let mut rest = index;
                for (x, &n) in point.iter_mut().zip(steps).rev() {
                    let n = u64::from(n);
                    *x = if n == 1 {
                        0.5
                    } else {
                        (rest % n) as f64 / (n - 1) as f64
                    };
                    rest /= n;
                }
            }
            Sampler::Random => {
                for (axis, x) in point.iter_mut().enumerate() {
                    *x = open_unit(hash(&[seed, RANDOM, axis as u64, index]));
                }
            }
            Sampler::LatinHypercube => {
                for (axis, x) in point.iter_mut().enumerate() {
                    let axis = axis as u64;
                    let stratum = permuted(index, samples, hash(&[seed, STRATA, axis]));
                    let within = open_unit(hash(&[seed, WITHIN, axis, index]));
                    *x = (stratum as f64 + within) / samples as f64;
                }
            }
            Sampler::Sobol => {
                for (axis, x) in point.iter_mut().enumerate() {
                    let key = hash(&[seed, SCRAMBLE, axis as u64]);
                    *x = unit(owen(sobol(index as u32, axis), key));
                }
            }
        }
    }
}

// What a key is for, so that two uses of one seed never meet.
const RANDOM: u64 = 0x71;
const STRATA: u64 = 0x72;
const WITHIN: u64 = 0x73;
const SCRAMBLE: u64 = 0x74;

/// Where `index` of `0..count` comes to stand under the permutation `key`: a Feistel network of six rounds over the next even
/// number of bits, walked on until it lands inside (Black and Rogaway 2002); at most four steps on average.
fn permuted(index: u64, count: u64, key: u64) -> u64 {
    if count < 2 {
        return 0;
    }
    let half = (u64::BITS - (count - 1).leading_zeros()).div_ceil(2);
    let mask = (1u64 << half) - 1;
    let mut x = index;
    loop {
        let (mut left, mut right) = (x >> half, x & mask);
        for round in 0..6 {
            (left, right) = (right, left ^ (hash(&[key, round, right]) & mask));
        }
        x = left << half | right;
        if x < count {
            return x;
        }
    }
}

/// The middle of the cell of 2^-32 that 32 digits name.
fn unit(digits: u32) -> f64 {
    (f64::from(digits) + 0.5) / 4_294_967_296.0
}

/// Digits of the plain Sobol' sequence, most significant first.
fn sobol(index: u32, axis: usize) -> u32 {
    let directions = &DIRECTIONS[axis];
    let mut digits = 0;
    let mut rest = index;
    while rest != 0 {
        digits ^= directions[rest.trailing_zeros() as usize];
        rest &= rest - 1;
    }
    digits
}

/// Nested uniform scrambling (Owen 1995): each binary digit is flipped or not by a coin that hangs on all digits before it.
/// One hash gives the coins of six digits: it is the tree of their 63 prefixes, its node `n` having the children
/// `2 n` and `2 n + 1`. Exact but for the hash; the usual shortcut (Laine and Karras 2011) mixes with carries instead.
fn owen(digits: u32, key: u64) -> u32 {
    let mut flips = 0;
    for first in (0..u32::BITS).step_by(6) {
        let before = if first == 0 {
            0
        } else {
            digits >> (u32::BITS - first)
        };
        let coins = hash(&[key, u64::from(first), u64::from(before)]);
        let mut node = 1;
        for place in first..u32::BITS.min(first + 6) {
            let shift = u32::BITS - 1 - place;
            flips |= ((coins >> node & 1) as u32) << shift;
            node = 2 * node + (digits >> shift & 1);
        }
    }
    digits ^ flips
}

/// Direction numbers of each axis, by the recurrence of Joe and Kuo (2008), section 2:
/// `m_k = 2 a_1 m_(k-1) ^ 4 a_2 m_(k-2) ^ ... ^ 2^s m_(k-s) ^ m_(k-s)`, kept as `m_k 2^(32-k)`.
static DIRECTIONS: LazyLock<Vec<[u32; 32]>> = LazyLock::new(|| {
    let table = include_str!("../data/joe_kuo_6.txt");
    let first: [u32; 32] = std::array::from_fn(|k| 1 << (31 - k));
    let rest = table.lines().filter(|line| !line.starts_with('#'));
    let rest = rest.map(|line| {
        let row: Vec<u32> = line
            .split(' ')
            .map(|n| n.parse().expect("the table holds numbers"))
            .collect();
        let (degree, inner, m) = (row[1] as usize, row[2], &row[3..]);
        let mut v = [0u32; 32];
        for k in 0..32 {
            v[k] = if k < degree {
                m[k] << (31 - k)
            } else {
                let mut x = v[k - degree] ^ (v[k - degree] >> degree);
                for j in 1..degree {
                    if inner >> (degree - 1 - j) & 1 == 1 {
                        x ^= v[k - j];
                    }
                }
                x
            };
        }
        v
    });
    std::iter::once(first).chain(rest).collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const ALL: [Sampler; 3] = [Sampler::Random, Sampler::LatinHypercube, Sampler::Sobol];

    /// Another implementation of the same table: `sobol_burley` 0.5, whose limit is 2^16 points.
    #[test]
    fn val_sobol_digits_are_burleys() {
        for axis in 0..Sampler::SOBOL_AXES_MAX {
            for index in (0..1u32 << 16).step_by(37) {
                let theirs = sobol_burley::parts::sobol_rev(index.reverse_bits(), axis as u32);
                assert_eq!(sobol(index, axis), theirs.reverse_bits(), "{axis} {index}");
            }
        }
    }

    /// Every 2^m first points, 2^m next points and so on have one point in each of 2^m equal cells of every axis, here up
    /// to 2^18, which is more than 2^16, and scrambling keeps that.
    #[test]
    fn val_every_axis_is_balanced_at_every_power_of_two() {
        for (m, axes) in [(4, 256), (11, 64), (18, 4)] {
            let n = 1u64 << m;
            for block in [0, 3] {
                for axis in 0..axes {
                    let mut seen = vec![false; n as usize];
                    for index in block * n..(block + 1) * n {
                        let digits = owen(sobol(index as u32, axis), hash(&[5, axis as u64]));
                        let cell = (unit(digits) * n as f64) as usize;
                        assert!(!std::mem::replace(&mut seen[cell], true), "{axis} {index}");
                    }
                }
            }
        }
    }

    /// Axes 1 and 2 are a (0, 2)-sequence (Sobol' 1967): of 2^m points each elementary interval of area 2^-m holds exactly one.
    /// For other pairs the best t of the first 2^10 points is reckoned; the table was made so that it is small (Joe and
    /// Kuo 2008 minimise it): no pair of the first ten axes has more than 5.
    #[test]
    fn val_pairs_are_nets() {
        let net_t = |a: usize, b: usize, m: u32| {
            let points: Vec<[f64; 2]> = (0..1u64 << m)
                .map(|i| {
                    let p = Sampler::Sobol.point(11, i, 0x400, 10.max(b + 1));
                    [p[a], p[b]]
                })
                .collect();
            (0..=m)
                .find(|t| {
                    (0..=m - t).all(|d| {
                        let (wide, high) = (1usize << d, 1usize << (m - t - d));
                        let mut counts = vec![0u32; wide * high];
                        for [x, y] in &points {
                            counts
                                [(x * wide as f64) as usize * high + (y * high as f64) as usize] +=
                                1;
                        }
                        counts.iter().all(|&c| c == 1 << t)
                    })
                })
                .unwrap()
        };
        for m in 1..=10 {
            assert_eq!(net_t(0, 1, m), 0, "{m}");
        }
        for b in 1..10 {
            for a in 0..b {
                assert!(net_t(a, b, 10) <= 5, "{a} {b}: {}", net_t(a, b, 10));
            }
        }
    }

    /// Property A of Sobol' (1976), which Joe and Kuo (2008) promise for 1111 axes: the first 2^d points in d axes stand in
    /// all of the 2^d orthants.
    #[test]
    fn val_property_a() {
        for d in 1..=16 {
            let orthants: BTreeSet<u32> = (0..1 << d)
                .map(|i| (0..d).fold(0, |o, axis| o << 1 | sobol(i, axis) >> 31))
                .collect();
            assert_eq!(orthants.len(), 1 << d, "{d}");
        }
    }

    /// Owen's scrambling is a bijection that keeps common prefixes, and its coins are fair: over 4096 keys each digit of
    /// one number is flipped in half of them, 2048 +- 4 sqrt(1024).
    #[test]
    fn scrambling_keeps_prefixes_and_is_fair() {
        for (a, b) in [(0x1234_5678u32, 0x1234_5679), (0, 1 << 20), (7, !7)] {
            let shared = (a ^ b).leading_zeros();
            assert_eq!((owen(a, 9) ^ owen(b, 9)).leading_zeros(), shared);
        }
        let mut flips = [0u32; 32];
        for key in 0..4096 {
            let flipped = owen(0x9ABC_DEF0, hash(&[key])) ^ 0x9ABC_DEF0;
            for (place, count) in flips.iter_mut().enumerate() {
                *count += flipped >> place & 1;
            }
        }
        for count in flips {
            assert!((f64::from(count) - 2048.0).abs() < 4.0 * 32.0, "{count}");
        }
    }

    #[test]
    fn a_point_hangs_on_its_index_alone_and_none_comes_twice() {
        let (n, axes) = (3000, 5);
        for sampler in ALL.into_iter().chain([Sampler::Grid {
            steps: vec![5, 1, 8, 15, 5],
        }]) {
            let forward: Vec<Vec<f64>> = (0..n).map(|i| sampler.point(7, i, n, axes)).collect();
            let backward: Vec<Vec<f64>> =
                (0..n).rev().map(|i| sampler.point(7, i, n, axes)).collect();
            assert!(forward.iter().eq(backward.iter().rev()), "{sampler:?}");
            let distinct: BTreeSet<Vec<u64>> = forward
                .iter()
                .map(|p| p.iter().map(|x| x.to_bits()).collect())
                .collect();
            assert_eq!(distinct.len(), n as usize, "{sampler:?}");
            assert!(forward.iter().flatten().all(|x| (0.0..=1.0).contains(x)));
            if !matches!(sampler, Sampler::Grid { .. }) {
                assert_ne!(sampler.point(8, 0, n, axes), forward[0]);
            }
        }
    }

    /// Every stratum once, at any size, and no two axes in step: correlation under four of its standard errors `1 / sqrt(n)`.
    #[test]
    fn val_latin_hypercube_has_one_point_a_stratum() {
        for n in [1, 2, 3, 17, 1000, 1024, 1025] {
            let points: Vec<Vec<f64>> = (0..n)
                .map(|i| Sampler::LatinHypercube.point(1, i, n, 8))
                .collect();
            for axis in 0..8 {
                let strata: BTreeSet<u64> =
                    points.iter().map(|p| (p[axis] * n as f64) as u64).collect();
                assert_eq!(strata.len(), n as usize, "{n} {axis}");
            }
            if n >= 1000 {
                for a in 0..8 {
                    for b in 0..a {
                        let r: f64 = points
                            .iter()
                            .map(|p| (p[a] - 0.5) * (p[b] - 0.5))
                            .sum::<f64>()
                            * 12.0
                            / n as f64;
                        assert!(r.abs() < 4.0 / (n as f64).sqrt(), "{a} {b} {r}");
                    }
                }
            }
        }
    }

    /// Centred L2 discrepancy (Hickernell 1998) of 1024 points in 6 axes; its square is expected to be
    /// `((5/4)^d - (13/12)^d) / n` = 0.0021 for independent points.
    #[test]
    fn val_discrepancy_is_far_below_randoms() {
        let discrepancy2 = |sampler: &Sampler| {
            let (n, d) = (1024, 6);
            let x: Vec<Vec<f64>> = (0..n)
                .map(|i| sampler.point(2, i, n, d))
                .map(|p| p.iter().map(|x| x - 0.5).collect())
                .collect();
            let one: f64 = x
                .iter()
                .map(|p| {
                    p.iter()
                        .map(|z| 1.0 + 0.5 * (z.abs() - z * z))
                        .product::<f64>()
                })
                .sum();
            let two: f64 = x
                .iter()
                .flat_map(|p| x.iter().map(move |q| (p, q)))
                .map(|(p, q)| {
                    let factor =
                        |(a, b): (&f64, &f64)| 1.0 + 0.5 * (a.abs() + b.abs() - (a - b).abs());
                    p.iter().zip(q).map(factor).product::<f64>()
                })
                .sum();
            let n = n as f64;
            (13.0f64 / 12.0).powi(d as i32) - 2.0 / n * one + two / (n * n)
        };
        let expected = ((1.25f64).powi(6) - (13.0f64 / 12.0).powi(6)) / 1024.0;
        let [random, latin, sobol] = ALL.map(|s| discrepancy2(&s));
        assert!((0.5..2.0).contains(&(random / expected)), "{random}");
        assert!(latin < 0.7 * random, "{latin} {random}");
        assert!(sobol < 0.1 * random, "{sobol} {random}");
    }

    #[test]
    fn val_grid_counts_like_nested_loops() {
        let grid = Sampler::Grid {
            steps: vec![2, 1, 3],
        };
        assert_eq!(grid.size(0), Some(6));
        let points: Vec<Vec<f64>> = (0..6).map(|i| grid.point(0, i, 0, 3)).collect();
        assert_eq!(points[0], [0.0, 0.5, 0.0]);
        assert_eq!(points[1], [0.0, 0.5, 0.5]);
        assert_eq!(points[5], [1.0, 0.5, 1.0]);
    }

    #[test]
    fn a_plan_that_cannot_be_made_says_why() {
        let grid = |steps: &[u32]| Sampler::Grid {
            steps: steps.to_vec(),
        };
        let told = |s: Sampler, samples, axes| s.check(samples, axes).unwrap_err().to_string();
        assert!(told(grid(&[3, 0]), 1, 2).contains("steps for 1 axes, the plan has 2"));
        assert!(told(grid(&[u32::MAX; 3]), 1, 3).contains("more points"));
        assert!(told(Sampler::Random, 0, 3).contains("empty"));
        assert!(told(Sampler::Sobol, 8, 257).contains("at most 256"));
        assert!(told(Sampler::Sobol, 1 << 33, 2).contains("4294967296"));
        assert_eq!(Sampler::Sobol.check(1 << 32, 256), Ok(()));
    }
}
