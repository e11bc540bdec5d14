//! The product of an influence table with a pressure field: the inner loop of every contact.

use crate::kernel::{Kernel, LANES_MAX};
use pulp::{Arch, Simd, WithSimd};

/// Columns `from..to` of one row; empty if `from >= to`.
pub(crate) type Span = (usize, usize);

/// Most vectors of one row that are summed in registers at once.
const BLOCKS: usize = 3;
/// Running sums of each cell: so many fused products are under way at once. Twelve sums, a pressure and the table fill the
/// sixteen registers of AVX2.
const CHAINS: usize = 4;

/// `out = K source` on the spans `wanted`, from the spans `loaded` of the source; other cells are left alone.
///
/// Row by row the table is a band of a Toeplitz matrix: neighbours in a vector are neighbours on the skin, and each
/// cell's sum is taken in one fixed order of fused products, so that every width of vector gives the same bits (slowly
/// on a machine that cannot fuse).
#[derive(Debug)]
pub(crate) struct Product<'a> {
    pub kernel: &'a Kernel,
    pub side: usize,
    pub source: &'a [f32],
    pub loaded: &'a [Span],
    pub wanted: &'a [Span],
    pub out: &'a mut [f32],
}

impl Product<'_> {
    /// With the widest vectors that this machine has.
    pub fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        const { assert!(S::F32_LANES <= LANES_MAX) };
        for (row, &(from, to)) in self.wanted.iter().enumerate() {
            let mut from = from;
            while from < to {
                let blocks = (to - from).div_ceil(S::F32_LANES).min(BLOCKS);
                let end = (from + blocks * S::F32_LANES).min(to);
                let sums = &mut self.out[row * self.side + from..row * self.side + end];
                let line = Line {
                    kernel: self.kernel,
                    side: self.side,
                    source: self.source,
                    loaded: self.loaded,
                    row,
                    from,
                };
                match blocks {
                    1 => line.sum::<S, 1>(simd, sums),
                    2 => line.sum::<S, 2>(simd, sums),
                    _ => line.sum::<S, BLOCKS>(simd, sums),
                }
                from = end;
            }
        }
    }
}

/// Cells of one row from one column on.
struct Line<'a> {
    kernel: &'a Kernel,
    side: usize,
    source: &'a [f32],
    loaded: &'a [Span],
    row: usize,
    from: usize,
}

impl Line<'_> {
    #[inline(always)]
    fn sum<S: Simd, const N: usize>(&self, simd: S, out: &mut [f32]) {
        let mut sums = [[simd.splat_f32s(0.0); CHAINS]; N];
        let middle = self.kernel.reach() - 1;
        for (other, &(first, last)) in self.loaded.iter().enumerate() {
            if first < last {
                let source = &self.source[other * self.side..][first..last];
                let table = self.kernel.padded_row(self.row.abs_diff(other));
                let table = &table[middle + self.from + 1 - last..];
                add_line(simd, &mut sums, source, table);
            }
        }
        let mut lanes = [0.0; BLOCKS * LANES_MAX];
        for (lanes, [a, b, c, d]) in lanes.chunks_exact_mut(S::F32_LANES).zip(sums) {
            let sum = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
            S::as_mut_simd_f32s(lanes).0[0] = sum;
        }
        out.copy_from_slice(&lanes[..out.len()]);
    }
}

/// Adds one row of the source; `table` starts at the entry of its last cell. Cells take turns among the chains.
#[inline(always)]
fn add_line<S: Simd, const N: usize>(
    simd: S,
    sums: &mut [[S::f32s; CHAINS]; N],
    source: &[f32],
    table: &[f32],
) {
    let lanes = S::F32_LANES;
    let mut left = source.len();
    let mut groups = source.chunks_exact(CHAINS);
    for group in &mut groups {
        left -= CHAINS;
        let k = &table[left..left + N * lanes + CHAINS - 1];
        for (chain, p) in group.iter().rev().enumerate() {
            let p = simd.splat_f32s(*p);
            for (n, sums) in sums.iter_mut().enumerate() {
                let k = &k[n * lanes..n * lanes + lanes + CHAINS - 1][chain..chain + lanes];
                sums[chain] = simd.mul_add_f32s(p, S::as_simd_f32s(k).0[0], sums[chain]);
            }
        }
    }
    for (chain, p) in groups.remainder().iter().enumerate() {
        left -= 1;
        let p = simd.splat_f32s(*p);
        let k = &table[left..left + N * lanes];
        for (n, sums) in sums.iter_mut().enumerate() {
            let k = &k[n * lanes..n * lanes + lanes];
            sums[chain] = simd.mul_add_f32s(p, S::as_simd_f32s(k).0[0], sums[chain]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::KernelBasis;
    use crate::stack::{Law, Layer, Stack};

    /// The widest vectors of this machine and plain numbers give the same bits, and both the sum as it is written,
    /// to single precision (250 terms of one sign: 250 roundings of 6e-8 at the very most).
    #[test]
    fn regress_every_width_gives_the_same_bits() {
        let layer = Layer {
            name: "l".into(),
            thickness_m: 0.03,
            e_pa: 20e3,
            nu: 0.45,
            law: Law::Linear,
            prony: vec![],
        };
        let kernel =
            KernelBasis::new(0.002, 32, 0.02).kernel(&Stack::try_new(vec![layer]).unwrap());
        let side = 29;
        // A disc with a notch, and one row that is wider than four vectors of eight where there is room.
        let spans = |r: f64| -> Vec<Span> {
            let half = |row: usize| (r * r - (row as f64 - 14.2).powi(2)).max(0.0).sqrt();
            let span = |row| {
                (
                    (14.6 - half(row)).ceil() as usize,
                    (14.6 + half(row)) as usize,
                )
            };
            (0..side)
                .map(|row| if row == 9 { (0, side) } else { span(row) })
                .collect()
        };
        let (loaded, wanted) = (spans(8.6), spans(10.7));
        let source: Vec<f32> = (0..side * side)
            .map(|i| ((i * 7919) % 101) as f32 * 0.37)
            .collect();
        let (mut wide, mut plain) = (vec![-1.0; side * side], vec![-1.0; side * side]);
        let product = |out| Product {
            kernel: &kernel,
            side,
            source: &source,
            loaded: &loaded,
            wanted: &wanted,
            out,
        };
        product(&mut wide).run();
        product(&mut plain).with_simd(pulp::Scalar);
        assert_eq!(wide, plain);
        for (row, &(from, to)) in wanted.iter().enumerate() {
            for column in from..to {
                let terms = loaded
                    .iter()
                    .enumerate()
                    .flat_map(|(other, &(first, last))| {
                        let (kernel, source) = (&kernel, &source);
                        (first..last).map(move |c| {
                            kernel.at(column.abs_diff(c), row.abs_diff(other))
                                * f64::from(source[other * side + c])
                        })
                    });
                let sum: f64 = terms.sum();
                let off = f64::from(wide[row * side + column]) / sum - 1.0;
                assert!(off.abs() < 250.0 * 6e-8, "{row} {column}: {off}");
            }
        }
    }
}
