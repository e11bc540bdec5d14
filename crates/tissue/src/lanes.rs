//! Loops over whole rows of cells, written so that the compiler turns them into vectors.
//!
//! Sums and smallest values run in [`LANES`] strands that are joined in one order, so that every machine gives the same
//! bits: a compiler may not reorder additions by itself, and one strand would wait for each of them. What a loop writes
//! is an argument of a function here: only of arguments does the compiler know that they do not overlap.

/// Strands of a sum.
const LANES: usize = 8;

/// Runs an expression in a build of it for the widest vectors that this machine has. What it calls must be inlined.
macro_rules! wide {
    ($body:expr) => {{
        let once = crate::lanes::Once;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let _once = once;
                $body
            },
        )
    }};
}
pub(crate) use wide;

/// What a closure takes with it so that it can be called but once: only then is its body inlined as a whole.
pub(crate) struct Once;

/// Sum in double precision.
#[inline(always)]
pub(crate) fn sum<T: Copy + Into<f64>>(a: &[T]) -> f64 {
    let mut strands = [0.0; LANES];
    let chunks = a.chunks_exact(LANES);
    let tail: f64 = chunks.remainder().iter().map(|x| (*x).into()).sum();
    for chunk in chunks {
        for (strand, x) in strands.iter_mut().zip(chunk) {
            *strand += (*x).into();
        }
    }
    join(strands) + tail
}

/// Dot product in double precision, since squares of small gaps would run out of single precision's exponents.
#[inline(always)]
pub(crate) fn dot<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    let product = |(x, y): (&T, &T)| -> f64 { (*x).into() * (*y).into() };
    let mut strands = [0.0; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f64 = a.remainder().iter().zip(b.remainder()).map(product).sum();
    for (x, y) in a.zip(b) {
        for (strand, pair) in strands.iter_mut().zip(x.iter().zip(y)) {
            *strand += product(pair);
        }
    }
    join(strands) + tail
}

/// `sum a (ahead - behind)` in double precision.
#[inline(always)]
pub(crate) fn dot_change(a: &[f64], ahead: &[f32], behind: &[f32]) -> f64 {
    let count = a.len();
    let (ahead, behind) = (&ahead[..count], &behind[..count]);
    let change = |i: usize| a[i] * f64::from(ahead[i] - behind[i]);
    let mut strands = [0.0; LANES];
    let whole = count - count % LANES;
    for first in (0..whole).step_by(LANES) {
        for (lane, strand) in strands.iter_mut().enumerate() {
            *strand += change(first + lane);
        }
    }
    join(strands) + (whole..count).map(change).sum::<f64>()
}

/// Largest of numbers that are no NaN; minus infinity of none.
#[inline(always)]
pub(crate) fn largest(a: &[f64]) -> f64 {
    let larger = |x: f64, y: f64| if y > x { y } else { x };
    let mut strands = [f64::NEG_INFINITY; LANES];
    let chunks = a.chunks_exact(LANES);
    let tail = chunks.remainder().iter().copied();
    let tail = tail.fold(f64::NEG_INFINITY, larger);
    for chunk in chunks {
        for (strand, x) in strands.iter_mut().zip(chunk) {
            *strand = larger(*strand, *x);
        }
    }
    strands.into_iter().fold(tail, larger)
}

/// How many are above zero.
#[inline(always)]
pub(crate) fn count_positive(a: &[f64]) -> usize {
    let mut strands = [0u64; LANES];
    let chunks = a.chunks_exact(LANES);
    let tail = chunks.remainder().iter().filter(|x| **x > 0.0).count();
    for chunk in chunks {
        for (strand, x) in strands.iter_mut().zip(chunk) {
            *strand += u64::from(*x > 0.0);
        }
    }
    strands.iter().sum::<u64>() as usize + tail
}

/// 1 where there is pressure, else 0.
#[inline(always)]
pub(crate) fn mark(active: &mut [f32], pressure: &[f64]) {
    for (a, p) in active.iter_mut().zip(pressure) {
        *a = f32::from(u8::from(*p > 0.0));
    }
}

/// `source = gain p + history`.
#[inline(always)]
pub(crate) fn load(source: &mut [f32], pressure: &[f64], history: &[f64], gain: f64) {
    for (s, (p, h)) in source.iter_mut().zip(pressure.iter().zip(history)) {
        *s = (gain * p + h) as f32;
    }
}

/// `out += a`, each rounded to single precision.
#[inline(always)]
pub(crate) fn add_rounded(out: &mut [f32], a: &[f64]) {
    for (out, a) in out.iter_mut().zip(a) {
        *out += *a as f32;
    }
}

/// `out -= a`, each rounded to single precision.
#[inline(always)]
pub(crate) fn less_rounded(out: &mut [f32], a: &[f64]) {
    for (out, a) in out.iter_mut().zip(a) {
        *out -= *a as f32;
    }
}

/// `out = a - b`.
#[inline(always)]
pub(crate) fn less(out: &mut [f32], a: &[f32], b: &[f32]) {
    for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        *out = a - b;
    }
}

/// `sum p w`, and the largest `w` where there is pressure, at least 0.
#[inline(always)]
pub(crate) fn dot_and_largest(p: &[f64], w: &[f32]) -> (f64, f32) {
    let mut sums = [0.0f64; LANES];
    let mut most = [0.0f32; LANES];
    for (p, w) in p.chunks(LANES).zip(w.chunks(LANES)) {
        for (i, (p, w)) in p.iter().zip(w).enumerate() {
            sums[i] += p * f64::from(*w);
            let w = if *p > 0.0 { *w } else { 0.0 };
            most[i] = if w > most[i] { w } else { most[i] };
        }
    }
    (sums.iter().sum(), most.into_iter().fold(0.0, f32::max))
}

/// First and one past the last that is not zero; an empty span at the end if all are.
#[inline(always)]
pub(crate) fn filled<T: Copy + Default + PartialEq>(a: &[T]) -> (usize, usize) {
    let counts = |x: &T| *x != T::default();
    // Eight at a time: most are on one side of an edge.
    let any = |chunk: &[T]| chunk.iter().fold(false, |any, x| any | counts(x));
    let edge = a.chunks(LANES).position(any).map_or(a.len(), |c| c * LANES);
    let Some(from) = a[edge..].iter().position(counts) else {
        return (a.len(), a.len());
    };
    let mut to = a.len();
    while !to.is_multiple_of(LANES) && !counts(&a[to - 1]) {
        to -= 1;
    }
    while to.is_multiple_of(LANES) && !any(&a[to - LANES..to]) {
        to -= LANES;
    }
    while !counts(&a[to - 1]) {
        to -= 1;
    }
    (edge + from, to)
}

/// `p += step d` and `r -= step q`; the smallest `p`.
#[inline(always)]
pub(crate) fn advance(p: &mut [f64], d: &[f32], r: &mut [f32], q: &[f32], step: f32) -> f64 {
    for (r, q) in r.iter_mut().zip(q) {
        *r -= step * q;
    }
    let mut strands = [0.0f64; LANES];
    let mut chunks = p.chunks_exact_mut(LANES);
    let mut steps = d.chunks_exact(LANES);
    for (p, d) in (&mut chunks).zip(&mut steps) {
        for (least, (p, d)) in strands.iter_mut().zip(p.iter_mut().zip(d)) {
            *p += f64::from(step * d);
            *least = if *p < *least { *p } else { *least };
        }
    }
    let mut least = strands.into_iter().fold(0.0, f64::min);
    for (p, d) in chunks.into_remainder().iter_mut().zip(steps.remainder()) {
        *p += f64::from(step * d);
        least = least.min(*p);
    }
    least
}

/// `out = active * stencil(r)` for every cell but a margin of one row and one cell at either end of `r`; weights of
/// middle, edges and corners.
#[inline(always)]
pub(crate) fn stencil(out: &mut [f32], active: &[f32], r: &[f32], side: usize, weights: [f32; 3]) {
    let count = out.len();
    let line = |row: usize| &r[row * side..][..count + 2];
    let (above, here, below, active) = (line(0), line(1), line(2), &active[..count]);
    let [middle, edge, corner] = weights;
    for i in 0..count {
        let edges = (above[i + 1] + below[i + 1]) + (here[i] + here[i + 2]);
        let corners = (above[i] + above[i + 2]) + (below[i] + below[i + 2]);
        out[i] = active[i] * (middle * here[i + 1] + edge * edges + corner * corners);
    }
}

/// `d = z + keep d`.
#[inline(always)]
pub(crate) fn turn(d: &mut [f32], z: &[f32], keep: f32) {
    for (d, z) in d.iter_mut().zip(z) {
        *d = z + keep * *d;
    }
}

/// `q = active * (gain q + own d + more)`.
#[inline(always)]
pub(crate) fn complete(
    q: &mut [f32],
    active: &[f32],
    own: &[f32],
    d: &[f32],
    gain: f32,
    more: f32,
) {
    let count = q.len();
    let (active, own, d) = (&active[..count], &own[..count], &d[..count]);
    for i in 0..count {
        q[i] = active[i] * (gain * q[i] + own[i] * d[i] + more);
    }
}

/// `r += step k + more`.
#[inline(always)]
pub(crate) fn add(r: &mut [f32], k: &[f32], step: f32, more: f32) {
    for (r, k) in r.iter_mut().zip(k) {
        *r += step * k + more;
    }
}

/// `out = sum w_i a_i` of four rows.
#[inline(always)]
pub(crate) fn mix(out: &mut [f32], rows: [&[f32]; 4], weights: [f32; 4]) {
    let count = out.len();
    let [a, b, c, d] = rows.map(|row| &row[..count]);
    let [wa, wb, wc, wd] = weights;
    for i in 0..count {
        out[i] = wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
    }
}

/// `r *= a`.
#[inline(always)]
pub(crate) fn mask(r: &mut [f32], a: &[f32]) {
    for (r, a) in r.iter_mut().zip(a) {
        *r *= a;
    }
}

#[inline(always)]
fn join([s0, s1, s2, s3, s4, s5, s6, s7]: [f64; LANES]) -> f64 {
    ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))
}
