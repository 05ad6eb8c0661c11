//! Backpropagation through time.
use std::ops::Range;

use super::{LstmCache, LstmParams, LstmParamsMut, LstmShape, Side};
use crate::error::{check_len, check_optional_len};
use crate::gemm::{Matrix, mat_mul};
use crate::kernels::{
    AddRows, BackwardStep, DetectedKernel, LeftFactor, PANEL, Product, RightFactor,
};
use crate::{LstmError, Real};

/// Gradients of the loss with respect to the layer's results; `None` is zero.
#[derive(Debug, Clone, Copy)]
pub struct LstmUpstream<'a, R> {
    /// Gradients with respect to every hidden state `[T, B, H]`.
    pub d_hidden: Option<&'a [R]>,
    /// Gradients with respect to the last hidden state `[B, H]`, added to `d_hidden`.
    pub d_last_hidden: Option<&'a [R]>,
    /// Gradients with respect to the last cell `[B, H]`.
    pub d_last_cell: Option<&'a [R]>,
}

/// Buffers to which the backward pass adds its gradients.
#[derive(Debug)]
pub struct LstmGradients<'a, R> {
    /// Gradients with respect to the parameters.
    pub d_params: LstmParamsMut<'a, R>,
    /// Gradients with respect to the inputs `[T, B, I]`; `None` skips them.
    pub d_inputs: Option<&'a mut [R]>,
    /// Gradients with respect to the initial state; `None` skips them.
    pub d_start: Option<LstmStartMut<'a, R>>,
}

/// Gradients with respect to the initial state of a batch.
#[derive(Debug)]
pub struct LstmStartMut<'a, R> {
    /// Gradients with respect to the hidden states `[B, H]`.
    pub hidden: &'a mut [R],
    /// Gradients with respect to the cells `[B, H]`.
    pub cell: &'a mut [R],
}

/// Adds the gradients of a batch, by backpropagation through all its steps.
///
/// `params` and `x` are those of the forward pass that filled `cache`. With [`Biases::Two`] both
/// biases have the same gradient.
///
/// # Formula
/// Backward in time, with `d_h` and `d_c` the gradients with respect to the state after the step:
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
    backward_direction(Side::only(shape.hidden_size()), shape, params, x, cache, upstream, into);
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
    check_len("step of the forward pass in `cache`", shape.input_size(), inputs)?;
    check_len("state of the forward pass in `cache`", shape.hidden_size(), hidden)?;
    let inputs = cache.steps * cache.batch * shape.input_size();
    check_len("x", inputs, x.len())?;
    check_optional_len("d_hidden", cache.steps * row, upstream.d_hidden.map(<[R]>::len))?;
    check_optional_len("d_last_hidden", row, upstream.d_last_hidden.map(<[R]>::len))?;
    check_optional_len("d_last_cell", row, upstream.d_last_cell.map(<[R]>::len))?;
    check_optional_len("d_inputs", inputs, into.d_inputs.as_ref().map(|d| d.len()))?;
    check_optional_len("d_start.hidden", row, into.d_start.as_ref().map(|d| d.hidden.len()))?;
    check_optional_len("d_start.cell", row, into.d_start.as_ref().map(|d| d.cell.len()))
}

/// Runs the backward pass of one direction.
///
/// The upstream gradients and those of the initial state have rows of the whole layer, `stride`
/// numbers each. The caller has checked the sizes.
pub(crate) fn backward_direction<R: Real>(
    side: Side,
    shape: LstmShape,
    params: LstmParams<'_, R>,
    x: &[R],
    cache: &mut LstmCache<R>,
    upstream: LstmUpstream<'_, R>,
    into: LstmGradients<'_, R>,
) {
    let LstmGradients { d_params, mut d_inputs, d_start } = into;
    cache.weights.for_backward(shape, params, d_inputs.is_some());
    cache.sums.clear(shape);
    let (hidden, batch, steps, row) = (shape.hidden_size(), cache.batch, cache.steps, cache.row());
    match upstream.d_last_cell {
        Some(last) => side.rows(last, 0, batch).pad_into(hidden, row / batch, &mut cache.d_c),
        None => cache.d_c.fill(R::ZERO),
    }
    let group = cache.group();
    for number in (0..steps).rev() {
        step_back(side, hidden, number, cache, &upstream);
        let t = side.step(number, steps);
        let first = t / group * group;
        if number == 0 || side.step(number - 1, steps) / group != t / group {
            let steps = first..steps.min(first + group);
            add_weight_gradients(side, shape, steps, x, cache, d_inputs.as_deref_mut());
        }
    }
    cache.sums.add_to(shape, d_params);
    if let Some(d_start) = d_start {
        let d_gates = &cache.d_gates[side.step(0, steps) % group * 4 * row..][..4 * row];
        let padded = row / batch;
        let product = Product {
            left: LeftFactor { data: d_gates, stride: 4 * padded, transposed: false },
            right: RightFactor { data: &cache.weights.u, columns: padded, panel: PANEL },
            depth: 4 * padded,
            columns: padded,
            keep: false,
            c: &mut cache.d_h,
        };
        DetectedKernel::detect().run(product);
        side.rows_mut(d_start.hidden, 0, batch).add_from(hidden, padded, &cache.d_h);
        side.rows_mut(d_start.cell, 0, batch).add_from(hidden, padded, &cache.d_c);
    }
}

/// Computes the step's part of `cache.d_gates` and propagates `cache.d_c` one step back.
fn step_back<R: Real>(
    side: Side,
    hidden: usize,
    number: usize,
    cache: &mut LstmCache<R>,
    upstream: &LstmUpstream<'_, R>,
) {
    let (batch, steps, row, group) = (cache.batch, cache.steps, cache.row(), cache.group());
    let (t, is_last) = (side.step(number, steps), number + 1 == steps);
    let after = if is_last { t } else { side.step(number + 1, steps) };
    let (d_gates, d_after) = two_chunks(&mut cache.d_gates, 4 * row, t % group, after % group);
    let step = BackwardStep {
        hidden,
        u: &cache.weights.u,
        d_after: (!is_last).then_some(d_after),
        d_hidden: [
            upstream.d_hidden.map(|d| side.rows(d, t, batch)),
            upstream.d_last_hidden.filter(|_| is_last).map(|d| side.rows(d, 0, batch)),
        ],
        gates: &cache.gates[t * 4 * row..][..4 * row],
        c_before: &cache.c[side.before(t) * row..][..row],
        tanh_c: &cache.tanh_c[t * row..][..row],
        d_c: &mut cache.d_c,
        d_gates,
    };
    DetectedKernel::detect().run(step);
}

/// Returns two chunks of `len` numbers, the first one mutable; the second is empty if it is the
/// same.
fn two_chunks<R>(chunks: &mut [R], len: usize, first: usize, second: usize) -> (&mut [R], &[R]) {
    if first < second {
        let (low, high) = chunks.split_at_mut(second * len);
        (&mut low[first * len..][..len], &high[..len])
    } else {
        let (low, high) = chunks.split_at_mut(first * len);
        (&mut high[..len], low.get(second * len..(second + 1) * len).unwrap_or_default())
    }
}

/// Adds `d_W += d a x^T`, `d_U += d a h^T` and `d_b += d a` over some steps of the whole batch, and
/// adds `d_x += W^T d a`.
fn add_weight_gradients<R: Real>(
    side: Side,
    shape: LstmShape,
    steps: Range<usize>,
    x: &[R],
    cache: &mut LstmCache<R>,
    d_inputs: Option<&mut [R]>,
) {
    let (inputs, batch) = (shape.input_size(), cache.batch);
    let (rows, padded) = (steps.len() * batch, cache.row() / batch);
    let inputs_here = steps.start * batch * inputs..steps.end * batch * inputs;
    let d_gates = Matrix::new(&cache.d_gates[..rows * 4 * padded], rows, 4 * padded);
    let h_before = &cache.h[side.before(steps.start) * cache.row()..][..rows * padded];
    let x = Matrix::new(&x[inputs_here.clone()], rows, inputs);
    let sums = &mut cache.sums;
    mat_mul(x.t(), d_gates, true, &mut sums.w);
    mat_mul(d_gates.t(), Matrix::new(h_before, rows, padded), true, &mut sums.u);
    let rows = &cache.d_gates[..rows * 4 * padded];
    DetectedKernel::detect().run(AddRows { rows, sum: &mut sums.b });
    if let Some(d_inputs) = d_inputs {
        let w = Matrix::new(&cache.weights.w, 4 * padded, inputs);
        mat_mul(d_gates, w, true, &mut d_inputs[inputs_here]);
    }
}
