//! Forward and backward pass of the network and of its block over a batch.
use super::{TcnBlockShape, TcnShape};
use crate::error::{check_len, check_steps};
use crate::{
    CausalConvCache, LstmError, Real, causal_conv_backward, causal_conv_forward, dense_backward,
    dense_forward, relu, relu_backward,
};

/// Activations of one forward pass, and working memory of the backward pass.
///
/// Reuse one cache for all batches: its buffers grow to the largest batch and are kept.
#[derive(Debug, Clone, Default)]
pub struct TcnBlockCache<R> {
    shape: Option<TcnBlockShape>,
    conv1: CausalConvCache<R>,
    conv2: CausalConvCache<R>,
    /// Activations relu(conv1(x)) `[T, B, O]`.
    first: Vec<R>,
    /// Activations relu(conv2(first)) `[T, B, O]`.
    second: Vec<R>,
    /// Results `[T, B, O]`.
    output: Vec<R>,
    /// Gradients with respect to the argument of the last ReLU, then to that of the second one
    /// `[T, B, O]`.
    d_second: Vec<R>,
    /// Gradients with respect to `first`, then to conv1(x) `[T, B, O]`.
    d_first: Vec<R>,
}

impl<R: Real> TcnBlockCache<R> {
    /// Returns the results of the last forward pass `[T, B, O]`.
    pub fn output(&self) -> &[R] {
        &self.output
    }
}

/// Runs a batch of sequences through the block and caches the activations.
///
/// # Shapes
/// `weights` as in [`TcnBlockShape::specs`], `x` `[T, B, N]`. The result is
/// [`TcnBlockCache::output`].
///
/// # Errors
/// [`LstmError::Size`], [`LstmError::Rows`] or [`LstmError::Length`] when `batch` or a slice does
/// not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{TcnBlockCache, TcnBlockShape, tcn_block_forward};
///
/// // With zero weights only the residual connection is left.
/// let shape = TcnBlockShape::new(2, 2, 1)?;
/// let mut cache = TcnBlockCache::default();
/// tcn_block_forward(shape, &vec![0.0_f64; shape.len()], &[1.0, -1.0], 1, &mut cache)?;
/// assert_eq!(cache.output(), [1.0, 0.0]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn tcn_block_forward<R: Real>(
    shape: TcnBlockShape,
    weights: &[R],
    x: &[R],
    batch: usize,
    cache: &mut TcnBlockCache<R>,
) -> Result<(), LstmError> {
    check_len("TCN block parameters", shape.len(), weights.len())?;
    let steps = check_steps("x", shape.input_size(), batch, x.len())?;
    let len = steps * batch * shape.output_size();
    cache.shape = Some(shape);
    let TcnBlockCache { conv1, conv2, first, second, output, .. } = cache;
    for buffer in [&mut *first, &mut *second, &mut *output] {
        buffer.resize(len, R::ZERO);
    }
    let (of_conv1, rest) = weights.split_at(shape.conv1.len());
    let (of_conv2, of_dense) = rest.split_at(shape.conv2.len());
    causal_conv_forward(shape.conv1, of_conv1, x, batch, first, conv1)?;
    relu(first);
    causal_conv_forward(shape.conv2, of_conv2, first, batch, second, conv2)?;
    relu(second);
    match shape.downsample {
        Some(dense) => dense_forward(dense, dense.params(of_dense)?, x, output)?,
        None => output.copy_from_slice(x),
    }
    output.iter_mut().zip(&*second).for_each(|(y, z)| *y += *z);
    relu(output);
    Ok(())
}

/// Adds the gradients of a block to `d_weights` and `d_x`.
///
/// # Shapes
/// `x` (as in the forward pass) and `d_x` `[T, B, N]`, `d_y` `[T, B, O]`; `d_weights` like
/// `weights`, which are those of the forward pass that filled `cache`.
///
/// # Errors
/// [`LstmError::Length`] when a slice does not fit the forward pass in `cache`; nothing is changed
/// then.
pub fn tcn_block_backward<R: Real>(
    shape: TcnBlockShape,
    weights: &[R],
    x: &[R],
    cache: &mut TcnBlockCache<R>,
    d_y: &[R],
    d_weights: &mut [R],
    d_x: &mut [R],
) -> Result<(), LstmError> {
    check_len("TCN block parameters", shape.len(), weights.len())?;
    check_len("TCN block gradients", shape.len(), d_weights.len())?;
    let [inputs, outputs] = cache.shape.map_or([0; 2], |s| [s.input_size(), s.output_size()]);
    check_len("input row of the forward pass in `cache`", shape.input_size(), inputs)?;
    check_len("output row of the forward pass in `cache`", shape.output_size(), outputs)?;
    check_len("d_y", cache.output.len(), d_y.len())?;
    let rows = d_y.len() / shape.output_size();
    check_len("x", rows * shape.input_size(), x.len())?;
    check_len("d_x", x.len(), d_x.len())?;
    let TcnBlockCache { conv1, conv2, first, second, output, d_second, d_first, .. } = cache;
    let (d_conv1, rest) = d_weights.split_at_mut(shape.conv1.len());
    let (d_conv2, d_dense) = rest.split_at_mut(shape.conv2.len());
    d_second.clear();
    d_second.extend_from_slice(d_y);
    relu_backward(output, d_second)?;
    match shape.downsample {
        Some(dense) => {
            let params = dense.params(&weights[shape.conv1.len() + shape.conv2.len()..])?;
            dense_backward(dense, params, x, d_second, dense.params_mut(d_dense)?, Some(d_x))?;
        }
        None => d_x.iter_mut().zip(&*d_second).for_each(|(d_x, d)| *d_x += *d),
    }
    relu_backward(second, d_second)?;
    d_first.clear();
    d_first.resize(first.len(), R::ZERO);
    causal_conv_backward(shape.conv2, first, conv2, d_second, d_conv2, d_first)?;
    relu_backward(first, d_first)?;
    causal_conv_backward(shape.conv1, x, conv1, d_first, d_conv1, d_x)
}

/// Activations of one forward pass of a network, and working memory of the backward pass.
///
/// Reuse one cache for all batches: its buffers grow to the largest batch and are kept.
#[derive(Debug, Clone, Default)]
pub struct TcnCache<R> {
    /// Inputs of the first block `[T, B, channels]`.
    input: Vec<R>,
    blocks: Vec<TcnBlockCache<R>>,
    /// Gradients with respect to the results of a block, and to its inputs `[T, B, channels]`.
    d_output: Vec<R>,
    d_input: Vec<R>,
}

impl<R: Real> TcnCache<R> {
    /// Returns the results of the last forward pass `[T, B, channels]`.
    pub fn output(&self) -> &[R] {
        self.blocks.last().map_or(&[], TcnBlockCache::output)
    }
}

/// Runs a batch of sequences through the network and caches the activations.
///
/// # Shapes
/// `params` as in [`TcnShape::specs`], `x` `[T, B, I]`. The result is [`TcnCache::output`].
///
/// # Errors
/// [`LstmError::Size`], [`LstmError::Rows`] or [`LstmError::Length`] when `batch` or a slice does
/// not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{TcnCache, TcnShape, tcn_forward};
///
/// // The input is mapped to itself, and the blocks have zero weights.
/// let shape = TcnShape::new(1, 1, 2)?;
/// let mut params = vec![0.0_f64; shape.len()];
/// params[0] = 1.0;
/// let mut cache = TcnCache::default();
/// tcn_forward(&shape, &params, &[2.0, -3.0], 1, &mut cache)?;
/// assert_eq!(cache.output(), [2.0, 0.0]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn tcn_forward<R: Real>(
    shape: &TcnShape,
    params: &[R],
    x: &[R],
    batch: usize,
    cache: &mut TcnCache<R>,
) -> Result<(), LstmError> {
    check_len("TCN parameters", shape.len(), params.len())?;
    let steps = check_steps("x", shape.input_size(), batch, x.len())?;
    cache.input.resize(steps * batch * shape.output_size(), R::ZERO);
    cache.blocks.resize_with(shape.blocks.len(), TcnBlockCache::default);
    let (of_input, mut rest) = params.split_at(shape.input.len());
    dense_forward(shape.input, shape.input.params(of_input)?, x, &mut cache.input)?;
    for (number, block) in shape.blocks.iter().enumerate() {
        let (own, after) = rest.split_at(block.len());
        let (before, here) = cache.blocks.split_at_mut(number);
        let input = before.last().map_or(&cache.input[..], TcnBlockCache::output);
        tcn_block_forward(*block, own, input, batch, &mut here[0])?;
        rest = after;
    }
    Ok(())
}

/// Adds the gradients of a network to `d_params` and `d_x`.
///
/// # Shapes
/// `x` (as in the forward pass) and `d_x` `[T, B, I]`, `d_y` `[T, B, channels]`; `d_params` like
/// `params`, which are those of the forward pass that filled `cache`.
///
/// # Errors
/// [`LstmError::Length`] when a slice does not fit the forward pass in `cache`; nothing is changed
/// then.
pub fn tcn_backward<R: Real>(
    shape: &TcnShape,
    params: &[R],
    x: &[R],
    cache: &mut TcnCache<R>,
    d_y: &[R],
    d_params: &mut [R],
    d_x: Option<&mut [R]>,
) -> Result<(), LstmError> {
    check_len("TCN parameters", shape.len(), params.len())?;
    check_len("TCN gradients", shape.len(), d_params.len())?;
    check_len("blocks of the forward pass in `cache`", shape.blocks.len(), cache.blocks.len())?;
    check_len("d_y", cache.input.len(), d_y.len())?;
    check_len("x", d_y.len() / shape.output_size() * shape.input_size(), x.len())?;
    check_len("d_x", x.len(), d_x.as_ref().map_or(x.len(), |d| d.len()))?;
    let TcnCache { input, blocks, d_output, d_input } = cache;
    d_output.clear();
    d_output.extend_from_slice(d_y);
    let mut end = params.len();
    for (number, block) in shape.blocks.iter().enumerate().rev() {
        let own = end - block.len()..end;
        end = own.start;
        let (before, here) = blocks.split_at_mut(number);
        let input = before.last().map_or(&input[..], TcnBlockCache::output);
        d_input.clear();
        d_input.resize(d_y.len(), R::ZERO);
        let d_own = &mut d_params[own.clone()];
        tcn_block_backward(*block, &params[own], input, &mut here[0], d_output, d_own, d_input)?;
        std::mem::swap(d_output, d_input);
    }
    let (of_input, into) = (shape.input.params(&params[..end])?, &mut d_params[..end]);
    dense_backward(shape.input, of_input, x, d_output, shape.input.params_mut(into)?, d_x)
}
