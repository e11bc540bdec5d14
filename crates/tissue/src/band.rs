//! A symmetric banded system: what a narrow mesh leads to.

/// Lower half of a symmetric matrix within a band, column after column.
///
/// Own code, since kept crates bring a general sparse solver (and its ordering) for what is a triple loop here.
#[derive(Clone, Debug)]
pub(crate) struct Band {
    size: usize,
    /// Entries of a column: the diagonal and what lies below it.
    height: usize,
    entries: Vec<f64>,
}

impl Band {
    /// Zeros, for unknowns at most `bandwidth` apart.
    pub fn new(size: usize, bandwidth: usize) -> Band {
        let height = bandwidth + 1;
        Band {
            size,
            height,
            entries: vec![0.0; size * height],
        }
    }

    /// Adds to one entry; those above the diagonal are the same as below it and are left out.
    pub fn add(&mut self, row: usize, column: usize, value: f64) {
        if row >= column {
            self.entries[column * self.height + (row - column)] += value;
        }
    }

    /// Takes one unknown out: its row and column become the unit's.
    pub fn hold(&mut self, unknown: usize) {
        let h = self.height;
        self.entries[unknown * h..(unknown + 1) * h].fill(0.0);
        self.entries[unknown * h] = 1.0;
        for column in unknown.saturating_sub(h - 1)..unknown {
            self.entries[column * h + (unknown - column)] = 0.0;
        }
    }

    /// `L D L'` in place, without exchange of rows; `None` if a pivot vanishes.
    pub fn factor(mut self) -> Option<Factored> {
        let h = self.height;
        for j in 0..self.size {
            let (done, rest) = self.entries.split_at_mut((j + 1) * h);
            let column = &mut done[j * h..];
            let pivot = column[0];
            if pivot == 0.0 || !pivot.is_finite() {
                return None;
            }
            let reach = h.min(self.size - j);
            for k in 1..reach {
                let factor = column[k] / pivot;
                if factor != 0.0 {
                    let target = &mut rest[(k - 1) * h..][..reach - k];
                    for (t, c) in target.iter_mut().zip(&column[k..reach]) {
                        *t -= factor * c;
                    }
                }
            }
            for l in &mut column[1..reach] {
                *l /= pivot;
            }
        }
        Some(Factored(self))
    }
}

/// A matrix as `L D L'`.
pub(crate) struct Factored(Band);

impl Factored {
    /// Turns a right-hand side into the answer.
    pub fn solve(&self, right: &mut [f64]) {
        let Factored(Band {
            size,
            height,
            entries,
        }) = self;
        let column = |j: usize| &entries[j * height..][..(*height).min(size - j)];
        for j in 0..*size {
            let x = right[j];
            for (k, l) in column(j).iter().enumerate().skip(1) {
                right[j + k] -= l * x;
            }
        }
        for j in (0..*size).rev() {
            let column = column(j);
            let mut x = right[j] / column[0];
            for (k, l) in column.iter().enumerate().skip(1) {
                x -= l * right[j + k];
            }
            right[j] = x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of springs of 1, 2, 3, ... N/m held at both ends and loaded in the middle, against nalgebra's dense solver.
    #[test]
    fn val_band_is_the_dense_answer() {
        let n = 9;
        let mut band = Band::new(n, 2);
        let mut dense = nalgebra::DMatrix::zeros(n, n);
        for i in 0..n {
            for (j, v) in [(i, 3.0 + i as f64), (i + 1, -1.0), (i + 2, 0.5)] {
                if j < n {
                    band.add(j, i, v);
                    dense[(i, j)] = v;
                    dense[(j, i)] = v;
                }
            }
        }
        band.hold(3);
        for i in 0..n {
            dense[(3, i)] = 0.0;
            dense[(i, 3)] = 0.0;
        }
        dense[(3, 3)] = 1.0;
        let mut x = vec![1.0; n];
        x[3] = 0.0;
        let right = nalgebra::DVector::from_vec(x.clone());
        band.factor().unwrap().solve(&mut x);
        let exact = dense.lu().solve(&right).unwrap();
        for i in 0..n {
            assert!((x[i] - exact[i]).abs() < 1e-12);
        }
    }
}
