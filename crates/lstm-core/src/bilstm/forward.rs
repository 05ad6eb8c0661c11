//! Forward pass over a batch that caches the activations for the backward pass.
use super::{BiLstmCache, BiLstmParams, BiLstmShape};
use crate::error::{check_len, check_steps};
use crate::lstm;
use crate::{LstmError, LstmStart, Real};

/// Runs a batch of sequences through both directions of the layer and caches the activations.
///
/// # Shapes
/// `x` `[T, B, I]`, `T` from its length. States in `start` are `[B, 2H]`: that of the forward
/// direction before the first step, then that of the reverse direction before the last step;
/// without `start` they are zero. Results are [`BiLstmCache::hidden`],
/// [`BiLstmCache::last_hidden`] and [`BiLstmCache::last_cell`].
///
/// # Errors
/// [`LstmError::Size`], [`LstmError::Rows`] or [`LstmError::Length`] when `batch` or a slice does
/// not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{BiLstmCache, BiLstmShape, Biases, bilstm_forward};
///
/// let shape = BiLstmShape::new(2, 3, Biases::One)?;
/// let weights = vec![0.1_f32; shape.len()];
/// let x = [0.5; 4 * 5 * 2];
/// let mut cache = BiLstmCache::new();
/// bilstm_forward(shape, shape.params(&weights)?, &x, 5, None, &mut cache)?;
/// assert_eq!(cache.hidden().len(), 4 * 5 * 6);
/// // All steps and all weights are equal here, so both directions end in the same state.
/// assert_eq!(cache.last_hidden()[..3], cache.last_hidden()[3..6]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn bilstm_forward<R: Real>(
    shape: BiLstmShape,
    params: BiLstmParams<'_, R>,
    x: &[R],
    batch: usize,
    start: Option<LstmStart<'_, R>>,
    cache: &mut BiLstmCache<R>,
) -> Result<(), LstmError> {
    let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
    shape.check(&params)?;
    let steps = check_steps("x", inputs, batch, x.len())?;
    if let Some(start) = &start {
        check_len("start.hidden", batch * 2 * hidden, start.hidden.len())?;
        check_len("start.cell", batch * 2 * hidden, start.cell.len())?;
    }
    cache.shape = Some(shape);
    (cache.batch, cache.steps) = (batch, steps);
    cache.hidden.resize(steps * batch * 2 * hidden, R::ZERO);
    cache.last_hidden.resize(batch * 2 * hidden, R::ZERO);
    cache.last_cell.resize(batch * 2 * hidden, R::ZERO);
    let BiLstmCache { directions, hidden: results, last_hidden, last_cell, .. } = cache;
    let both = shape.sides().into_iter().zip([params.forward, params.reverse]).zip(directions);
    for ((side, params), cache) in both {
        let direction = shape.direction();
        let out = Some(results.as_mut_slice());
        lstm::forward_direction(side, direction, params, (x, batch), start, cache, out);
        let [h, c] = cache.last(side);
        let padded = h.len() / batch;
        side.rows_mut(last_hidden, 0, batch).unpad_from(hidden, padded, h);
        side.rows_mut(last_cell, 0, batch).unpad_from(hidden, padded, c);
    }
    Ok(())
}
