//! The LSTM inference loop.
use super::{Isa, Op};
use crate::Real;

/// Units computed together.
pub(crate) const UNITS: usize = 16;

/// `hidden` rounded up to whole blocks.
pub(crate) fn padded(hidden: usize) -> usize {
    hidden.next_multiple_of(UNITS)
}

/// One number per gate and unit of a block: a column of the weights, a bias, a running sum.
///
/// Aligned to a cache line, so that no register load straddles two.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Column<R>(pub(crate) [[R; UNITS]; 4]);

impl<R: Real> Column<R> {
    pub(crate) const ZERO: Self = Self([[R::ZERO; UNITS]; 4]);
}

/// All steps of one window.
///
/// Padded units have zero weights; what they compute (NaN from an infinite input, say) stays in
/// the padding of `h`, `c` and `next`, as only `hidden` units are ever read back.
pub(crate) struct Lstm<'a, R> {
    /// `[blocks]`
    pub(crate) bias: &'a [Column<R>],
    /// `[blocks, inputs + hidden]`
    pub(crate) columns: &'a [Column<R>],
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
    /// `[T, inputs]`
    pub(crate) xs: &'a [R],
    /// The last step is read first.
    pub(crate) reversed: bool,
    /// In and out, padded.
    pub(crate) h: &'a mut [R],
    /// In and out, padded.
    pub(crate) c: &'a mut [R],
    /// Scratch, padded.
    pub(crate) next: &'a mut [R],
    /// The hidden state after reading step t goes to `hidden` numbers from `t * stride` on.
    pub(crate) out: Option<&'a mut [R]>,
    pub(crate) stride: usize,
}

impl<R: Real> Op for Lstm<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(mut self) {
        let (mut now, mut next) = (self.h, self.next);
        let steps = self.xs.len() / self.inputs;
        for read in 0..steps {
            let t = if self.reversed { steps - 1 - read } else { read };
            let x = &self.xs[t * self.inputs..][..self.inputs];
            let blocks = self.columns.chunks_exact(self.inputs + self.hidden).zip(self.bias);
            let (units, _) = next.as_chunks_mut();
            let (cells, _) = self.c.as_chunks_mut();
            for (((columns, bias), h), c) in blocks.zip(units).zip(cells) {
                let gates = gate_sums::<R, I>(bias, columns, x, &now[..self.hidden]);
                update::<R, I>(gates, c, h);
            }
            if let Some(out) = &mut self.out {
                out[t * self.stride..][..self.hidden].copy_from_slice(&next[..self.hidden]);
            }
            std::mem::swap(&mut now, &mut next);
        }
        if !steps.is_multiple_of(2) {
            // The last state lies in the scratch, the caller's `h` is the other one.
            next.copy_from_slice(now);
        }
    }
}

/// bias + sum over inputs of w x + sum over hidden units of u h, for a block of units.
#[inline(always)]
fn gate_sums<R: Real, I: Isa>(
    bias: &Column<R>,
    columns: &[Column<R>],
    x: &[R],
    h: &[R],
) -> [[R; UNITS]; 4] {
    // As many gates at a time as the registers hold; that changes no sum's order.
    match I::SUM_BYTES / size_of::<[R; UNITS]>() {
        4.. => gate_sums_by::<R, I, 4>(bias, columns, x, h),
        2 | 3 => gate_sums_by::<R, I, 2>(bias, columns, x, h),
        _ => gate_sums_by::<R, I, 1>(bias, columns, x, h),
    }
}

#[inline(always)]
fn gate_sums_by<R: Real, I: Isa, const GATES: usize>(
    bias: &Column<R>,
    columns: &[Column<R>],
    x: &[R],
    h: &[R],
) -> [[R; UNITS]; 4] {
    let (of_x, of_h) = columns.split_at(x.len());
    let mut sums = bias.0;
    for first in (0..4).step_by(GATES) {
        let mut sum = [[R::ZERO; UNITS]; GATES];
        sum.copy_from_slice(&bias.0[first..first + GATES]);
        for (column, &value) in of_x.iter().zip(x) {
            add_column::<R, I, GATES>(&mut sum, column, first, value);
        }
        for (column, &value) in of_h.iter().zip(h) {
            add_column::<R, I, GATES>(&mut sum, column, first, value);
        }
        sums[first..first + GATES].copy_from_slice(&sum);
    }
    sums
}

#[inline(always)]
fn add_column<R: Real, I: Isa, const GATES: usize>(
    sum: &mut [[R; UNITS]; GATES],
    column: &Column<R>,
    first: usize,
    value: R,
) {
    for gate in 0..GATES {
        for unit in 0..UNITS {
            let w = column.0[first + gate][unit];
            sum[gate][unit] = fused::<R, I>(w, value, sum[gate][unit]);
        }
    }
}

/// c' = f c + i g and h' = o tanh(c'), for a block of units.
#[inline(always)]
fn update<R: Real, I: Isa>(sums: [[R; UNITS]; 4], c: &mut [R; UNITS], h: &mut [R; UNITS]) {
    let [i, f, g, o] = sums;
    for unit in 0..UNITS {
        let gates = [i[unit], f[unit], g[unit], o[unit]];
        (c[unit], h[unit]) = cell::<R, I>(gates, c[unit]);
    }
}

#[inline(always)]
fn cell<R: Real, I: Isa>(gates: [R; 4], cell: R) -> (R, R) {
    if I::FUSED { R::cell_with::<true>(gates, cell) } else { R::cell_with::<false>(gates, cell) }
}

#[inline(always)]
pub(super) fn fused<R: Real, I: Isa>(a: R, b: R, c: R) -> R {
    if I::FUSED { a.fused::<true>(b, c) } else { a.fused::<false>(b, c) }
}

#[inline(always)]
pub(super) fn tanh<R: Real, I: Isa>(x: R) -> R {
    if I::FUSED { x.tanh_with::<true>() } else { x.tanh_with::<false>() }
}

#[inline(always)]
pub(super) fn sigmoid<R: Real, I: Isa>(x: R) -> R {
    if I::FUSED { x.sigmoid_with::<true>() } else { x.sigmoid_with::<false>() }
}
