//! Inference of the convolution.
use super::CausalConvShape;
use crate::error::check_len;
use crate::{DenseParams, DenseShape, Kernel, LstmError, PackedDense, Real, relu};

/// Causal convolution with ReLU packed for inference, as a dense layer over the rows of its taps.
///
/// The result of a step is bit-identical for all selections of steps.
#[derive(Debug, Clone)]
pub(crate) struct PackedCausalConv<R> {
    shape: CausalConvShape,
    dense: PackedDense<R>,
}

/// Working memory of [`PackedCausalConv`] for windows of up to `steps` steps.
#[derive(Debug, Clone)]
pub(crate) struct ConvBuffers<R> {
    /// Rows of the three taps of each selected step `[T, 3, N]`.
    taps: Vec<R>,
    /// Results of the selected steps `[T, O]`.
    results: Vec<R>,
}

impl<R: Real> ConvBuffers<R> {
    pub(crate) fn new(shape: CausalConvShape, steps: usize) -> Self {
        let taps = vec![R::ZERO; steps * CausalConvShape::TAPS * shape.input_size];
        Self { taps, results: vec![R::ZERO; steps * shape.output_size] }
    }
}

impl<R: Real> PackedCausalConv<R> {
    pub(crate) fn new(shape: CausalConvShape, params: &[R]) -> Result<Self, LstmError> {
        check_len("convolution parameters", shape.len(), params.len())?;
        let (inputs, taps) = (shape.input_size, CausalConvShape::TAPS);
        let (w, b) = params.split_at(shape.weight_len());
        let mut by_tap = vec![R::ZERO; w.len()];
        for (row, weights) in w.chunks_exact(taps).enumerate() {
            let (output, input) = (row / inputs, row % inputs);
            for (tap, weight) in weights.iter().enumerate() {
                by_tap[(output * taps + tap) * inputs + input] = *weight;
            }
        }
        let dense = DenseShape::new(taps * inputs, shape.output_size)?;
        Ok(Self { shape, dense: PackedDense::new(dense, DenseParams { w: &by_tap, b })? })
    }

    pub(crate) fn with_kernel(mut self, kernel: Kernel) -> Result<Self, LstmError> {
        self.dense = self.dense.with_kernel(kernel)?;
        Ok(self)
    }

    /// Computes relu(conv(x)) of each `stride`-th step, counted back from the last one.
    ///
    /// `x` is `[T, N]` and `y` `[T, O]`; other rows of `y` are left as they are.
    pub(crate) fn apply(
        &self,
        x: &[R],
        stride: usize,
        y: &mut [R],
        buffers: &mut ConvBuffers<R>,
    ) -> Result<(), LstmError> {
        let CausalConvShape { input_size, output_size, dilation } = self.shape;
        let selected = || (0..x.len() / input_size).rev().step_by(stride);
        let count = selected().len();
        let ConvBuffers { taps, results } = buffers;
        let taps = &mut taps[..count * CausalConvShape::TAPS * input_size];
        let results = &mut results[..count * output_size];
        let rows = taps.chunks_exact_mut(CausalConvShape::TAPS * input_size);
        for (step, row) in selected().zip(rows) {
            for (tap, numbers) in row.chunks_exact_mut(input_size).enumerate() {
                match step.checked_sub((CausalConvShape::TAPS - 1 - tap) * dilation) {
                    Some(step) => numbers.copy_from_slice(&x[step * input_size..][..input_size]),
                    None => numbers.fill(R::ZERO),
                }
            }
        }
        self.dense.apply(taps, results)?;
        relu(results);
        for (step, result) in selected().zip(results.chunks_exact(output_size)) {
            y[step * output_size..][..output_size].copy_from_slice(result);
        }
        Ok(())
    }
}
