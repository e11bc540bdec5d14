//! A stack of soft layers over rigid bone: what the contact law needs to know about tissue.

use serde::{Deserialize, Serialize};

/// How a layer answers to large strain. All share the small-strain modulus of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
    /// Small strain only: the modulus never changes. `nu = 0.5` is legal.
    Linear,
    /// `W = mu/2 (I1bar - 3) + K/2 (J-1)^2`.
    NeoHookean,
    /// `W = 2 mu / alpha^2 (sum lbar_i^alpha - 3) + K/2 (J-1)^2`, so that the initial shear modulus is `mu`.
    Ogden {
        /// Exponent, dimensionless, 2 to 40. 2 is neo-Hookean; tissue is stiffer under large strain the larger it is.
        alpha: f64,
    },
}

/// One term of a Prony series on the shear modulus: `G(t) = G0 (1 - sum g (1 - exp(-t/tau)))`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PronyTerm {
    /// Share of the instantaneous modulus that relaxes, 0 to 1; the sum over terms stays below 1.
    pub g: f64,
    /// Relaxation time, s, above 0.
    pub tau_s: f64,
}

/// One layer of tissue, homogeneous and isotropic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// What it is: `skin`, `fat`, `muscle`.
    pub name: String,
    /// Thickness, m, above 0.
    pub thickness_m: f64,
    /// Instantaneous small-strain Young's modulus, Pa, above 0.
    pub e_pa: f64,
    /// Poisson's ratio, 0 to 0.5 (0.5 only for [`Law::Linear`]).
    pub nu: f64,
    /// Large-strain law.
    pub law: Law,
    /// Relaxation; empty for an elastic layer.
    pub prony: Vec<PronyTerm>,
}

impl Layer {
    /// Small-strain shear modulus `mu = E / (2 (1 + nu))`, Pa.
    pub fn mu_pa(&self) -> f64 {
        self.e_pa / (2.0 * (1.0 + self.nu))
    }
}

/// Layers from the skin down, bonded to each other and to rigid bone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    layers: Vec<Layer>,
}

/// A layer that cannot be tissue.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StackError {
    /// No layers at all.
    #[error("a stack needs at least one layer")]
    Empty,
    /// A number outside its range.
    #[error("layer {layer} ({name}): {key} = {value} is outside {allowed}")]
    Range {
        /// Index of the layer, skin is 0.
        layer: usize,
        /// Name of the layer.
        name: String,
        /// The field that is wrong.
        key: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        allowed: &'static str,
    },
}

impl Stack {
    /// Checks every layer and reports every problem.
    ///
    /// # Errors
    /// One [`StackError`] per value out of range.
    pub fn try_new(layers: Vec<Layer>) -> Result<Stack, Vec<StackError>> {
        let mut errors = Vec::new();
        if layers.is_empty() {
            errors.push(StackError::Empty);
        }
        for (i, l) in layers.iter().enumerate() {
            let mut check = |ok: bool, key, value, allowed| {
                if !ok {
                    errors.push(StackError::Range {
                        layer: i,
                        name: l.name.clone(),
                        key,
                        value,
                        allowed,
                    });
                }
            };
            check(
                l.thickness_m > 1e-5 && l.thickness_m <= 2.0,
                "thickness_m",
                l.thickness_m,
                "0.00001 to 2",
            );
            check(
                l.e_pa >= 10.0 && l.e_pa <= 1e12,
                "e_pa",
                l.e_pa,
                "10 to 1e12",
            );
            let nu_ok = if l.law == Law::Linear {
                l.nu <= 0.5
            } else {
                l.nu < 0.4999
            };
            check(
                l.nu >= 0.0 && nu_ok,
                "nu",
                l.nu,
                "0 to 0.4999 (0.5 for linear)",
            );
            if let Law::Ogden { alpha } = l.law {
                check((2.0..=40.0).contains(&alpha), "alpha", alpha, "2 to 40");
            }
            for p in &l.prony {
                check(p.g >= 0.0 && p.g < 1.0, "prony.g", p.g, "0 to 1");
                check(
                    p.tau_s > 0.0 && p.tau_s.is_finite(),
                    "prony.tau_s",
                    p.tau_s,
                    "above 0",
                );
            }
            let sum: f64 = l.prony.iter().map(|p| p.g).sum();
            check(sum < 1.0, "sum of prony.g", sum, "below 1");
        }
        if errors.is_empty() {
            Ok(Stack { layers })
        } else {
            Err(errors)
        }
    }

    /// The layers, skin first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Depth from skin to bone, m.
    pub fn thickness_m(&self) -> f64 {
        self.layers.iter().map(|l| l.thickness_m).sum()
    }
}
