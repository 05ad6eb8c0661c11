//! Backpropagation through time.
use super::cache::DirectionCache;
use super::shape::GruParams;
use super::{GruCache, GruShape};
use crate::error::{check_len, check_optional_len};
use crate::gemm::{Matrix, mat_mul};
use crate::kernels::{AddRows, DetectedKernel, GruBackwardStep, LANES};
use crate::lstm::Side;
use crate::{LstmError, Real};

/// Gradients of the loss with respect to the layer's results; `None` is zero.
///
/// `D` is `H`, or `2H` for a bidirectional layer.
#[derive(Debug, Clone, Copy)]
pub struct GruUpstream<'a, R> {
    /// Gradients with respect to every hidden state `[T, B, D]`.
    pub d_hidden: Option<&'a [R]>,
    /// Gradients with respect to the last hidden states `[B, D]`, added to `d_hidden`.
    pub d_last_hidden: Option<&'a [R]>,
}

/// Buffers to which the backward pass adds its gradients.
#[derive(Debug)]
pub struct GruGradients<'a, R> {
    /// Gradients with respect to the parameters, in the order of [`GruShape::specs`].
    pub d_params: &'a mut [R],
    /// Gradients with respect to the inputs `[T, B, I]`; `None` skips them.
    pub d_inputs: Option<&'a mut [R]>,
    /// Gradients with respect to the initial states `[B, D]`; `None` skips them.
    pub d_start: Option<&'a mut [R]>,
}

/// Adds the gradients of a batch, by backpropagation through all its steps.
///
/// `params` and `x` are those of the forward pass that filled `cache`.
///
/// # Formula
/// Backward in time, with `d_h` the gradient with respect to the state after the step and
/// `u = U_n h + b_hn`:
///
/// ```text
/// d_z = d_h (h - n)      d_n = d_h (1 - z)      d a_n = d_n (1 - n^2)      d_r = d a_n u
/// gate sums: d a_s = d_s s (1 - s) for s = r, z
/// d_x = W^T d a,  d_W += d a x^T,  d_b_ih += d a
/// d_h = z d_h + U^T d a',  d_U += d a' h^T,  d_b_hh += d a'     a' like a, with d a'_n = r d a_n
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
///     GruCache, GruGradients, GruShape, GruUpstream, gru_backward, gru_forward,
/// };
///
/// let shape = GruShape::new(1, 2, false)?;
/// let params = vec![0.0_f64; shape.len()];
/// let (mut d_params, mut d_start) = (vec![0.0; shape.len()], [0.0; 2]);
/// let x = [0.5, -0.5, 1.0];
/// let mut cache = GruCache::new();
/// gru_forward(shape, &params, &x, 1, None, &mut cache)?;
/// let upstream = GruUpstream { d_hidden: None, d_last_hidden: Some(&[1.0, 0.0]) };
/// let into =
///     GruGradients { d_params: &mut d_params, d_inputs: None, d_start: Some(&mut d_start) };
/// gru_backward(shape, &params, &x, &mut cache, upstream, into)?;
/// // With zero weights each step halves the state.
/// assert_eq!(d_start, [0.125, 0.0]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn gru_backward<R: Real>(
    shape: GruShape,
    params: &[R],
    x: &[R],
    cache: &mut GruCache<R>,
    upstream: GruUpstream<'_, R>,
    into: GruGradients<'_, R>,
) -> Result<(), LstmError> {
    let directions = shape.directions_of(params)?;
    check(shape, x, cache, &upstream, &into)?;
    let GruGradients { d_params, mut d_inputs, mut d_start } = into;
    let (hidden, batch) = (shape.hidden_size(), cache.batch);
    let padded = hidden.next_multiple_of(LANES);
    let both = shape.sides().zip(directions).zip(shape.directions_of_mut(d_params));
    for (((side, params), d_params), cache) in both.zip(&mut cache.directions) {
        cache.differentiate(side, shape, params, batch, upstream);
        cache.add_weight_gradients(side, shape, x);
        cache.sums.add_to(shape, d_params);
        if let Some(d_start) = &mut d_start {
            side.rows_mut(d_start, 0, batch).add_from(hidden, padded, &cache.d_h);
        }
        if let Some(d_inputs) = &mut d_inputs {
            let rows = cache.d_gates.len() / (3 * padded);
            let d_gates = Matrix::new(&cache.d_gates, rows, 3 * padded);
            let w = Matrix::new(&cache.weights.w, 3 * padded, shape.input_size());
            mat_mul(d_gates, w, true, d_inputs);
        }
    }
    Ok(())
}

fn check<R: Real>(
    shape: GruShape,
    x: &[R],
    cache: &GruCache<R>,
    upstream: &GruUpstream<'_, R>,
    into: &GruGradients<'_, R>,
) -> Result<(), LstmError> {
    let [inputs, outputs] = cache.shape.map_or([0; 2], |s| [s.input_size(), s.output_size()]);
    check_len("step of the forward pass in `cache`", shape.input_size(), inputs)?;
    check_len("state of the forward pass in `cache`", shape.output_size(), outputs)?;
    let hidden = cache.shape.map_or(0, |shape| shape.hidden_size());
    check_len("direction of the forward pass in `cache`", shape.hidden_size(), hidden)?;
    let row = cache.batch * shape.output_size();
    check_len("x", cache.steps * cache.batch * shape.input_size(), x.len())?;
    check_optional_len("d_hidden", cache.steps * row, upstream.d_hidden.map(<[R]>::len))?;
    check_optional_len("d_last_hidden", row, upstream.d_last_hidden.map(<[R]>::len))?;
    check_len("d_params", shape.len(), into.d_params.len())?;
    check_optional_len("d_inputs", x.len(), into.d_inputs.as_ref().map(|d| d.len()))?;
    check_optional_len("d_start", row, into.d_start.as_ref().map(|d| d.len()))
}

impl<R: Real> DirectionCache<R> {
    /// Computes the gradients with respect to all gate sums and to the initial state, which stays
    /// in `d_h`.
    fn differentiate(
        &mut self,
        side: Side,
        shape: GruShape,
        params: GruParams<'_, R>,
        batch: usize,
        upstream: GruUpstream<'_, R>,
    ) {
        let hidden = shape.hidden_size();
        let padded = hidden.next_multiple_of(LANES);
        let row = batch * padded;
        let steps = self.gates.len() / (3 * row);
        let Self { gates, recurrent, h, d_gates, d_recurrent, d_h, weights, .. } = self;
        weights.for_backward(shape, params);
        d_h.fill(R::ZERO);
        if let Some(last) = upstream.d_last_hidden {
            side.rows(last, 0, batch).add_into(hidden, padded, d_h);
        }
        let kernel = DetectedKernel::detect();
        for number in (0..steps).rev() {
            let t = side.step(number, steps);
            if let Some(d_hidden) = upstream.d_hidden {
                side.rows(d_hidden, t, batch).add_into(hidden, padded, d_h);
            }
            let here = t * 3 * row..(t + 1) * 3 * row;
            let d_recurrent = &mut d_recurrent[here.clone()];
            kernel.run(GruBackwardStep {
                padded,
                gates: &gates[here.clone()],
                recurrent: &recurrent[here.clone()],
                h_before: &h[side.before(t) * row..][..row],
                d_h,
                d_gates: &mut d_gates[here],
                d_recurrent,
            });
            let u = Matrix::new(&weights.u, 3 * padded, padded);
            mat_mul(Matrix::new(d_recurrent, batch, 3 * padded), u, true, d_h);
        }
    }

    /// Sums the gradients with respect to weights and biases over all steps.
    fn add_weight_gradients(&mut self, side: Side, shape: GruShape, x: &[R]) {
        let padded = shape.hidden_size().next_multiple_of(LANES);
        let (inputs, width) = (shape.input_size(), 3 * padded);
        let rows = x.len() / inputs;
        let Self { h, d_gates, d_recurrent, sums, .. } = self;
        sums.clear(shape);
        let first = side.before(0) * (h.len() - rows * padded);
        let h_before = Matrix::new(&h[first..][..rows * padded], rows, padded);
        let (x, of_gates) = (Matrix::new(x, rows, inputs), Matrix::new(d_gates, rows, width));
        mat_mul(x.t(), of_gates, false, &mut sums.w);
        mat_mul(Matrix::new(d_recurrent, rows, width).t(), h_before, false, &mut sums.u);
        let kernel = DetectedKernel::detect();
        kernel.run(AddRows { rows: d_gates, sum: &mut sums.b_ih });
        kernel.run(AddRows { rows: d_recurrent, sum: &mut sums.b_hh });
    }
}
