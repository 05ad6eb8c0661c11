//! Inference kernel of the dense layer.
use super::lstm::fused;
use super::{Isa, Op};
use crate::Real;

/// Number of outputs computed together.
pub(crate) const OUTPUTS: usize = 32;

/// One number per output of a block: a column of the weights or a bias.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct OutputColumn<R>(pub(crate) [R; OUTPUTS]);

impl<R: Real> OutputColumn<R> {
    pub(crate) const ZERO: Self = Self([R::ZERO; OUTPUTS]);
}

/// Kernel of the dense layer y = W x + b, row by row.
pub(crate) struct DenseRows<'a, R> {
    /// Bias b, `[blocks]`.
    pub(crate) bias: &'a [OutputColumn<R>],
    /// Weights W, `[blocks, inputs]`.
    pub(crate) columns: &'a [OutputColumn<R>],
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Rows x, `[B, inputs]`.
    pub(crate) xs: &'a [R],
    /// Output for the rows y, `[B, outputs]`.
    pub(crate) ys: &'a mut [R],
}

impl<R: Real> Op for DenseRows<'_, R> {
    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let rows = self.xs.chunks_exact(self.inputs);
        for (x, y) in rows.zip(self.ys.chunks_exact_mut(self.outputs)) {
            let blocks = self.columns.chunks_exact(self.inputs).zip(self.bias);
            for ((columns, bias), y) in blocks.zip(y.chunks_mut(OUTPUTS)) {
                let mut sum = bias.0;
                for (column, &value) in columns.iter().zip(x) {
                    for output in 0..OUTPUTS {
                        sum[output] = fused::<R, I>(column.0[output], value, sum[output]);
                    }
                }
                y.copy_from_slice(&sum[..y.len()]);
            }
        }
    }
}
