//! Dense inference.
use std::fmt;

use super::{DenseParams, DenseShape};
use crate::error::{check_len, check_rows};
use crate::kernels::{DenseRows, DetectedKernel, Finish, OUTPUTS, OutputColumn};
use crate::{Kernel, LstmError, Real};

/// Dense layer y = W x + b packed for inference; nothing allocates after construction.
///
/// Every sum starts at the bias and adds the inputs in ascending order, so the result of a row is
/// bit-identical in every batch.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{DenseShape, PackedDense};
///
/// let shape = DenseShape::new(2, 1)?;
/// let dense = PackedDense::new(shape, shape.params(&[3.0_f32, 4.0, 0.5])?)?;
/// let mut y = [0.0];
/// dense.apply(&[1.0, -1.0], &mut y)?;
/// assert_eq!(y, [-0.5]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Clone)]
pub struct PackedDense<R> {
    shape: DenseShape,
    kernel: DetectedKernel,
    /// Bias by blocks of outputs, `[blocks]`.
    bias: Vec<OutputColumn<R>>,
    /// Weights of each input by blocks of outputs, `[blocks, N]`.
    columns: Vec<OutputColumn<R>>,
}

/// Formats sizes and kernel, not the weights.
impl<R> fmt::Debug for PackedDense<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackedDense")
            .field("shape", &self.shape)
            .field("kernel", &self.kernel)
            .finish_non_exhaustive()
    }
}

impl<R: Real> PackedDense<R> {
    /// Packs the parameters for the kernel that [`Kernel::chosen`] returns.
    ///
    /// # Errors
    /// [`LstmError::Length`] when a parameter does not fit the shape, or the error of
    /// [`Kernel::chosen`].
    pub fn new(shape: DenseShape, params: DenseParams<'_, R>) -> Result<Self, LstmError> {
        shape.check(params)?;
        let inputs = shape.input_size();
        let blocks = shape.output_size().div_ceil(OUTPUTS);
        let mut bias = vec![OutputColumn::ZERO; blocks];
        let mut columns = vec![OutputColumn::ZERO; blocks * inputs];
        for (output, row) in params.w.chunks_exact(inputs).enumerate() {
            let (block, lane) = (output / OUTPUTS, output % OUTPUTS);
            bias[block].0[lane] = params.b[output];
            for (column, &w) in columns[block * inputs..].iter_mut().zip(row) {
                column.0[lane] = w;
            }
        }
        Ok(Self { shape, kernel: DetectedKernel::chosen()?, bias, columns })
    }

    /// Returns the same layer on another kernel.
    ///
    /// # Errors
    /// [`LstmError::Kernel`] when this processor cannot run it.
    pub fn with_kernel(mut self, kernel: Kernel) -> Result<Self, LstmError> {
        self.kernel = DetectedKernel::new(kernel)?;
        Ok(self)
    }

    /// Returns the sizes of the layer.
    pub fn shape(&self) -> DenseShape {
        self.shape
    }

    /// Returns the kernel that the layer runs on.
    pub fn kernel(&self) -> Kernel {
        self.kernel.kernel()
    }

    /// Returns the kernel, the bias `[blocks]` and the columns `[blocks, N]`.
    pub(crate) fn parts(&self) -> (DetectedKernel, &[OutputColumn<R>], &[OutputColumn<R>]) {
        (self.kernel, &self.bias, &self.columns)
    }

    /// Writes W x + b for each row of `xs` `[B, N]` into `ys` `[B, O]`.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `xs` is one or more whole rows, [`LstmError::Length`] when `ys`
    /// does not fit; nothing is changed then.
    pub fn apply(&self, xs: &[R], ys: &mut [R]) -> Result<(), LstmError> {
        self.apply_with(Finish::Store, xs, ys)
    }

    /// Like [`apply`](Self::apply), with another use of the sums.
    pub(crate) fn apply_with(
        &self,
        finish: Finish,
        xs: &[R],
        ys: &mut [R],
    ) -> Result<(), LstmError> {
        let rows = check_rows("xs", self.shape.input_size(), xs.len())?;
        check_len("ys", rows * self.shape.output_size(), ys.len())?;
        self.kernel.run(DenseRows {
            bias: &self.bias,
            columns: &self.columns,
            inputs: self.shape.input_size(),
            outputs: self.shape.output_size(),
            finish,
            xs,
            ys,
        });
        Ok(())
    }
}
