//! The inverse of the durometer: layer moduli from measured force and depth.

use crate::indenter::Indenter;
use crate::search::{Bench, Model};
use crate::stack::Stack;

/// One curve, measured with one node: what belongs together and shares a touch point.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// What was pressed in, straight down.
    pub node: Indenter,
    /// In the order in which they were measured, or any other.
    pub points: Vec<Point>,
}

/// One measured pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Travel from touch, m, above 0.
    pub depth_m: f64,
    /// Normal force, N.
    pub force_n: f64,
}

/// Which moduli are sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Free {
    /// One scale for all of them, then more as far as the data justify it.
    Auto,
    /// One scale for all of them: the stack's ratios are kept.
    Together,
    /// Each of these layers (index from the skin) on its own; the others stay as they are.
    Layers(Vec<usize>),
}

/// How the scatter of a measured force grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// Alike at every depth of a curve, as of a load cell: least squares of newtons, for each curve in units of its largest
    /// force, so that a small node says as much as a large one.
    Constant,
    /// In proportion to the force (at least 1 % of the largest): least squares of shares.
    Proportional,
}

/// What to seek, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FitOptions {
    /// Which moduli.
    pub free: Free,
    /// Whether each curve's touch point is sought too.
    pub touch: bool,
    /// Weights.
    pub noise: Noise,
}

/// Moduli that explain the curves, and how well.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The start stack with the moduli found.
    pub stack: Stack,
    /// One for each layer, skin first.
    pub layers: Vec<FittedLayer>,
    /// One for each curve.
    pub curves: Vec<FittedCurve>,
    /// What was sought, in the order of `correlation`.
    pub parameters: Vec<Parameter>,
    /// Of the parameters' errors, -1 to 1.
    pub correlation: Vec<Vec<f64>>,
    /// What the curves say about all moduli together, best known first; as many as layers.
    pub combinations: Vec<Combination>,
    /// What was tried beyond one scale, and why it was kept or not.
    pub trials: Vec<Trial>,
    /// Other touch points, where they would explain the curves better.
    pub touch_hint: Option<TouchHint>,
    /// Points of all curves.
    pub points: usize,
    /// Root mean square of measured less model, N.
    pub rms_n: f64,
    /// The same over the root mean square of the force, weighted as the fit was, dimensionless.
    pub misfit: f64,
    /// Of residuals that are neighbours in depth, -1 to 1.
    pub autocorrelation: f64,
    /// By how much fewer independent points there are than it seems, 1 or more: the intervals allow for it.
    pub redundancy: f64,
    /// Degrees of freedom that are left after it.
    pub freedom: f64,
}

impl Fit {
    /// What the force law itself errs by in the median against finite-strain solutions (the chapter's table), dimensionless.
    /// A curve that is met within it is no reason to free another modulus.
    pub const MODEL_ERROR: f64 = 0.02;
}

/// What became of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Fitted by one scale with all other layers of this role.
    Together,
    /// Fitted on its own.
    Alone,
    /// Left as it was.
    Held,
}

/// The modulus of one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FittedLayer {
    /// Small-strain Young's modulus, Pa.
    pub e_pa: f64,
    /// Ends of the 95 % interval, Pa; both `e_pa` for a held layer. At most a factor of 100 from the start of the search.
    pub low_pa: f64,
    /// The upper end.
    pub high_pa: f64,
    /// How it was fitted.
    pub role: Role,
    /// Whether the data hold it: its interval spans less than a factor of 10 and no bound was met. True for a held layer.
    pub determined: bool,
    /// `d ln F / d ln E` in the mean over the points, as the fit weights them; the shares of all layers sum to 1.
    pub share: f64,
}

/// One curve as the fitted stack answers it.
#[derive(Clone, Debug)]
pub struct FittedCurve {
    /// Where the tissue begins on the curve's own scale of depth, m: 0 where it was not sought.
    pub touch_m: f64,
    /// One for each measured point, in its order.
    pub points: Vec<FittedPoint>,
    /// For a plot, by depth.
    pub line: Vec<LinePoint>,
}

/// A measured point and the model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FittedPoint {
    /// As measured, m.
    pub depth_m: f64,
    /// As measured, N.
    pub force_n: f64,
    /// The fitted stack's force, N.
    pub model_n: f64,
}

/// The model at one depth.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePoint {
    /// On the curve's own scale of depth, m.
    pub depth_m: f64,
    /// Fitted stack, N.
    pub force_n: f64,
    /// The stack that the search began with, N.
    pub start_n: f64,
    /// `d ln F / d ln E` of each layer; they sum to 1.
    pub shares: Vec<f64>,
}

/// What one parameter of the search is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// One scale on the moduli of these layers.
    Modulus(Vec<usize>),
    /// Touch point of a curve.
    Touch(usize),
}

/// One parameter: its value and 95 % interval, a factor on the start stack's moduli, or m.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// What it is.
    pub kind: ParameterKind,
    /// Best value.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A product of powers of the moduli that the curves know to a factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    /// Exponent of each layer's modulus; their squares sum to 1.
    pub exponents: Vec<f64>,
    /// The product is known to this factor up or down (95 %), 1 or more; infinite where the curves say nothing.
    pub factor: f64,
}

impl Combination {
    /// Known to better than a factor of two.
    pub fn is_known(&self) -> bool {
        self.factor < 2.0
    }
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialKind {
    /// This layer on its own, besides what was free before.
    Layer(usize),
    /// Touch points instead.
    Touch,
}

/// One step beyond a simpler fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// What was freed.
    pub kind: TrialKind,
    /// Root mean square it gave, N.
    pub rms_n: f64,
    /// Chance of such a gain where there is nothing to find: F-test, times the number of layers that were tried.
    pub p_value: f64,
    /// Whether it was kept.
    pub kept: bool,
}

/// Touch points that would explain the curves better.
#[derive(Clone, Debug, PartialEq)]
pub struct TouchHint {
    /// Of each curve, m; negative is earlier.
    pub touch_m: Vec<f64>,
    /// Root mean square they would leave, N.
    pub rms_n: f64,
}

/// Why curves cannot be fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Fewer points than it takes.
    #[error("{points} points, and at least {needed} are needed")]
    TooFew {
        /// Points there are.
        points: usize,
        /// One more than what is sought, and at least 3.
        needed: usize,
    },
    /// A number that is none, or a depth that is not in the tissue.
    #[error("{key} = {value} is outside {allowed}")]
    Value {
        /// Index of the curve.
        curve: usize,
        /// Index of the point.
        point: usize,
        /// `depth_m` or `force_n`.
        key: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        allowed: String,
    },
    /// The node comes back out.
    #[error("the node comes back out: only the way in can be fitted")]
    ComesBack {
        /// Index of the curve.
        curve: usize,
        /// First and last point on the way out.
        points: (usize, usize),
    },
    /// Force does not grow with depth.
    #[error("force does not grow with depth")]
    Falling {
        /// Index of the curve.
        curve: usize,
    },
    /// No such layer, or none.
    #[error("layers to fit: {0}")]
    Layers(String),
    /// The moduli found cannot be tissue.
    #[error("no tissue explains these forces: {0}")]
    Implausible(String),
}

/// Share of the stack's thickness that a node may go down to.
pub(crate) const DEPTH_MAX: f64 = 0.9;

/// Finds the moduli that explain `measured`, starting from those of `stack`; thicknesses, laws and Poisson's ratios stay.
///
/// The moduli are instantaneous ones if the tissue was pressed fast against its relaxation times.
///
/// # Errors
/// Every problem of the curves.
pub fn fit(
    stack: &Stack,
    measured: &[Measured],
    options: &FitOptions,
) -> Result<Fit, Vec<FitError>> {
    let errors = problems(stack, measured, options);
    if !errors.is_empty() {
        return Err(errors);
    }
    let bench = Bench::new(stack, measured, options.noise);
    let (found, trials) = match &options.free {
        Free::Auto => bench.choose(options.touch),
        Free::Together => (
            bench.solve(&Model::together(stack, options.touch)),
            Vec::new(),
        ),
        Free::Layers(layers) => {
            let groups = layers.iter().map(|&l| vec![l]).collect();
            let touch = options.touch;
            (bench.solve(&Model { groups, touch }), Vec::new())
        }
    };
    bench.report(&found, trials).map_err(|e| vec![e])
}

/// What is wrong with the curves, before any work.
fn problems(stack: &Stack, measured: &[Measured], options: &FitOptions) -> Vec<FitError> {
    let mut errors = Vec::new();
    let layers = stack.layers().len();
    let groups = match &options.free {
        Free::Layers(list) => {
            let mut once = list.clone();
            once.sort_unstable();
            once.dedup();
            if list.is_empty() || once.len() < list.len() || once.last() >= Some(&layers) {
                errors.push(FitError::Layers(format!(
                    "{list:?} of {layers}, each at most once"
                )));
            }
            list.len()
        }
        _ => 1,
    };
    let points = measured.iter().map(|m| m.points.len()).sum();
    let needed = 3.max(groups + 1 + if options.touch { measured.len() } else { 0 });
    if points < needed {
        errors.push(FitError::TooFew { points, needed });
    }
    let deepest_m = DEPTH_MAX * stack.thickness_m();
    for (curve, m) in measured.iter().enumerate() {
        for (point, p) in m.points.iter().enumerate() {
            let mut wrong = |key, value, allowed| {
                errors.push(FitError::Value {
                    curve,
                    point,
                    key,
                    value,
                    allowed,
                });
            };
            if !(p.depth_m > 0.0 && p.depth_m <= deepest_m) {
                wrong(
                    "depth_m",
                    p.depth_m,
                    format!("above 0, at most {deepest_m} (0.9 of the stack)"),
                );
            }
            if !p.force_n.is_finite() {
                wrong("force_n", p.force_n, "finite numbers".into());
            }
        }
    }
    if errors.is_empty() {
        errors = measured
            .iter()
            .enumerate()
            .filter_map(|(i, m)| shape_problem(i, &m.points))
            .collect();
    }
    errors
}

/// A curve that no press gives.
fn shape_problem(curve: usize, points: &[Point]) -> Option<FitError> {
    if let Some(way_out) = way_out(points) {
        return Some(FitError::ComesBack {
            curve,
            points: way_out,
        });
    }
    let mean = |f: &dyn Fn(&Point) -> f64| points.iter().map(f).sum::<f64>() / points.len() as f64;
    let (depth_m, force_n) = (mean(&|p| p.depth_m), mean(&|p| p.force_n));
    let rise: f64 = points
        .iter()
        .map(|p| (p.depth_m - depth_m) * (p.force_n - force_n))
        .sum();
    let falling = points.len() > 1 && rise <= 0.0;
    (falling || force_n <= 0.0).then_some(FitError::Falling { curve })
}

/// First and last point on the way out: after the deepest one the depth falls by half and more, in small steps.
fn way_out(points: &[Point]) -> Option<(usize, usize)> {
    let deepest = (0..points.len()).max_by(|&a, &b| {
        points[a]
            .depth_m
            .total_cmp(&points[b].depth_m)
            .then(b.cmp(&a))
    })?;
    let tail = &points[deepest..];
    let drop_m = tail.first()?.depth_m - tail.last()?.depth_m;
    let largest_m = tail
        .windows(2)
        .map(|w| w[0].depth_m - w[1].depth_m)
        .fold(0.0, f64::max);
    let gradual = tail.len() > 3 && largest_m < 0.6 * drop_m && drop_m > 0.5 * tail[0].depth_m;
    // A list from deep to shallow, without a way in, is a table and no loop.
    (gradual && deepest >= 2).then(|| (deepest + 1, points.len() - 1))
}
