//! Test problems with known answers, shared by tests and benches: closed forms, each with its source.

use crate::search::Score;

/// One problem: a box, and what a point of it scores.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What papers call it.
    pub name: &'static str,
    /// Lower and upper end of each axis.
    pub bounds: Vec<[f64; 2]>,
    /// Objectives and constraints (fulfilled where at most 0) of a point inside the bounds.
    values: Values,
    /// Front of a problem with two objectives: the second as a function of the first, and the stretches of the first.
    front: Option<Front>,
}

/// Objectives and constraints of a point.
type Values = fn(&[f64]) -> (Vec<f64>, Vec<f64>);
type Front = (fn(f64) -> f64, &'static [[f64; 2]]);

impl Problem {
    fn new(name: &'static str, bounds: Vec<[f64; 2]>, values: Values) -> Problem {
        Problem {
            name,
            bounds,
            values,
            front: None,
        }
    }

    /// Score of a point of the unit cube; the violation is the sum of what constraints are passed by.
    pub fn score(&self, unit: &[f64]) -> Score {
        let ends = unit.iter().zip(&self.bounds);
        let x: Vec<f64> = ends
            .map(|(u, [low, high])| low + u * (high - low))
            .collect();
        let (objectives, constraints) = (self.values)(&x);
        Score {
            objectives,
            violation: constraints.iter().fold(0.0, |sum, g| sum + g.max(0.0)),
        }
    }

    /// Evenly spread points of the exact front of two objectives, ends of its stretches included; empty for other problems.
    pub fn front(&self, points: usize) -> Vec<[f64; 2]> {
        let Some((second, stretches)) = self.front else {
            return Vec::new();
        };
        let total: f64 = stretches.iter().map(|[a, b]| b - a).sum();
        let each = stretches.iter().flat_map(|[a, b]| {
            let n = ((b - a) / total * points as f64).round().max(2.0);
            (0..n as usize).map(move |k| a + (b - a) * k as f64 / (n - 1.0))
        });
        each.map(|f| [f, second(f)]).collect()
    }
}

/// Curved valley (Rosenbrock 1960, for many axes as De Jong 1975) on [-2, 2]: 0 at (1, ..., 1). From four axes on
/// it has a second, local minimum near (-1, 1, ..., 1).
pub fn rosenbrock(axes: usize) -> Problem {
    Problem::new("Rosenbrock", vec![[-2.0, 2.0]; axes], |x| {
        let sum = x
            .windows(2)
            .map(|w| 100.0 * (w[1] - w[0] * w[0]).powi(2) + (1.0 - w[0]).powi(2))
            .sum();
        (vec![sum], vec![])
    })
}

/// Squared distance from the corner of the box, on [0, 1]: the optimum lies on every bound at once.
pub fn corner(axes: usize) -> Problem {
    Problem::new("corner", vec![[0.0, 1.0]; axes], |x| {
        (vec![x.iter().map(|x| x * x).sum()], vec![])
    })
}

/// Squared distance from 0 where `x_1 + ... + x_n >= n`, on [-5, 5]: n at (1, ..., 1), on the limit ("TR" of Kramer and
/// Schwefel 2006).
pub fn tangent(axes: usize) -> Problem {
    Problem::new("tangent", vec![[-5.0, 5.0]; axes], |x| {
        let sum: f64 = x.iter().sum();
        (
            vec![x.iter().map(|x| x * x).sum()],
            vec![x.len() as f64 - sum],
        )
    })
}

/// Convex front (Zitzler, Deb, Thiele 2000), 30 axes.
pub fn zdt1() -> Problem {
    let values = |x: &[f64]| {
        let g = zdt_g(x);
        (vec![x[0], g * (1.0 - (x[0] / g).sqrt())], vec![])
    };
    Problem {
        front: Some((|f| 1.0 - f.sqrt(), &[[0.0, 1.0]])),
        ..Problem::new("ZDT1", vec![[0.0, 1.0]; 30], values)
    }
}

/// Concave front (Zitzler, Deb, Thiele 2000), 30 axes.
pub fn zdt2() -> Problem {
    let values = |x: &[f64]| {
        let g = zdt_g(x);
        (vec![x[0], g * (1.0 - (x[0] / g).powi(2))], vec![])
    };
    Problem {
        front: Some((|f| 1.0 - f * f, &[[0.0, 1.0]])),
        ..Problem::new("ZDT2", vec![[0.0, 1.0]; 30], values)
    }
}

/// Front in five pieces (Zitzler, Deb, Thiele 2000), 30 axes. They begin where the curve comes below all that stands left
/// of it and end where it turns up.
pub fn zdt3() -> Problem {
    fn curve(f: f64) -> f64 {
        1.0 - f.sqrt() - f * (10.0 * std::f64::consts::PI * f).sin()
    }
    let values = |x: &[f64]| {
        let g = zdt_g(x);
        let f = x[0];
        let h = 1.0 - (f / g).sqrt() - f / g * (10.0 * std::f64::consts::PI * f).sin();
        (vec![f, g * h], vec![])
    };
    const PIECES: [[f64; 2]; 5] = [
        [0.0, 0.083_001_534_9],
        [0.182_228_780_1, 0.257_762_363_4],
        [0.409_313_674_8, 0.453_882_104_1],
        [0.618_396_794_4, 0.652_511_703_8],
        [0.823_331_798_3, 0.851_832_865_4],
    ];
    Problem {
        front: Some((curve, &PIECES)),
        ..Problem::new("ZDT3", vec![[0.0, 1.0]; 30], values)
    }
}

fn zdt_g(x: &[f64]) -> f64 {
    1.0 + 9.0 * x[1..].iter().sum::<f64>() / (x.len() - 1) as f64
}

/// Two objectives under two limits (Binh and Korn 1997). The front is `x_1 = x_2` from 0 to 3, then `x_2 = 3`, `x_1` to 5.
pub fn bnh() -> Problem {
    let values = |x: &[f64]| {
        let (a, b) = (x[0], x[1]);
        (
            vec![4.0 * (a * a + b * b), (a - 5.0).powi(2) + (b - 5.0).powi(2)],
            vec![
                (a - 5.0).powi(2) + b * b - 25.0,
                7.7 - (a - 8.0).powi(2) - (b + 3.0).powi(2),
            ],
        )
    };
    // f1 = 8 x^2 on the first part, 4 (x^2 + 9) on the second.
    fn curve(f: f64) -> f64 {
        if f <= 72.0 {
            2.0 * ((f / 8.0).sqrt() - 5.0).powi(2)
        } else {
            ((f / 4.0 - 9.0).sqrt() - 5.0).powi(2) + 4.0
        }
    }
    Problem {
        front: Some((curve, &[[0.0, 136.0]])),
        ..Problem::new("BNH", vec![[0.0, 5.0], [0.0, 3.0]], values)
    }
}

/// Three objectives whose front is an eighth of the unit sphere (Deb, Thiele, Laumanns, Zitzler 2002), 12 axes.
pub fn dtlz2() -> Problem {
    Problem::new("DTLZ2", vec![[0.0, 1.0]; 12], |x| {
        let g: f64 = x[2..].iter().map(|x| (x - 0.5).powi(2)).sum();
        let (a, b) = (
            x[0] * std::f64::consts::FRAC_PI_2,
            x[1] * std::f64::consts::FRAC_PI_2,
        );
        let r = 1.0 + g;
        (
            vec![r * a.cos() * b.cos(), r * a.cos() * b.sin(), r * a.sin()],
            vec![],
        )
    })
}

/// Cubic objective in a thin sickle between two circles (Floudas and Pardalos 1990, as G06 of Michalewicz and Schoenauer
/// 1996): -6961.81388 at (14.095, 0.84296), where both limits hold exactly.
pub fn g06() -> Problem {
    Problem::new("G06", vec![[13.0, 100.0], [0.0, 100.0]], |x| {
        let (a, b) = (x[0], x[1]);
        (
            vec![(a - 10.0).powi(3) + (b - 20.0).powi(3)],
            vec![
                100.0 - (a - 5.0).powi(2) - (b - 5.0).powi(2),
                (a - 6.0).powi(2) + (b - 5.0).powi(2) - 82.81,
            ],
        )
    })
}

/// Seven axes, four limits, two of them active (Hock and Schittkowski 1981, problem 100, as G09 of Michalewicz and
/// Schoenauer 1996): 680.6300573.
pub fn g09() -> Problem {
    Problem::new("G09", vec![[-10.0, 10.0]; 7], |x| {
        let [x1, x2, x3, x4, x5, x6, x7] = x else {
            unreachable!("seven axes")
        };
        let f = (x1 - 10.0).powi(2)
            + 5.0 * (x2 - 12.0).powi(2)
            + x3.powi(4)
            + 3.0 * (x4 - 11.0).powi(2)
            + 10.0 * x5.powi(6)
            + 7.0 * x6.powi(2)
            + x7.powi(4)
            - 4.0 * x6 * x7
            - 10.0 * x6
            - 8.0 * x7;
        (
            vec![f],
            vec![
                -127.0 + 2.0 * x1.powi(2) + 3.0 * x2.powi(4) + x3 + 4.0 * x4.powi(2) + 5.0 * x5,
                -282.0 + 7.0 * x1 + 3.0 * x2 + 10.0 * x3.powi(2) + x4 - x5,
                -196.0 + 23.0 * x1 + x2.powi(2) + 6.0 * x6.powi(2) - 8.0 * x7,
                4.0 * x1.powi(2) + x2.powi(2) - 3.0 * x1 * x2 + 2.0 * x3.powi(2) + 5.0 * x6
                    - 11.0 * x7,
            ],
        )
    })
}

/// `sin x1 + 7 sin^2 x2 + x3^4 sin(x1) / 10` on [-pi, pi] (Ishigami and Homma 1990): see [`ISHIGAMI_FIRST`].
pub fn ishigami() -> Problem {
    let pi = std::f64::consts::PI;
    Problem::new("Ishigami", vec![[-pi, pi]; 3], |x| {
        let value = x[0].sin() + 7.0 * x[1].sin().powi(2) + 0.1 * x[2].powi(4) * x[0].sin();
        (vec![value], vec![])
    })
}

/// First-order Sobol' indices of [`ishigami`], closed form.
pub const ISHIGAMI_FIRST: [f64; 3] = [0.313_905, 0.442_411, 0.0];
/// Total Sobol' indices of [`ishigami`], closed form.
pub const ISHIGAMI_TOTAL: [f64; 3] = [0.557_589, 0.442_411, 0.243_684];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(problem: &Problem, x: &[f64]) -> Score {
        let pairs = x.iter().zip(&problem.bounds);
        let unit: Vec<f64> = pairs.map(|(x, [a, b])| (x - a) / (b - a)).collect();
        problem.score(&unit)
    }

    /// Optima as the literature prints them (Runarsson and Yao 2000, appendix).
    #[test]
    fn val_known_optima() {
        assert!(at(&rosenbrock(10), &[1.0; 10]).objectives[0] < 1e-20);
        let g06 = at(&g06(), &[14.095, 0.842_96]);
        assert!((g06.objectives[0] + 6_961.813_88).abs() < 0.02, "{g06:?}");
        assert!(g06.violation < 1e-4, "{g06:?}");
        let x = [
            2.330_499,
            1.951_372,
            -0.477_541_4,
            4.365_726,
            -0.624_487_0,
            1.038_131,
            1.594_227,
        ];
        let g09 = at(&g09(), &x);
        assert!((g09.objectives[0] - 680.630_057_3).abs() < 1e-4, "{g09:?}");
        assert!(g09.violation < 1e-4, "{g09:?}");
    }

    /// Points on the closed fronts: BNH's end (136, 4), a corner (72, 8); ZDT with all but the first axis at 0.
    #[test]
    fn val_fronts_hold_what_the_problems_give() {
        assert_eq!(at(&bnh(), &[5.0, 3.0]).objectives, [136.0, 4.0]);
        let front = bnh().front(137);
        assert!(
            front
                .iter()
                .any(|[a, b]| (a - 72.0).abs() < 1e-9 && (b - 8.0).abs() < 1e-9)
        );
        for problem in [zdt1(), zdt2(), zdt3()] {
            for [a, b] in problem.front(100) {
                let mut x = vec![0.0; 30];
                x[0] = a;
                assert!(
                    (at(&problem, &x).objectives[1] - b).abs() < 1e-12,
                    "{}",
                    problem.name
                );
            }
        }
    }

    /// ZDT3's pieces against the curve itself: of 10 001 points those that no other dominates are those inside.
    #[test]
    fn val_pieces_of_zdt3() {
        let scores: Vec<Score> = (0..=10_000)
            .map(|i| {
                let mut x = vec![0.0; 30];
                x[0] = f64::from(i) / 10_000.0;
                at(&zdt3(), &x)
            })
            .collect();
        let free = crate::front::non_dominated(&scores);
        let (_, pieces) = zdt3().front.unwrap();
        let inside = |i: usize, by: f64| {
            let f = i as f64 / 10_000.0;
            pieces.iter().any(|[a, b]| *a - by <= f && f <= *b + by)
        };
        assert!(free.iter().all(|&i| inside(i, 1.01e-4)));
        let within = (0..=10_000).filter(|&i| inside(i, -1.01e-4));
        assert!(
            within.clone().count() > 2000
                && within.into_iter().all(|i| free.binary_search(&i).is_ok())
        );
    }

    /// Variance terms of Ishigami, a = 7, b = 0.1 (Ishigami and Homma 1990):
    /// `V1 = (1 + b pi^4 / 5)^2 / 2`, `V2 = a^2 / 8`, `V13 = b^2 pi^8 (1/18 - 1/50)`.
    #[test]
    fn val_ishigami_indices() {
        let p4 = std::f64::consts::PI.powi(4);
        let (v1, v2) = (0.5 * (1.0 + 0.02 * p4).powi(2), 49.0 / 8.0);
        let v13 = 0.01 * p4 * p4 * (1.0 / 18.0 - 1.0 / 50.0);
        let v = v1 + v2 + v13;
        for (found, expected) in [
            (ISHIGAMI_FIRST[0], v1 / v),
            (ISHIGAMI_FIRST[1], v2 / v),
            (ISHIGAMI_TOTAL[0], (v1 + v13) / v),
            (ISHIGAMI_TOTAL[2], v13 / v),
        ] {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
