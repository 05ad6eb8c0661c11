//! Forward and backward pass of the convolution over a batch.
//!
//! In a time-major batch the rows that a tap reads are a prefix of all rows, and those that it
//! contributes to are a suffix. Each tap is therefore one matrix product.
use super::CausalConvShape;
use crate::error::{check_len, check_steps};
use crate::gemm::{Matrix, mat_mul};
use crate::kernels::{AddRows, DetectedKernel};
use crate::{LstmError, Real};

/// Rearranged weights of one forward pass, and working memory of the backward pass.
///
/// Reuse one cache for all batches.
#[derive(Debug, Clone, Default)]
pub struct CausalConvCache<R> {
    shape: Option<CausalConvShape>,
    batch: usize,
    steps: usize,
    /// Transposed weights of each tap `[3, N, O]`.
    taps: Vec<R>,
    /// Gradients with respect to `taps`.
    d_taps: Vec<R>,
}

impl<R: Real> CausalConvCache<R> {
    /// Iterates over the taps: index, and number of rows at the end that the tap does not read.
    ///
    /// Taps that read only steps before the first one are left out.
    fn taps(&self) -> impl Iterator<Item = (usize, usize)> + use<R> {
        let (batch, steps) = (self.batch, self.steps);
        let dilation = self.shape.map_or(0, |shape| shape.dilation);
        let shifts =
            (0..CausalConvShape::TAPS).map(move |tap| (CausalConvShape::TAPS - 1 - tap) * dilation);
        shifts
            .enumerate()
            .filter(move |(_, shift)| *shift < steps)
            .map(move |(tap, shift)| (tap, shift * batch))
    }
}

/// Computes the convolution of each sequence of a batch.
///
/// # Shapes
/// `weights` as in [`CausalConvShape::specs`], `x` `[T, B, N]`, `y` `[T, B, O]`.
///
/// # Errors
/// [`LstmError::Size`], [`LstmError::Rows`] or [`LstmError::Length`] when `batch` or a slice does
/// not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{CausalConvCache, CausalConvShape, causal_conv_forward};
///
/// // The difference of a step and the one before it.
/// let shape = CausalConvShape::new(1, 1, 1)?;
/// let (weights, mut y) = ([0.0_f64, -1.0, 1.0, 0.0], [0.0; 4]);
/// let mut cache = CausalConvCache::default();
/// causal_conv_forward(shape, &weights, &[3.0, 5.0, 4.0, 4.0], 1, &mut y, &mut cache)?;
/// assert_eq!(y, [3.0, 2.0, -1.0, 0.0]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn causal_conv_forward<R: Real>(
    shape: CausalConvShape,
    weights: &[R],
    x: &[R],
    batch: usize,
    y: &mut [R],
    cache: &mut CausalConvCache<R>,
) -> Result<(), LstmError> {
    let (inputs, outputs) = (shape.input_size, shape.output_size);
    check_len("convolution parameters", shape.len(), weights.len())?;
    let steps = check_steps("x", inputs, batch, x.len())?;
    check_len("y", steps * batch * outputs, y.len())?;
    (cache.shape, cache.batch, cache.steps) = (Some(shape), batch, steps);
    let (w, b) = weights.split_at(shape.weight_len());
    cache.taps.resize(w.len(), R::ZERO);
    for (row, taps) in w.chunks_exact(CausalConvShape::TAPS).enumerate() {
        let (output, input) = (row / inputs, row % inputs);
        for (tap, weight) in taps.iter().enumerate() {
            cache.taps[(tap * inputs + input) * outputs + output] = *weight;
        }
    }
    y.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(b));
    for (tap, shift) in cache.taps() {
        let rows = steps * batch - shift;
        let weights = &cache.taps[tap * inputs * outputs..][..inputs * outputs];
        let x = Matrix::new(&x[..rows * inputs], rows, inputs);
        mat_mul(x, Matrix::new(weights, inputs, outputs), true, &mut y[shift * outputs..]);
    }
    Ok(())
}

/// Adds the gradients of a convolution to `d_weights` and `d_x`.
///
/// # Shapes
/// `x` (as in the forward pass) and `d_x` `[T, B, N]`, `d_y` `[T, B, O]`; `d_weights` like
/// `weights`.
///
/// # Formula
/// ```text
/// d_W_k += sum over t of d_y_t x_(t - (2 - k) d)^T        d_b += sum over t of d_y_t
/// d_x_t += sum over k of W_k^T d_y_(t + (2 - k) d)
/// ```
///
/// # Errors
/// [`LstmError::Length`] when a slice does not fit the forward pass in `cache`; nothing is changed
/// then.
pub fn causal_conv_backward<R: Real>(
    shape: CausalConvShape,
    x: &[R],
    cache: &mut CausalConvCache<R>,
    d_y: &[R],
    d_weights: &mut [R],
    d_x: &mut [R],
) -> Result<(), LstmError> {
    let (inputs, outputs) = (shape.input_size, shape.output_size);
    check_len("convolution gradients", shape.len(), d_weights.len())?;
    let [in_cache, out_of_cache] = cache.shape.map_or([0; 2], |s| [s.input_size, s.output_size]);
    check_len("input row of the forward pass in `cache`", inputs, in_cache)?;
    check_len("output row of the forward pass in `cache`", outputs, out_of_cache)?;
    let rows = cache.steps * cache.batch;
    check_len("x", rows * inputs, x.len())?;
    check_len("d_y", rows * outputs, d_y.len())?;
    check_len("d_x", x.len(), d_x.len())?;
    let (d_w, d_b) = d_weights.split_at_mut(shape.weight_len());
    DetectedKernel::detect().run(AddRows { rows: d_y, sum: d_b });
    cache.d_taps.clear();
    cache.d_taps.resize(d_w.len(), R::ZERO);
    for (tap, shift) in cache.taps() {
        let rows = rows - shift;
        let here = tap * inputs * outputs..(tap + 1) * inputs * outputs;
        let d_y = Matrix::new(&d_y[shift * outputs..], rows, outputs);
        let x = Matrix::new(&x[..rows * inputs], rows, inputs);
        mat_mul(x.t(), d_y, false, &mut cache.d_taps[here.clone()]);
        let weights = Matrix::new(&cache.taps[here], inputs, outputs);
        mat_mul(d_y, weights.t(), true, &mut d_x[..rows * inputs]);
    }
    for (row, d_taps) in d_w.chunks_exact_mut(CausalConvShape::TAPS).enumerate() {
        let (output, input) = (row / inputs, row % inputs);
        for (tap, d) in d_taps.iter_mut().enumerate() {
            *d += cache.d_taps[(tap * inputs + input) * outputs + output];
        }
    }
    Ok(())
}
