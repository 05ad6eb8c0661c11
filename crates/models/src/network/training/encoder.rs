//! Forward pass of an encoder with cached activations, and backward pass.
use windvane_lstm_core::{
    BiLstmCache, BiLstmGradients, BiLstmUpstream, GruCache, GruGradients, GruUpstream, Init,
    LstmCache, LstmError, LstmGradients, LstmStart, LstmStep, LstmUpstream, Purpose, Real, Stream,
    TcnCache, TransformerCache, bilstm_backward, bilstm_forward, gru_backward, gru_forward,
    init_gru, init_lstm, init_tcn, init_transformer, lstm_backward, lstm_forward, tcn_backward,
    tcn_forward, transformer_backward, transformer_forward,
};

use crate::network::encoder::EncoderShape;

/// Activations cached for the backward pass; only the cache of the network's own encoder is used.
#[derive(Debug)]
pub(crate) struct EncoderCache<R> {
    lstm: LstmCache<R>,
    bilstm: BiLstmCache<R>,
    gru: GruCache<R>,
    tcn: TcnCache<R>,
    transformer: TransformerCache<R>,
    /// Values of flat windows, `[B, inputs]`.
    flat: Vec<R>,
    /// Number of windows of the last forward pass.
    batch: usize,
    /// Gradients with respect to all states, if only those of the last states are given.
    d_states: Vec<R>,
}

impl<R: Real> Default for EncoderCache<R> {
    fn default() -> Self {
        Self {
            lstm: LstmCache::new(),
            bilstm: BiLstmCache::new(),
            gru: GruCache::new(),
            tcn: TcnCache::default(),
            transformer: TransformerCache::default(),
            flat: Vec::new(),
            batch: 0,
            d_states: Vec::new(),
        }
    }
}

/// Gradients with respect to an encoder's states.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Upstream<'a, R> {
    /// Gradients with respect to all states, `[T, B, H]`.
    Every(&'a [R]),
    /// Gradients with respect to the last states, `[B, H]`.
    Last(&'a [R]),
}

impl<'a, R: Real> Upstream<'a, R> {
    /// Returns the gradients with respect to all states, `len` numbers.
    fn every(self, len: usize, buffer: &'a mut Vec<R>) -> &'a [R] {
        match self {
            Self::Every(every) => every,
            Self::Last(last) => {
                buffer.clear();
                buffer.resize(len - last.len(), R::ZERO);
                buffer.extend_from_slice(last);
                buffer
            }
        }
    }
}

impl EncoderShape {
    /// Draws the initial weights and returns the stream number for the next layer.
    ///
    /// Each direction of an LSTM has its own random stream, numbered from 0; every other encoder has
    /// one stream; a flat one has no weights. Only an LSTM has a forget gate.
    pub(crate) fn init<R: Real>(
        &self,
        init: Init,
        forget_bias: f64,
        seed: u64,
        weights: &mut [R],
    ) -> Result<u64, LstmError> {
        let mut stream = Stream::new(seed, Purpose::Init, 0, 0);
        match self {
            Self::Gru(shape) => init_gru(*shape, init, &mut stream, weights).map(|()| 1),
            Self::Tcn(shape) => init_tcn(shape, init, &mut stream, weights).map(|()| 1),
            Self::Transformer(shape) => {
                init_transformer(*shape, init, &mut stream, weights).map(|()| 1)
            }
            Self::Flat(_) => Ok(0),
            Self::Lstm(shape) => {
                init_lstm(*shape, init, forget_bias, &mut stream, shape.params_mut(weights)?)?;
                Ok(1)
            }
            Self::BiLstm(shape) => {
                let (direction, params) = (shape.direction(), shape.params_mut(weights)?);
                for (index, params) in [(0, params.forward), (1, params.reverse)] {
                    let mut stream = Stream::new(seed, Purpose::Init, 0, index);
                    init_lstm(direction, init, forget_bias, &mut stream, params)?;
                }
                Ok(2)
            }
        }
    }

    /// Runs the forward pass over `x` `[T, B, C]`, starting from `start` or from zero states.
    ///
    /// A GRU has no cell: it ignores the cells in `start`.
    pub(crate) fn forward<R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        batch: usize,
        start: Option<LstmStart<'_, R>>,
        cache: &mut EncoderCache<R>,
    ) -> Result<(), LstmError> {
        cache.batch = batch;
        match self {
            Self::Gru(shape) => {
                let start = start.map(|start| start.hidden);
                gru_forward(*shape, weights, x, batch, start, &mut cache.gru)
            }
            Self::Tcn(shape) => tcn_forward(shape, weights, x, batch, &mut cache.tcn),
            Self::Transformer(shape) => {
                transformer_forward(*shape, weights, x, batch, &mut cache.transformer)
            }
            Self::Flat(window) => window.gather(x, batch, &mut cache.flat),
            Self::Lstm(shape) => {
                let params = shape.params(weights)?;
                lstm_forward(*shape, params, x, batch, start, &mut cache.lstm)
            }
            Self::BiLstm(shape) => {
                let params = shape.params(weights)?;
                bilstm_forward(*shape, params, x, batch, start, &mut cache.bilstm)
            }
        }
    }

    /// **Adds** the gradient with respect to the parameters to `d_weights`.
    pub(crate) fn backward<R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        upstream: Upstream<'_, R>,
        cache: &mut EncoderCache<R>,
        d_weights: &mut [R],
    ) -> Result<(), LstmError> {
        let (d_hidden, d_last_hidden) = match upstream {
            Upstream::Every(every) => (Some(every), None),
            Upstream::Last(last) => (None, Some(last)),
        };
        match self {
            Self::Lstm(shape) => {
                let upstream = LstmUpstream { d_hidden, d_last_hidden, d_last_cell: None };
                let d_params = shape.params_mut(d_weights)?;
                let into = LstmGradients { d_params, d_inputs: None, d_start: None };
                let params = shape.params(weights)?;
                lstm_backward(*shape, params, x, &mut cache.lstm, upstream, into)
            }
            Self::Gru(shape) => {
                let upstream = GruUpstream { d_hidden, d_last_hidden };
                let into = GruGradients { d_params: d_weights, d_inputs: None, d_start: None };
                gru_backward(*shape, weights, x, &mut cache.gru, upstream, into)
            }
            Self::Tcn(shape) => {
                let len = self.hidden(cache).len();
                let EncoderCache { tcn, d_states, .. } = cache;
                let d_y = upstream.every(len, d_states);
                tcn_backward(shape, weights, x, tcn, d_y, d_weights, None)
            }
            Self::Transformer(shape) => {
                let len = self.hidden(cache).len();
                let EncoderCache { transformer, d_states, .. } = cache;
                let d_y = upstream.every(len, d_states);
                transformer_backward(*shape, weights, x, transformer, d_y, d_weights, None)
            }
            // No parameters.
            Self::Flat(_) => Ok(()),
            Self::BiLstm(shape) => {
                let upstream = BiLstmUpstream { d_hidden, d_last_hidden, d_last_cell: None };
                let d_params = shape.params_mut(d_weights)?;
                let into = BiLstmGradients { d_params, d_inputs: None, d_start: None };
                let params = shape.params(weights)?;
                bilstm_backward(*shape, params, x, &mut cache.bilstm, upstream, into)
            }
        }
    }

    /// Returns the states after each row, `[T, B, H]`; of a flat encoder the values `[1, B, H]`.
    pub(crate) fn hidden<'c, R: Real>(&self, cache: &'c EncoderCache<R>) -> &'c [R] {
        match self {
            Self::Lstm(_) => cache.lstm.hidden(),
            Self::BiLstm(_) => cache.bilstm.hidden(),
            Self::Gru(_) => cache.gru.hidden(),
            Self::Tcn(_) => cache.tcn.output(),
            Self::Transformer(_) => cache.transformer.output(),
            Self::Flat(_) => &cache.flat,
        }
    }

    /// Returns the last states, `[B, H]`.
    pub(crate) fn last_hidden<'c, R: Real>(&self, cache: &'c EncoderCache<R>) -> &'c [R] {
        match self {
            Self::Lstm(_) => cache.lstm.last_hidden(),
            Self::BiLstm(_) => cache.bilstm.last_hidden(),
            Self::Gru(_) => cache.gru.last_hidden(),
            Self::Tcn(_) | Self::Transformer(_) | Self::Flat(_) => {
                let states = self.hidden(cache);
                &states[states.len() - cache.batch * self.output_size()..]
            }
        }
    }

    /// Returns the last cells, `[B, H]`; the last states for an encoder without cells.
    pub(crate) fn last_cell<'c, R: Real>(&self, cache: &'c EncoderCache<R>) -> &'c [R] {
        match self {
            Self::Lstm(_) => cache.lstm.last_cell(),
            Self::BiLstm(_) => cache.bilstm.last_cell(),
            Self::Gru(_) | Self::Tcn(_) | Self::Transformer(_) | Self::Flat(_) => {
                self.last_hidden(cache)
            }
        }
    }

    /// Returns the activations of the first sequence in the cache, one entry per direction of an
    /// LSTM; none for another encoder.
    ///
    /// An entry has the name of the direction, whether it reads the last row first, and the steps
    /// in the order of the rows.
    pub(crate) fn steps<'c>(
        &self,
        cache: &'c EncoderCache<f32>,
    ) -> Vec<(&'static str, bool, Vec<LstmStep<'c, f32>>)> {
        match self {
            Self::Lstm(_) => {
                let steps = (0..cache.lstm.steps()).filter_map(|t| cache.lstm.step(t, 0));
                vec![("lstm", false, steps.collect())]
            }
            Self::BiLstm(_) => {
                let both = (0..cache.bilstm.steps()).filter_map(|t| cache.bilstm.step(t, 0));
                let (forward, reverse) = both.map(|[forward, reverse]| (forward, reverse)).unzip();
                vec![("lstm", false, forward), ("lstm reverse", true, reverse)]
            }
            Self::Gru(_) | Self::Tcn(_) | Self::Transformer(_) | Self::Flat(_) => Vec::new(),
        }
    }
}
