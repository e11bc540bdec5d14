//! The pad between node and skin.

use serde::{Deserialize, Serialize};

/// Open-cell foam or fabric in series with the skin, cell by cell.
///
/// Foam with a Poisson's ratio near zero hands pressure straight through and spreads little sideways, so each cell
/// is a column: strain `eps(p) = p / (E + p / eps_d)`, which starts with the modulus `E` and packs up at the
/// densification strain `eps_d` (Gibson and Ashby 1997 give 0.7 to 0.9 for flexible foams of low density).
/// Ignored: shear in the pad (it would spread a patch by a part of its thickness), the foam's own relaxation.
/// Valid for covers thinner than about the contact patch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cover {
    /// Thickness, m, above 0.
    pub thickness_m: f64,
    /// Modulus of the unpressed foam, Pa, above 0.
    pub e_pa: f64,
    /// Strain at which the foam is solid, 0.3 to 0.95.
    pub densify_strain: f64,
}

impl Cover {
    /// No pad at all: nothing squeezes.
    pub(crate) const NONE: Cover = Cover {
        thickness_m: 0.0,
        e_pa: 1.0,
        densify_strain: 1.0,
    };

    /// Squeeze under pressure `p`, m, and its slope, m/Pa.
    #[inline(always)]
    pub fn squeeze(&self, pressure_pa: f64) -> (f64, f64) {
        let p = pressure_pa.max(0.0);
        let stiffness = self.e_pa + p / self.densify_strain;
        (
            self.thickness_m * p / stiffness,
            self.thickness_m * self.e_pa / (stiffness * stiffness),
        )
    }

    /// Energy in the foam under pressure `p`, J/m^2: `int p d(squeeze) = p squeeze - t eps_d (p - E eps_d ln(1 + p / (E eps_d)))`.
    pub fn energy_j_m2(&self, pressure_pa: f64) -> f64 {
        let p = pressure_pa.max(0.0);
        let solid_pa = self.e_pa * self.densify_strain;
        let back = self.thickness_m * self.densify_strain * (p - solid_pa * (p / solid_pa).ln_1p());
        p * self.squeeze(p).0 - back
    }

    /// Pressure that squeezes the foam by `squeeze_m`, Pa; infinite from the densification strain on.
    pub fn pressure_pa(&self, squeeze_m: f64) -> f64 {
        let strain = (squeeze_m / self.thickness_m).max(0.0);
        if strain >= self.densify_strain {
            return f64::INFINITY;
        }
        self.e_pa * strain / (1.0 - strain / self.densify_strain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 15 mm at 25 kPa under 25 kPa: strain 25 / (25 + 25 / 0.75) = 0.4286, squeeze 6.43 mm; and back again.
    #[test]
    fn val_squeeze_by_hand() {
        let cover = Cover {
            thickness_m: 0.015,
            e_pa: 25e3,
            densify_strain: 0.75,
        };
        let (squeeze_m, slope) = cover.squeeze(25e3);
        assert!((squeeze_m - 0.015 * 3.0 / 7.0).abs() < 1e-12);
        assert!((cover.pressure_pa(squeeze_m) - 25e3).abs() < 1e-6);
        let numeric = (cover.squeeze(25e3 + 1.0).0 - squeeze_m) / 1.0;
        assert!((slope / numeric - 1.0).abs() < 1e-4);
        // The energy is the area under the curve: trapezoids over 1000 steps.
        let area: f64 = (0..1000)
            .map(|i| [0, 1].map(|j| 25.0 * f64::from(i + j)))
            .map(|[a, b]| 0.5 * (a + b) * (cover.squeeze(b).0 - cover.squeeze(a).0))
            .sum();
        assert!((cover.energy_j_m2(25e3) / area - 1.0).abs() < 1e-5);
    }
}
