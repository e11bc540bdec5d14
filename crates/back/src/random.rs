//! Numbers that depend on a counter alone: any body of a population can be drawn on its own, in any order, on any thread.

/// 64 mixed bits of a key: the finaliser of SplitMix64 (Steele, Lea, Flood 2014) over each part in turn.
pub(crate) fn hash(key: &[u64]) -> u64 {
    key.iter().fold(0x9E37_79B9_7F4A_7C15, |state, &part| {
        let mut z = state.wrapping_add(part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

/// Evenly spread over the open interval 0..1.
pub(crate) fn uniform(key: &[u64]) -> f64 {
    ((hash(key) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// Standard normal quantile: Acklam's rational approximation, relative error under 1.2e-9.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -39.69683028665376,
        220.9460984245205,
        -275.9285104469687,
        138.357751867269,
        -30.66479806614716,
        2.506628277459239,
    ];
    const B: [f64; 6] = [
        -54.47609879822406,
        161.5858368580409,
        -155.6989798598866,
        66.80131188771972,
        -13.28068155288572,
        1.0,
    ];
    const C: [f64; 6] = [
        -0.007784894002430293,
        -0.3223964580411365,
        -2.400758277161838,
        -2.549732537343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 5] = [
        0.007784695709041462,
        0.3224671290700398,
        2.445134137142996,
        3.754408661907416,
        1.0,
    ];
    let horner = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, k| sum * x + k);
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    if p < 0.02425 {
        let q = (-2.0 * p.ln()).sqrt();
        horner(&C, q) / horner(&D, q)
    } else {
        let q = p - 0.5;
        q * horner(&A, q * q) / horner(&B, q * q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles from any table of the normal distribution.
    #[test]
    fn val_normal_quantiles() {
        for (p, z) in [
            (0.5, 0.0),
            (0.841_344_746, 1.0),
            (0.975, 1.959_963_985),
            (0.01, -2.326_347_874),
            (0.001, -3.090_232_306),
        ] {
            assert!(
                (normal_quantile(p) - z).abs() < 1e-8,
                "{p}: {}",
                normal_quantile(p)
            );
        }
    }

    #[test]
    fn uniform_numbers_fill_the_interval() {
        let n = 20_000;
        let mean: f64 = (0..n).map(|i| uniform(&[7, i])).sum::<f64>() / n as f64;
        // Standard error 1 / sqrt(12 n) = 0.002; four of them.
        assert!((mean - 0.5).abs() < 0.008, "{mean}");
        assert_ne!(hash(&[1, 2]), hash(&[2, 1]));
    }
}
