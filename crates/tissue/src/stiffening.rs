//! Strain stiffening and bottoming: what small strain leaves out.

use crate::finite_strain::{Press, Push, Sphere};
use crate::stack::{Law, Stack};

/// Depth over thickness of the knots.
const KNOTS: [f64; 9] = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6];
/// From here on the law goes straight, so that a solver never meets infinity.
const ETA_STRAIGHT: f64 = 0.97;

/// Factor between the pressure at finite strain and at small strain, as a function of how deep a node stands.
///
/// Pressed to the same depth, a hyperelastic stack keeps the contact radius of the linear one within a few per cent, and
/// its pressure is the linear one times one number `S(depth)` (finite-strain FEM of some 280 stacks; the chapter has
/// the figures). That number is not fitted: it is the ratio of two solutions on one small mesh of the stack itself, a
/// sphere of the node's radius pressed to nine depths, at finite and at small strain.
///
/// The field's shape changes less, but it does: as layers stiffen, pressure gathers under the tip. A second curve, the
/// *focus* `m(depth)`, multiplies the pressure of a cell by `1 + m (t - mean of t)`, `t` being how deep the cell stands over the
/// deepest; the mean is over the pressure, so that the force stays. `m` is chosen so that the centre of the contact carries what it does
/// in the finite-element field.
///
/// It holds to [`Stiffening::valid_m`]: 0.6 of the thickness, one and a half radii, or where the mesh gave up, whichever
/// comes first. Beyond, it is carried on along its last slope, and from 0.6 of the thickness on it rises like
/// `1 / (1 - depth / thickness)` more, as a column of what is left over bone would: an **estimate**, 12 % high in the median at 0.7.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stiffening {
    thickness_m: f64,
    /// Logarithm of the factor at the knots; 0 at the surface.
    logs: [f64; KNOTS.len()],
    /// Focus at the knots; 0 at the surface.
    focus: [f64; KNOTS.len()],
    valid_m: f64,
    /// Whether it is 1 throughout.
    linear: bool,
}

/// What a depth has gone beyond, where forces are no longer what the reference sets hold; worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Linear layers, 0.2 of the thickness: beyond, a linear model answers and not tissue.
    Linear,
    /// [`Stiffening::valid_m`].
    Solution,
    /// 0.4 of the thickness.
    Thickness,
    /// The node's radius.
    Radius,
}

impl Bound {
    /// Depth over thickness to which finite strain is held to outside solutions.
    pub const HELD_TO: f64 = 0.4;
    /// Depth over thickness to which a linear stack is like tissue.
    pub const LINEAR_TO: f64 = 0.2;

    /// What it means for a force.
    pub fn meaning(self) -> &'static str {
        match self {
            Bound::Linear => {
                "linear layers beyond 0.2 of the thickness: a linear model's answer, not tissue's"
            }
            Bound::Solution => "estimate beyond the stack's finite-strain solution",
            Bound::Thickness => "estimate beyond 0.4 of the thickness",
            Bound::Radius => "estimate beyond the node's radius",
        }
    }
}

impl Stiffening {
    /// The law of a stack under nodes of about this radius of curvature, m. Linear layers alone keep 1.
    ///
    /// Costs one to two hundred small finite-element rounds, some tens of milliseconds.
    pub fn of(stack: &Stack, radius_m: f64) -> Stiffening {
        let thickness_m = stack.thickness_m();
        if stack.layers().iter().all(|l| l.law == Law::Linear) {
            return Stiffening::none(thickness_m);
        }
        let depths_m: Vec<f64> = KNOTS
            .iter()
            .map(|eta| eta * thickness_m)
            .filter(|depth_m| *depth_m <= 1.5 * radius_m)
            .collect();
        let deepest_m = depths_m.last().copied().unwrap_or(KNOTS[0] * thickness_m);
        let presses = Sphere::new(stack, radius_m, deepest_m).press(&depths_m);
        let mut logs = [0.0; KNOTS.len()];
        for (i, log) in logs.iter_mut().enumerate().take(presses.len()) {
            *log = log_force(&presses, i, |p| p.finite) - log_force(&presses, i, |p| p.linear);
        }
        let mut focus = [0.0; KNOTS.len()];
        for (m, press) in focus.iter_mut().zip(&presses) {
            *m = press.focus();
        }
        let known = presses.len();
        let slope = match known {
            0 => 0.0,
            1 => logs[0] / KNOTS[0],
            _ => (logs[known - 1] - logs[known - 2]) / (KNOTS[known - 1] - KNOTS[known - 2]),
        };
        for i in known.max(1)..KNOTS.len() {
            logs[i] = logs[i - 1] + slope.max(0.0) * (KNOTS[i] - KNOTS[i - 1]);
            focus[i] = focus[i - 1];
        }
        Stiffening {
            thickness_m,
            logs,
            focus,
            valid_m: presses.last().map_or(0.0, |p| p.depth_m),
            linear: false,
        }
    }

    /// No stiffening: a linear stack of a thickness, m.
    pub fn none(thickness_m: f64) -> Stiffening {
        Stiffening {
            thickness_m,
            logs: [0.0; KNOTS.len()],
            focus: [0.0; KNOTS.len()],
            valid_m: f64::INFINITY,
            linear: true,
        }
    }

    /// The law as numbers, to be kept: thickness and depth of validity, m, the logarithms, the foci.
    pub fn to_numbers(&self) -> Vec<f64> {
        let head = [self.thickness_m, self.valid_m];
        head.into_iter()
            .chain(self.logs)
            .chain(self.focus)
            .collect()
    }

    /// The law that [`Stiffening::to_numbers`] wrote down; `None` if it is not as many numbers. A linear stack's law is not kept.
    pub fn from_numbers(numbers: &[f64]) -> Option<Stiffening> {
        const N: usize = KNOTS.len();
        let (head, curves) = numbers.split_first_chunk::<2>()?;
        let (logs, focus) = curves.split_first_chunk::<N>()?;
        Some(Stiffening {
            thickness_m: head[0],
            valid_m: head[1],
            logs: *logs,
            focus: focus.try_into().ok()?,
            linear: false,
        })
    }

    /// Mean of several stacks' laws with weights that add to 1, each at its own share of thickness.
    pub fn blend(parts: &[(f64, &Stiffening)]) -> Stiffening {
        let mut mean = Stiffening::none(0.0);
        for (weight, part) in parts {
            mean.thickness_m += weight * part.thickness_m;
            for (m, log) in mean.logs.iter_mut().zip(part.logs) {
                *m += weight * log;
            }
            for (m, f) in mean.focus.iter_mut().zip(part.focus) {
                *m += weight * f;
            }
            mean.valid_m = mean.valid_m.min(part.valid_m);
            mean.linear &= part.linear;
        }
        mean
    }

    /// The same curve for a stack of another thickness, m.
    #[must_use]
    pub fn scaled_to(mut self, thickness_m: f64) -> Stiffening {
        self.valid_m *= thickness_m / self.thickness_m;
        self.thickness_m = thickness_m;
        self
    }

    /// Depth to which the law is a solution and not an estimate, m.
    pub fn valid_m(&self) -> f64 {
        self.valid_m
    }

    /// Depth to which the answer is held to outside solutions, m, under a node of `radius_m` ([`crate::Indenter::law_radius_m`]).
    pub fn held_m(&self, radius_m: f64) -> f64 {
        if self.linear {
            Bound::LINEAR_TO * self.thickness_m
        } else {
            self.valid_m
                .min(Bound::HELD_TO * self.thickness_m)
                .min(radius_m)
        }
    }

    /// What a depth, m, has gone beyond: the worst of it. `None` within [`Stiffening::held_m`].
    pub fn beyond(&self, depth_m: f64, radius_m: f64) -> Option<Bound> {
        // Nine decimals of a metre: 8 mm is 0.4 of 20 mm, whatever the last bit says.
        let past = |limit_m: f64| depth_m > limit_m + 1e-9;
        if self.linear {
            past(Bound::LINEAR_TO * self.thickness_m).then_some(Bound::Linear)
        } else if past(self.valid_m) {
            Some(Bound::Solution)
        } else if past(Bound::HELD_TO * self.thickness_m) {
            Some(Bound::Thickness)
        } else {
            past(radius_m).then_some(Bound::Radius)
        }
    }

    /// The factor at a depth, m, and its slope, 1/m.
    pub fn factor(&self, depth_m: f64) -> (f64, f64) {
        let eta = depth_m / self.thickness_m;
        if self.linear || eta <= 0.0 || eta.is_nan() {
            return (1.0, 0.0);
        }
        let bent = eta.min(ETA_STRAIGHT);
        let (log, slope) = self.log_at(bent);
        let factor = log.exp();
        (
            factor * (1.0 + slope * (eta - bent)),
            factor * slope / self.thickness_m,
        )
    }

    /// How much pressure gathers where the node stands deepest, dimensionless, at a depth, m; see the type.
    pub fn focus(&self, depth_m: f64) -> f64 {
        let eta = depth_m / self.thickness_m;
        if self.linear || eta <= 0.0 || eta.is_nan() {
            return 0.0;
        }
        let last = KNOTS.len() - 1;
        let i = KNOTS.partition_point(|k| *k <= eta);
        if i > last {
            return self.focus[last];
        }
        let (x0, y0) = if i == 0 {
            (0.0, 0.0)
        } else {
            (KNOTS[i - 1], self.focus[i - 1])
        };
        y0 + (self.focus[i] - y0) * (eta - x0) / (KNOTS[i] - x0)
    }

    /// Cubic between the knots with the slopes of parabolas through three neighbours; straight beyond the last.
    fn log_at(&self, eta: f64) -> (f64, f64) {
        let last = KNOTS.len() - 1;
        let x = |i: usize| if i == 0 { 0.0 } else { KNOTS[i - 1] };
        let y = |i: usize| if i == 0 { 0.0 } else { self.logs[i - 1] };
        let secant = |i: usize| (y(i + 1) - y(i)) / (x(i + 1) - x(i));
        if eta >= KNOTS[last] {
            let slope = secant(last);
            let room = (1.0 - KNOTS[last]) / (1.0 - eta);
            return (
                self.logs[last] + slope * (eta - KNOTS[last]) + room.ln(),
                slope + 1.0 / (1.0 - eta),
            );
        }
        let i = KNOTS.partition_point(|k| *k <= eta);
        let slope_at = |k: usize| {
            if k == 0 {
                secant(0)
            } else if k == last + 1 {
                secant(last)
            } else {
                let (left, right) = (x(k) - x(k - 1), x(k + 1) - x(k));
                (secant(k - 1) * right + secant(k) * left) / (left + right)
            }
        };
        let h = x(i + 1) - x(i);
        let t = (eta - x(i)) / h;
        let (a, b) = (slope_at(i) * h, slope_at(i + 1) * h);
        let (y0, rise) = (y(i), y(i + 1) - y(i));
        let (c2, c3) = (3.0 * rise - 2.0 * a - b, a + b - 2.0 * rise);
        (
            y0 + t * (a + t * (c2 + t * c3)),
            (a + t * (2.0 * c2 + 3.0 * t * c3)) / h,
        )
    }
}

impl Press {
    /// The `m` for which the small-strain field, reshaped, has the finite-strain one's centre pressure per force.
    ///
    /// Held between -1 and 2: with `t` from about 0.3 at the edge to 1, no pressure turns negative.
    fn focus(&self) -> f64 {
        let [finite, linear] = [self.finite, self.linear].map(|p| p.centre_pa / p.force_n);
        let room = self.linear.centre_depth - self.linear.mean_depth;
        let m = (finite / linear - 1.0) / room;
        if m.is_finite() {
            m.clamp(-1.0, 2.0)
        } else {
            0.0
        }
    }
}

/// Logarithm of the force at a press's own depth, where the penalty's spring left the skin a little above it: carried on
/// along the slope of logarithm over logarithm between its neighbours.
fn log_force(presses: &[Press], i: usize, of: impl Fn(&Press) -> Push) -> f64 {
    let at = |k: usize| {
        let push = of(&presses[k]);
        ((presses[k].depth_m - push.give_m).ln(), push.force_n.ln())
    };
    let (left, right) = (at(i.saturating_sub(1)), at((i + 1).min(presses.len() - 1)));
    let slope = if right.0 > left.0 {
        (right.1 - left.1) / (right.0 - left.0)
    } else {
        1.5
    };
    let (skin, force) = at(i);
    force + slope * (presses[i].depth_m.ln() - skin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Layer;

    fn stack() -> Stack {
        let layer = |name: &str, thickness_m, e_pa, law| Layer {
            name: name.into(),
            thickness_m,
            e_pa,
            nu: 0.49,
            law,
            prony: vec![],
        };
        Stack::try_new(vec![
            layer("skin", 0.002, 150e3, Law::Ogden { alpha: 8.0 }),
            layer("fat", 0.008, 10e3, Law::NeoHookean),
            layer("muscle", 0.03, 25e3, Law::Ogden { alpha: 8.0 }),
        ])
        .unwrap()
    }

    /// The slope is the derivative, everywhere but at the knots themselves.
    #[test]
    fn regress_slope_is_the_derivative() {
        let law = Stiffening::of(&stack(), 0.02);
        for i in 1..60 {
            let depth_m = 0.04 * (f64::from(i) + 0.37) / 60.0;
            let (factor, slope) = law.factor(depth_m);
            let numeric = (law.factor(depth_m + 1e-8).0 - law.factor(depth_m - 1e-8).0) / 2e-8;
            assert!(
                factor > 0.5 && (slope - numeric).abs() < 1e-4 * slope.abs().max(1.0),
                "{depth_m}: {slope} {numeric}"
            );
        }
    }

    /// Only the shape of a stack counts: twice the size, thrice the moduli, the same curve. Rounding and Newton's tolerance.
    #[test]
    fn val_similar_stacks_share_one_curve() {
        let small = stack();
        let large = Stack::try_new(
            small
                .layers()
                .iter()
                .map(|l| Layer {
                    thickness_m: 2.0 * l.thickness_m,
                    e_pa: 3.0 * l.e_pa,
                    ..l.clone()
                })
                .collect(),
        )
        .unwrap();
        // The penalty goes with the radius, up to 40 mm.
        let (a, b) = (Stiffening::of(&small, 0.015), Stiffening::of(&large, 0.03));
        for eta in [0.1, 0.25, 0.45] {
            let (a, b) = (a.factor(0.04 * eta).0, b.factor(0.08 * eta).0);
            assert!((a / b - 1.0).abs() < 1e-3, "{eta}: {a} {b}");
        }
    }
}
