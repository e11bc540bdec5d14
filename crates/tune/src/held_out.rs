//! What bodies that nothing was chosen on tell about a choice: a bound for what was never seen, and how far a search
//! flattered itself.

use crate::random::Draw;
use serde::{Deserialize, Serialize};

/// One-sided upper limit, 95 %, of the share of which `found` in `all` were drawn (Clopper and Pearson 1934).
///
/// With none in n it is `1 - 0.05^(1/n)`: "no violation in 299 bodies" bounds the share that has one by 1.0 %. It holds
/// for bodies drawn independently from the population in question and not looked at before.
pub fn bound_95(found: usize, all: usize) -> f64 {
    if found >= all {
        return 1.0;
    }
    let at_most = |share: f64| {
        let mut term = (1.0 - share).powi(all as i32);
        let mut sum = term;
        for k in 1..=found {
            term *= (all - k + 1) as f64 / k as f64 * share / (1.0 - share);
            sum += term;
        }
        sum
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if at_most(middle) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// How a choice does on the bodies it was searched on and on others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimism {
    /// On the bodies of the search.
    pub searched: f64,
    /// On held-out bodies.
    pub held_out: f64,
    /// `held_out - searched`: over 0 where the search flattered itself, the objective being minimised.
    pub gap: f64,
    /// Of the gap, by resampling the bodies of both sets 1000 times (Efron 1979).
    pub standard_error: f64,
}

/// Optimism of an objective: `searched` and `held_out` hold its value on each body, `aggregate` makes one number of
/// them (mean, worst, mean of the worst tenth, ...). `None` when either set is empty.
///
/// The sets hold different bodies, so there is nothing to pair and the spread between bodies is all in the standard error;
/// what a design gained over another is known better: [`optimism_of_gain`]. An aggregate that grows with the number of
/// bodies, as the worst does, wants sets of one size, and resampling understates its error.
pub fn optimism(
    aggregate: &dyn Fn(&[f64]) -> f64,
    searched: &[f64],
    held_out: &[f64],
    seed: u64,
) -> Option<Optimism> {
    resampled(
        &|bodies: &[f64]| aggregate(bodies),
        searched,
        held_out,
        seed,
    )
}

/// Optimism of the gain over a known design: each body has the value of the chosen design and of the known one, and what is
/// compared is `aggregate(chosen) - aggregate(known)`. Bodies are resampled with both their values, so what a body does to both
/// designs cancels.
pub fn optimism_of_gain(
    aggregate: &dyn Fn(&[f64]) -> f64,
    searched: &[[f64; 2]],
    held_out: &[[f64; 2]],
    seed: u64,
) -> Option<Optimism> {
    let gain = |bodies: &[[f64; 2]]| {
        let one = |k: usize| aggregate(&bodies.iter().map(|b| b[k]).collect::<Vec<_>>());
        one(0) - one(1)
    };
    resampled(&gain, searched, held_out, seed)
}

fn resampled<B: Copy>(
    value: &dyn Fn(&[B]) -> f64,
    searched: &[B],
    held_out: &[B],
    seed: u64,
) -> Option<Optimism> {
    const RESAMPLES: usize = 1000;
    const HELD_OUT: u64 = 0x91;
    if searched.is_empty() || held_out.is_empty() {
        return None;
    }
    let mut draw = Draw::new(&[seed, HELD_OUT]);
    let mut again = |bodies: &[B]| {
        let drawn: Vec<B> = bodies
            .iter()
            .map(|_| bodies[draw.below(bodies.len())])
            .collect();
        value(&drawn)
    };
    let gaps: Vec<f64> = (0..RESAMPLES)
        .map(|_| again(held_out) - again(searched))
        .collect();
    let mean = gaps.iter().sum::<f64>() / RESAMPLES as f64;
    let square: f64 = gaps.iter().map(|g| (g - mean).powi(2)).sum();
    let (on, off) = (value(searched), value(held_out));
    Some(Optimism {
        searched: on,
        held_out: off,
        gap: off - on,
        standard_error: (square / (RESAMPLES - 1) as f64).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// None in 72 is `1 - 0.05^(1/72)`; one in 20 is a table value of the exact binomial limit, 21.6 %; "rule of three":
    /// 299 without one bound the share by 1 %.
    #[test]
    fn val_bound_is_clopper_and_pearsons() {
        assert!((bound_95(0, 72) - 0.040754).abs() < 1e-5);
        assert!((bound_95(1, 20) - 0.216106).abs() < 1e-5);
        assert!((bound_95(0, 299) - 0.009969).abs() < 1e-5);
        assert_eq!(bound_95(3, 3), 1.0);
    }

    /// The error of a difference of means is `sqrt(s1^2 / n1 + s2^2 / n2)`; 1000 resamples know it to about 2 %, and
    /// resampling divides by n: another 1 % low here.
    #[test]
    fn val_standard_error_of_a_mean() {
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let mut draw = Draw::new(&[1]);
        let body = |draw: &mut Draw, shift: f64| shift + draw.normal();
        let searched: Vec<f64> = (0..80).map(|_| body(&mut draw, 5.0)).collect();
        let held_out: Vec<f64> = (0..50).map(|_| body(&mut draw, 5.5)).collect();
        let variance =
            |v: &[f64]| v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>() / (v.len() - 1) as f64;
        let error = (variance(&searched) / 80.0 + variance(&held_out) / 50.0).sqrt();
        let found = optimism(&mean, &searched, &held_out, 3).unwrap();
        assert!((found.gap - (mean(&held_out) - mean(&searched))).abs() < 1e-12);
        assert!(
            (found.standard_error / error - 1.0).abs() < 0.08,
            "{found:?} {error}"
        );
        assert_eq!(optimism(&mean, &searched, &[], 3), None);

        // Both designs feel a body alike, and the known one is 1 worse: nothing of the bodies' spread is left.
        let pairs = |v: &[f64]| v.iter().map(|x| [*x, x + 1.0]).collect::<Vec<_>>();
        let gain = optimism_of_gain(&mean, &pairs(&searched), &pairs(&held_out), 3).unwrap();
        assert!(
            (gain.searched + 1.0).abs() < 1e-12 && gain.standard_error < 1e-12,
            "{gain:?}"
        );
    }
}
