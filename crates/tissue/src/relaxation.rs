//! Relaxation in time: the stack's Prony series, turned round into creep of the surface under pressure.

use crate::compliance::surface_compliance;
use crate::lanes::wide;
use crate::stack::{PronyTerm, Stack};
use std::ops::Range;

/// Creep of a stack: `J(t) = 1 + sum j_m (1 - exp(-t / theta_m))`, the displacement under a unit step of pressure
/// over its instantaneous value.
///
/// Where all layers share one Prony series `G(t)/G0 = 1 - sum g_i (1 - exp(-t/tau_i))` this is its exact inverse
/// (`s G~(s) * s J~(s) = 1`; the retardation times `theta_m` interlace with `tau_i`), and so are contacts under
/// it, growing (Lee and Radok 1960) or shrinking (Ting 1966), because pressure and memory live on the cells.
/// Where layers differ, the compliance at the wavelength of the usual contact is evaluated by the correspondence
/// principle (every layer's modulus at Laplace variable `s`) and four terms, a decade apart, are fitted to it;
/// [`Creep::misfit`] states the largest relative error of that fit between 5 ms and 30 s.
#[derive(Clone, Debug, PartialEq)]
pub struct Creep {
    terms: Vec<Retardation>,
    misfit: f64,
}

/// One retardation term.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retardation {
    /// Share of the instantaneous compliance that comes late.
    pub j: f64,
    /// Retardation time, s.
    pub theta_s: f64,
}

/// Wavenumber at which different layers' series are merged, 1/m: a contact of 30 mm across.
const MERGE_WAVENUMBER_PER_M: f64 = std::f64::consts::PI / 0.03;

impl Creep {
    /// The creep of a stack; `None` if no layer relaxes.
    pub fn of(stack: &Stack) -> Option<Creep> {
        let layers = stack.layers();
        if layers.iter().all(|l| l.prony.iter().all(|p| p.g == 0.0)) {
            return None;
        }
        let first = &layers[0].prony;
        if layers.iter().all(|l| &l.prony == first) {
            Some(Creep::shared(first))
        } else {
            Some(Creep::merged(stack))
        }
    }

    /// Terms that stand for one Prony series exactly.
    fn shared(prony: &[PronyTerm]) -> Creep {
        let mut series: Vec<PronyTerm> = prony.iter().copied().filter(|p| p.g > 0.0).collect();
        series.sort_by(|a, b| a.tau_s.total_cmp(&b.tau_s));
        // Equal times act as one term; distinct poles make the roots interlace.
        series.dedup_by(|b, a| {
            let same = (b.tau_s - a.tau_s).abs() < 1e-9 * a.tau_s;
            if same {
                a.g += b.g;
            }
            same
        });
        let terms = (0..series.len())
            .map(|i| {
                let low = series[i].tau_s;
                // The last root lies below tau / (1 - sum g).
                let left: f64 = 1.0 - series.iter().map(|p| p.g).sum::<f64>();
                let high = series
                    .get(i + 1)
                    .map_or(series[i].tau_s / left * 1.000_001, |p| p.tau_s);
                let theta_s = root(|t| modulus(&series, -1.0 / t), low, high);
                let s = -1.0 / theta_s;
                let slope: f64 = series
                    .iter()
                    .map(|p| p.g * p.tau_s / (1.0 + s * p.tau_s).powi(2))
                    .sum();
                Retardation {
                    j: theta_s / slope,
                    theta_s,
                }
            })
            .collect();
        Creep { terms, misfit: 0.0 }
    }

    /// Four terms a decade apart, fitted to the stack's own creep at the contact's wavelength.
    fn merged(stack: &Stack) -> Creep {
        const THETA_S: [f64; 4] = [0.04, 0.4, 4.0, 40.0];
        let k = MERGE_WAVENUMBER_PER_M;
        let instant = surface_compliance(stack, k);
        let relative = |s: f64| {
            let layers = stack
                .layers()
                .iter()
                .map(|l| {
                    let mut l = l.clone();
                    l.e_pa *= modulus(&l.prony, s).max(1e-3);
                    l
                })
                .collect();
            Stack::try_new(layers).map_or(1.0, |soft| surface_compliance(&soft, k) / instant)
        };
        // On the real axis s J~ is smooth and monotone; 25 points, five a decade.
        let samples: Vec<f64> = (0..=22)
            .map(|i| 10f64.powf(-1.7 + f64::from(i) * 0.2))
            .collect();
        let target: Vec<f64> = samples.iter().map(|s| relative(*s) - 1.0).collect();
        let basis = |s: f64| THETA_S.map(|t| 1.0 / (1.0 + s * t));
        // Non-negative least squares by coordinate descent: four unknowns, well scaled.
        let rows: Vec<[f64; 4]> = samples.iter().map(|s| basis(*s)).collect();
        let mut j = [0.0; 4];
        for _ in 0..4000 {
            for m in 0..4 {
                let (mut top, mut bottom) = (0.0, 0.0);
                for (row, t) in rows.iter().zip(&target) {
                    let others: f64 = (0..4).filter(|o| *o != m).map(|o| row[o] * j[o]).sum();
                    top += row[m] * (t - others);
                    bottom += row[m] * row[m];
                }
                j[m] = (top / bottom).max(0.0);
            }
        }
        let misfit = rows
            .iter()
            .zip(&target)
            .map(|(row, t)| {
                let fit: f64 = row.iter().zip(&j).map(|(b, j)| b * j).sum();
                ((fit - t) / (1.0 + t)).abs()
            })
            .fold(0.0, f64::max);
        let terms = j
            .iter()
            .zip(THETA_S)
            .filter(|(j, _)| **j > 1e-6)
            .map(|(j, theta_s)| Retardation { j: *j, theta_s });
        Creep {
            terms: terms.collect(),
            misfit,
        }
    }

    /// The retardation terms, short times first.
    pub fn terms(&self) -> &[Retardation] {
        &self.terms
    }

    /// Largest relative error of the series against the stack's own creep in the Laplace domain (0 if exact).
    pub fn misfit(&self) -> f64 {
        self.misfit
    }

    /// `J(t)`, dimensionless, `J(0) = 1`.
    pub fn compliance(&self, t_s: f64) -> f64 {
        1.0 + self
            .terms
            .iter()
            .map(|r| r.j * (1.0 - (-t_s / r.theta_s).exp()))
            .sum::<f64>()
    }

    /// Compliance that acts `held_s` after a ramp in which a sphere was pressed in for `ramp_s` at a steady speed.
    ///
    /// Of a growing contact `depth^1.5` follows the force by the creep law (Lee and Radok 1960), and at a steady speed the
    /// force grows about as `t^1.5`, so what counts is the mean of `J` over the ages of the force:
    /// ```text
    /// J_ramp = int_0^1 J(held + ramp (1 - x)) 1.5 x^0.5 dx
    /// ```
    /// In the logarithm of time, over which tissue relaxes evenly, the mean age at the ramp's end is 0.28 of the ramp.
    /// Ignored: that the force of a held depth falls meanwhile (its newer, negative part has crept less), and that the
    /// inverse of a mean is not the mean of inverses. Both are of second order: under 1 % of the force for a series that loses a third of it in 10 s.
    pub fn compliance_after_ramp(&self, ramp_s: f64, held_s: f64) -> f64 {
        const PANELS: usize = 32;
        // x = z^2 takes the root away: 3 z^2 J dz, by Simpson's rule.
        let ages = |z: f64| held_s + ramp_s * (1.0 - z * z);
        let sum: f64 = (0..=PANELS)
            .map(|i| {
                let z = i as f64 / PANELS as f64;
                let weight = match i {
                    0 | PANELS => 1.0,
                    _ if i % 2 == 1 => 4.0,
                    _ => 2.0,
                };
                weight * 3.0 * z * z * self.compliance(ages(z))
            })
            .sum();
        sum / (3.0 * PANELS as f64)
    }

    /// Compliance that acts under a sphere that moves on along the surface, pressing a circle of `radius_m` at
    /// `speed_m_s`: that of the time in which it goes on by the radius.
    ///
    /// A dent that was pressed `s` ago lies `v s` behind. What it still sinks the skin under the node by is the displacement
    /// `U` of the pressed circle at that distance, so
    /// ```text
    /// J_passing = 1 + int_0^inf J'(s) U(v s) / U(0) ds
    /// ```
    /// Under Hertz's pressure `U(a) = U(0) / 2` on a half-space; `U` falls past there, and `J` is even in the
    /// logarithm of time, so the integral is close to `J(a / v)`. A thin layer forgets sooner. Ignored: that the pressure leans forward.
    pub fn compliance_in_passing(&self, radius_m: f64, speed_m_s: f64) -> f64 {
        self.compliance(radius_m / speed_m_s.max(1e-6))
    }

    /// Memory that acts at the end of a step with the old pressure and creep state, Pa per cell, and the weight of
    /// the new pressure: displacement = `K (gain * p_new + history)`. Exact for pressure linear in time. Adds to the
    /// `history` of `cells`; the others have none.
    pub(crate) fn history(
        &self,
        dt_s: f64,
        old: &[f64],
        memory: &[Vec<f64>],
        cells: Range<usize>,
        history: &mut [f64],
    ) -> f64 {
        let mut gain = 1.0;
        for (r, q) in self.terms.iter().zip(memory) {
            let (decay, mean) = step_weights(dt_s, r.theta_s);
            gain += r.j * (1.0 - mean);
            let from_old = r.j * (mean - decay);
            let (h, p, q) = (
                &mut history[cells.clone()],
                &old[cells.clone()],
                &q[cells.clone()],
            );
            wide!(recall(h, p, q, [decay, from_old]));
        }
        gain
    }

    /// Creep state of `cells` at the end of the step.
    pub(crate) fn advance(
        &self,
        dt_s: f64,
        old: &[f64],
        new: &[f64],
        cells: Range<usize>,
        memory: &mut [Vec<f64>],
    ) {
        for (r, q) in self.terms.iter().zip(memory) {
            let (decay, mean) = step_weights(dt_s, r.theta_s);
            let (from_old, from_new) = (r.j * (mean - decay), r.j * (1.0 - mean));
            let (q, p) = (&mut q[cells.clone()], [old, new].map(|p| &p[cells.clone()]));
            wide!(creep(q, p, [decay, from_old, from_new]));
        }
    }
}

/// `h += decay q + from_old p`.
#[inline(always)]
fn recall(h: &mut [f64], p: &[f64], q: &[f64], [decay, from_old]: [f64; 2]) {
    for (h, (p, q)) in h.iter_mut().zip(p.iter().zip(q)) {
        *h += decay * q + from_old * p;
    }
}

/// `q = decay q + from_old p0 + from_new p1`.
#[inline(always)]
fn creep(q: &mut [f64], [old, new]: [&[f64]; 2], [decay, from_old, from_new]: [f64; 3]) {
    for (q, (p0, p1)) in q.iter_mut().zip(old.iter().zip(new)) {
        *q = decay * *q + from_old * p0 + from_new * p1;
    }
}

/// `exp(-dt/theta)` and its mean over the step.
fn step_weights(dt_s: f64, theta_s: f64) -> (f64, f64) {
    let x = dt_s / theta_s;
    let decay = (-x).exp();
    let mean = if x < 1e-5 {
        1.0 - 0.5 * x
    } else {
        -(-x).exp_m1() / x
    };
    (decay, mean)
}

/// `s G~(s) / G0` of a Prony series.
fn modulus(prony: &[PronyTerm], s: f64) -> f64 {
    1.0 - prony.iter().map(|p| p.g / (1.0 + s * p.tau_s)).sum::<f64>()
}

/// Bisection for the sign change of the modulus between two of its poles.
fn root(f: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    let (mut a, mut b) = (low * (1.0 + 1e-12), high * (1.0 - 1e-12));
    let rising = f(b) > 0.0 || f(a) < 0.0;
    for _ in 0..200 {
        let middle = 0.5 * (a + b);
        if (f(middle) > 0.0) == rising {
            b = middle
        } else {
            a = middle
        }
    }
    0.5 * (a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One term: `J(t) = 1/(1-g) - g/(1-g) exp(-t (1-g)/tau)` (standard linear solid).
    #[test]
    fn val_one_term_by_hand() {
        let creep = Creep::shared(&[PronyTerm { g: 0.4, tau_s: 2.0 }]);
        assert!((creep.terms()[0].theta_s - 2.0 / 0.6).abs() < 1e-6);
        assert!((creep.terms()[0].j - 0.4 / 0.6).abs() < 1e-6);
    }

    /// Soft tissue's usual series: a third of the force in 10 s, evenly over the logarithm of time.
    fn usual() -> [PronyTerm; 4] {
        [(0.10, 0.05), (0.12, 0.5), (0.12, 5.0), (0.1, 40.0)]
            .map(|(g, tau_s)| PronyTerm { g, tau_s })
    }

    /// A sphere's force is `int G(t - s) d(depth^1.5)` (Lee and Radok 1960). Ramps of 0.2 to 6 s, at their end and 3 s later:
    /// 1 over the compliance is that within 1 %. At half the ramp instead of over its ages it would be 3 % low.
    #[test]
    fn val_ramp_follows_lee_and_radok() {
        let prony = usual();
        let creep = Creep::shared(&prony);
        let g = |t: f64| {
            1.0 - prony
                .iter()
                .map(|p| p.g * (1.0 - (-t / p.tau_s).exp()))
                .sum::<f64>()
        };
        for ramp_s in [0.2, 1.0, 2.0, 6.0] {
            for held_s in [0.0, 3.0] {
                let steps = 20_000;
                let force: f64 = (0..steps)
                    .map(|i| {
                        let (x, y) = (
                            f64::from(i) / f64::from(steps),
                            f64::from(i + 1) / f64::from(steps),
                        );
                        g(held_s + ramp_s * (1.0 - 0.5 * (x + y))) * (y.powf(1.5) - x.powf(1.5))
                    })
                    .sum();
                let ours = 1.0 / creep.compliance_after_ramp(ramp_s, held_s);
                println!(
                    "ramp {ramp_s} s, held {held_s} s: {ours:.4}, {force:.4}; half a ramp {:.4}",
                    1.0 / creep.compliance(0.5 * ramp_s + held_s)
                );
                assert!((ours / force - 1.0).abs() < 0.01, "{ours} {force}");
            }
        }
    }

    /// The displacement behind a Hertzian contact on a half-space (Johnson, Contact Mechanics, eq. 3.41 and 3.42) remembered
    /// along the way, summed over the creep: `J(a / v)` is that within 2 %.
    #[test]
    fn val_passing_remembers_as_far_as_hertz_reaches() {
        let creep = Creep::shared(&usual());
        let sunk = |r: f64| {
            if r <= 1.0 {
                1.0 - 0.5 * r * r
            } else {
                ((2.0 - r * r) * (1.0 / r).asin() + (r * r - 1.0).sqrt()) / std::f64::consts::PI
            }
        };
        for a_over_v_s in [0.05, 0.2, 0.5, 2.0] {
            let step = 1e-3;
            let (mut sum, mut r) = (1.0, 0.0);
            while r < 400.0 {
                let late =
                    creep.compliance((r + step) * a_over_v_s) - creep.compliance(r * a_over_v_s);
                sum += late * sunk(r + 0.5 * step);
                r += step;
            }
            let ours = creep.compliance_in_passing(a_over_v_s, 1.0);
            println!("a / v {a_over_v_s} s: {ours:.4}, {sum:.4}");
            assert!((ours / sum - 1.0).abs() < 0.02, "{ours} {sum}");
        }
    }

    /// Creep and relaxation are inverse: `int_0^t G(t - s) J'(s) ds + G(t) J(0) = 1` for all `t`.
    #[test]
    fn val_creep_inverts_relaxation() {
        let prony = [(0.2, 0.05), (0.15, 0.7), (0.2, 6.0)].map(|(g, tau_s)| PronyTerm { g, tau_s });
        let creep = Creep::shared(&prony);
        let g = |t: f64| {
            1.0 - prony
                .iter()
                .map(|p| p.g * (1.0 - (-t / p.tau_s).exp()))
                .sum::<f64>()
        };
        for t in [0.01, 0.1, 1.0, 10.0] {
            let steps = 20_000;
            let dt = t / f64::from(steps);
            let mut sum = g(t);
            for i in 0..steps {
                let s = (f64::from(i) + 0.5) * dt;
                sum += g(t - s) * (creep.compliance(s + 0.5 * dt) - creep.compliance(s - 0.5 * dt));
            }
            assert!((sum - 1.0).abs() < 1e-4, "t {t}: {sum}");
        }
    }
}
