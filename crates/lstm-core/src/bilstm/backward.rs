//! Backpropagation through time in both directions.
use super::{BiLstmCache, BiLstmParams, BiLstmParamsMut, BiLstmShape};
use crate::error::{check_len, check_optional_len};
use crate::lstm;
use crate::{LstmError, LstmGradients, LstmStartMut, LstmUpstream, Real};

/// Gradients of the loss with respect to the layer's results, with `2H` in place of `H`.
pub type BiLstmUpstream<'a, R> = LstmUpstream<'a, R>;

/// Buffers to which the backward pass adds its gradients.
#[derive(Debug)]
pub struct BiLstmGradients<'a, R> {
    /// Gradients with respect to the parameters.
    pub d_params: BiLstmParamsMut<'a, R>,
    /// Gradients with respect to the inputs `[T, B, I]`; `None` skips them.
    pub d_inputs: Option<&'a mut [R]>,
    /// Gradients with respect to the initial states, each `[B, 2H]`; `None` skips them.
    pub d_start: Option<LstmStartMut<'a, R>>,
}

/// Adds the gradients of a batch, backpropagated through all its steps in both directions.
///
/// `params` and `x` are those of the forward pass that filled `cache`. Each direction is an
/// [`lstm_backward`](crate::lstm_backward) in its own reading order. The gradient with respect to
/// the inputs is the sum of both.
///
/// # Errors
/// [`LstmError::Length`] when a slice does not fit the forward pass in `cache`; nothing is changed
/// then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{
///     BiLstmCache, BiLstmGradients, BiLstmShape, BiLstmUpstream, Biases, bilstm_backward,
///     bilstm_forward,
/// };
///
/// let shape = BiLstmShape::new(1, 2, Biases::One)?;
/// let weights = vec![0.1_f64; shape.len()];
/// let mut gradients = vec![0.0; shape.len()];
/// let x = [0.5, -0.5, 1.0];
/// let mut cache = BiLstmCache::new();
/// bilstm_forward(shape, shape.params(&weights)?, &x, 1, None, &mut cache)?;
/// // The loss depends on the forward half only: the reverse direction gets no gradient.
/// let d_last = [1.0, 1.0, 0.0, 0.0];
/// let upstream =
///     BiLstmUpstream { d_hidden: None, d_last_hidden: Some(&d_last), d_last_cell: None };
/// let into = BiLstmGradients {
///     d_params: shape.params_mut(&mut gradients)?,
///     d_inputs: None,
///     d_start: None,
/// };
/// bilstm_backward(shape, shape.params(&weights)?, &x, &mut cache, upstream, into)?;
/// let d = shape.params(&gradients)?;
/// assert!(d.forward.w_ih.iter().any(|g| *g != 0.0));
/// assert!(d.reverse.w_ih.iter().all(|g| *g == 0.0));
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn bilstm_backward<R: Real>(
    shape: BiLstmShape,
    params: BiLstmParams<'_, R>,
    x: &[R],
    cache: &mut BiLstmCache<R>,
    upstream: BiLstmUpstream<'_, R>,
    into: BiLstmGradients<'_, R>,
) -> Result<(), LstmError> {
    check(shape, params, x, cache, &upstream, &into)?;
    let BiLstmUpstream { d_hidden, d_last_hidden, d_last_cell } = upstream;
    let BiLstmGradients { d_params, mut d_inputs, mut d_start } = into;
    let params = [params.forward, params.reverse].into_iter();
    let d_params = [d_params.forward, d_params.reverse];
    let both = params.zip(d_params).zip(shape.sides()).zip(&mut cache.directions);
    for (((params, d_params), side), cache) in both {
        let d_start =
            d_start.as_mut().map(|LstmStartMut { hidden, cell }| LstmStartMut { hidden, cell });
        let upstream = LstmUpstream { d_hidden, d_last_hidden, d_last_cell };
        let into = LstmGradients { d_params, d_inputs: d_inputs.as_deref_mut(), d_start };
        lstm::backward_direction(side, shape.direction(), params, x, cache, upstream, into);
    }
    Ok(())
}

fn check<R: Real>(
    shape: BiLstmShape,
    params: BiLstmParams<'_, R>,
    x: &[R],
    cache: &BiLstmCache<R>,
    upstream: &BiLstmUpstream<'_, R>,
    into: &BiLstmGradients<'_, R>,
) -> Result<(), LstmError> {
    let row = cache.batch * shape.output_size();
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
    check_optional_len("d_inputs", x.len(), into.d_inputs.as_ref().map(|d| d.len()))?;
    check_optional_len("d_start.hidden", row, into.d_start.as_ref().map(|d| d.hidden.len()))?;
    check_optional_len("d_start.cell", row, into.d_start.as_ref().map(|d| d.cell.len()))
}
