//! Covariance matrix adaptation: one objective, real axes above all, a few to some dozens of them.

use super::{Found, Reason, Score, Search, SearchError, Setup, check, keep_best};
use crate::random::Draw;
use nalgebra::{DMatrix, SymmetricEigen};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Settings of [`CmaEs`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CmaSettings {
    /// Points a generation; 0 takes `4 + 3 ln(axes)` (Hansen 2016), 10 for ten axes. More is slower and surer where the
    /// objective has several valleys or noise.
    pub population: usize,
    /// First standard deviation of every axis, in the unit cube, 0 < sigma <= 1. About a third of where the optimum may
    /// lie (Hansen 2016); less stays near the start.
    pub sigma: f64,
    /// How often it starts anew with a doubled population where it converged or stagnated (IPOP, Auger and Hansen 2005),
    /// from a random point. 0 to 9.
    pub restarts: u32,
    /// Converged where every axis' standard deviation is below this, in the unit cube.
    pub tolerance: f64,
}

impl Default for CmaSettings {
    fn default() -> CmaSettings {
        CmaSettings {
            population: 0,
            sigma: 0.3,
            restarts: 0,
            tolerance: 1e-9,
        }
    }
}

/// CMA-ES with weighted recombination, rank-one and rank-mu update and active covariance, as in Hansen's tutorial
/// (2016, arXiv:1604.00772, table 1 and figure 6).
///
/// Hard limits by constraint ranking ([`Score::rank`]). Bounds: see `sample`. On axes with places or words a point is
/// snapped before it is evaluated while the distribution learns from where it was drawn, and the standard deviation stays
/// above a fifth of a place (`widen`), so that the neighbouring place remains within reach.
pub struct CmaEs {
    setup: Setup,
    settings: CmaSettings,
    generation: u64,
    restart: u32,
    run: Run,
    asked: Vec<Vec<f64>>,
    best: Vec<Found>,
    reason: Option<Reason>,
}

/// One run between two restarts.
struct Run {
    rates: Rates,
    mean: Vec<f64>,
    sigma: f64,
    /// Covariance, axis by axis.
    c: Vec<f64>,
    /// Its eigenvectors, one a column, and the roots of its eigenvalues.
    b: Vec<f64>,
    d: Vec<f64>,
    path_c: Vec<f64>,
    path_s: Vec<f64>,
    generation: u64,
    decomposed: u64,
    /// Steps of the points asked for, in units of sigma.
    steps: Vec<Vec<f64>>,
    /// The best score of each generation.
    history: Vec<f64>,
}

/// What follows from axes and population (Hansen 2016, table 1).
struct Rates {
    weights: Vec<f64>,
    parents: usize,
    mu_eff: f64,
    c_sigma: f64,
    d_sigma: f64,
    c_c: f64,
    c_1: f64,
    c_mu: f64,
    chi: f64,
}

impl CmaEs {
    /// Starts at the first of the setup's starts, else in the middle.
    ///
    /// # Errors
    ///
    /// Settings outside their ranges.
    pub fn try_new(setup: Setup, settings: CmaSettings) -> Result<CmaEs, SearchError> {
        let s = &settings;
        let population = s.population;
        check(
            &setup,
            &[
                (
                    "population",
                    population as f64,
                    population == 0 || population >= 4,
                    "0, or 4 and more",
                ),
                (
                    "sigma",
                    s.sigma,
                    s.sigma > 0.0 && s.sigma <= 1.0,
                    "over 0, to 1",
                ),
                ("restarts", f64::from(s.restarts), s.restarts < 10, "0 to 9"),
                (
                    "tolerance",
                    s.tolerance,
                    s.tolerance > 0.0 && s.tolerance < 1.0,
                    "between 0 and 1",
                ),
            ],
        )?;
        let axes = setup.space.len();
        let population = if population == 0 {
            4 + (3.0 * (axes as f64).ln()) as usize
        } else {
            population
        };
        let start = match setup.starts.first() {
            Some(start) => setup.space.snapped(start),
            None => vec![0.5; axes],
        };
        let run = Run::new(start, settings.sigma, population);
        Ok(CmaEs {
            setup,
            settings,
            generation: 0,
            restart: 0,
            run,
            asked: Vec::new(),
            best: Vec::new(),
            reason: None,
        })
    }

    /// Standard deviations of the axes, in the unit cube.
    pub fn deviations(&self) -> Vec<f64> {
        self.run.deviations()
    }

    /// Ends the run, or begins another one with twice the population.
    fn finish(&mut self, reason: Reason) {
        if self.restart == self.settings.restarts {
            self.reason = Some(reason);
            return;
        }
        self.restart += 1;
        let mut draw = self.setup.draw(u64::MAX - u64::from(self.restart));
        let start = self.run.mean.iter().map(|_| draw.unit()).collect();
        let population = 2 * self.run.rates.weights.len();
        self.run = Run::new(start, self.settings.sigma, population);
    }
}

impl Search for CmaEs {
    fn ask(&mut self) -> Vec<Vec<f64>> {
        if self.asked.is_empty() && self.reason.is_none() {
            let mut draw = self.setup.draw(self.generation);
            // The known design itself is the first point: a step of length zero teaches nothing false (Hansen 2011).
            let known = usize::from(self.generation == 0 && !self.setup.starts.is_empty());
            self.run.sample(&mut draw, known);
            let space = &self.setup.space;
            self.asked = self.run.points().map(|x| space.snapped(&x)).collect();
        }
        self.asked.clone()
    }

    fn tell(&mut self, scores: &[Score]) {
        assert_eq!(
            scores.len(),
            self.asked.len(),
            "one score a point asked for"
        );
        if scores.is_empty() {
            return;
        }
        keep_best(&mut self.best, &self.asked, scores);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[a].rank(&scores[b]));
        self.run.update(&order);
        let spacings = self.setup.space.axes().iter().map(|a| a.spacing());
        self.run.widen(spacings);
        self.run.remember(&scores[order[0]]);
        self.asked.clear();
        self.generation += 1;
        if let Some(reason) = self.run.over(self.settings.tolerance) {
            self.finish(reason);
        }
    }

    fn done(&self) -> Option<Reason> {
        self.reason
    }

    fn best(&self) -> &[Found] {
        &self.best
    }
}

impl Rates {
    fn new(n: usize, population: usize) -> Rates {
        let (axes, half) = (n as f64, (population as f64 + 1.0) / 2.0);
        let raw: Vec<f64> = (1..=population)
            .map(|i| half.ln() - (i as f64).ln())
            .collect();
        let parents = population / 2;
        let effective = |w: &[f64]| {
            let (sum, squares) = w.iter().fold((0.0, 0.0), |(s, q), w| (s + w, q + w * w));
            sum * sum / squares
        };
        let (mu_eff, mu_eff_minus) = (effective(&raw[..parents]), effective(&raw[parents..]));
        let c_sigma = (mu_eff + 2.0) / (axes + mu_eff + 5.0);
        let d_sigma = 1.0 + 2.0 * (((mu_eff - 1.0) / (axes + 1.0)).sqrt() - 1.0).max(0.0) + c_sigma;
        let c_c = (4.0 + mu_eff / axes) / (axes + 4.0 + 2.0 * mu_eff / axes);
        let c_1 = 2.0 / ((axes + 1.3).powi(2) + mu_eff);
        let c_mu = (2.0 * (0.25 + mu_eff + 1.0 / mu_eff - 2.0) / ((axes + 2.0).powi(2) + mu_eff))
            .min(1.0 - c_1);
        let minus = (1.0 + c_1 / c_mu)
            .min(1.0 + 2.0 * mu_eff_minus / (mu_eff + 2.0))
            .min((1.0 - c_1 - c_mu) / (axes * c_mu));
        let sums = raw.iter().fold((0.0, 0.0), |(plus, less), &w| {
            if w > 0.0 {
                (plus + w, less)
            } else {
                (plus, less - w)
            }
        });
        let weights = raw
            .iter()
            .map(|&w| {
                if w > 0.0 {
                    w / sums.0
                } else {
                    minus * w / sums.1
                }
            })
            .collect();
        Rates {
            weights,
            parents,
            mu_eff,
            c_sigma,
            d_sigma,
            c_c,
            c_1,
            c_mu,
            chi: axes.sqrt() * (1.0 - 1.0 / (4.0 * axes) + 1.0 / (21.0 * axes * axes)),
        }
    }
}

impl Run {
    fn new(mean: Vec<f64>, sigma: f64, population: usize) -> Run {
        let n = mean.len();
        let mut identity = vec![0.0; n * n];
        for i in 0..n {
            identity[i * n + i] = 1.0;
        }
        Run {
            rates: Rates::new(n, population),
            mean,
            sigma,
            c: identity.clone(),
            b: identity,
            d: vec![1.0; n],
            path_c: vec![0.0; n],
            path_s: vec![0.0; n],
            generation: 0,
            decomposed: 0,
            steps: Vec::new(),
            history: Vec::new(),
        }
    }

    /// Draws a generation; the first `known` points are the mean itself.
    ///
    /// A point that falls outside the cube is drawn again, up to [`TRIES`] times, and what then still sticks out is
    /// put on the bound; the distribution learns from the point as it lies. Ranks need no penalty then, which would have to
    /// be weighed against an objective that means nothing where a limit is passed.
    fn sample(&mut self, draw: &mut Draw, known: usize) {
        let n = self.mean.len();
        self.steps.clear();
        let mut scaled = vec![0.0; n];
        for k in 0..self.rates.weights.len() {
            let mut y = vec![0.0; n];
            if k >= known {
                for _ in 0..TRIES {
                    for (z, d) in scaled.iter_mut().zip(&self.d) {
                        *z = d * draw.normal();
                    }
                    for (y, row) in y.iter_mut().zip(self.b.chunks_exact(n)) {
                        *y = dot(row, &scaled);
                    }
                    let mut inside = y.iter().zip(&self.mean);
                    if inside.all(|(y, m)| (0.0..=1.0).contains(&(m + self.sigma * y))) {
                        break;
                    }
                }
                for (y, m) in y.iter_mut().zip(&self.mean) {
                    *y = ((m + self.sigma * *y).clamp(0.0, 1.0) - m) / self.sigma;
                }
            }
            self.steps.push(y);
        }
    }

    fn points(&self) -> impl Iterator<Item = Vec<f64>> + '_ {
        let to = |y: &Vec<f64>| {
            let pairs = self.mean.iter().zip(y);
            pairs.map(|(m, y)| m + self.sigma * y).collect()
        };
        self.steps.iter().map(to)
    }

    /// Moves mean, step size and covariance; `order` has the best point first.
    fn update(&mut self, order: &[usize]) {
        let n = self.mean.len();
        let r = &self.rates;
        self.generation += 1;
        let mut y_w = vec![0.0; n];
        for (w, &k) in r.weights[..r.parents].iter().zip(order) {
            for (sum, y) in y_w.iter_mut().zip(&self.steps[k]) {
                *sum += w * y;
            }
        }
        for (m, y) in self.mean.iter_mut().zip(&y_w) {
            *m = (*m + self.sigma * y).clamp(0.0, 1.0);
        }
        // C^(-1/2) y = B D^(-1) B' y.
        let whitened = |y: &[f64]| {
            let mut v = vec![0.0; n];
            for (row, y) in self.b.chunks_exact(n).zip(y) {
                for (v, b) in v.iter_mut().zip(row) {
                    *v += b * y;
                }
            }
            v.iter_mut().zip(&self.d).for_each(|(v, d)| *v /= d);
            v
        };
        let v = whitened(&y_w);
        let gain = (r.c_sigma * (2.0 - r.c_sigma) * r.mu_eff).sqrt();
        for (p, row) in self.path_s.iter_mut().zip(self.b.chunks_exact(n)) {
            *p = (1.0 - r.c_sigma) * *p + gain * dot(row, &v);
        }
        let length = dot(&self.path_s, &self.path_s).sqrt();
        let settled = (1.0 - (1.0 - r.c_sigma).powf(2.0 * self.generation as f64)).sqrt();
        let h = if length / settled < (1.4 + 2.0 / (n as f64 + 1.0)) * r.chi {
            1.0
        } else {
            0.0
        };
        let gain = h * (r.c_c * (2.0 - r.c_c) * r.mu_eff).sqrt();
        for (p, y) in self.path_c.iter_mut().zip(&y_w) {
            *p = (1.0 - r.c_c) * *p + gain * y;
        }
        let weight_of = |rank: usize, y: &[f64]| {
            let w = r.weights[rank];
            if w >= 0.0 {
                w
            } else {
                // A point on the mean has no direction to be unlearned.
                let v = whitened(y);
                w * n as f64 / dot(&v, &v).max(1e-9)
            }
        };
        let sum: f64 = r.weights.iter().sum();
        let keep = 1.0 + r.c_1 * (1.0 - h) * r.c_c * (2.0 - r.c_c) - r.c_1 - r.c_mu * sum;
        let weighted: Vec<(f64, &Vec<f64>)> = order
            .iter()
            .enumerate()
            .map(|(rank, &k)| (r.c_mu * weight_of(rank, &self.steps[k]), &self.steps[k]))
            .chain([(r.c_1, &self.path_c)])
            .collect();
        for i in 0..n {
            for j in 0..=i {
                let new = weighted
                    .iter()
                    .fold(keep * self.c[i * n + j], |c, (w, y)| c + w * y[i] * y[j]);
                self.c[i * n + j] = new;
                self.c[j * n + i] = new;
            }
        }
        self.sigma *= (r.c_sigma / r.d_sigma * (length / r.chi - 1.0))
            .min(1.0)
            .exp();
        let rarely = (1.0 / (10.0 * n as f64 * (r.c_1 + r.c_mu))) as u64;
        if self.generation - self.decomposed >= rarely.max(1) {
            self.decompose();
        }
    }

    /// Renews `b` and `d`. Where a covariance has lost its positive eigenvalues to rounding, they are lifted to 1e-14 of the
    /// largest; where no decomposition is found the last one serves on.
    fn decompose(&mut self) {
        let n = self.mean.len();
        self.decomposed = self.generation;
        let c = DMatrix::from_row_slice(n, n, &self.c);
        let Some(eigen) = SymmetricEigen::try_new(c, f64::EPSILON, 100 * n) else {
            return;
        };
        let most = eigen.eigenvalues.iter().copied().fold(0.0, f64::max);
        for k in 0..n {
            self.d[k] = eigen.eigenvalues[k].max(1e-14 * most).sqrt();
            for i in 0..n {
                self.b[i * n + k] = eigen.eigenvectors[(i, k)];
            }
        }
    }

    /// Keeps the standard deviation of axes with places above [`LEAST`] of a place, so that the neighbouring one is still
    /// drawn now and then.
    fn widen(&mut self, spacings: impl Iterator<Item = f64>) {
        let n = self.mean.len();
        let mut widened = false;
        for (i, spacing) in spacings.enumerate() {
            let deviation = self.sigma * self.c[i * n + i].max(0.0).sqrt();
            let least = LEAST * spacing;
            if deviation < least && deviation > 0.0 {
                let factor = least / deviation;
                for j in 0..n {
                    self.c[i * n + j] *= factor;
                    self.c[j * n + i] *= factor;
                }
                widened = true;
            }
        }
        if widened {
            self.decompose();
        }
    }

    fn deviations(&self) -> Vec<f64> {
        let n = self.mean.len();
        (0..n)
            .map(|i| self.sigma * self.c[i * n + i].max(0.0).sqrt())
            .collect()
    }

    fn remember(&mut self, best: &Score) {
        let violation = best.violation_or_failure();
        self.history.push(if violation == 0.0 {
            best.objectives[0]
        } else {
            f64::INFINITY
        });
    }

    /// Why this run has nothing more to gain (Hansen 2016, B.3, simplified).
    fn over(&self, tolerance: f64) -> Option<Reason> {
        let n = self.mean.len();
        let (small, large) = self
            .d
            .iter()
            .fold((f64::MAX, 0.0f64), |(s, l), &d| (s.min(d), l.max(d)));
        if self.deviations().iter().all(|d| *d < tolerance) || large > 1e7 * small {
            return Some(Reason::Converged);
        }
        // No move at all of the best of a generation over as many generations as a direction takes to be learned.
        let window = 10 + 30 * n / self.rates.weights.len();
        let recent = &self.history[self.history.len().saturating_sub(window)..];
        let flat = recent.windows(2).all(|w| w[0] == w[1]) && recent[0].is_finite();
        if recent.len() == window && flat {
            return Some(Reason::Stagnated);
        }
        // No trend either: medians of the first and the last twenty of a long history.
        let long = 2 * (120 + 30 * n / self.rates.weights.len());
        if self.history.len() >= long {
            let tail = &self.history[self.history.len() - long..];
            let median = |part: &[f64]| {
                let mut part = part.to_vec();
                part.sort_by(f64::total_cmp);
                part[part.len() / 2]
            };
            if median(&tail[long - 20..]).total_cmp(&median(&tail[..20])) != Ordering::Less {
                return Some(Reason::Stagnated);
            }
        }
        None
    }
}

/// Least standard deviation of an axis with places, in places. Found by trying, on an ill-conditioned quadratic with five real axes
/// and five of 3 to 101 places, to 1e-8 in 10 000 evaluations: 53 of 84 runs without it, 79 with 1/5, 73 with 1/6, 72 with 1/4, 1
/// with 1/3, where steps between places drown the real axes.
const LEAST: f64 = 0.2;

/// Draws of a point before what sticks out of the cube is put on its bound.
const TRIES: usize = 10;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Space};
    use super::*;

    /// Table 1 of Hansen (2016) in ten axes: pycma greets with "(5_w,10)-aCMA-ES (mu_w=3.2,w_1=45%)". Worked by hand:
    /// `c_sigma = 5.167 / 18.167`, `c_1 = 2 / (127.69 + 3.167)`; negative weights add up to the least of the three bounds.
    #[test]
    fn val_rates_are_hansens() {
        let r = Rates::new(10, 10);
        assert_eq!(r.parents, 5);
        assert!((r.mu_eff - 3.167).abs() < 1e-3, "{}", r.mu_eff);
        assert!((r.weights[0] - 0.456).abs() < 1e-3, "{}", r.weights[0]);
        assert!((r.c_sigma - 0.2844).abs() < 1e-4, "{}", r.c_sigma);
        assert!((r.c_1 - 0.015_284).abs() < 1e-5, "{}", r.c_1);
        let minus: f64 = r.weights[5..].iter().sum();
        let bounds = [
            1.0 + r.c_1 / r.c_mu,
            (1.0 - r.c_1 - r.c_mu) / (10.0 * r.c_mu),
        ];
        assert!(
            minus < 0.0 && bounds.iter().all(|b| -minus <= b + 1e-12),
            "{minus} {bounds:?}"
        );
        // Mean length of a standard normal vector of ten axes, `sqrt(2) gamma(5.5) / gamma(5)`.
        assert!((r.chi - 3.084_33).abs() < 1e-3, "{}", r.chi);
    }

    fn end(axes: Vec<Axis>, restarts: u32, value: impl Fn(&[f64]) -> f64) -> (CmaEs, Vec<usize>) {
        let setup = Setup::new(Space::try_new(axes).unwrap(), 3);
        let settings = CmaSettings {
            restarts,
            ..CmaSettings::default()
        };
        let mut search = CmaEs::try_new(setup, settings).unwrap();
        let mut populations = Vec::new();
        while search.done().is_none() && populations.len() < 5000 {
            let scores: Vec<Score> = search
                .ask()
                .iter()
                .map(|x| Score {
                    objectives: vec![value(x)],
                    violation: 0.0,
                })
                .collect();
            populations.push(scores.len());
            search.tell(&scores);
        }
        (search, populations)
    }

    #[test]
    fn it_says_why_it_ends_and_restarts_with_twice_the_population() {
        let sphere = |x: &[f64]| x.iter().map(|x| (x - 0.3).powi(2)).sum();
        let (smooth, populations) = end(vec![Axis::Real; 3], 0, sphere);
        assert_eq!(smooth.done(), Some(Reason::Converged));
        assert!(populations.iter().all(|&p| p == 7) && smooth.deviations()[0] < 1e-9);
        let (flat, _) = end(vec![Axis::levels(5); 3], 0, sphere);
        assert_eq!(flat.done(), Some(Reason::Stagnated));
        assert_eq!(flat.best()[0].point, [0.25; 3]);
        let (again, populations) = end(vec![Axis::Real; 3], 2, sphere);
        assert_eq!(again.done(), Some(Reason::Converged));
        let mut sizes = populations.clone();
        sizes.dedup();
        assert_eq!(sizes, [7, 14, 28]);
    }

    /// Everything fails, and nothing breaks: no best, no number that is none.
    #[test]
    fn failures_alone_do_not_break_it() {
        let (search, _) = end(vec![Axis::Real, Axis::levels(3)], 1, |_| f64::NAN);
        assert!(search.best().is_empty());
        assert!(
            search
                .run
                .mean
                .iter()
                .chain(&search.run.c)
                .all(|x| x.is_finite())
        );
    }

    #[test]
    fn settings_are_checked() {
        let refuse = |settings: CmaSettings| {
            let setup = Setup::new(Space::real(2), 0);
            CmaEs::try_new(setup, settings).err().unwrap().to_string()
        };
        let sigma = CmaSettings {
            sigma: 2.0,
            ..CmaSettings::default()
        };
        assert_eq!(refuse(sigma), "sigma = 2; allowed: over 0, to 1");
        let mut setup = Setup::new(Space::real(2), 0);
        setup.starts = vec![vec![0.5; 3]];
        let told = CmaEs::try_new(setup, CmaSettings::default()).err().unwrap();
        assert_eq!(told.to_string(), "start 0 has 3 numbers, the space 2 axes");
    }
}
