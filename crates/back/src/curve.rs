//! Smooth tables of one variable, made once per body and read a million times.

/// `K` functions of `u` sampled on one even grid, cubic Hermite between samples: value and first derivative are continuous.
/// Outside the grid each goes on along its end tangent.
#[derive(Clone, Debug)]
pub(crate) struct Table<const K: usize> {
    from: f64,
    step: f64,
    /// Value and slope per sample.
    samples: Vec<[[f64; 2]; K]>,
}

impl<const K: usize> Table<K> {
    /// Samples `f(u) -> [[value, slope]; K]` at `n + 1` points over `from..=to`.
    pub fn new(from: f64, to: f64, n: usize, mut f: impl FnMut(f64) -> [[f64; 2]; K]) -> Table<K> {
        let step = (to - from) / n as f64;
        Table {
            from,
            step,
            samples: (0..=n).map(|i| f(from + i as f64 * step)).collect(),
        }
    }

    /// `[value, slope]` of each function at `u`.
    pub fn at(&self, u: f64) -> [[f64; 2]; K] {
        let last = self.samples.len() - 1;
        let position = (u - self.from) / self.step;
        if !(position > 0.0 && position < last as f64) {
            let (end, distance) = if position > 0.0 {
                (last, position - last as f64)
            } else {
                (0, position)
            };
            return self.samples[end].map(|[v, d]| [v + d * distance * self.step, d]);
        }
        let i = position as usize;
        let t = position - i as f64;
        let (a, b) = (&self.samples[i], &self.samples[i + 1]);
        std::array::from_fn(|k| hermite(a[k], b[k], self.step, t))
    }
}

/// Cubic through two points with two slopes over a span `h`; `t` is 0 to 1. Gives value and slope.
pub(crate) fn hermite([v0, d0]: [f64; 2], [v1, d1]: [f64; 2], h: f64, t: f64) -> [f64; 2] {
    let dv = v1 - v0;
    let (a, b) = (h * d0 - dv, dv - h * d1);
    let s = 1.0 - t;
    let value = v0 + t * dv + t * s * (s * a + t * b);
    let slope = (dv + (s - t) * (s * a + t * b) + t * s * (b - a)) / h;
    [value, slope]
}

/// A monotone piecewise cubic through knots (Fritsch and Carlson 1980, with the harmonic-mean slopes of Fritsch and Butland 1984):
/// once differentiable, and never outside the values of the knots beside it. Constant beyond its ends.
#[derive(Clone, Debug)]
pub(crate) struct Pchip {
    knots: Vec<[f64; 2]>,
    slopes: Vec<f64>,
}

impl Pchip {
    /// Knots `[u, value]`, `u` increasing, at least two.
    pub fn new(knots: &[[f64; 2]]) -> Pchip {
        let n = knots.len();
        let h = |i: usize| knots[i + 1][0] - knots[i][0];
        let secant = |i: usize| (knots[i + 1][1] - knots[i][1]) / h(i);
        let slopes = (0..n)
            .map(|i| {
                // Flat at both ends, so that holding the end value beyond them is smooth.
                if i == 0 || i + 1 == n || secant(i - 1) * secant(i) <= 0.0 {
                    return 0.0;
                }
                let (w0, w1) = (2.0 * h(i) + h(i - 1), h(i) + 2.0 * h(i - 1));
                (w0 + w1) / (w0 / secant(i - 1) + w1 / secant(i))
            })
            .collect();
        Pchip {
            knots: knots.to_vec(),
            slopes,
        }
    }

    /// `[value, slope]` at `u`.
    pub fn at(&self, u: f64) -> [f64; 2] {
        let n = self.knots.len();
        if u <= self.knots[0][0] {
            return [self.knots[0][1], 0.0];
        }
        if u >= self.knots[n - 1][0] {
            return [self.knots[n - 1][1], 0.0];
        }
        let i = self.knots.partition_point(|k| k[0] <= u) - 1;
        let ([u0, v0], [u1, v1]) = (self.knots[i], self.knots[i + 1]);
        hermite(
            [v0, self.slopes[i]],
            [v1, self.slopes[i + 1]],
            u1 - u0,
            (u - u0) / (u1 - u0),
        )
    }
}

/// `3 t^2 - 2 t^3` of `t` clamped to 0..1, with its derivative.
pub(crate) fn smoothstep(t: f64) -> [f64; 2] {
    let t = t.clamp(0.0, 1.0);
    [t * t * (3.0 - 2.0 * t), 6.0 * t * (1.0 - t)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hermite_cubic_reproduces_a_cubic() {
        let f = |u: f64| [u * u * u - 2.0 * u + 1.0, 3.0 * u * u - 2.0];
        let table = Table::<1>::new(-1.0, 2.0, 6, |u| [f(u)]);
        for i in 0..=300 {
            let u = -1.0 + 0.01 * f64::from(i);
            let ([v, d], [w, e]) = (table.at(u)[0], f(u));
            assert!(
                (v - w).abs() < 1e-12 && (d - e).abs() < 1e-11,
                "{u}: {v} {w}, {d} {e}"
            );
        }
        // Beyond the end, along the tangent: f(2) = 5, f'(2) = 10.
        assert!((table.at(2.5)[0][0] - 10.0).abs() < 1e-12);
    }

    #[test]
    fn a_monotone_cubic_meets_its_knots_and_never_overshoots() {
        let knots = [[0.0, 1.0], [0.1, 1.0], [0.2, 5.0], [1.0, 5.5], [1.1, 2.0]];
        let curve = Pchip::new(&knots);
        for [u, v] in knots {
            assert!((curve.at(u)[0] - v).abs() < 1e-12);
        }
        for i in 0..1100 {
            let u = 0.001 * f64::from(i);
            let j = knots.partition_point(|k| k[0] <= u) - 1;
            let (lo, hi) = (
                knots[j][1].min(knots[j + 1][1]),
                knots[j][1].max(knots[j + 1][1]),
            );
            let v = curve.at(u)[0];
            assert!(v >= lo - 1e-12 && v <= hi + 1e-12, "{u}: {v}");
        }
    }
}
