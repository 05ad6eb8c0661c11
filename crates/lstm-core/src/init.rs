//! Initialisation of weights.
use crate::error::check_len;
use crate::{
    AttentionParamsMut, AttentionShape, CausalConvShape, DenseParamsMut, DenseShape, GruShape,
    LstmError, LstmParamsMut, LstmShape, Real, Stream, TcnShape, TransformerShape,
};

/// Distribution of initial weights.
///
/// n is the fan-in of a weight matrix (inputs of each unit) and m its fan-out (number of units).
/// An LSTM has `I` and `H` for its input weights and `H` and `H` for its recurrent weights, with
/// each gate counted separately, and so has a GRU. A dense layer has `N` and `O`, and so has each of
/// the matrices of queries, keys and values. A convolution has `3N` and `3O`. An attention has `N`
/// and `A` for W, and `A` and 1 for v.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Init {
    /// Uniform within ±sqrt(6 / (n + m)); biases zero (Glorot and Bengio 2010).
    XavierUniform,
    /// Normal with standard deviation sqrt(2 / n); biases zero (He et al. 2015).
    HeNormal,
    /// Uniform within ±sqrt(6 / n); biases zero (He et al. 2015).
    HeUniform,
    /// `PyTorch`'s default: weights and biases uniform, within ±1/sqrt(H) in an LSTM and
    /// ±1/sqrt(n) in dense layers and attentions.
    Torch,
}

impl Init {
    /// Draws the entries of a matrix; `torch` is the fan-in that `PyTorch` uses.
    pub(crate) fn draw<R: Real>(
        self,
        fans: (usize, usize),
        torch: usize,
        stream: &mut Stream,
        w: &mut [R],
    ) {
        let (n, m) = (fans.0 as f64, fans.1 as f64);
        for w in w {
            *w = R::from_f64(match self {
                Self::XavierUniform => (6.0 / (n + m)).sqrt() * symmetric(stream),
                Self::HeNormal => (2.0 / n).sqrt() * stream.normal(),
                Self::HeUniform => (6.0 / n).sqrt() * symmetric(stream),
                Self::Torch => symmetric(stream) / (torch as f64).sqrt(),
            });
        }
    }

    /// Draws a bias vector, or fills it with zeros.
    pub(crate) fn draw_bias<R: Real>(self, torch: usize, stream: &mut Stream, b: &mut [R]) {
        match self {
            Self::Torch => self.draw((torch, torch), torch, stream, b),
            _ => b.fill(R::ZERO),
        }
    }
}

/// Draws a uniform number in [-1, 1).
fn symmetric(stream: &mut Stream) -> f64 {
    2.0 * stream.uniform() - 1.0
}

/// Draws the parameters of an LSTM layer and adds `forget_bias` to the forget gate's bias.
///
/// With 1 the forget gate keeps about 73 % of the cell at the start of training, with 0 one half.
/// With [`Biases::Two`](crate::Biases::Two) it is added to `b_ih` only.
///
/// # Errors
/// [`LstmError::Length`] when `params` does not fit the shape; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{Biases, Init, LstmShape, Purpose, Stream, init_lstm};
///
/// let shape = LstmShape::new(6, 32, Biases::One)?;
/// let mut weights = vec![0.0_f32; shape.len()];
/// let mut stream = Stream::new(42, Purpose::Init, 0, 0);
/// init_lstm(shape, Init::XavierUniform, 1.0, &mut stream, shape.params_mut(&mut weights)?)?;
/// let params = shape.params(&weights)?;
/// assert!(params.w_ih.iter().all(|w| w.abs() <= (6.0_f32 / 38.0).sqrt()));
/// assert_eq!(params.b_ih[32..64], [1.0; 32]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn init_lstm<R: Real>(
    shape: LstmShape,
    init: Init,
    forget_bias: f64,
    stream: &mut Stream,
    params: LstmParamsMut<'_, R>,
) -> Result<(), LstmError> {
    shape.check(&params.as_params())?;
    let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
    init.draw((inputs, hidden), hidden, stream, params.w_ih);
    init.draw((hidden, hidden), hidden, stream, params.w_hh);
    init.draw_bias(hidden, stream, params.b_ih);
    if let Some(b_hh) = params.b_hh {
        init.draw_bias(hidden, stream, b_hh);
    }
    for b in &mut params.b_ih[hidden..2 * hidden] {
        *b += R::from_f64(forget_bias);
    }
    Ok(())
}

/// Draws the parameters of a dense layer.
///
/// # Errors
/// [`LstmError::Length`] when `params` does not fit the shape; nothing is changed then.
pub fn init_dense<R: Real>(
    shape: DenseShape,
    init: Init,
    stream: &mut Stream,
    params: DenseParamsMut<'_, R>,
) -> Result<(), LstmError> {
    shape.check(params.as_params())?;
    let DenseParamsMut { w, b } = params;
    let inputs = shape.input_size();
    init.draw((inputs, shape.output_size()), inputs, stream, w);
    init.draw_bias(inputs, stream, b);
    Ok(())
}

/// Draws the parameters of an attention.
///
/// # Errors
/// [`LstmError::Length`] when `params` does not fit the shape; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{AttentionShape, Init, Purpose, Stream, init_attention};
///
/// let shape = AttentionShape::new(16, 4)?;
/// let mut weights = vec![0.0_f32; shape.len()];
/// let mut stream = Stream::new(42, Purpose::Init, 0, 1);
/// init_attention(shape, Init::XavierUniform, &mut stream, shape.params_mut(&mut weights)?)?;
/// let params = shape.params(&weights)?;
/// assert!(params.w.iter().all(|w| w.abs() <= (6.0_f32 / 20.0).sqrt()));
/// assert_eq!(params.b, [0.0; 4]);
/// assert!(params.v.iter().all(|v| *v != 0.0));
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn init_attention<R: Real>(
    shape: AttentionShape,
    init: Init,
    stream: &mut Stream,
    params: AttentionParamsMut<'_, R>,
) -> Result<(), LstmError> {
    shape.check(params.as_params())?;
    let AttentionParamsMut { w, b, v } = params;
    let (inputs, units) = (shape.input_size(), shape.units());
    init.draw((inputs, units), inputs, stream, w);
    init.draw_bias(inputs, stream, b);
    init.draw((units, 1), units, stream, v);
    Ok(())
}

/// Draws the parameters of a GRU layer, in the order of [`GruShape::specs`].
///
/// # Errors
/// [`LstmError::Length`] when `params` does not fit the shape; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{GruShape, Init, Purpose, Stream, init_gru};
///
/// let shape = GruShape::new(6, 32, false)?;
/// let mut params = vec![0.0_f32; shape.len()];
/// init_gru(shape, Init::Torch, &mut Stream::new(42, Purpose::Init, 0, 0), &mut params)?;
/// assert!(params.iter().all(|w| w.abs() <= 1.0 / 32.0_f32.sqrt() && *w != 0.0));
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn init_gru<R: Real>(
    shape: GruShape,
    init: Init,
    stream: &mut Stream,
    params: &mut [R],
) -> Result<(), LstmError> {
    check_len("GRU parameters", shape.len(), params.len())?;
    let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
    for params in shape.directions_of_mut(params) {
        let (w_ih, rest) = params.split_at_mut(3 * hidden * inputs);
        let (w_hh, biases) = rest.split_at_mut(3 * hidden * hidden);
        init.draw((inputs, hidden), hidden, stream, w_ih);
        init.draw((hidden, hidden), hidden, stream, w_hh);
        init.draw_bias(hidden, stream, biases);
    }
    Ok(())
}

/// Draws the parameters of a temporal convolutional network, in the order of [`TcnShape::specs`].
///
/// # Errors
/// [`LstmError::Length`] when `params` does not fit the shape; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{Init, Purpose, Stream, TcnShape, init_tcn};
///
/// let shape = TcnShape::new(6, 32, 4)?;
/// let mut params = vec![0.0_f32; shape.len()];
/// init_tcn(&shape, Init::HeUniform, &mut Stream::new(42, Purpose::Init, 0, 0), &mut params)?;
/// // The bias of the last convolution is zero, its weights are not.
/// assert_eq!(params[shape.len() - 32..], [0.0; 32]);
/// assert!(params[shape.len() - 64..][..32].iter().all(|w| *w != 0.0));
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn init_tcn<R: Real>(
    shape: &TcnShape,
    init: Init,
    stream: &mut Stream,
    params: &mut [R],
) -> Result<(), LstmError> {
    check_len("TCN parameters", shape.len(), params.len())?;
    let (own, mut rest) = params.split_at_mut(shape.input().len());
    init_dense(shape.input(), init, stream, shape.input().params_mut(own)?)?;
    for conv in shape.convolutions() {
        let (inputs, outputs) = (conv.input_size(), conv.output_size());
        let (own, after) = rest.split_at_mut(conv.len());
        let (w, b) = own.split_at_mut(conv.len() - outputs);
        let [fan_in, fan_out] = [inputs, outputs].map(|size| CausalConvShape::TAPS * size);
        init.draw((fan_in, fan_out), fan_in, stream, w);
        init.draw_bias(fan_in, stream, b);
        rest = after;
    }
    Ok(())
}

/// Draws the parameters of a transformer encoder, in the order of [`TransformerShape::specs`].
///
/// The normalisations start with the weights 1 and the biases 0.
///
/// # Errors
/// [`LstmError::Length`] when `params` does not fit the shape; nothing is changed then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{Init, Purpose, Stream, TransformerShape, init_transformer};
///
/// let shape = TransformerShape::new(6, 32, 4, 64, 2)?;
/// let mut params = vec![0.0_f32; shape.len()];
/// let mut stream = Stream::new(42, Purpose::Init, 0, 0);
/// init_transformer(shape, Init::XavierUniform, &mut stream, &mut params)?;
/// let norm = &params[shape.len() - 64..];
/// assert!(norm[..32].iter().all(|w| *w == 1.0) && norm[32..].iter().all(|b| *b == 0.0));
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn init_transformer<R: Real>(
    shape: TransformerShape,
    init: Init,
    stream: &mut Stream,
    params: &mut [R],
) -> Result<(), LstmError> {
    check_len("transformer parameters", shape.len(), params.len())?;
    let size = shape.output_size();
    let (own, mut rest) = params.split_at_mut(shape.input().len());
    init_dense(shape.input(), init, stream, shape.input().params_mut(own)?)?;
    for _ in 0..shape.layers() {
        // The first layer has the matrices of queries, keys and values.
        for (dense, matrices) in shape.layer().dense_layers().into_iter().zip([3, 1, 1, 1]) {
            let (own, after) = rest.split_at_mut(dense.len());
            let (inputs, outputs) = (dense.input_size(), dense.output_size());
            let (w, b) = own.split_at_mut(inputs * outputs);
            init.draw((inputs, outputs / matrices), inputs, stream, w);
            init.draw_bias(inputs, stream, b);
            rest = after;
        }
        // Both normalisations of the layer.
        let (own, after) = rest.split_at_mut(4 * size);
        own.chunks_exact_mut(2 * size).for_each(|norm| init_norm(size, norm));
        rest = after;
    }
    init_norm(size, rest);
    Ok(())
}

/// Sets the weights of a normalisation to 1 and its biases to 0.
fn init_norm<R: Real>(size: usize, params: &mut [R]) {
    params[..size].fill(R::ONE);
    params[size..].fill(R::ZERO);
}

#[cfg(test)]
mod tests {
    use super::{Init, init_attention, init_dense, init_lstm};
    use crate::{AttentionShape, Biases, DenseShape, LstmShape, Purpose, Stream};

    /// Returns the largest magnitude and the variance around zero.
    fn spread(values: &[f64]) -> (f64, f64) {
        let top = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        (top, values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64)
    }

    #[test]
    fn init_lstm_weights_follow_the_distribution() {
        let shape = LstmShape::new(24, 64, Biases::Two).unwrap();
        // Variances by hand: bound^2 / 3 of a uniform, 2 / n of He.
        let cases = [
            (Init::XavierUniform, 2.0 / 88.0, 2.0 / 128.0, 0.0),
            (Init::HeNormal, 2.0 / 24.0, 2.0 / 64.0, 0.0),
            (Init::HeUniform, 2.0 / 24.0, 2.0 / 64.0, 0.0),
            (Init::Torch, 1.0 / 192.0, 1.0 / 192.0, 1.0 / 192.0),
        ];
        for (init, of_ih, of_hh, of_b) in cases {
            let mut flat = vec![7.0; shape.len()];
            let mut stream = Stream::new(1, Purpose::Init, 0, 0);
            init_lstm(shape, init, 0.0, &mut stream, shape.params_mut(&mut flat).unwrap()).unwrap();
            let p = shape.params(&flat).unwrap();
            let near = |values: &[f64], want: f64, within: f64| {
                let (top, variance) = spread(values);
                assert!((variance - want).abs() <= within * want, "{init:?}: {variance}, {want}");
                assert!(init == Init::HeNormal || top <= (3.0 * want).sqrt(), "{init:?}: {top}");
            };
            near(p.w_ih, of_ih, 0.06);
            near(p.w_hh, of_hh, 0.06);
            near(p.b_ih, of_b, 0.25);
            near(p.b_hh.unwrap(), of_b, 0.25);
        }
    }

    #[test]
    fn init_adds_forget_bias_once() {
        let shape = LstmShape::new(1, 2, Biases::Two).unwrap();
        let mut flat = vec![7.0; shape.len()];
        let mut stream = Stream::new(1, Purpose::Init, 0, 0);
        let params = shape.params_mut(&mut flat).unwrap();
        init_lstm(shape, Init::XavierUniform, 1.0, &mut stream, params).unwrap();
        let p = shape.params(&flat).unwrap();
        assert_eq!(p.b_ih, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(p.b_hh, Some(&[0.0; 8][..]));
    }

    #[test]
    fn init_dense_weights_stay_within_the_bound() {
        let shape = DenseShape::new(16, 3).unwrap();
        let mut flat = vec![7.0; shape.len()];
        let mut stream = Stream::new(1, Purpose::Init, 0, 1);
        init_dense(shape, Init::Torch, &mut stream, shape.params_mut(&mut flat).unwrap()).unwrap();
        assert!(flat.iter().all(|w: &f64| w.abs() <= 0.25 && *w != 0.0));
    }

    #[test]
    fn init_attention_weights_stay_within_the_bounds() {
        let shape = AttentionShape::new(16, 4).unwrap();
        let mut flat = vec![7.0; shape.len()];
        let mut stream = Stream::new(1, Purpose::Init, 0, 2);
        let params = shape.params_mut(&mut flat).unwrap();
        init_attention(shape, Init::Torch, &mut stream, params).unwrap();
        let (of_dense, v) = flat.split_at(16 * 4 + 4);
        assert!(of_dense.iter().all(|w: &f64| w.abs() <= 0.25 && *w != 0.0));
        assert!(v.iter().all(|v| v.abs() <= 0.5 && *v != 0.0));
    }
}
