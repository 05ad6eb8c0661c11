//! Forward pass over a batch, with everything kept that the backward pass needs.
use super::cache::join;
use super::{BiLstmCache, BiLstmParams, BiLstmShape};
use crate::error::{check_len, check_rows};
use crate::{LstmError, LstmStart, Real, lstm_forward};

/// Runs a batch of sequences through the layer, both ways, and keeps the activations in `cache`.
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
/// // All steps and all weights are the same here: so are the last states of both directions.
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
    if batch == 0 || batch > x.len() {
        return Err(LstmError::Size { what: "batch", expected: x.len(), got: batch });
    }
    let steps = check_rows("x", batch * inputs, x.len())?;
    if let Some(start) = &start {
        check_len("start.hidden", batch * 2 * hidden, start.hidden.len())?;
        check_len("start.cell", batch * 2 * hidden, start.cell.len())?;
    }
    cache.shape = Some(shape);
    (cache.batch, cache.steps) = (batch, steps);
    cache.x_reverse.clear();
    cache.x_reverse.extend(x.chunks_exact(batch * inputs).rev().flatten());

    let BiLstmCache { forward, reverse, x_reverse, start: [h, c], .. } = cache;
    if let Some(start) = start {
        h.split(start.hidden, batch, hidden);
        c.split(start.cell, batch, hidden);
    } else {
        h.zero(batch, hidden);
        c.zero(batch, hidden);
    }
    let direction = shape.direction();
    let start = LstmStart { hidden: &h.forward, cell: &c.forward };
    lstm_forward(direction, params.forward, x, batch, Some(start), forward)?;
    let start = LstmStart { hidden: &h.reverse, cell: &c.reverse };
    lstm_forward(direction, params.reverse, x_reverse, batch, Some(start), reverse)?;

    join([forward.hidden(), reverse.hidden()], batch, hidden, &mut cache.hidden);
    join([forward.last_hidden(), reverse.last_hidden()], batch, hidden, &mut cache.last_hidden);
    join([forward.last_cell(), reverse.last_cell()], batch, hidden, &mut cache.last_cell);
    Ok(())
}
