//! The product of an influence table with a pressure field: the inner loop of every contact.

use crate::frame::Frame;
use crate::kernel::{Kernel, LANES_MAX};
use pulp::{Arch, Simd, WithSimd};
use std::array::from_mut;
use std::ops::Range;

/// Most vectors of a row that are summed in registers at once.
const BLOCKS: usize = 3;
/// Running sums of each cell. Two rows of three vectors take twelve, and with two pressures and the table fill the
/// sixteen registers of AVX2; eight fused products must be under way at once, which two vectors give.
const CHAINS: usize = 2;
/// Cells of the source that are taken without a look at where the row ends.
const GROUP: usize = 4;

/// `out = K source` on the cells `wanted` and some of their neighbours. The source is zero off the cells `loaded`.
///
/// Row by row the table is a band of a Toeplitz matrix: neighbours in a vector are neighbours on the skin. The band is the
/// same for a row and a row of the source and for the next of both, so rows are taken in twos and a vector of the table
/// is loaded once for both. All rows are as long as the longest: a processor that guesses where a row ends is wrong too
/// often at rows of ten cells. Each cell's sum is taken in one fixed order of fused products, so that every width of vector
/// gives the same bits (slowly on a machine that cannot fuse).
#[derive(Debug)]
pub(crate) struct Product<'a> {
    pub kernel: &'a Kernel,
    pub side: usize,
    pub source: &'a [f32],
    pub loaded: &'a Frame,
    pub wanted: &'a Frame,
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
        // Whole groups, where the window has room for them: cells beside the frame are zero.
        let columns = &self.loaded.columns;
        let end = self
            .side
            .min(columns.start + columns.len().next_multiple_of(GROUP));
        let lines = Lines {
            kernel: self.kernel,
            side: self.side,
            source: self.source,
            rows: self.loaded.rows.clone(),
            columns: end.saturating_sub(columns.len().next_multiple_of(GROUP))..end,
        };
        let (rows, columns) = (&self.wanted.rows, &self.wanted.columns);
        if self.loaded.is_empty() {
            for row in rows.clone() {
                self.out[row * self.side..][columns.clone()].fill(0.0);
            }
            return;
        }
        for row in rows.clone().step_by(2) {
            let twice = row + 1 < rows.end;
            let mut from = columns.start;
            while from < columns.end {
                let blocks = (columns.end - from).div_ceil(S::F32_LANES).min(BLOCKS);
                match (blocks, twice) {
                    (1, true) => lines.sum_two::<S, 1>(simd, [row, from], self.out),
                    (2, true) => lines.sum_two::<S, 2>(simd, [row, from], self.out),
                    (_, true) => lines.sum_two::<S, BLOCKS>(simd, [row, from], self.out),
                    (1, false) => lines.sum_one::<S, 1>(simd, [row, from], self.out),
                    (2, false) => lines.sum_one::<S, 2>(simd, [row, from], self.out),
                    (_, false) => lines.sum_one::<S, BLOCKS>(simd, [row, from], self.out),
                }
                from += blocks * S::F32_LANES;
            }
        }
    }
}

/// What is multiplied.
struct Lines<'a> {
    kernel: &'a Kernel,
    side: usize,
    source: &'a [f32],
    /// Of the source.
    rows: Range<usize>,
    columns: Range<usize>,
}

/// Running sums of `N` vectors of one row.
type Sums<S, const N: usize> = [[<S as Simd>::f32s; CHAINS]; N];

impl Lines<'_> {
    /// Sums of a row from one column on, and of the next.
    #[inline(always)]
    fn sum_two<S: Simd, const N: usize>(&self, simd: S, [row, from]: [usize; 2], out: &mut [f32]) {
        let mut sums = [[[simd.splat_f32s(0.0); CHAINS]; N]; 2];
        let (first, last) = (self.rows.start, self.rows.end - 1);
        self.add(simd, from_mut(&mut sums[1]), [first], [row + 1, from]);
        for other in first..last {
            self.add(simd, &mut sums, [other, other + 1], [row, from]);
        }
        self.add(simd, from_mut(&mut sums[0]), [last], [row, from]);
        for (row, sums) in (row..).zip(sums) {
            store(simd, sums, from, &mut out[row * self.side..][..self.side]);
        }
    }

    /// Sums of a row alone, in the same order.
    #[inline(always)]
    fn sum_one<S: Simd, const N: usize>(&self, simd: S, [row, from]: [usize; 2], out: &mut [f32]) {
        let mut sums = [[simd.splat_f32s(0.0); CHAINS]; N];
        for other in self.rows.clone() {
            self.add(simd, from_mut(&mut sums), [other], [row, from]);
        }
        store(simd, sums, from, &mut out[row * self.side..][..self.side]);
    }

    /// Adds a row of the source to each of `R` rows; the first one goes to row `row`, the others to those below it. Cells take
    /// turns among the chains.
    #[inline(always)]
    fn add<S: Simd, const R: usize, const N: usize>(
        &self,
        simd: S,
        sums: &mut [Sums<S, N>; R],
        sources: [usize; R],
        [row, from]: [usize; 2],
    ) {
        let columns = &self.columns;
        let middle = self.kernel.reach() - 1;
        let table = self.kernel.padded_row(row.abs_diff(sources[0]));
        // From the entry of the last cell on.
        let table = &table[middle + from + 1 - columns.end..];
        let lines = sources.map(|row| &self.source[row * self.side..][columns.clone()]);
        let (count, whole) = (columns.len(), columns.len() - columns.len() % GROUP);
        for first in (0..whole).step_by(GROUP) {
            let group = lines.map(|line| &line[first..first + GROUP]);
            let table = &table[count - first - GROUP..][..N * S::F32_LANES + GROUP - 1];
            for entry in 0..GROUP {
                let p = group.map(|group| group[GROUP - 1 - entry]);
                add_cells(simd, sums, entry % CHAINS, p, &table[entry..]);
            }
        }
        for cell in whole..count {
            let p = lines.map(|line| line[cell]);
            add_cells(simd, sums, 0, p, &table[count - 1 - cell..]);
        }
    }
}

/// Adds a cell of the source to each row; `table` starts at their entry.
#[inline(always)]
fn add_cells<S: Simd, const R: usize, const N: usize>(
    simd: S,
    sums: &mut [Sums<S, N>; R],
    chain: usize,
    cells: [f32; R],
    table: &[f32],
) {
    let mut p = [simd.splat_f32s(0.0); R];
    for (p, cell) in p.iter_mut().zip(cells) {
        *p = simd.splat_f32s(cell);
    }
    for n in 0..N {
        let k = &table[n * S::F32_LANES..(n + 1) * S::F32_LANES];
        let k = S::as_simd_f32s(k).0[0];
        for (sums, p) in sums.iter_mut().zip(p) {
            sums[n][chain] = simd.mul_add_f32s(p, k, sums[n][chain]);
        }
    }
}

/// Joins the chains and lays them into a row from one column on, as far as it goes.
#[inline(always)]
fn store<S: Simd, const N: usize>(simd: S, sums: Sums<S, N>, from: usize, out: &mut [f32]) {
    let mut lanes = [0.0; BLOCKS * LANES_MAX];
    for (lanes, [a, b]) in lanes.chunks_exact_mut(S::F32_LANES).zip(sums) {
        S::as_mut_simd_f32s(lanes).0[0] = simd.add_f32s(a, b);
    }
    let count = (N * S::F32_LANES).min(out.len() - from);
    out[from..from + count].copy_from_slice(&lanes[..count]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Span;
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
        let inside = |i: usize| (loaded[i / side].0..loaded[i / side].1).contains(&(i % side));
        let source: Vec<f32> = (0..side * side)
            .map(|i| f32::from(u8::from(inside(i))) * ((i * 7919) % 101) as f32 * 0.37)
            .collect();
        let (mut wide, mut plain) = (vec![-1.0; side * side], vec![-1.0; side * side]);
        let frames = [Frame::of(&loaded), Frame::of(&wanted)];
        let product = |out| Product {
            kernel: &kernel,
            side,
            source: &source,
            loaded: &frames[0],
            wanted: &frames[1],
            out,
        };
        product(&mut wide).run();
        product(&mut plain).with_simd(pulp::Scalar);
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
                assert_eq!(wide[row * side + column], plain[row * side + column]);
                let off = f64::from(wide[row * side + column]) / sum - 1.0;
                assert!(off.abs() < 250.0 * 6e-8, "{row} {column}: {off}");
            }
        }
    }
}
