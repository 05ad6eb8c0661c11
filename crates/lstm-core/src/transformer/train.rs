//! Forward and backward pass of the encoder and of its layer over a batch.
use super::{NormOrder, TransformerLayerShape, TransformerShape, split};
use crate::error::{check_len, check_steps};
use crate::{
    LayerNormCache, LstmError, Real, SelfAttentionCache, dense_backward, dense_forward,
    layer_norm_backward, layer_norm_forward, positional_encoding, relu, relu_backward,
    self_attention_backward, self_attention_forward,
};

/// Activations of one forward pass, and working memory of the backward pass.
///
/// Reuse one cache for all batches: its buffers grow to the largest batch and are kept.
#[derive(Debug, Clone, Default)]
pub struct TransformerLayerCache<R> {
    shape: Option<TransformerLayerShape>,
    attention: SelfAttentionCache<R>,
    norms: [LayerNormCache<R>; 2],
    /// Results of the normalisations `[T, B, N]` each.
    normed: [Vec<R>; 2],
    /// Sums after the residual connections `[T, B, N]` each.
    sums: [Vec<R>; 2],
    /// Activations relu(linear1) `[T, B, F]`.
    hidden: Vec<R>,
    /// Gradients with respect to the sums `[T, B, N]` each.
    d_sums: [Vec<R>; 2],
    /// Gradients with respect to the inputs of a part of the layer `[T, B, N]`.
    d_inputs: Vec<R>,
    /// Gradients with respect to `hidden`.
    d_hidden: Vec<R>,
}

impl<R: Real> TransformerLayerCache<R> {
    /// Returns the results of the last forward pass `[T, B, N]`.
    pub fn output(&self) -> &[R] {
        match self.shape.map(|shape| shape.order) {
            Some(NormOrder::Post) => &self.normed[1],
            _ => &self.sums[1],
        }
    }
}

/// Splits a mutable buffer like [`split`].
fn split_mut<R>(lens: [usize; 5], mut flat: &mut [R]) -> [&mut [R]; 5] {
    lens.map(|len| {
        let (part, rest) = std::mem::take(&mut flat).split_at_mut(len);
        flat = rest;
        part
    })
}

/// Writes the sums of the entries of two buffers.
fn add<R: Real>(a: &[R], b: &[R], sum: &mut [R]) {
    sum.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum = *a + *b);
}

/// Runs a batch of sequences through the layer and caches the activations.
///
/// # Shapes
/// `params` as in [`TransformerLayerShape::specs`], `x` `[T, B, N]`. The result is
/// [`TransformerLayerCache::output`].
///
/// # Errors
/// [`LstmError::Size`], [`LstmError::Rows`] or [`LstmError::Length`] when `batch` or a slice does
/// not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{
///     NormOrder, SelfAttentionShape, TransformerLayerCache, TransformerLayerShape,
///     transformer_layer_forward,
/// };
///
/// // With zero weights only the residual connections are left.
/// let attention = SelfAttentionShape::new(2, 1, false)?;
/// let shape = TransformerLayerShape::new(attention, 3, NormOrder::Pre)?;
/// let mut cache = TransformerLayerCache::default();
/// let x = [1.0_f64, -2.0, 3.0, 0.5];
/// transformer_layer_forward(shape, &vec![0.0; shape.len()], &x, 1, &mut cache)?;
/// assert_eq!(cache.output(), x);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn transformer_layer_forward<R: Real>(
    shape: TransformerLayerShape,
    params: &[R],
    x: &[R],
    batch: usize,
    cache: &mut TransformerLayerCache<R>,
) -> Result<(), LstmError> {
    check_len("transformer layer parameters", shape.len(), params.len())?;
    check_steps("x", shape.size(), batch, x.len())?;
    cache.shape = Some(shape);
    let TransformerLayerCache { attention, norms, normed, sums, hidden, .. } = cache;
    for buffer in normed.iter_mut().chain(&mut *sums) {
        buffer.resize(x.len(), R::ZERO);
    }
    hidden.resize(x.len() / shape.size() * shape.linear1.output_size(), R::ZERO);
    let [norm1, norm2] = norms;
    let ([normed1, normed2], [sum1, sum2]) = (normed, sums);
    let [of_attention, of_linear1, of_linear2, of_norm1, of_norm2] = split(shape.lens(), params);
    let (linear1, linear2) = (shape.linear1.params(of_linear1)?, shape.linear2.params(of_linear2)?);
    match shape.order {
        NormOrder::Pre => {
            layer_norm_forward(shape.norm, of_norm1, x, normed1, norm1)?;
            self_attention_forward(shape.attention, of_attention, normed1, batch, attention)?;
            add(x, attention.output(), sum1);
            layer_norm_forward(shape.norm, of_norm2, sum1, normed2, norm2)?;
            dense_forward(shape.linear1, linear1, normed2, hidden)?;
            relu(hidden);
            dense_forward(shape.linear2, linear2, hidden, sum2)?;
            sum2.iter_mut().zip(&*sum1).for_each(|(sum, s)| *sum += *s);
            Ok(())
        }
        NormOrder::Post => {
            self_attention_forward(shape.attention, of_attention, x, batch, attention)?;
            add(x, attention.output(), sum1);
            layer_norm_forward(shape.norm, of_norm1, sum1, normed1, norm1)?;
            dense_forward(shape.linear1, linear1, normed1, hidden)?;
            relu(hidden);
            dense_forward(shape.linear2, linear2, hidden, sum2)?;
            sum2.iter_mut().zip(&*normed1).for_each(|(sum, s)| *sum += *s);
            layer_norm_forward(shape.norm, of_norm2, sum2, normed2, norm2)
        }
    }
}

/// Adds the gradients of a layer to `d_params` and `d_x`.
///
/// # Shapes
/// `x` (as in the forward pass), `d_y` and `d_x` `[T, B, N]`; `d_params` like `params`, which are
/// those of the forward pass that filled `cache`.
///
/// # Errors
/// [`LstmError::Length`] when a slice does not fit the forward pass in `cache`; nothing is changed
/// then.
pub fn transformer_layer_backward<R: Real>(
    shape: TransformerLayerShape,
    params: &[R],
    x: &[R],
    cache: &mut TransformerLayerCache<R>,
    d_y: &[R],
    d_params: &mut [R],
    d_x: &mut [R],
) -> Result<(), LstmError> {
    check_len("transformer layer parameters", shape.len(), params.len())?;
    check_len("transformer layer gradients", shape.len(), d_params.len())?;
    let [len, size, heads] =
        cache.shape.map_or([0; 3], |s| [s.len(), s.size(), s.attention.heads()]);
    check_len("parameter list of the forward pass in `cache`", shape.len(), len)?;
    check_len("row of the forward pass in `cache`", shape.size(), size)?;
    check_len("head list of the forward pass in `cache`", shape.attention.heads(), heads)?;
    check_len("x", cache.sums[0].len(), x.len())?;
    check_len("d_y", x.len(), d_y.len())?;
    check_len("d_x", x.len(), d_x.len())?;
    for buffer in cache.d_sums.iter_mut().chain([&mut cache.d_inputs]) {
        buffer.clear();
        buffer.resize(x.len(), R::ZERO);
    }
    let (of, d_of) = (split(shape.lens(), params), split_mut(shape.lens(), d_params));
    match shape.order {
        NormOrder::Pre => pre_backward(shape, of, cache, d_y, d_of, d_x),
        NormOrder::Post => post_backward(shape, of, x, cache, d_y, d_of, d_x),
    }
}

fn pre_backward<R: Real>(
    shape: TransformerLayerShape,
    of: [&[R]; 5],
    cache: &mut TransformerLayerCache<R>,
    d_y: &[R],
    d_of: [&mut [R]; 5],
    d_x: &mut [R],
) -> Result<(), LstmError> {
    let [d_attention, d_linear1, d_linear2, d_norm1, d_norm2] = d_of;
    cache.dense_backward(shape, [of[1], of[2]], 1, d_y, [d_linear1, d_linear2])?;
    let TransformerLayerCache { attention, norms, normed, d_sums: [d_sum, _], d_inputs, .. } =
        cache;
    d_sum.copy_from_slice(d_y);
    layer_norm_backward(shape.norm, of[4], &norms[1], d_inputs, d_norm2, d_sum)?;
    d_inputs.fill(R::ZERO);
    let normed = &normed[0];
    self_attention_backward(
        shape.attention,
        of[0],
        normed,
        attention,
        d_sum,
        d_attention,
        d_inputs,
    )?;
    d_x.iter_mut().zip(&*d_sum).for_each(|(d_x, d)| *d_x += *d);
    layer_norm_backward(shape.norm, of[3], &norms[0], d_inputs, d_norm1, d_x)
}

fn post_backward<R: Real>(
    shape: TransformerLayerShape,
    of: [&[R]; 5],
    x: &[R],
    cache: &mut TransformerLayerCache<R>,
    d_y: &[R],
    d_of: [&mut [R]; 5],
    d_x: &mut [R],
) -> Result<(), LstmError> {
    let [d_attention, d_linear1, d_linear2, d_norm1, d_norm2] = d_of;
    let mut d_sum2 = std::mem::take(&mut cache.d_sums[1]);
    layer_norm_backward(shape.norm, of[4], &cache.norms[1], d_y, d_norm2, &mut d_sum2)?;
    cache.dense_backward(shape, [of[1], of[2]], 0, &d_sum2, [d_linear1, d_linear2])?;
    cache.d_sums[1] = d_sum2;
    let TransformerLayerCache { attention, norms, d_sums: [d_sum1, d_sum2], d_inputs, .. } = cache;
    d_inputs.iter_mut().zip(&*d_sum2).for_each(|(d_inputs, d)| *d_inputs += *d);
    layer_norm_backward(shape.norm, of[3], &norms[0], d_inputs, d_norm1, d_sum1)?;
    d_x.iter_mut().zip(&*d_sum1).for_each(|(d_x, d)| *d_x += *d);
    self_attention_backward(shape.attention, of[0], x, attention, d_sum1, d_attention, d_x)
}

impl<R: Real> TransformerLayerCache<R> {
    /// Computes the gradients of the dense layers; those with respect to their inputs, the results
    /// of normalisation `norm`, are added to `d_inputs`.
    fn dense_backward(
        &mut self,
        shape: TransformerLayerShape,
        [of_linear1, of_linear2]: [&[R]; 2],
        norm: usize,
        d_y: &[R],
        [d_linear1, d_linear2]: [&mut [R]; 2],
    ) -> Result<(), LstmError> {
        let Self { normed, hidden, d_hidden, d_inputs, .. } = self;
        let TransformerLayerShape { linear1, linear2, .. } = shape;
        d_hidden.clear();
        d_hidden.resize(hidden.len(), R::ZERO);
        let (of_linear2, into) = (linear2.params(of_linear2)?, linear2.params_mut(d_linear2)?);
        dense_backward(linear2, of_linear2, hidden, d_y, into, Some(d_hidden))?;
        relu_backward(hidden, d_hidden)?;
        let (of_linear1, into) = (linear1.params(of_linear1)?, linear1.params_mut(d_linear1)?);
        dense_backward(linear1, of_linear1, &normed[norm], d_hidden, into, Some(d_inputs))
    }
}

/// Activations of one forward pass of an encoder, and working memory of the backward pass.
///
/// Reuse one cache for all batches: its buffers grow to the largest batch and are kept.
#[derive(Debug, Clone, Default)]
pub struct TransformerCache<R> {
    /// Inputs of the first layer `[T, B, N]`.
    input: Vec<R>,
    /// Positional encoding `[T, N]`, and the sizes `T` and `N` that it was computed for.
    positions: Vec<R>,
    encoded: [usize; 2],
    layers: Vec<TransformerLayerCache<R>>,
    norm: LayerNormCache<R>,
    /// Results `[T, B, N]`.
    output: Vec<R>,
    /// Gradients with respect to the results of a layer, and to its inputs `[T, B, N]`.
    d_output: Vec<R>,
    d_input: Vec<R>,
}

impl<R: Real> TransformerCache<R> {
    /// Returns the results of the last forward pass `[T, B, N]`.
    pub fn output(&self) -> &[R] {
        &self.output
    }
}

/// Runs a batch of sequences through the encoder and caches the activations.
///
/// # Shapes
/// `params` as in [`TransformerShape::specs`], `x` `[T, B, I]`. The result is
/// [`TransformerCache::output`].
///
/// # Errors
/// [`LstmError::Size`], [`LstmError::Rows`] or [`LstmError::Length`] when `batch` or a slice does
/// not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{TransformerCache, TransformerShape, transformer_forward};
///
/// let shape = TransformerShape::new(2, 4, 2, 8, 1)?;
/// let params: Vec<f64> = (0..shape.len()).map(|i| (i as f64).sin() / 3.0).collect();
/// let mut cache = TransformerCache::default();
/// transformer_forward(shape, &params, &[0.1, -0.2, 0.3, 0.0, -0.1, 0.4], 1, &mut cache)?;
/// assert_eq!(cache.output().len(), 3 * 4);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn transformer_forward<R: Real>(
    shape: TransformerShape,
    params: &[R],
    x: &[R],
    batch: usize,
    cache: &mut TransformerCache<R>,
) -> Result<(), LstmError> {
    let size = shape.output_size();
    check_len("transformer parameters", shape.len(), params.len())?;
    let steps = check_steps("x", shape.input_size(), batch, x.len())?;
    let TransformerCache { input, positions, encoded, layers, norm, output, .. } = cache;
    input.resize(steps * batch * size, R::ZERO);
    output.resize(input.len(), R::ZERO);
    layers.resize_with(shape.layers, TransformerLayerCache::default);
    if *encoded != [steps, size] {
        positions.resize(steps * size, R::ZERO);
        positional_encoding(size, positions)?;
        *encoded = [steps, size];
    }
    let (of_input, mut rest) = params.split_at(shape.input.len());
    dense_forward(shape.input, shape.input.params(of_input)?, x, input)?;
    let positions = positions.chunks_exact(size);
    for (rows, position) in input.chunks_exact_mut(batch * size).zip(positions) {
        let numbers = position.iter().cycle();
        rows.iter_mut().zip(numbers).for_each(|(row, number)| *row += *number);
    }
    for number in 0..shape.layers {
        let (own, after) = rest.split_at(shape.layer.len());
        let (before, here) = layers.split_at_mut(number);
        let input = before.last().map_or(&input[..], TransformerLayerCache::output);
        transformer_layer_forward(shape.layer, own, input, batch, &mut here[0])?;
        rest = after;
    }
    let last = layers.last().map_or(&input[..], TransformerLayerCache::output);
    layer_norm_forward(shape.layer.norm, rest, last, output, norm)
}

/// Adds the gradients of an encoder to `d_params` and `d_x`.
///
/// # Shapes
/// `x` (as in the forward pass) and `d_x` `[T, B, I]`, `d_y` `[T, B, N]`; `d_params` like `params`,
/// which are those of the forward pass that filled `cache`.
///
/// # Errors
/// [`LstmError::Length`] when a slice does not fit the forward pass in `cache`; nothing is changed
/// then.
pub fn transformer_backward<R: Real>(
    shape: TransformerShape,
    params: &[R],
    x: &[R],
    cache: &mut TransformerCache<R>,
    d_y: &[R],
    d_params: &mut [R],
    d_x: Option<&mut [R]>,
) -> Result<(), LstmError> {
    check_len("transformer parameters", shape.len(), params.len())?;
    check_len("transformer gradients", shape.len(), d_params.len())?;
    check_len("layers of the forward pass in `cache`", shape.layers, cache.layers.len())?;
    check_len("d_y", cache.output.len(), d_y.len())?;
    check_len("x", d_y.len() / shape.output_size() * shape.input_size(), x.len())?;
    check_len("d_x", x.len(), d_x.as_ref().map_or(x.len(), |d| d.len()))?;
    let TransformerCache { input, layers, norm, d_output, d_input, .. } = cache;
    let mut end = params.len() - shape.layer.norm.len();
    d_output.clear();
    d_output.resize(d_y.len(), R::ZERO);
    let d_norm = &mut d_params[end..];
    layer_norm_backward(shape.layer.norm, &params[end..], norm, d_y, d_norm, d_output)?;
    for number in (0..shape.layers).rev() {
        let own = end - shape.layer.len()..end;
        end = own.start;
        let (before, here) = layers.split_at_mut(number);
        let input = before.last().map_or(&input[..], TransformerLayerCache::output);
        d_input.clear();
        d_input.resize(d_y.len(), R::ZERO);
        let (own, d_own) = (&params[own.clone()], &mut d_params[own]);
        transformer_layer_backward(
            shape.layer,
            own,
            input,
            &mut here[0],
            d_output,
            d_own,
            d_input,
        )?;
        std::mem::swap(d_output, d_input);
    }
    let (of_input, into) = (shape.input.params(&params[..end])?, &mut d_params[..end]);
    dense_backward(shape.input, of_input, x, d_output, shape.input.params_mut(into)?, d_x)
}
