//! Forward pass over a batch that caches the activations for the backward pass.
use super::{LstmCache, LstmParams, LstmShape, Side};
use crate::error::{check_len, check_steps};
use crate::kernels::{DetectedKernel, ForwardStep, LANES};
use crate::{LstmError, Real};

/// Initial state of a batch.
#[derive(Debug, Clone, Copy)]
pub struct LstmStart<'a, R> {
    /// Hidden states `[B, H]`.
    pub hidden: &'a [R],
    /// Cells `[B, H]`.
    pub cell: &'a [R],
}

/// Runs a batch of sequences through the layer and caches the activations.
///
/// # Shapes
/// `x` `[T, B, I]`, `T` from its length. Without `start` the state starts at zero. Results are
/// [`LstmCache::hidden`], [`LstmCache::last_hidden`] and [`LstmCache::last_cell`].
///
/// # Errors
/// [`LstmError::Size`], [`LstmError::Rows`] or [`LstmError::Length`] when `batch` or a slice does
/// not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{Biases, LstmCache, LstmShape, lstm_forward};
///
/// let shape = LstmShape::new(2, 3, Biases::One)?;
/// let weights = vec![0.1_f32; shape.len()];
/// let x = [0.5; 4 * 5 * 2];
/// let mut cache = LstmCache::new();
/// lstm_forward(shape, shape.params(&weights)?, &x, 5, None, &mut cache)?;
/// assert_eq!(cache.hidden().len(), 4 * 5 * 3);
/// assert!(cache.last_hidden().iter().all(|h| (0.0..1.0).contains(h)));
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn lstm_forward<R: Real>(
    shape: LstmShape,
    params: LstmParams<'_, R>,
    x: &[R],
    batch: usize,
    start: Option<LstmStart<'_, R>>,
    cache: &mut LstmCache<R>,
) -> Result<(), LstmError> {
    let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
    shape.check(&params)?;
    let steps = check_steps("x", inputs, batch, x.len())?;
    if let Some(start) = &start {
        check_len("start.hidden", batch * hidden, start.hidden.len())?;
        check_len("start.cell", batch * hidden, start.cell.len())?;
    }
    let side = Side::only(hidden);
    // Without padding, the states in the cache are the results.
    let mut results = std::mem::take(&mut cache.hidden);
    let padded = !hidden.is_multiple_of(LANES);
    results.resize(if padded { steps * batch * hidden } else { 0 }, R::ZERO);
    let out = padded.then_some(&mut results[..]);
    forward_direction(side, shape, params, (x, batch), start, cache, out);
    cache.hidden = results;
    let mut last_cell = std::mem::take(&mut cache.last_cell);
    last_cell.resize(batch * hidden, R::ZERO);
    let [_, cells] = cache.last(side);
    side.rows_mut(&mut last_cell, 0, batch).unpad_from(hidden, cache.row() / batch, cells);
    cache.last_cell = last_cell;
    Ok(())
}

/// Runs the forward pass of one direction over `x` `[T, B, I]`.
///
/// `start` `[B, stride]` and `results` `[T, B, stride]` are those of the whole layer. The caller
/// has checked the sizes.
pub(crate) fn forward_direction<R: Real>(
    side: Side,
    shape: LstmShape,
    params: LstmParams<'_, R>,
    (x, batch): (&[R], usize),
    start: Option<LstmStart<'_, R>>,
    cache: &mut LstmCache<R>,
    mut results: Option<&mut [R]>,
) {
    let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
    let steps = x.len() / (batch * inputs);
    cache.resize(shape, batch, steps);
    cache.reversed = side.reversed;
    cache.weights.for_forward(shape, params);
    write_start(side, start, cache);
    let row = cache.row();
    for number in 0..steps {
        let t = side.step(number, steps);
        let (h_before, h_after) = side.around(&mut cache.h, t, row);
        let (c_before, c_after) = side.around(&mut cache.c, t, row);
        let step = ForwardStep {
            inputs,
            hidden,
            bias: &cache.weights.bias,
            weights: &cache.weights.columns,
            x: &x[t * batch * inputs..][..batch * inputs],
            h_before,
            c_before,
            h_after,
            c_after,
            tanh_c: &mut cache.tanh_c[t * row..][..row],
            gates: &mut cache.gates[t * 4 * row..][..4 * row],
            out: results.as_deref_mut().map(|results| side.rows_mut(results, t, batch)),
        };
        DetectedKernel::detect().run(step);
    }
}

/// Writes the initial states `h_0` and `c_0` into the cache; zeros without `start`.
fn write_start<R: Real>(side: Side, start: Option<LstmStart<'_, R>>, cache: &mut LstmCache<R>) {
    let (row, batch) = (cache.row(), cache.batch);
    let at = side.first(cache.steps) * row;
    let states = [&mut cache.h, &mut cache.c].map(|states| &mut states[at..][..row]);
    let given = start.map_or([None; 2], |start| [Some(start.hidden), Some(start.cell)]);
    for (state, given) in states.into_iter().zip(given) {
        match given {
            Some(given) => {
                let hidden = cache.shape.map_or(0, |shape| shape.hidden_size());
                side.rows(given, 0, batch).pad_into(hidden, row / batch, state);
            }
            None => state.fill(R::ZERO),
        }
    }
}
