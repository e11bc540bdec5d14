//! What beds of one cell size share: the kernel basis and the large-strain laws.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use tissue::{FarBasis, KernelBasis, Law, Layer, Stack, Stiffening};

/// Built once, then shared by every body: most of what a bed costs.
///
/// A large-strain law takes tens of milliseconds and a back has a hundred stacks, so laws are solved on a lattice of stacks
/// and blended between: thicknesses a factor of 2 apart, and stiffness of the deeper layers against the first likewise.
/// On a lattice point the law is that stack's own; between, it errs by the figure that a test holds. A law depends on nothing
/// but its stack and the node, so the order in which bodies ask for them changes no number.
///
/// Only the shape of stack and node together counts, so the lattice serves every radius: a node of `R` on a stack is one of
/// `RADIUS_M` on the stack with all its thicknesses times `RADIUS_M / R`. A sweep over the radius solves no law twice.
#[derive(Debug)]
pub struct Groundwork {
    basis: Arc<KernelBasis>,
    far: Arc<FarBasis>,
    laws: Arc<LawLattice>,
}

/// The laws solved so far.
#[derive(Debug, Default)]
pub(crate) struct LawLattice(RwLock<BTreeMap<Vec<i64>, Stiffening>>);

/// Radius of the node that the lattice's laws are solved for, m.
const RADIUS_M: f64 = 0.020;

/// Ratio between neighbours of the lattice, in thickness and in stiffness.
const STEP: f64 = 2.0;
/// Thickness of lattice point 0, m.
const THICKNESS_M: f64 = 0.002;
/// Distances at which nodes feel each other, m: from, to, between two of the table.
const FAR_M: [f64; 3] = [0.020, 0.200, 0.004];
/// Usual radius of a patch, m. From 60 mm away its size is worth half a per cent of what is felt.
const PATCH_M: f64 = 0.010;

impl Groundwork {
    /// For windows of `reach` cells of `cell_m`, over skin of at least `top_layer_min_m`.
    pub(crate) fn new(cell_m: f64, reach: usize, top_layer_min_m: f64) -> Arc<Groundwork> {
        let [near_m, far_m, step_m] = FAR_M;
        Arc::new(Groundwork {
            basis: Arc::new(KernelBasis::new(cell_m, reach, top_layer_min_m)),
            far: Arc::new(FarBasis::new(near_m, far_m, step_m, PATCH_M)),
            laws: Arc::default(),
        })
    }

    pub(crate) fn basis(&self) -> &Arc<KernelBasis> {
        &self.basis
    }

    pub(crate) fn far(&self) -> &Arc<FarBasis> {
        &self.far
    }

    pub(crate) fn laws(&self) -> &Arc<LawLattice> {
        &self.laws
    }
}

impl LawLattice {
    /// Large-strain law of a stack under nodes of `node_radius_m`, blended from its neighbours on the lattice.
    ///
    /// `typical_pa` are the shear moduli that lie on the lattice, layer by layer.
    pub(crate) fn law(&self, stack: &Stack, typical_pa: &[f64], node_radius_m: f64) -> Stiffening {
        let layers = stack.layers();
        let relative = |l: &Layer, i: usize| l.mu_pa() / typical_pa[i];
        let scale = RADIUS_M / node_radius_m;
        let places = layers
            .iter()
            .map(|l| scale * l.thickness_m / THICKNESS_M)
            .chain((1..layers.len()).map(|i| relative(&layers[i], i) / relative(&layers[0], 0)))
            .map(|ratio| ratio.ln() / STEP.ln());
        let mut corners = vec![(1.0, vec![])];
        for place in places {
            let (low, share) = (place.floor(), place - place.floor());
            corners = corners
                .into_iter()
                .flat_map(|(w, at): (f64, Vec<i64>)| {
                    let next = |step: f64| [at.clone(), vec![(low + step) as i64]].concat();
                    [(w * (1.0 - share), next(0.0)), (w * share, next(1.0))]
                })
                // A stack that lies on the lattice needs no neighbour.
                .filter(|(w, _)| *w > 1e-9)
                .collect();
        }
        let laws: Vec<(f64, Stiffening)> = corners
            .into_iter()
            .map(|(w, at)| (w, self.on_lattice(layers, typical_pa, &at)))
            .collect();
        let parts: Vec<(f64, &Stiffening)> = laws.iter().map(|(w, law)| (*w, law)).collect();
        Stiffening::blend(&parts).scaled_to(stack.thickness_m())
    }

    /// The law of one lattice point, solved when first asked for.
    fn on_lattice(&self, like: &[Layer], typical_pa: &[f64], at: &[i64]) -> Stiffening {
        let bits = |v: f64| v.to_bits() as i64;
        let mut key = Vec::with_capacity(5 * like.len());
        for (l, typical) in like.iter().zip(typical_pa) {
            let alpha = match l.law {
                Law::Linear => 0.0,
                Law::NeoHookean => 2.0,
                Law::Ogden { alpha } => alpha,
            };
            key.extend([bits(alpha), bits(l.nu), bits(*typical)]);
        }
        key.extend(at);
        // Nothing but whole laws is ever put in, so a lock that a panic has poisoned guards no broken state.
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(law) = held.get(&key) {
            return *law;
        }
        drop(held);
        let count = like.len();
        let layers = like.iter().enumerate().map(|(i, l)| Layer {
            thickness_m: THICKNESS_M * STEP.powi(at[i] as i32),
            e_pa: 2.0
                * (1.0 + l.nu)
                * typical_pa[i]
                * if i == 0 {
                    1.0
                } else {
                    STEP.powi(at[count + i - 1] as i32)
                },
            ..l.clone()
        });
        let stack = Stack::try_new(layers.collect())
            .expect("a neighbour of a stack on the lattice is within the ranges of a stack");
        // Two threads may solve the same point: both get the same law, and waiting would cost more.
        let law = Stiffening::of(&stack, RADIUS_M);
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(key, law);
        law
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use back::{Back, Body, Limits, Sex};

    /// Between lattice points the blended law is the stack's own within 3 % of force to 0.4 of the thickness, on stacks from all over
    /// the back of a soft and a stiff body, under nodes of 15 to 45 mm: the lattice is solved for 20 mm alone, and every other radius is one
    /// of its similar stacks (worst measured: see the chapter).
    #[test]
    fn regress_blended_law_is_near_the_stacks_own() {
        let groundwork = Groundwork::new(0.004, 4, 0.001);
        let limits = Limits::builtin();
        let typical_pa = [&limits.skin, &limits.fat, &limits.muscle].map(|t| t.mu_pa);
        let mut worst = [0.0f64; 2];
        for (modulus_z, u, x_m, radii_m) in [
            (0.0, 0.12, 0.045, &[0.02, 0.032][..]),
            (0.0, 0.35, 0.03, &[0.02, 0.015]),
            (1.3, 0.55, 0.04, &[0.02, 0.023]),
            (-0.9, 0.7, 0.05, &[0.02, 0.027]),
            (0.0, 0.75, 0.025, &[0.02, 0.017, 0.045]),
            (0.0, 0.3, 0.1, &[0.02, 0.038]),
        ] {
            let body = Body {
                modulus_z,
                ..Body::mean(Sex::Female, 1.628, 25.5, 45.0)
            };
            let stack = Back::new(&body).unwrap().stack(u, x_m);
            for radius_m in radii_m {
                let own = Stiffening::of(&stack, *radius_m);
                let blended = groundwork.laws().law(&stack, &typical_pa, *radius_m);
                for eta in [0.05, 0.1, 0.2, 0.3, 0.4] {
                    let depth_m = eta * stack.thickness_m();
                    // Beyond one and a half radii both are carried on, not solved.
                    if depth_m > 1.5 * radius_m {
                        continue;
                    }
                    let off = blended.factor(depth_m).0 / own.factor(depth_m).0 - 1.0;
                    println!(
                        "{u} {x_m} R {radius_m} {eta}: {:.4} {:.2} %",
                        own.factor(depth_m).0,
                        100.0 * off
                    );
                    let of = usize::from(*radius_m != RADIUS_M);
                    worst[of] = worst[of].max(off.abs());
                }
            }
        }
        println!(
            "worst at 20 mm {:.4}, at other radii {:.4}",
            worst[0], worst[1]
        );
        assert!(worst[0] < 0.03 && worst[1] < 0.03, "{worst:?}");
    }

    /// A law that lies on the lattice at 20 mm lies on it at every radius that is similar: twice the size, the same curve, and no
    /// law solved twice.
    #[test]
    fn similar_nodes_share_the_lattice() {
        let lattice = LawLattice::default();
        let stack = |scale: f64| {
            let back = Back::new(&Body::mean(Sex::Female, 1.628, 25.5, 45.0)).unwrap();
            let usual = back.stack(0.55, 0.04);
            let layers = usual.layers().iter().map(|l| Layer {
                thickness_m: scale * l.thickness_m,
                ..l.clone()
            });
            Stack::try_new(layers.collect()).unwrap()
        };
        let limits = Limits::builtin();
        let typical_pa = [&limits.skin, &limits.fat, &limits.muscle].map(|t| t.mu_pa);
        let small = lattice.law(&stack(1.0), &typical_pa, 0.02);
        let solved = lattice.0.read().unwrap().len();
        let large = lattice.law(&stack(2.0), &typical_pa, 0.04);
        assert_eq!(lattice.0.read().unwrap().len(), solved);
        for depth_m in [0.002, 0.006, 0.012] {
            let (a, b) = (small.factor(depth_m).0, large.factor(2.0 * depth_m).0);
            assert!((a / b - 1.0).abs() < 1e-12, "{depth_m}: {a} {b}");
        }
    }
}
