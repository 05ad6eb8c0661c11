//! Forward and backward pass of the self-attention over a batch.
use super::SelfAttentionShape;
use crate::error::{check_len, check_steps};
use crate::gemm::{Matrix, mat_mul};
use crate::{LstmError, Real, dense_backward, dense_forward, softmax};

/// Activations of one forward pass, and working memory of the backward pass.
///
/// Reuse one cache for all batches: its buffers grow to the largest batch and are kept.
#[derive(Debug, Clone, Default)]
pub struct SelfAttentionCache<R> {
    heads: HeadSizes,
    /// Queries, keys and values by rows `[T, B, 3N]`; in the backward pass their gradients.
    rows: Vec<R>,
    /// Scaled queries, keys and values by heads `[3, B, heads, T, width]`.
    by_head: Vec<R>,
    /// Attention weights `[B, heads, T, T]`.
    weights: Vec<R>,
    /// Weighted values by heads `[B, heads, T, width]`; in the backward pass their gradients.
    context: Vec<R>,
    /// Weighted values by rows `[T, B, N]`.
    joined: Vec<R>,
    /// Results `[T, B, N]`.
    output: Vec<R>,
    /// Gradients with respect to `joined`.
    d_joined: Vec<R>,
    /// Gradients with respect to `by_head`.
    d_by_head: Vec<R>,
    /// Gradients with respect to the scores of one head `[T, T]`.
    d_scores: Vec<R>,
}

impl<R: Real> SelfAttentionCache<R> {
    /// Returns the results of the last forward pass `[T, B, N]`.
    pub fn output(&self) -> &[R] {
        &self.output
    }

    /// Returns the attention weights of the last forward pass `[B, heads, T, T]`; those of a step
    /// sum to 1.
    pub fn weights(&self) -> &[R] {
        &self.weights
    }
}

/// Sizes of a batch that is split into heads.
#[derive(Debug, Clone, Copy, Default)]
struct HeadSizes {
    batch: usize,
    steps: usize,
    heads: usize,
    /// Number of columns of a head.
    width: usize,
}

impl HeadSizes {
    /// Returns the number of sequences times that of heads.
    fn count(self) -> usize {
        self.batch * self.heads
    }

    /// Returns the length of one head of one sequence `[T, width]`.
    fn len(self) -> usize {
        self.steps * self.width
    }

    /// Returns the offset in `[parts, B, heads, T, width]` of chunk number `chunk` of `width`
    /// columns in `[T, B, parts N]`.
    fn place(self, parts: usize, chunk: usize) -> usize {
        let Self { batch, steps, heads, width } = self;
        let (row, column) = (chunk / (parts * heads), chunk % (parts * heads));
        let (part, head) = (column / heads, column % heads);
        let (step, sequence) = (row / batch, row % batch);
        (((part * batch + sequence) * heads + head) * steps + step) * width
    }

    /// Rearranges rows `[T, B, parts N]` to heads `[parts, B, heads, T, width]`.
    fn split<R: Real>(self, parts: usize, rows: &[R], by_head: &mut [R]) {
        for (number, chunk) in rows.chunks_exact(self.width).enumerate() {
            by_head[self.place(parts, number)..][..self.width].copy_from_slice(chunk);
        }
    }

    /// Rearranges heads `[parts, B, heads, T, width]` to rows `[T, B, parts N]`.
    fn join<R: Real>(self, parts: usize, by_head: &[R], rows: &mut [R]) {
        for (number, chunk) in rows.chunks_exact_mut(self.width).enumerate() {
            chunk.copy_from_slice(&by_head[self.place(parts, number)..][..self.width]);
        }
    }
}

/// Computes the self-attention of each sequence of a batch and caches the activations.
///
/// # Shapes
/// `params` as in [`SelfAttentionShape::specs`], `x` `[T, B, N]`. Results are
/// [`SelfAttentionCache::output`] and [`SelfAttentionCache::weights`].
///
/// # Errors
/// [`LstmError::Size`], [`LstmError::Rows`] or [`LstmError::Length`] when `batch` or a slice does
/// not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{SelfAttentionCache, SelfAttentionShape, self_attention_forward};
///
/// // With equal queries and keys a step attends equally to itself and to all earlier steps.
/// let shape = SelfAttentionShape::new(1, 1, true)?;
/// let params = [0.0_f64, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
/// let mut cache = SelfAttentionCache::default();
/// self_attention_forward(shape, &params, &[2.0, 4.0], 1, &mut cache)?;
/// assert_eq!(cache.weights(), [1.0, 0.0, 0.5, 0.5]);
/// assert_eq!(cache.output(), [2.0, 3.0]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn self_attention_forward<R: Real>(
    shape: SelfAttentionShape,
    params: &[R],
    x: &[R],
    batch: usize,
    cache: &mut SelfAttentionCache<R>,
) -> Result<(), LstmError> {
    check_len("self-attention parameters", shape.len(), params.len())?;
    let steps = check_steps("x", shape.size(), batch, x.len())?;
    let width = shape.size() / shape.heads;
    let heads = HeadSizes { batch, steps, heads: shape.heads, width };
    cache.resize(heads);
    let (of_input, of_output) = params.split_at(shape.input.len());
    let SelfAttentionCache { rows, by_head, weights, context, joined, output, .. } = cache;
    dense_forward(shape.input, shape.input.params(of_input)?, x, rows)?;
    heads.split(3, rows, by_head);
    let (queries, rest) = by_head.split_at_mut(heads.count() * heads.len());
    let (keys, values) = rest.split_at(heads.count() * heads.len());
    let scale = R::from_f64((width as f64).sqrt().recip());
    for query in &mut *queries {
        *query *= scale;
    }
    let matrices = queries.chunks_exact(heads.len()).zip(keys.chunks_exact(heads.len()));
    let matrices = matrices.zip(values.chunks_exact(heads.len()));
    let results =
        weights.chunks_exact_mut(steps * steps).zip(context.chunks_exact_mut(heads.len()));
    for (((q, k), v), (weights, context)) in matrices.zip(results) {
        let [q, k, v] = [q, k, v].map(|part| Matrix::new(part, steps, width));
        mat_mul(q, k.t(), false, weights);
        for (step, scores) in weights.chunks_exact_mut(steps).enumerate() {
            let seen = if shape.causal { step + 1 } else { steps };
            softmax(&mut scores[..seen]);
            scores[seen..].fill(R::ZERO);
        }
        mat_mul(Matrix::new(weights, steps, steps), v, false, context);
    }
    heads.join(1, context, joined);
    dense_forward(shape.output, shape.output.params(of_output)?, joined, output)
}

/// Adds the gradients of a self-attention to `d_params` and `d_x`.
///
/// # Shapes
/// `x` (as in the forward pass), `d_y` and `d_x` `[T, B, N]`; `d_params` like `params`, which are
/// those of the forward pass that filled `cache`.
///
/// # Formula
/// With c = a v of a head and s = q k^T the scores of the scaled queries:
///
/// ```text
/// d_a = d_c v^T        d_s = a (d_a - sum over the row of a d_a)
/// d_q = d_s k          d_k = d_s^T q          d_v = a^T d_c
/// ```
///
/// # Errors
/// [`LstmError::Length`] when a slice does not fit the forward pass in `cache`; nothing is changed
/// then.
pub fn self_attention_backward<R: Real>(
    shape: SelfAttentionShape,
    params: &[R],
    x: &[R],
    cache: &mut SelfAttentionCache<R>,
    d_y: &[R],
    d_params: &mut [R],
    d_x: &mut [R],
) -> Result<(), LstmError> {
    let heads = cache.heads;
    check_len("self-attention parameters", shape.len(), params.len())?;
    check_len("self-attention gradients", shape.len(), d_params.len())?;
    check_len("row of the forward pass in `cache`", shape.size(), heads.heads * heads.width)?;
    check_len("head list of the forward pass in `cache`", shape.heads, heads.heads)?;
    check_len("x", cache.output.len(), x.len())?;
    check_len("d_y", x.len(), d_y.len())?;
    check_len("d_x", x.len(), d_x.len())?;
    let (of_input, of_output) = params.split_at(shape.input.len());
    let (d_input, d_output) = d_params.split_at_mut(shape.input.len());
    let SelfAttentionCache { joined, d_joined, context, .. } = &mut *cache;
    d_joined.fill(R::ZERO);
    let (of_output, d_output) =
        (shape.output.params(of_output)?, shape.output.params_mut(d_output)?);
    dense_backward(shape.output, of_output, joined, d_y, d_output, Some(d_joined))?;
    heads.split(1, d_joined, context);
    cache.differentiate();
    let SelfAttentionCache { rows, d_by_head, .. } = cache;
    heads.join(3, d_by_head, rows);
    let (of_input, d_input) = (shape.input.params(of_input)?, shape.input.params_mut(d_input)?);
    dense_backward(shape.input, of_input, x, rows, d_input, Some(d_x))
}

impl<R: Real> SelfAttentionCache<R> {
    /// Resizes the buffers; the passes overwrite their contents.
    fn resize(&mut self, heads: HeadSizes) {
        self.heads = heads;
        let len = heads.count() * heads.len();
        for buffer in [&mut self.rows, &mut self.by_head, &mut self.d_by_head] {
            buffer.resize(3 * len, R::ZERO);
        }
        let rows = [&mut self.context, &mut self.joined, &mut self.output, &mut self.d_joined];
        for buffer in rows {
            buffer.resize(len, R::ZERO);
        }
        let scores = heads.steps * heads.steps;
        self.weights.resize(heads.count() * scores, R::ZERO);
        self.d_scores.resize(scores, R::ZERO);
    }

    /// Computes the gradients with respect to queries, keys and values from those with respect to
    /// the weighted values in `context`.
    fn differentiate(&mut self) {
        let HeadSizes { steps, width, .. } = self.heads;
        let (len, all) = (self.heads.len(), self.heads.count() * self.heads.len());
        let scale = R::from_f64((width as f64).sqrt().recip());
        let (d_queries, rest) = self.d_by_head.split_at_mut(all);
        let (d_keys, d_values) = rest.split_at_mut(all);
        for (head, weights) in self.weights.chunks_exact(steps * steps).enumerate() {
            let here = head * len..(head + 1) * len;
            let [q, k, v] = [0, 1, 2]
                .map(|part| Matrix::new(&self.by_head[part * all..][here.clone()], steps, width));
            let d_context = Matrix::new(&self.context[here.clone()], steps, width);
            let d_scores = &mut self.d_scores;
            mat_mul(d_context, v.t(), false, d_scores);
            let rows = d_scores.chunks_exact_mut(steps).zip(weights.chunks_exact(steps));
            for (d, weights) in rows {
                let mut mean = -R::ZERO;
                for at in 0..steps {
                    mean += weights[at] * d[at];
                }
                for at in 0..steps {
                    d[at] = weights[at] * (d[at] - mean);
                }
            }
            let d_scores = Matrix::new(d_scores, steps, steps);
            mat_mul(d_scores, k, false, &mut d_queries[here.clone()]);
            mat_mul(d_scores.t(), q, false, &mut d_keys[here.clone()]);
            let weights = Matrix::new(weights, steps, steps);
            mat_mul(weights.t(), d_context, false, &mut d_values[here]);
        }
        for d in d_queries {
            *d *= scale;
        }
    }
}
