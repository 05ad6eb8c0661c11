//! Backpropagation through time.
use super::{LstmCache, LstmParams, LstmParamsMut, LstmShape};
use crate::error::check_len;
use crate::gemm::{Matrix, mat_mul};
use crate::kernels::{self, AddRows, Checked, Differentiate};
use crate::{LstmError, Real};

/// Gradients of the loss by the layer's results; `None` is zero.
#[derive(Debug, Clone, Copy)]
pub struct LstmUpstream<'a, R> {
    /// By every hidden state `[T, B, H]`.
    pub d_hidden: Option<&'a [R]>,
    /// By the last hidden state `[B, H]`, on top of `d_hidden`.
    pub d_last_hidden: Option<&'a [R]>,
    /// By the last cell `[B, H]`.
    pub d_last_cell: Option<&'a [R]>,
}

/// Where the backward pass adds its gradients.
#[derive(Debug)]
pub struct LstmGradients<'a, R> {
    /// By the parameters.
    pub d_params: LstmParamsMut<'a, R>,
    /// By the inputs `[T, B, I]`, if wanted.
    pub d_inputs: Option<&'a mut [R]>,
    /// By the state before the first step, if wanted.
    pub d_start: Option<LstmStartMut<'a, R>>,
}

/// Gradients by the state in which a batch starts.
#[derive(Debug)]
pub struct LstmStartMut<'a, R> {
    /// By the hidden states `[B, H]`.
    pub hidden: &'a mut [R],
    /// By the cells `[B, H]`.
    pub cell: &'a mut [R],
}

/// Adds the gradients of a batch, backpropagated through all its steps.
///
/// `params` and `x` are those of the forward pass that filled `cache`. With [`Biases::Two`] both
/// biases get the same gradient.
///
/// # Formula
/// Going back in time, with `d_h` and `d_c` the gradients by the state after the step:
///
/// ```text
/// d_o = d_h tanh(c')             d_c' = d_c + d_h o (1 - tanh(c')^2)
/// d_i = d_c' g    d_f = d_c' c   d_g = d_c' i    d_c = d_c' f
/// gate sums: d a = d_s s (1 - s) for s = i, f, o;  d a = d_g (1 - g^2)
/// d_h = U^T d a,  d_x = W^T d a,  d_W += d a x^T,  d_U += d a h^T,  d_b += d a
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
///     Biases, LstmCache, LstmGradients, LstmShape, LstmUpstream, lstm_backward, lstm_forward,
/// };
///
/// let shape = LstmShape::new(1, 2, Biases::One)?;
/// let weights = vec![0.1_f64; shape.len()];
/// let mut gradients = vec![0.0; shape.len()];
/// let x = [0.5, -0.5, 1.0];
/// let mut cache = LstmCache::new();
/// lstm_forward(shape, shape.params(&weights)?, &x, 1, None, &mut cache)?;
/// let upstream =
///     LstmUpstream { d_hidden: None, d_last_hidden: Some(&[1.0, 1.0]), d_last_cell: None };
/// let into = LstmGradients {
///     d_params: shape.params_mut(&mut gradients)?,
///     d_inputs: None,
///     d_start: None,
/// };
/// lstm_backward(shape, shape.params(&weights)?, &x, &mut cache, upstream, into)?;
/// assert!(gradients.iter().any(|g| *g != 0.0));
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
///
/// [`Biases::Two`]: crate::Biases::Two
pub fn lstm_backward<R: Real>(
    shape: LstmShape,
    params: LstmParams<'_, R>,
    x: &[R],
    cache: &mut LstmCache<R>,
    upstream: LstmUpstream<'_, R>,
    into: LstmGradients<'_, R>,
) -> Result<(), LstmError> {
    check(shape, params, x, cache, &upstream, &into)?;
    through_time(shape, params, cache, &upstream);
    let LstmGradients { d_params, d_inputs, d_start } = into;
    add_weight_gradients(shape, x, cache, d_params);
    if let Some(d_inputs) = d_inputs {
        let (rows, gates) = (cache.steps * cache.batch, 4 * shape.hidden_size());
        let w_ih = Matrix::new(params.w_ih, gates, shape.input_size());
        mat_mul(Matrix::new(&cache.d_gates, rows, gates), w_ih, true, d_inputs);
    }
    if let Some(d_start) = d_start {
        add(d_start.hidden, &cache.d_h);
        add(d_start.cell, &cache.d_c);
    }
    Ok(())
}

fn check<R: Real>(
    shape: LstmShape,
    params: LstmParams<'_, R>,
    x: &[R],
    cache: &LstmCache<R>,
    upstream: &LstmUpstream<'_, R>,
    into: &LstmGradients<'_, R>,
) -> Result<(), LstmError> {
    let row = cache.batch * shape.hidden_size();
    shape.check(&params)?;
    shape.check(&into.d_params.as_params())?;
    let [inputs, hidden] = cache.shape.map_or([0; 2], |s| [s.input_size(), s.hidden_size()]);
    check_len("a step in the cache", shape.input_size(), inputs)?;
    check_len("a state in the cache", shape.hidden_size(), hidden)?;
    let inputs = cache.steps * cache.batch * shape.input_size();
    check_len("x", inputs, x.len())?;
    let optional = |what, expected, got: Option<usize>| {
        got.map_or(Ok(()), |got| check_len(what, expected, got))
    };
    optional("d_hidden", cache.steps * row, upstream.d_hidden.map(<[R]>::len))?;
    optional("d_last_hidden", row, upstream.d_last_hidden.map(<[R]>::len))?;
    optional("d_last_cell", row, upstream.d_last_cell.map(<[R]>::len))?;
    optional("d_inputs", inputs, into.d_inputs.as_ref().map(|d| d.len()))?;
    optional("d_start.hidden", row, into.d_start.as_ref().map(|d| d.hidden.len()))?;
    optional("d_start.cell", row, into.d_start.as_ref().map(|d| d.cell.len()))
}

/// Fills `cache.d_gates`, and leaves the gradients by the start in `cache.d_h` and `cache.d_c`.
fn through_time<R: Real>(
    shape: LstmShape,
    params: LstmParams<'_, R>,
    cache: &mut LstmCache<R>,
    upstream: &LstmUpstream<'_, R>,
) {
    let (hidden, batch, row) = (shape.hidden_size(), cache.batch, cache.row());
    begin(&mut cache.d_h, upstream.d_last_hidden);
    begin(&mut cache.d_c, upstream.d_last_cell);
    let w_hh = Matrix::new(params.w_hh, 4 * hidden, hidden);
    for t in (0..cache.steps).rev() {
        if let Some(d_hidden) = upstream.d_hidden {
            add(&mut cache.d_h, &d_hidden[t * row..][..row]);
        }
        let d_gates = &mut cache.d_gates[t * 4 * row..][..4 * row];
        kernels::dispatch(
            Checked::detect(),
            Differentiate {
                hidden,
                gates: &cache.gates[t * 4 * row..][..4 * row],
                c_before: &cache.c[t * row..][..row],
                tanh_c: &cache.tanh_c[t * row..][..row],
                d_h: &cache.d_h,
                d_c: &mut cache.d_c,
                d_gates: &mut *d_gates,
            },
        );
        // d_h = U^T d a, for the step before.
        mat_mul(Matrix::new(d_gates, batch, 4 * hidden), w_hh, false, &mut cache.d_h);
    }
}

/// `d_W += d a x^T`, `d_U += d a h^T`, `d_b += d a`, over all steps and the whole batch at once.
fn add_weight_gradients<R: Real>(
    shape: LstmShape,
    x: &[R],
    cache: &LstmCache<R>,
    d_params: LstmParamsMut<'_, R>,
) {
    let (hidden, inputs) = (shape.hidden_size(), shape.input_size());
    let rows = cache.steps * cache.batch;
    let d_gates = Matrix::new(&cache.d_gates, rows, 4 * hidden).t();
    let h_before = &cache.h[..rows * hidden];
    mat_mul(d_gates, Matrix::new(x, rows, inputs), true, d_params.w_ih);
    mat_mul(d_gates, Matrix::new(h_before, rows, hidden), true, d_params.w_hh);
    let add_to = |sum| {
        kernels::dispatch(Checked::detect(), AddRows { rows: &cache.d_gates, sum });
    };
    add_to(d_params.b_ih);
    if let Some(b_hh) = d_params.b_hh {
        add_to(b_hh);
    }
}

fn begin<R: Real>(d: &mut [R], last: Option<&[R]>) {
    match last {
        Some(last) => d.copy_from_slice(last),
        None => d.fill(R::ZERO),
    }
}

fn add<R: Real>(to: &mut [R], what: &[R]) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += *what;
    }
}
