//! The search for moduli: models of what is free, forces under them, the choice between them, and what is known at the end.

use crate::bases::Bases;
use crate::fit::{
    Combination, DEPTH_MAX, Fit, FitError, FittedCurve, FittedLayer, FittedPoint, LinePoint,
    Measured, Noise, Parameter, ParameterKind, Point, Role, TouchHint, Trial, TrialKind,
};
use crate::least_squares::{
    Linearised, Minimum, autocorrelation, covariance, fisher_tail, minimise, redundancy, student_95,
};
use crate::press_curve::{PressCurve, Presses};
use crate::stack::{Layer, Stack};
use nalgebra::{DMatrix, DVector};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// An F-test below this is a find.
const SIGNIFICANCE: f64 = 0.01;
/// A modulus is sought within this factor of where the search begins.
const FACTOR_MAX: f64 = 100.0;
/// Step of a logarithm of a modulus for a derivative: the curvature it sees is 1 % of the slope, the solver's noise less.
const LN_STEP: f64 = 0.02;
/// Touch points are sought up to this share of a curve's deepest depth earlier, and to half of it later.
const TOUCH_EARLIER: f64 = 0.3;
const TOUCH_LATER: f64 = 0.5;

/// What is free: one scale for each group of layers, a touch point for each curve.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub groups: Vec<Vec<usize>>,
    pub touch: bool,
}

impl Model {
    pub fn together(stack: &Stack, touch: bool) -> Model {
        Model {
            groups: vec![(0..stack.layers().len()).collect()],
            touch,
        }
    }

    /// Every layer on its own.
    fn apart(stack: &Stack, touch: bool) -> Model {
        Model {
            groups: (0..stack.layers().len()).map(|l| vec![l]).collect(),
            touch,
        }
    }

    /// One layer of a group on its own: every way to do so. Of a group of two, either way is the same.
    fn splits(&self) -> Vec<(usize, Model)> {
        let mut out = Vec::new();
        for (g, group) in self.groups.iter().enumerate() {
            let ways = if group.len() > 2 {
                group.len()
            } else {
                group.len() - 1
            };
            for &layer in &group[..ways] {
                let mut groups = self.groups.clone();
                groups[g].retain(|&l| l != layer);
                groups.push(vec![layer]);
                let touch = self.touch;
                out.push((layer, Model { groups, touch }));
            }
        }
        out
    }
}

/// A model and where its search ended.
pub(crate) struct Found {
    model: Model,
    minimum: Minimum,
    /// Where the search began, logarithm of the factor on the start stack.
    start_ln: f64,
}

impl Found {
    fn freedom(&self, redundancy: f64) -> f64 {
        let (rows, columns) = self.minimum.at.slope.shape();
        (rows as f64 / redundancy - columns as f64).max(1.0)
    }
}

/// Forces of all curves for one set of moduli.
struct Forces {
    /// By node.
    curves: Rc<Vec<PressCurve>>,
    /// Force is exactly in proportion to the moduli, so only their ratios are solved.
    scale: f64,
}

impl Forces {
    fn at(&self, node: usize, depth_m: f64) -> (f64, f64) {
        let (force_n, stiffness_n_m) = self.curves[node].at(depth_m);
        (self.scale * force_n, self.scale * stiffness_n_m)
    }
}

/// The curves, the grids under them, and their weights.
pub(crate) struct Bench<'a> {
    stack: &'a Stack,
    measured: &'a [Measured],
    bases: Bases,
    /// One for each different node.
    presses: Vec<Presses>,
    /// Index into `presses`, by curve.
    node: Vec<usize>,
    /// Deepest depth, m, by curve: the unit of its touch point.
    deepest_m: Vec<f64>,
    /// One over the noise of each point, by curve.
    weights: Vec<Vec<f64>>,
    /// Curves by the bits of the moduli they were solved for: a search comes back to the same ratios.
    solved: RefCell<BTreeMap<Vec<u64>, Rc<Vec<PressCurve>>>>,
}

impl<'a> Bench<'a> {
    pub fn new(stack: &'a Stack, measured: &'a [Measured], noise: Noise) -> Bench<'a> {
        let deepest_m: Vec<f64> = measured
            .iter()
            .map(|m| m.points.iter().map(|p| p.depth_m).fold(0.0, f64::max))
            .collect();
        let bases = Bases::default();
        let (mut presses, mut node) = (Vec::<Presses>::new(), Vec::new());
        for m in measured {
            let known = presses.iter().position(|p| p.node == m.node);
            node.push(known.unwrap_or_else(|| {
                let same = measured
                    .iter()
                    .zip(&deepest_m)
                    .filter(|(o, _)| o.node == m.node);
                let deepest_m = same.map(|(_, d)| *d).fold(0.0, f64::max);
                let reach_m =
                    ((1.0 + TOUCH_EARLIER) * deepest_m).min(DEPTH_MAX * stack.thickness_m());
                presses.push(Presses::new(&m.node, stack, reach_m));
                presses.len() - 1
            }));
        }
        let mut bench = Bench {
            stack,
            measured,
            bases,
            presses,
            node,
            deepest_m,
            weights: measured
                .iter()
                .map(|m| vec![1.0 / largest_n(m); m.points.len()])
                .collect(),
            solved: RefCell::default(),
        };
        if noise == Noise::Proportional {
            bench.weights = bench.proportional();
        }
        bench
    }

    /// One over the force that the start stack would show, scaled to the curves.
    fn proportional(&self) -> Vec<Vec<f64>> {
        let forces = self.forces(&vec![self.common_ln(); self.stack.layers().len()]);
        let of_curve = |(m, &node): (&Measured, &usize)| {
            let model_n = m.points.iter().map(|p| forces.at(node, p.depth_m).0);
            let least_n = 0.01 * model_n.clone().fold(0.0, f64::max);
            model_n.map(|f| 1.0 / f.max(least_n)).collect()
        };
        self.measured.iter().zip(&self.node).map(of_curve).collect()
    }

    /// Forces for moduli of `exp(ln)` times the start stack's.
    fn forces(&self, ln: &[f64]) -> Forces {
        let layers = self.stack.layers();
        let last = ln.last().copied().unwrap_or(0.0);
        let ratio: Vec<f64> = layers
            .iter()
            .zip(ln)
            .map(|(l, x)| l.e_pa * (x - last).exp())
            .collect();
        // Amid what a stack may have, whatever the search tries.
        let (low, high) = ratio
            .iter()
            .fold((f64::MAX, 0.0_f64), |(a, b), e| (a.min(*e), b.max(*e)));
        let unit = 3e6 / (low * high).sqrt();
        let scaled = layers.iter().zip(&ratio).map(|(l, e)| Layer {
            e_pa: e * unit,
            ..l.clone()
        });
        // Moduli lie within 1e10 of each other (the search's bounds see to it), and all else was checked before.
        let stack = Stack::try_new(scaled.collect()).unwrap_or_else(|_| self.stack.clone());
        let bits = stack.layers().iter().map(|l| l.e_pa.to_bits()).collect();
        let solve = || {
            Rc::new(
                self.presses
                    .iter()
                    .map(|p| p.curve(&stack, &self.bases))
                    .collect(),
            )
        };
        let curves = Rc::clone(self.solved.borrow_mut().entry(bits).or_insert_with(solve));
        Forces {
            curves,
            scale: last.exp() / unit,
        }
    }

    /// Logarithm of the one scale that explains the curves best: a straight division.
    fn common_ln(&self) -> f64 {
        let forces = self.forces(&vec![0.0; self.stack.layers().len()]);
        let (mut with_model, mut of_model) = (0.0, 0.0);
        self.each_point(|curve, p, weight| {
            let model_n = forces.at(self.node[curve], p.depth_m).0;
            with_model += weight * weight * model_n * p.force_n;
            of_model += weight * weight * model_n * model_n;
        });
        // The curves rise, so this is above 0 but for wild ones.
        (with_model / of_model).max(1e-9).ln()
    }

    fn each_point(&self, mut f: impl FnMut(usize, &Point, f64)) {
        for (curve, (m, weights)) in self.measured.iter().zip(&self.weights).enumerate() {
            m.points
                .iter()
                .zip(weights)
                .for_each(|(p, w)| f(curve, p, *w));
        }
    }

    fn rows(&self) -> usize {
        self.measured.iter().map(|m| m.points.len()).sum()
    }

    /// Logarithms of the factors on all layers.
    fn ln_factors(&self, model: &Model, x: &[f64]) -> Vec<f64> {
        let mut ln = vec![0.0; self.stack.layers().len()];
        for (group, value) in model.groups.iter().zip(x) {
            group.iter().for_each(|&l| ln[l] = *value);
        }
        ln
    }

    /// Touch points of the curves, m.
    fn touch_m(&self, model: &Model, x: &[f64]) -> Vec<f64> {
        let of = |(c, deepest_m): (usize, &f64)| {
            if model.touch {
                x[model.groups.len() + c] * deepest_m
            } else {
                0.0
            }
        };
        self.deepest_m.iter().enumerate().map(of).collect()
    }

    /// Residuals and derivatives. Shares of all layers in the force sum to 1, so one of them is never differenced.
    fn linearise(&self, model: &Model, x: &[f64]) -> Linearised {
        let ln = self.ln_factors(model, x);
        let touch_m = self.touch_m(model, x);
        let forces = self.forces(&ln);
        let held = (0..ln.len()).any(|l| !model.groups.iter().any(|g| g.contains(&l)));
        let groups = model.groups.len();
        let differenced = if held { groups } else { groups - 1 };
        let nudged: Vec<Forces> = model.groups[..differenced]
            .iter()
            .map(|group| {
                let mut ln = ln.clone();
                group.iter().for_each(|&l| ln[l] += LN_STEP);
                self.forces(&ln)
            })
            .collect();
        let columns = groups + if model.touch { self.measured.len() } else { 0 };
        let mut out = Linearised {
            residual: DVector::zeros(self.rows()),
            slope: DMatrix::zeros(self.rows(), columns),
        };
        let mut row = 0;
        self.each_point(|curve, p, weight| {
            let (node, depth_m) = (self.node[curve], p.depth_m - touch_m[curve]);
            let (force_n, stiffness_n_m) = forces.at(node, depth_m);
            out.residual[row] = weight * (p.force_n - force_n);
            let mut left = 1.0;
            for group in 0..groups {
                let share = match nudged.get(group) {
                    Some(n) if force_n > 0.0 => (n.at(node, depth_m).0 / force_n).ln() / LN_STEP,
                    Some(_) => 0.0,
                    None => left,
                };
                left -= share;
                out.slope[(row, group)] = weight * force_n * share;
            }
            if model.touch {
                out.slope[(row, groups + curve)] = -weight * stiffness_n_m * self.deepest_m[curve];
            }
            row += 1;
        });
        out
    }

    /// The best values of a model's parameters.
    pub fn solve(&self, model: &Model) -> Found {
        let all_free =
            model.groups.iter().map(Vec::len).sum::<usize>() == self.stack.layers().len();
        let start_ln = if all_free { self.common_ln() } else { 0.0 };
        let reach = FACTOR_MAX.ln();
        let mut x = vec![start_ln; model.groups.len()];
        let mut bounds = vec![(start_ln - reach, start_ln + reach); x.len()];
        if model.touch {
            let bone_m = DEPTH_MAX * self.stack.thickness_m();
            for deepest_m in &self.deepest_m {
                x.push(0.0);
                bounds.push((-TOUCH_EARLIER.min(bone_m / deepest_m - 1.0), TOUCH_LATER));
            }
        }
        let minimum = minimise(x, &bounds, &mut |x| self.linearise(model, x));
        Found {
            model: model.clone(),
            minimum,
            start_ln,
        }
    }

    /// One scale, then one layer after the other on its own, while the simpler fit misses the curves by more than the
    /// model itself errs and an F-test finds the gain real. If touch points explain the curves as well, no layer is freed.
    pub fn choose(&self, touch: bool) -> (Found, Vec<Trial>) {
        let mut best = self.solve(&Model::together(self.stack, touch));
        let mut trials = Vec::new();
        while self.misfit(&best) > Fit::MODEL_ERROR {
            let splits = best.model.splits();
            let enough = self.rows() > best.minimum.x.len() + 2;
            let ways = splits.len() as f64;
            let tried = splits
                .into_iter()
                .map(|(layer, model)| (layer, self.solve(&model)));
            let finest =
                tried.min_by(|a, b| a.1.minimum.at.cost().total_cmp(&b.1.minimum.at.cost()));
            let Some((layer, finest)) = finest.filter(|_| enough) else {
                break;
            };
            if let Some(touched) = self.touch_explains(&best)
                && touched.minimum.at.cost() <= finest.minimum.at.cost()
            {
                trials.push(self.trial(TrialKind::Touch, &best, &touched, 1.0, false));
                trials.push(self.trial(TrialKind::Layer(layer), &best, &finest, ways, false));
                break;
            }
            let kept = (ways * self.chance(&best, &finest)) < SIGNIFICANCE;
            trials.push(self.trial(TrialKind::Layer(layer), &best, &finest, ways, kept));
            if !kept {
                break;
            }
            best = finest;
        }
        (best, trials)
    }

    fn trial(
        &self,
        kind: TrialKind,
        simpler: &Found,
        richer: &Found,
        ways: f64,
        kept: bool,
    ) -> Trial {
        Trial {
            kind,
            rms_n: self.rms_n(richer),
            p_value: (ways * self.chance(simpler, richer)).min(1.0),
            kept,
        }
    }

    /// The same moduli free and touch points besides, if those are worth it.
    fn touch_explains(&self, found: &Found) -> Option<Found> {
        let model = Model {
            touch: true,
            ..found.model.clone()
        };
        let parameters = model.groups.len() + self.measured.len();
        if found.model.touch
            || self.rows() < parameters + 2
            || self.misfit(found) <= Fit::MODEL_ERROR
        {
            return None;
        }
        let touched = self.solve(&model);
        (self.chance(found, &touched) < SIGNIFICANCE).then_some(touched)
    }

    /// F-test of a richer model against a simpler one, on as many rows as are independent under the richer one.
    fn chance(&self, simpler: &Found, richer: &Found) -> f64 {
        let more = (richer.minimum.x.len() - simpler.minimum.x.len()) as f64;
        let freedom = richer.freedom(redundancy(self.autocorrelation(richer), self.rows()));
        let (before, after) = (simpler.minimum.at.cost(), richer.minimum.at.cost());
        fisher_tail((before - after) / more / (after / freedom), more, freedom)
    }

    /// Residuals of each curve, by depth.
    fn residuals_by_depth(&self, found: &Found) -> Vec<Vec<f64>> {
        let mut rows = found.minimum.at.residual.iter();
        let of_curve = |m: &Measured| {
            let residuals = rows.by_ref().take(m.points.len());
            let mut pairs: Vec<(f64, f64)> = m
                .points
                .iter()
                .map(|p| p.depth_m)
                .zip(residuals.copied())
                .collect();
            pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
            pairs.into_iter().map(|p| p.1).collect()
        };
        self.measured.iter().map(of_curve).collect()
    }

    fn autocorrelation(&self, found: &Found) -> f64 {
        autocorrelation(&self.residuals_by_depth(found))
    }

    fn misfit(&self, found: &Found) -> f64 {
        let mut squares = 0.0;
        self.each_point(|_, p, weight| squares += (weight * p.force_n).powi(2));
        (found.minimum.at.cost() / squares).sqrt()
    }

    fn rms_n(&self, found: &Found) -> f64 {
        let mut squares = 0.0;
        let mut row = 0;
        self.each_point(|_, _, weight| {
            squares += (found.minimum.at.residual[row] / weight).powi(2);
            row += 1;
        });
        (squares / self.rows() as f64).sqrt()
    }

    /// All that is known at the end.
    pub fn report(&self, found: &Found, trials: Vec<Trial>) -> Result<Fit, FitError> {
        let rho = self.autocorrelation(found);
        let redundancy = redundancy(rho, self.rows());
        let freedom = found.freedom(redundancy);
        let spare = (self.rows() - found.minimum.x.len()).max(1) as f64;
        // One standard deviation of a residual, widened for residuals that are alike, times Student's t.
        let reach = student_95(freedom) * (redundancy * found.minimum.at.cost() / spare).sqrt();
        let spread = covariance(&found.minimum.at.slope);
        let ln = self.ln_factors(&found.model, &found.minimum.x);
        let apart = self.apart(found);
        let moduli = self.stack.layers().iter().zip(&ln).map(|(l, x)| Layer {
            e_pa: l.e_pa * x.exp(),
            ..l.clone()
        });
        let stack = Stack::try_new(moduli.collect()).map_err(|e| {
            FitError::Implausible(e.first().map(ToString::to_string).unwrap_or_default())
        })?;
        let touched = self.touch_explains(found);
        Ok(Fit {
            layers: self.layers(found, &spread, reach, &apart),
            curves: self.curves(found, &ln),
            parameters: self.parameters(found, &spread, reach),
            correlation: correlation(&spread),
            combinations: self.combinations(&apart, reach),
            trials,
            touch_hint: touched.map(|t| TouchHint {
                touch_m: self.touch_m(&t.model, &t.minimum.x),
                rms_n: self.rms_n(&t),
            }),
            points: self.rows(),
            rms_n: self.rms_n(found),
            misfit: self.misfit(found),
            autocorrelation: rho,
            redundancy,
            freedom,
            stack,
        })
    }

    /// At the end of the search, but with a column for every layer.
    fn apart(&self, found: &Found) -> Linearised {
        let mut x = self.ln_factors(&found.model, &found.minimum.x);
        x.extend(&found.minimum.x[found.model.groups.len()..]);
        self.linearise(&Model::apart(self.stack, found.model.touch), &x)
    }

    fn layers(
        &self,
        found: &Found,
        spread: &DMatrix<f64>,
        reach: f64,
        apart: &Linearised,
    ) -> Vec<FittedLayer> {
        let layers = self.stack.layers();
        let mut of_force: Vec<f64> = (0..layers.len()).map(|_| 0.0).collect();
        let mut all = 0.0;
        for row in apart.slope.row_iter() {
            let force: f64 = row.iter().take(layers.len()).sum();
            (0..layers.len()).for_each(|l| of_force[l] += force * row[l]);
            all += force * force;
        }
        let of_layer = |(l, layer): (usize, &Layer)| {
            let group = found.model.groups.iter().position(|g| g.contains(&l));
            let share = of_force[l] / all;
            let Some(g) = group else {
                let e_pa = layer.e_pa;
                return FittedLayer {
                    e_pa,
                    low_pa: e_pa,
                    high_pa: e_pa,
                    role: Role::Held,
                    determined: true,
                    share,
                };
            };
            let (x, half) = (found.minimum.x[g], reach * spread[(g, g)].sqrt());
            let edge = FACTOR_MAX.ln();
            FittedLayer {
                e_pa: layer.e_pa * x.exp(),
                low_pa: layer.e_pa * (x - half).max(found.start_ln - edge).exp(),
                high_pa: layer.e_pa * (x + half).min(found.start_ln + edge).exp(),
                role: if found.model.groups[g].len() > 1 || layers.len() == 1 {
                    Role::Together
                } else {
                    Role::Alone
                },
                determined: !found.minimum.bound[g] && 2.0 * half < 10f64.ln(),
                share,
            }
        };
        layers.iter().enumerate().map(of_layer).collect()
    }

    fn parameters(&self, found: &Found, spread: &DMatrix<f64>, reach: f64) -> Vec<Parameter> {
        let groups = &found.model.groups;
        let of = |i: usize| {
            let (x, half) = (found.minimum.x[i], reach * spread[(i, i)].sqrt());
            match groups.get(i) {
                Some(group) => Parameter {
                    kind: ParameterKind::Modulus(group.clone()),
                    value: x.exp(),
                    low: (x - half).exp(),
                    high: (x + half).exp(),
                },
                None => {
                    let curve = i - groups.len();
                    let unit_m = self.deepest_m[curve];
                    Parameter {
                        kind: ParameterKind::Touch(curve),
                        value: x * unit_m,
                        low: (x - half) * unit_m,
                        high: (x + half) * unit_m,
                    }
                }
            }
        };
        (0..found.minimum.x.len()).map(of).collect()
    }

    /// Singular directions of the sensitivities, touch points aside.
    fn combinations(&self, apart: &Linearised, reach: f64) -> Vec<Combination> {
        let layers = self.stack.layers().len();
        let mut slope = apart.slope.columns(0, layers).into_owned();
        if apart.slope.ncols() > layers {
            let touch = apart
                .slope
                .columns(layers, apart.slope.ncols() - layers)
                .into_owned()
                .qr()
                .q();
            slope -= &touch * touch.tr_mul(&slope);
        }
        let mut padded = DMatrix::zeros(slope.nrows().max(layers), layers);
        padded.rows_mut(0, slope.nrows()).copy_from(&slope);
        let svd = padded.svd(false, true);
        let Some(v) = svd.v_t else { return Vec::new() };
        let of = |k: usize| {
            let row: Vec<f64> = v.row(k).iter().copied().collect();
            let largest = row
                .iter()
                .copied()
                .fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
            Combination {
                exponents: row.iter().map(|e| e * largest.signum()).collect(),
                factor: (reach / svd.singular_values[k]).exp(),
            }
        };
        (0..layers).map(of).collect()
    }

    fn curves(&self, found: &Found, ln: &[f64]) -> Vec<FittedCurve> {
        let fitted = self.forces(ln);
        let start = self.forces(&vec![0.0; ln.len()]);
        let nudged: Vec<Forces> = (0..ln.len() - 1)
            .map(|l| {
                let mut ln = ln.to_vec();
                ln[l] += LN_STEP;
                self.forces(&ln)
            })
            .collect();
        let touch_m = self.touch_m(&found.model, &found.minimum.x);
        let of = |(c, m): (usize, &Measured)| {
            let node = self.node[c];
            let inside = |d: &f64| *d < self.deepest_m[c] - touch_m[c];
            let knots = fitted.curves[node].depths_m().filter(inside);
            let depths = std::iter::once(0.0).chain(finer(knots, self.deepest_m[c] - touch_m[c]));
            let line = depths.map(|depth_m| {
                let force_n = fitted.at(node, depth_m).0;
                // Above the first knot the shares are those there.
                let at_m = depth_m.max(fitted.curves[node].depths_m().next().unwrap_or(depth_m));
                let share =
                    |n: &Forces| (n.at(node, at_m).0 / fitted.at(node, at_m).0).ln() / LN_STEP;
                let mut shares: Vec<f64> = nudged.iter().map(share).collect();
                shares.push(1.0 - shares.iter().sum::<f64>());
                LinePoint {
                    depth_m: depth_m + touch_m[c],
                    force_n,
                    start_n: start.at(node, depth_m + touch_m[c]).0,
                    shares,
                }
            });
            let point = |p: &Point| FittedPoint {
                depth_m: p.depth_m,
                force_n: p.force_n,
                model_n: fitted.at(node, p.depth_m - touch_m[c]).0,
            };
            FittedCurve {
                touch_m: touch_m[c],
                points: m.points.iter().map(point).collect(),
                line: line.collect(),
            }
        };
        self.measured.iter().enumerate().map(of).collect()
    }
}

/// The largest force of a curve, N; above 0 where the curve was found to rise.
fn largest_n(curve: &Measured) -> f64 {
    let forces = curve.points.iter().map(|p| p.force_n);
    forces.fold(f64::MIN_POSITIVE, f64::max)
}

/// Knots with three places between neighbours, for a plot; the last is `end_m`.
fn finer(knots: impl Iterator<Item = f64>, end_m: f64) -> Vec<f64> {
    let mut out = Vec::new();
    let mut before = 0.0;
    for knot in knots.chain(std::iter::once(end_m)) {
        out.extend((1..=4).map(|i| before + (knot - before) * f64::from(i) / 4.0));
        before = knot;
    }
    out
}

/// Correlations from covariances.
fn correlation(spread: &DMatrix<f64>) -> Vec<Vec<f64>> {
    let of = |i: usize, j: usize| {
        let r = spread[(i, j)] / (spread[(i, i)] * spread[(j, j)]).sqrt();
        if r.is_finite() {
            r.clamp(-1.0, 1.0)
        } else {
            0.0
        }
    };
    (0..spread.nrows())
        .map(|i| (0..spread.nrows()).map(|j| of(i, j)).collect())
        .collect()
}
