//! Inference kernels of the attention.
use super::dense::{OUTPUTS, OutputColumn};
use super::lstm::{fused, tanh};
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
            self.rows_from::<I, 4>(first, |columns, bias, rows| {
                block_sums_of_four::<R, I>(bias, columns, rows)
            });
            first += 4;
        }
        while max_rows >= 2 && first + 2 <= rows {
            self.rows_from::<I, 2>(first, |columns, bias, rows| {
                block_sums_of_two::<R, I>(bias, columns, rows)
            });
            first += 2;
        }
        for row in first..rows {
            self.rows_from::<I, 1>(row, |columns, bias, [row]| {
                [block_sums::<R, I>(bias, columns, row)]
            });
        }
    }
}

impl<'a, R: Real> Scores<'a, R> {
    /// Computes the scores of `ROWS` rows, from row `first` on.
    #[inline(always)]
    fn rows_from<I: Isa, const ROWS: usize>(
        &mut self,
        first: usize,
        sums: impl Fn(&[OutputColumn<R>], &[R; OUTPUTS], [&'a [R]; ROWS]) -> [[R; OUTPUTS]; ROWS],
    ) {
        let inputs = self.inputs;
        let rows: [&'a [R]; ROWS] =
            std::array::from_fn(|row| &self.rows[(first + row) * inputs..][..inputs]);
        let mut scores = [[R::ZERO; OUTPUTS]; ROWS];
        let blocks = self.columns.chunks_exact(inputs).zip(self.bias).zip(self.v);
        for (block, ((columns, bias), v)) in blocks.enumerate() {
            let mut sums = sums(columns, &bias.0, rows);
            let here = OUTPUTS.min(self.units - block * OUTPUTS);
            for row in 0..ROWS {
                if here < OUTPUTS {
                    // Padded units: zero weights times an infinite input would be NaN.
                    sums[row][here..].fill(R::ZERO);
                }
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

/// Computes b + W h of a block of units.
#[inline(always)]
fn block_sums<R: Real, I: Isa>(
    bias: &[R; OUTPUTS],
    columns: &[OutputColumn<R>],
    row: &[R],
) -> [R; OUTPUTS] {
    let mut sum = *bias;
    for (column, &value) in columns.iter().zip(row) {
        for unit in 0..OUTPUTS {
            sum[unit] = fused::<R, I>(column.0[unit], value, sum[unit]);
        }
    }
    sum
}

/// Computes b + W h of a block of units for two rows.
#[inline(always)]
fn block_sums_of_two<R: Real, I: Isa>(
    bias: &[R; OUTPUTS],
    columns: &[OutputColumn<R>],
    [a, b]: [&[R]; 2],
) -> [[R; OUTPUTS]; 2] {
    let mut sums = [*bias; 2];
    for ((column, &a), &b) in columns.iter().zip(a).zip(b) {
        let column = column.0;
        for (sum, value) in sums.iter_mut().zip([a, b]) {
            for unit in 0..OUTPUTS {
                sum[unit] = fused::<R, I>(column[unit], value, sum[unit]);
            }
        }
    }
    sums
}

/// Computes b + W h of a block of units for four rows. The iterators are zipped because indexing
/// would check the bounds of every access.
#[inline(always)]
fn block_sums_of_four<R: Real, I: Isa>(
    bias: &[R; OUTPUTS],
    columns: &[OutputColumn<R>],
    [a, b, c, d]: [&[R]; 4],
) -> [[R; OUTPUTS]; 4] {
    let mut sums = [*bias; 4];
    for ((((column, &a), &b), &c), &d) in columns.iter().zip(a).zip(b).zip(c).zip(d) {
        let column = column.0;
        for (sum, value) in sums.iter_mut().zip([a, b, c, d]) {
            for unit in 0..OUTPUTS {
                sum[unit] = fused::<R, I>(column[unit], value, sum[unit]);
            }
        }
    }
    sums
}

/// Sums the lanes in one fixed order: pairwise, the upper half onto the lower half.
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
