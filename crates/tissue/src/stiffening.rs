//! Strain stiffening and bottoming: what small strain leaves out.

use crate::stack::{Law, Stack};

/// Scalar law between the skin's real displacement and the one small-strain theory would need for the same pressure.
///
/// With `eta = skin / thickness`:
/// `linear = skin (1 + s (0.1 eta + 1.6 eta^2 + 13 eta^4) + h (1 - exp(-eta / 0.08))) / (1 - eta^6)`.
/// `s` is the thickness-weighted mean of `(alpha - 2) / 6` over the Ogden layers, `h` is 0.17 times the share of
/// neo-Hookean ones (a sphere that rolls its contact under costs them a few per cent at once); both vanish for
/// linear layers, and then the law is the identity.
///
/// The numbers are a first fit to forces of spheres on finite-strain layered stacks (the reference set beside the
/// tests), taken so that errors at every depth centre on zero: up to `eta = 0.4` their median size is 3 %, but
/// small spheres that go deep come out up to 20 % low, because the law does not know the radius. Other moduli than the
/// set's, and all beyond `eta = 0.4`, are an **estimate**.
/// Bone is reached at `eta = 1`; from 0.97 on the law goes on straight so that a solver never meets infinity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stiffening {
    thickness_m: f64,
    ogden: f64,
    neo_hookean: f64,
    bottoms: bool,
}

// The fit; see the type's doc.
const LINEAR: f64 = 0.1;
const SQUARE: f64 = 1.6;
const FOURTH: f64 = 13.0;
const ROLLED: f64 = 0.17;
const ROLLED_ETA: f64 = 0.08;
/// Where the law stops curving.
const ETA_STRAIGHT: f64 = 0.97;

impl Stiffening {
    /// The law of a stack.
    pub fn of(stack: &Stack) -> Stiffening {
        let thickness_m = stack.thickness_m();
        let (mut ogden, mut neo_hookean, mut bottoms) = (0.0, 0.0, false);
        for layer in stack.layers() {
            let share = layer.thickness_m / thickness_m;
            match layer.law {
                Law::Linear => continue,
                Law::NeoHookean => neo_hookean += share,
                Law::Ogden { alpha } => ogden += share * (alpha - 2.0) / 6.0,
            }
            bottoms = true;
        }
        Stiffening {
            thickness_m,
            ogden,
            neo_hookean,
            bottoms,
        }
    }

    /// Mean of several stacks' laws with weights that add to 1.
    pub fn blend(parts: &[(f64, &Stiffening)]) -> Stiffening {
        let mean = |f: fn(&Stiffening) -> f64| parts.iter().map(|(w, s)| w * f(s)).sum();
        Stiffening {
            thickness_m: mean(|s| s.thickness_m),
            ogden: mean(|s| s.ogden),
            neo_hookean: mean(|s| s.neo_hookean),
            bottoms: parts.iter().any(|(_, s)| s.bottoms),
        }
    }

    /// Linear displacement for a real one, m, and the slope of one against the other.
    pub fn linear_of(&self, skin_m: f64) -> (f64, f64) {
        let eta = skin_m / self.thickness_m;
        if eta <= 0.0 || !self.bottoms {
            return (skin_m, 1.0);
        }
        let bent = eta.min(ETA_STRAIGHT);
        let (factor, slope) = self.curve(bent);
        (
            bent * self.thickness_m * factor + slope * (skin_m - bent * self.thickness_m),
            slope,
        )
    }

    /// `linear / skin` at `eta`, and `d linear / d skin`.
    fn curve(&self, eta: f64) -> (f64, f64) {
        let e2 = eta * eta;
        let rolled = (-eta / ROLLED_ETA).exp();
        let rise = 1.0
            + self.ogden * (LINEAR * eta + SQUARE * e2 + FOURTH * e2 * e2)
            + ROLLED * self.neo_hookean * (1.0 - rolled);
        let rise_slope = self.ogden * (LINEAR + 2.0 * SQUARE * eta + 4.0 * FOURTH * eta * e2)
            + ROLLED * self.neo_hookean * rolled / ROLLED_ETA;
        let room = 1.0 - e2 * e2 * e2;
        let factor = rise / room;
        let factor_slope = rise_slope / room + rise * 6.0 * eta * e2 * e2 / (room * room);
        (factor, factor + eta * factor_slope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Layer;

    /// The slope is the derivative, and the law only ever stiffens.
    #[test]
    fn regress_slope_is_the_derivative() {
        let layer = |name: &str, thickness_m, law| Layer {
            name: name.into(),
            thickness_m,
            e_pa: 20e3,
            nu: 0.49,
            law,
            prony: vec![],
        };
        let stack = Stack::try_new(vec![
            layer("skin", 0.01, Law::NeoHookean),
            layer("muscle", 0.03, Law::Ogden { alpha: 8.0 }),
        ])
        .unwrap();
        let law = Stiffening::of(&stack);
        for i in 1..60 {
            let skin_m = 0.04 * f64::from(i) / 50.0;
            let (linear_m, slope) = law.linear_of(skin_m);
            let numeric = (law.linear_of(skin_m + 1e-8).0 - law.linear_of(skin_m - 1e-8).0) / 2e-8;
            assert!(
                linear_m > skin_m && (slope / numeric - 1.0).abs() < 1e-4,
                "{skin_m}: {slope} {numeric}"
            );
        }
    }
}
