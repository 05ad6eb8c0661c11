//! Attention inference.
use std::fmt;

use super::{AttentionParams, AttentionShape};
use crate::error::{check_len, check_rows};
use crate::kernels::{OUTPUTS, OutputColumn, Scores, WeightedSum};
use crate::{Kernel, LstmError, PackedDense, Real, softmax};

/// Additive attention packed for inference; nothing allocates after construction.
///
/// The order of every sum is the same on every kernel: each unit starts at its bias and adds the
/// inputs in ascending order, the units of a score are added in a fixed tree, and the context adds
/// the steps in ascending order. See [`AttentionShape`] for the formula.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{AttentionShape, PackedAttention};
///
/// // One unit that depends only on the first of two inputs.
/// let shape = AttentionShape::new(2, 1)?;
/// let attention = PackedAttention::new(shape, shape.params(&[1.0_f64, 0.0, 0.0, 9.0])?)?;
/// let mut scratch = attention.scratch(3);
/// let mut context = [0.0; 2];
/// attention.apply(&[-2.0, 1.0, 2.0, 7.0, -2.0, 3.0], &mut context, &mut scratch)?;
/// assert!(scratch.weights()[1] > 0.999);
/// assert!((context[1] - 7.0).abs() < 1e-3);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Clone)]
pub struct PackedAttention<R> {
    shape: AttentionShape,
    dense: PackedDense<R>,
    /// Score weights by blocks of units, `[blocks]`.
    v: Vec<OutputColumn<R>>,
}

/// Formats sizes and kernel, not the weights.
impl<R> fmt::Debug for PackedAttention<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackedAttention")
            .field("shape", &self.shape)
            .field("dense", &self.dense)
            .finish_non_exhaustive()
    }
}

impl<R: Real> PackedAttention<R> {
    /// Packs the parameters for the kernel that [`Kernel::chosen`] returns.
    ///
    /// # Errors
    /// [`LstmError::Length`] when a parameter does not fit the shape, or the error of
    /// [`Kernel::chosen`].
    pub fn new(shape: AttentionShape, params: AttentionParams<'_, R>) -> Result<Self, LstmError> {
        shape.check(params)?;
        let dense = PackedDense::new(shape.dense(), params.dense())?;
        let mut v = vec![OutputColumn::ZERO; shape.units().div_ceil(OUTPUTS)];
        for (packed, v) in v.iter_mut().zip(params.v.chunks(OUTPUTS)) {
            packed.0[..v.len()].copy_from_slice(v);
        }
        Ok(Self { shape, dense, v })
    }

    /// Returns the same attention on another kernel.
    ///
    /// # Errors
    /// [`LstmError::Kernel`] when this processor cannot run it.
    pub fn with_kernel(mut self, kernel: Kernel) -> Result<Self, LstmError> {
        self.dense = self.dense.with_kernel(kernel)?;
        Ok(self)
    }

    /// Returns the kernel that the layer runs on.
    pub fn kernel(&self) -> Kernel {
        self.dense.kernel()
    }

    /// Creates working memory for windows of up to `steps` rows.
    pub fn scratch(&self, steps: usize) -> AttentionScratch<R> {
        AttentionScratch { weights: vec![R::ZERO; steps], steps: 0 }
    }

    /// Writes the context `[N]` of the window `rows` `[T, N]`; its weights are in `scratch`.
    ///
    /// # Errors
    /// [`LstmError::Rows`] unless `rows` is one or more whole rows, [`LstmError::Length`] when
    /// `context` does not fit, [`LstmError::Size`] when the window has more rows than `scratch` was
    /// created for. Nothing is changed then.
    pub fn apply(
        &self,
        rows: &[R],
        context: &mut [R],
        scratch: &mut AttentionScratch<R>,
    ) -> Result<(), LstmError> {
        let width = self.shape.input_size();
        let steps = check_rows("rows", width, rows.len())?;
        check_len("context", width, context.len())?;
        let max_steps = scratch.weights.len();
        if steps > max_steps {
            return Err(LstmError::Size { what: "steps", expected: max_steps, got: steps });
        }
        scratch.steps = steps;
        let weights = &mut scratch.weights[..steps];
        let (kernel, bias, columns) = self.dense.parts();
        let units = self.shape.units();
        let (v, out) = (&self.v, &mut *weights);
        kernel.run(Scores { bias, columns, v, inputs: width, units, rows, out });
        softmax(weights);
        kernel.run(WeightedSum { weights, rows, width, sum: context });
        Ok(())
    }
}

/// Working memory of [`PackedAttention`], created by [`PackedAttention::scratch`].
///
/// It carries no state from one call to the next, so one per thread serves any number of windows.
#[derive(Debug, Clone)]
pub struct AttentionScratch<R> {
    weights: Vec<R>,
    /// Number of rows of the last window.
    steps: usize,
}

impl<R> AttentionScratch<R> {
    /// Returns the weights of the last window's rows `[T]`, which sum to 1.
    pub fn weights(&self) -> &[R] {
        &self.weights[..self.steps]
    }
}
