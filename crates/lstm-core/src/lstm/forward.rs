//! Forward pass over a batch, with everything kept that the backward pass needs.
use super::{LstmCache, LstmParams, LstmShape};
use crate::error::{check_len, check_rows};
use crate::gemm::{Matrix, mat_mul};
use crate::kernels::{self, Activate, Checked};
use crate::{LstmError, Real};

/// The state in which a batch starts.
#[derive(Debug, Clone, Copy)]
pub struct LstmStart<'a, R> {
    /// Hidden states `[B, H]`.
    pub hidden: &'a [R],
    /// Cells `[B, H]`.
    pub cell: &'a [R],
}

/// Runs a batch of sequences through the layer and keeps the activations in `cache`.
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
    if batch == 0 || batch > x.len() {
        return Err(LstmError::Size { what: "batch", expected: x.len(), got: batch });
    }
    let steps = check_rows("x", batch * inputs, x.len())?;
    if let Some(start) = &start {
        check_len("start.hidden", batch * hidden, start.hidden.len())?;
        check_len("start.cell", batch * hidden, start.cell.len())?;
    }
    cache.resize(shape, batch, steps);
    begin(start, cache);
    project_inputs(params, x, cache);
    recur(shape, params, cache);
    Ok(())
}

/// `h_0` and `c_0`.
fn begin<R: Real>(start: Option<LstmStart<'_, R>>, cache: &mut LstmCache<R>) {
    let row = cache.row();
    let (h, c) = (&mut cache.h[..row], &mut cache.c[..row]);
    if let Some(start) = start {
        h.copy_from_slice(start.hidden);
        c.copy_from_slice(start.cell);
    } else {
        h.fill(R::ZERO);
        c.fill(R::ZERO);
    }
}

/// b + W x of all steps at once.
fn project_inputs<R: Real>(params: LstmParams<'_, R>, x: &[R], cache: &mut LstmCache<R>) {
    let gates = params.b_ih.len();
    let (first, rest) = cache.gates.split_at_mut(gates);
    for (row, bias) in first.iter_mut().enumerate() {
        *bias = params.bias(row);
    }
    for row in rest.chunks_exact_mut(gates) {
        row.copy_from_slice(first);
    }
    let rows = cache.steps * cache.batch;
    let inputs = x.len() / rows;
    let w_ih = Matrix::new(params.w_ih, gates, inputs);
    mat_mul(Matrix::new(x, rows, inputs), w_ih.t(), true, &mut cache.gates);
}

/// + U h, the activations and the new state, step after step.
fn recur<R: Real>(shape: LstmShape, params: LstmParams<'_, R>, cache: &mut LstmCache<R>) {
    let (hidden, batch, row) = (shape.hidden_size(), cache.batch, cache.row());
    let w_hh = Matrix::new(params.w_hh, 4 * hidden, hidden);
    for t in 0..cache.steps {
        let (h_before, h_after) = cache.h[t * row..].split_at_mut(row);
        let (c_before, c_after) = cache.c[t * row..].split_at_mut(row);
        let gates = &mut cache.gates[t * 4 * row..][..4 * row];
        mat_mul(Matrix::new(h_before, batch, hidden), w_hh.t(), true, gates);
        kernels::dispatch(
            Checked::detect(),
            Activate {
                hidden,
                gates,
                c_before,
                c_after: &mut c_after[..row],
                tanh_c: &mut cache.tanh_c[t * row..][..row],
                h_after: &mut h_after[..row],
            },
        );
    }
}
