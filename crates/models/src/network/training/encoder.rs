//! Forward pass of an encoder with cached activations, and backward pass.
use windvane_lstm_core::{
    BiLstmCache, BiLstmGradients, BiLstmUpstream, Init, LstmCache, LstmError, LstmGradients,
    LstmStart, LstmStep, LstmUpstream, Purpose, Real, Stream, bilstm_backward, bilstm_forward,
    init_lstm, lstm_backward, lstm_forward,
};

use crate::network::encoder::EncoderShape;

/// Activations cached for the backward pass; only the cache of the network's own encoder is used.
#[derive(Debug)]
pub(crate) struct EncoderCache<R> {
    lstm: LstmCache<R>,
    bilstm: BiLstmCache<R>,
}

impl<R: Real> Default for EncoderCache<R> {
    fn default() -> Self {
        Self { lstm: LstmCache::new(), bilstm: BiLstmCache::new() }
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

impl EncoderShape {
    /// Draws the initial weights and returns the stream number for the next layer.
    ///
    /// Each direction has its own random stream, numbered from 0.
    pub(crate) fn init<R: Real>(
        &self,
        init: Init,
        forget_bias: f64,
        seed: u64,
        weights: &mut [R],
    ) -> Result<u64, LstmError> {
        match self {
            Self::Lstm(shape) => {
                let mut stream = Stream::new(seed, Purpose::Init, 0, 0);
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
    pub(crate) fn forward<R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        batch: usize,
        start: Option<LstmStart<'_, R>>,
        cache: &mut EncoderCache<R>,
    ) -> Result<(), LstmError> {
        match self {
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
            Self::BiLstm(shape) => {
                let upstream = BiLstmUpstream { d_hidden, d_last_hidden, d_last_cell: None };
                let d_params = shape.params_mut(d_weights)?;
                let into = BiLstmGradients { d_params, d_inputs: None, d_start: None };
                let params = shape.params(weights)?;
                bilstm_backward(*shape, params, x, &mut cache.bilstm, upstream, into)
            }
        }
    }

    /// Returns the states after each row, `[T, B, H]`.
    pub(crate) fn hidden<'c, R: Real>(&self, cache: &'c EncoderCache<R>) -> &'c [R] {
        match self {
            Self::Lstm(_) => cache.lstm.hidden(),
            Self::BiLstm(_) => cache.bilstm.hidden(),
        }
    }

    /// Returns the last states, `[B, H]`.
    pub(crate) fn last_hidden<'c, R: Real>(&self, cache: &'c EncoderCache<R>) -> &'c [R] {
        match self {
            Self::Lstm(_) => cache.lstm.last_hidden(),
            Self::BiLstm(_) => cache.bilstm.last_hidden(),
        }
    }

    /// Returns the last cells, `[B, H]`.
    pub(crate) fn last_cell<'c, R: Real>(&self, cache: &'c EncoderCache<R>) -> &'c [R] {
        match self {
            Self::Lstm(_) => cache.lstm.last_cell(),
            Self::BiLstm(_) => cache.bilstm.last_cell(),
        }
    }

    /// Returns the activations of the first sequence in the cache, one entry per direction.
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
        }
    }
}
