//! Forward pass over a batch that caches the activations for the backward pass.
use super::cache::DirectionCache;
use super::shape::GruParams;
use super::{GruCache, GruShape};
use crate::error::{check_optional_len, check_steps};
use crate::gemm::{Matrix, mat_mul};
use crate::kernels::{DetectedKernel, GruForwardStep, LANES};
use crate::lstm::Side;
use crate::{LstmError, Real};

/// Runs a batch of sequences through the layer and caches the activations.
///
/// # Shapes
/// `params` as in [`GruShape::specs`], `x` `[T, B, I]`, `start` `[B, H]`, or `[B, 2H]` for a
/// bidirectional layer: the state of the forward direction before the first step, then that of the
/// reverse direction before the last step. Without `start` the states start at zero. Results are
/// [`GruCache::hidden`] and [`GruCache::last_hidden`].
///
/// # Errors
/// [`LstmError::Size`], [`LstmError::Rows`] or [`LstmError::Length`] when `batch` or a slice does
/// not fit; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{GruCache, GruShape, gru_forward};
///
/// // With zero weights the gates are one half and the candidate is zero: the state halves.
/// let shape = GruShape::new(2, 1, false)?;
/// let mut cache = GruCache::new();
/// gru_forward(shape, &vec![0.0_f64; shape.len()], &[0.5; 6], 1, Some(&[1.0]), &mut cache)?;
/// assert_eq!(cache.hidden(), [0.5, 0.25, 0.125]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn gru_forward<R: Real>(
    shape: GruShape,
    params: &[R],
    x: &[R],
    batch: usize,
    start: Option<&[R]>,
    cache: &mut GruCache<R>,
) -> Result<(), LstmError> {
    let directions = shape.directions_of(params)?;
    let steps = check_steps("x", shape.input_size(), batch, x.len())?;
    let row = batch * shape.output_size();
    check_optional_len("start", row, start.map(<[R]>::len))?;
    (cache.shape, cache.batch, cache.steps) = (Some(shape), batch, steps);
    cache.hidden.resize(steps * row, R::ZERO);
    cache.last_hidden.resize(row, R::ZERO);
    let GruCache { directions: caches, hidden: results, last_hidden, .. } = cache;
    let hidden = shape.hidden_size();
    let padded = hidden.next_multiple_of(LANES);
    for ((side, params), cache) in shape.sides().zip(directions).zip(caches) {
        cache.resize(shape, batch, steps);
        let first = &mut cache.h[side.first(steps) * batch * padded..][..batch * padded];
        match start {
            Some(start) => side.rows(start, 0, batch).pad_into(hidden, padded, first),
            None => first.fill(R::ZERO),
        }
        read(side, shape, params, (x, batch), cache);
        for t in 0..steps {
            let after = t + usize::from(!side.reversed);
            let states = &cache.h[after * batch * padded..][..batch * padded];
            side.rows_mut(results, t, batch).unpad_from(hidden, padded, states);
        }
        let last = &cache.h[side.last(steps) * batch * padded..][..batch * padded];
        side.rows_mut(last_hidden, 0, batch).unpad_from(hidden, padded, last);
    }
    Ok(())
}

/// Computes all states of one direction from the initial one.
fn read<R: Real>(
    side: Side,
    shape: GruShape,
    params: GruParams<'_, R>,
    (x, batch): (&[R], usize),
    cache: &mut DirectionCache<R>,
) {
    let padded = shape.hidden_size().next_multiple_of(LANES);
    let (inputs, width) = (shape.input_size(), 3 * padded);
    let rows = x.len() / inputs;
    let DirectionCache { gates, recurrent, h, weights, .. } = cache;
    weights.for_forward(shape, params);
    gates.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(&weights.b_ih));
    recurrent.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(&weights.b_hh));
    let (x, w) = (Matrix::new(x, rows, inputs), Matrix::new(&weights.w_columns, inputs, width));
    mat_mul(x, w, true, gates);
    let (kernel, steps) = (DetectedKernel::detect(), rows / batch);
    for number in 0..steps {
        let t = side.step(number, steps);
        let (h_before, h_after) = side.around(h, t, batch * padded);
        let here = t * batch * width..(t + 1) * batch * width;
        let recurrent = &mut recurrent[here.clone()];
        let u = Matrix::new(&weights.u_columns, padded, width);
        mat_mul(Matrix::new(h_before, batch, padded), u, true, recurrent);
        let gates = &mut gates[here];
        kernel.run(GruForwardStep { padded, gates, recurrent, h_before, h_after });
    }
}
