//! Forward and backward pass of the attention over a batch.
use super::{AttentionParams, AttentionParamsMut, AttentionShape};
use crate::dense::{dense_backward, dense_forward};
use crate::error::{check_len, check_steps};
use crate::gemm::{Matrix, mat_mul};
use crate::kernels::{AddWeighted, DetectedKernel, Dots, Tanh, TanhBackward, WeightedSum};
use crate::{DenseParamsMut, LstmError, Real, softmax};

/// Activations of one forward pass, and working memory of the backward pass.
///
/// Reuse one cache for all batches: its buffers grow to the largest batch and are kept.
#[derive(Debug, Clone, Default)]
pub struct AttentionCache<R> {
    shape: Option<AttentionShape>,
    batch: usize,
    /// Activations tanh(W h + b) `[T, B, A]`.
    u: Vec<R>,
    /// Attention weights `[T, B]`.
    weights: Vec<R>,
    /// Weighted means `[B, N]`.
    context: Vec<R>,
    /// Scores, then weights, of one sequence `[T]`.
    sequence: Vec<R>,
    /// Gradients with respect to the weights, then to the scores `[T, B]`.
    d_scores: Vec<R>,
    /// Gradients with respect to W h + b `[T, B, A]`.
    d_z: Vec<R>,
}

impl<R: Real> AttentionCache<R> {
    /// Creates an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the weighted means of the last forward pass `[B, N]`.
    pub fn context(&self) -> &[R] {
        &self.context
    }

    /// Returns the weights of the last forward pass `[T, B]`; those of a sequence sum to 1.
    pub fn weights(&self) -> &[R] {
        &self.weights
    }

    /// Resizes the buffers; the passes overwrite their contents.
    fn resize(&mut self, shape: AttentionShape, batch: usize, steps: usize) {
        self.shape = Some(shape);
        self.batch = batch;
        let rows = steps * batch;
        self.u.resize(rows * shape.units(), R::ZERO);
        self.d_z.resize(rows * shape.units(), R::ZERO);
        self.weights.resize(rows, R::ZERO);
        self.d_scores.resize(rows, R::ZERO);
        self.context.resize(batch * shape.input_size(), R::ZERO);
        self.sequence.resize(steps, R::ZERO);
    }
}

/// Computes the attention over each sequence of a batch and caches the activations.
///
/// # Shapes
/// `h` `[T, B, N]`, `T` from its length. Results are [`AttentionCache::context`] and
/// [`AttentionCache::weights`]. See [`AttentionShape`] for the formula.
///
/// # Errors
/// [`LstmError::Size`], [`LstmError::Rows`] or [`LstmError::Length`] when `batch` or a slice does
/// not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{AttentionCache, AttentionShape, attention_forward};
///
/// let shape = AttentionShape::new(1, 2)?;
/// let mut cache = AttentionCache::new();
/// // With zero weights every step has the same attention weight.
/// let h = [1.0_f64, 10.0, 2.0, 20.0, 6.0, 30.0];
/// attention_forward(shape, shape.params(&[0.0; 6])?, &h, 2, &mut cache)?;
/// assert!((cache.context()[0] - 3.0).abs() < 1e-12);
/// assert!((cache.context()[1] - 20.0).abs() < 1e-12);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn attention_forward<R: Real>(
    shape: AttentionShape,
    params: AttentionParams<'_, R>,
    h: &[R],
    batch: usize,
    cache: &mut AttentionCache<R>,
) -> Result<(), LstmError> {
    let (width, units) = (shape.input_size(), shape.units());
    shape.check(params)?;
    let steps = check_steps("h", width, batch, h.len())?;
    cache.resize(shape, batch, steps);
    dense_forward(shape.dense(), params.dense(), h, &mut cache.u)?;
    let kernel = DetectedKernel::detect();
    kernel.run(Tanh { values: &mut cache.u });
    // score = v · u
    let AttentionCache { u, weights, .. } = &mut *cache;
    kernel.run(Dots { rows: u, vectors: params.v, width: units, out: weights });
    for b in 0..batch {
        let of_sequence = cache.weights.iter().skip(b).step_by(batch);
        cache.sequence.iter_mut().zip(of_sequence).for_each(|(target, score)| *target = *score);
        softmax(&mut cache.sequence);
        let of_sequence = cache.weights.iter_mut().skip(b).step_by(batch);
        of_sequence.zip(&cache.sequence).for_each(|(target, weight)| *target = *weight);
    }
    let AttentionCache { weights, context, .. } = cache;
    kernel.run(WeightedSum { weights, rows: h, width, sum: context });
    Ok(())
}

/// Adds the gradients of an attention to `d_params` and `d_h`.
///
/// # Shapes
/// `h` (as in the forward pass) and `d_h` `[T, B, N]`, `d_context` `[B, N]`.
///
/// # Formula
/// With u = tanh z and z = W h + b:
///
/// ```text
/// d_a_t = d_context · h_t         d_score_t = a_t (d_a_t - sum over s of a_s d_a_s)
/// d_v += d_score_t u_t            d_z_t = d_score_t v (1 - u_t^2)
/// d_W += d_z_t h_t^T              d_b += d_z_t
/// d_h_t += a_t d_context + W^T d_z_t
/// ```
///
/// # Errors
/// [`LstmError::Length`] when a slice does not fit the forward pass in `cache`; nothing is changed
/// then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{
///     AttentionCache, AttentionShape, attention_backward, attention_forward,
/// };
///
/// let shape = AttentionShape::new(1, 2)?;
/// let (weights, mut gradients) = ([0.0_f64; 6], [0.0; 6]);
/// let (h, mut d_h) = ([1.0, 2.0, 6.0, 7.0], [0.0; 4]);
/// let mut cache = AttentionCache::new();
/// attention_forward(shape, shape.params(&weights)?, &h, 1, &mut cache)?;
/// let into = shape.params_mut(&mut gradients)?;
/// attention_backward(
///     shape, shape.params(&weights)?, &h, &mut cache, &[1.0], into, Some(&mut d_h),
/// )?;
/// // Each of the four steps contributes a quarter of the context.
/// assert_eq!(d_h, [0.25; 4]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn attention_backward<R: Real>(
    shape: AttentionShape,
    params: AttentionParams<'_, R>,
    h: &[R],
    cache: &mut AttentionCache<R>,
    d_context: &[R],
    d_params: AttentionParamsMut<'_, R>,
    d_h: Option<&mut [R]>,
) -> Result<(), LstmError> {
    let (width, units) = (shape.input_size(), shape.units());
    shape.check(params)?;
    shape.check(d_params.as_params())?;
    let [in_cache, units_in_cache] = cache.shape.map_or([0; 2], |s| [s.input_size(), s.units()]);
    check_len("row of the forward pass in `cache`", width, in_cache)?;
    check_len("unit list of the forward pass in `cache`", units, units_in_cache)?;
    check_len("h", cache.weights.len() * width, h.len())?;
    check_len("d_context", cache.batch * width, d_context.len())?;
    check_len("d_h", h.len(), d_h.as_ref().map_or(h.len(), |d| d.len()))?;

    let kernel = DetectedKernel::detect();
    let AttentionCache { batch, u, weights, d_scores, d_z, .. } = cache;
    kernel.run(Dots { rows: h, vectors: d_context, width, out: d_scores });
    softmax_backward(weights, *batch, d_scores);
    let AttentionParamsMut { w, b, v } = d_params;
    let rows = d_scores.len();
    // d_v += d_score^T u
    mat_mul(Matrix::new(d_scores, rows, 1).t(), Matrix::new(u, rows, units), true, v);
    kernel.run(TanhBackward { d_scores, v: params.v, u, d_z });
    let d_dense = DenseParamsMut { w, b };
    let Some(d_h) = d_h else {
        return dense_backward(shape.dense(), params.dense(), h, d_z, d_dense, None);
    };
    kernel.run(AddWeighted { weights, vectors: d_context, width, rows: d_h });
    dense_backward(shape.dense(), params.dense(), h, d_z, d_dense, Some(d_h))
}

/// Computes the backward pass of the softmax of each sequence, in place:
/// `d_score_t = a_t (d_a_t - sum over s of a_s d_a_s)`.
fn softmax_backward<R: Real>(weights: &[R], batch: usize, d: &mut [R]) {
    for b in 0..batch {
        let of_sequence = weights.iter().zip(&*d).skip(b).step_by(batch);
        let mean = of_sequence.map(|(a, d)| *a * *d).sum::<R>();
        for (a, d) in weights.iter().zip(&mut *d).skip(b).step_by(batch) {
            *d = *a * (*d - mean);
        }
    }
}
