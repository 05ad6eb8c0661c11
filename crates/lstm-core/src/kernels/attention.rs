//! The attention inference loops.
use super::dense::{OUTPUTS, OutputColumn};
use super::lstm::{fused, tanh};
use super::{Isa, Op};
use crate::Real;

/// score = v · tanh(W h + b), row by row.
pub(crate) struct Scores<'a, R> {
    /// `[blocks]`
    pub(crate) bias: &'a [OutputColumn<R>],
    /// `[blocks, inputs]`
    pub(crate) columns: &'a [OutputColumn<R>],
    /// `[blocks]`
    pub(crate) v: &'a [OutputColumn<R>],
    pub(crate) inputs: usize,
    pub(crate) units: usize,
    /// `[T, inputs]`
    pub(crate) rows: &'a [R],
    /// `[T]`
    pub(crate) out: &'a mut [R],
}

impl<R: Real> Op for Scores<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        // As many rows at a time as the registers hold; that changes no sum's order.
        if I::SUM_BYTES / size_of::<OutputColumn<R>>() >= 2 {
            self.by::<I, 2>();
        } else {
            self.by::<I, 1>();
        }
    }
}

impl<R: Real> Scores<'_, R> {
    #[inline(always)]
    fn by<I: Isa, const ROWS: usize>(mut self) {
        let whole = self.out.len() / ROWS * ROWS;
        for first in (0..whole).step_by(ROWS) {
            self.rows_from::<I, ROWS>(first);
        }
        for row in whole..self.out.len() {
            self.rows_from::<I, 1>(row);
        }
    }

    #[inline(always)]
    fn rows_from<I: Isa, const ROWS: usize>(&mut self, first: usize) {
        let inputs = self.inputs;
        let rows: [&[R]; ROWS] =
            std::array::from_fn(|row| &self.rows[(first + row) * inputs..][..inputs]);
        let mut scores = [[R::ZERO; OUTPUTS]; ROWS];
        let blocks = self.columns.chunks_exact(inputs).zip(self.bias).zip(self.v);
        for (block, ((columns, bias), v)) in blocks.enumerate() {
            let mut sums = block_sums::<R, I, ROWS>(bias, columns, rows);
            let here = OUTPUTS.min(self.units - block * OUTPUTS);
            for row in 0..ROWS {
                // Zero weights do not silence an infinite input (0 times infinity is NaN).
                sums[row][here..].fill(R::ZERO);
                for unit in 0..OUTPUTS {
                    let u = tanh::<R, I>(sums[row][unit]);
                    scores[row][unit] = fused::<R, I>(v.0[unit], u, scores[row][unit]);
                }
            }
        }
        for row in 0..ROWS {
            self.out[first + row] = tree_sum(scores[row]);
        }
    }
}

/// b + W h of a block of units, for some rows.
#[inline(always)]
fn block_sums<R: Real, I: Isa, const ROWS: usize>(
    bias: &OutputColumn<R>,
    columns: &[OutputColumn<R>],
    rows: [&[R]; ROWS],
) -> [[R; OUTPUTS]; ROWS] {
    let rows = rows.map(|row| &row[..columns.len()]);
    let mut sums = [bias.0; ROWS];
    for (k, column) in columns.iter().enumerate() {
        for row in 0..ROWS {
            let value = rows[row][k];
            for unit in 0..OUTPUTS {
                sums[row][unit] = fused::<R, I>(column.0[unit], value, sums[row][unit]);
            }
        }
    }
    sums
}

/// The sum in one fixed order: halves onto each other.
#[inline(always)]
pub(super) fn tree_sum<R: Real>(mut lanes: [R; OUTPUTS]) -> R {
    let mut half = OUTPUTS / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// sum over t of `weight_t` `row_t`, for each sequence of a batch, t ascending.
pub(crate) struct WeightedSum<'a, R> {
    /// `[T, B]`
    pub(crate) weights: &'a [R],
    /// `[T, B, width]`
    pub(crate) rows: &'a [R],
    pub(crate) width: usize,
    /// Written `[B, width]`.
    pub(crate) sum: &'a mut [R],
}

impl<R: Real> Op for WeightedSum<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        self.sum.fill(R::ZERO);
        let batch = self.sum.len() / self.width;
        let steps = self.weights.chunks_exact(batch).zip(self.rows.chunks_exact(self.sum.len()));
        for (weights, rows) in steps {
            let rows = rows.chunks_exact(self.width).zip(self.sum.chunks_exact_mut(self.width));
            for (&weight, (row, sum)) in weights.iter().zip(rows) {
                for (sum, &value) in sum.iter_mut().zip(row) {
                    *sum = fused::<R, I>(weight, value, *sum);
                }
            }
        }
    }
}
