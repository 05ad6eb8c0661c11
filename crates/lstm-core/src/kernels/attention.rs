//! Inference kernels of the attention.
use super::dense::{OUTPUTS, OutputColumn};
use super::lstm::{fused, tanh};
use super::rows::rows_from;
use super::{Isa, Op};
use crate::Real;

/// Kernel of the attention scores v · tanh(W h + b), row by row.
pub(crate) struct Scores<'a, R> {
    /// Bias b, `[blocks]`.
    pub(crate) bias: &'a [OutputColumn<R>],
    /// Weights W, `[blocks, inputs]`.
    pub(crate) columns: &'a [OutputColumn<R>],
    /// Score weights v, `[blocks]`.
    pub(crate) v: &'a [OutputColumn<R>],
    pub(crate) inputs: usize,
    pub(crate) units: usize,
    /// Rows h of a window, `[T, inputs]`.
    pub(crate) rows: &'a [R],
    /// Output for the scores, `[T]`.
    pub(crate) out: &'a mut [R],
}

impl<R: Real> Op for Scores<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(mut self, _: I) {
        let rows = self.out.len();
        let mut first = 0;
        // Computes as many rows at a time as fit into the registers. The order of each row's sums
        // does not depend on that number.
        let max_rows = I::SUM_BYTES / size_of::<OutputColumn<R>>();
        while max_rows >= 4 && first + 4 <= rows {
            self.rows_from::<I, 4>(first);
            first += 4;
        }
        while max_rows >= 2 && first + 2 <= rows {
            self.rows_from::<I, 2>(first);
            first += 2;
        }
        for row in first..rows {
            self.rows_from::<I, 1>(row);
        }
    }
}

impl<R: Real> Scores<'_, R> {
    /// Computes the scores of `ROWS` rows, from row `first` on.
    #[inline(always)]
    fn rows_from<I: Isa, const ROWS: usize>(&mut self, first: usize) {
        let inputs = self.inputs;
        let rows = rows_from::<R, ROWS>(self.rows, first, inputs, inputs);
        let mut scores = [[R::ZERO; OUTPUTS]; ROWS];
        for (block, columns) in self.columns.chunks_exact(inputs).enumerate() {
            let mut sums = block_sums::<R, I, ROWS>(&self.bias[block].0, columns, rows);
            let v = &self.v[block].0;
            let here = OUTPUTS.min(self.units - block * OUTPUTS);
            for row in 0..ROWS {
                // Padded units: zero weights times an infinite input would be NaN.
                for unit in here..OUTPUTS {
                    sums[row][unit] = R::ZERO;
                }
                for unit in 0..OUTPUTS {
                    let u = tanh::<R, I>(sums[row][unit]);
                    scores[row][unit] = fused::<R, I>(v[unit], u, scores[row][unit]);
                }
            }
        }
        for row in 0..ROWS {
            self.out[first + row] = tree_sum(scores[row]);
        }
    }
}

/// Computes b + W h of a block of units for `ROWS` rows.
#[inline(always)]
fn block_sums<R: Real, I: Isa, const ROWS: usize>(
    bias: &[R; OUTPUTS],
    columns: &[OutputColumn<R>],
    mut rows: [&[R]; ROWS],
) -> [[R; OUTPUTS]; ROWS] {
    // Rows of a known length: no access to them needs a check.
    for row in &mut rows {
        *row = &row[..columns.len()];
    }
    let mut sums = [*bias; ROWS];
    for (k, column) in columns.iter().enumerate() {
        let column = column.0;
        for row in 0..ROWS {
            let value = rows[row][k];
            for unit in 0..OUTPUTS {
                sums[row][unit] = fused::<R, I>(column[unit], value, sums[row][unit]);
            }
        }
    }
    sums
}

/// Sums the lanes, whose count is a power of two, in one fixed order: pairwise, the upper half onto
/// the lower half.
#[inline(always)]
pub(super) fn tree_sum<R: Real, const COUNT: usize>(mut lanes: [R; COUNT]) -> R {
    let mut half = COUNT / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Kernel of the sums over t of `weight_t row_t`, in ascending order, for each sequence of a batch.
pub(crate) struct WeightedSum<'a, R> {
    /// Weights of the rows, `[T, B]`.
    pub(crate) weights: &'a [R],
    /// Rows of all sequences, `[T, B, width]`.
    pub(crate) rows: &'a [R],
    pub(crate) width: usize,
    /// Output for the sums, `[B, width]`.
    pub(crate) sum: &'a mut [R],
}

impl<R: Real> Op for WeightedSum<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Self { weights, rows, width, sum } = self;
        for sum in &mut *sum {
            *sum = R::ZERO;
        }
        let batch = sum.len() / width;
        for (step, weights) in weights.chunks_exact(batch).enumerate() {
            for (sequence, &weight) in weights.iter().enumerate() {
                let row = &rows[(step * batch + sequence) * width..][..width];
                let sum = &mut sum[sequence * width..][..width];
                for at in 0..width {
                    sum[at] = fused::<R, I>(weight, row[at], sum[at]);
                }
            }
        }
    }
}
