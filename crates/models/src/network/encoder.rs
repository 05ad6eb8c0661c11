//! Encoders: the recurrent layers that read the rows of a window.
//!
//! An encoder of another kind (GRU, TCN, self-attention) is a variant of each enum here, and its
//! layer in `lstm-core`; nothing else in this crate asks which encoder a network has.
use serde::{Deserialize, Serialize};
use windvane_lstm_core::{
    BiLstmScratch, BiLstmShape, Biases, Kernel, LstmBatchScratch, LstmError, LstmScratch,
    LstmShape, LstmState, PackedBiLstm, PackedLstm, TensorSpec,
};

/// The recurrent layer of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Encoder {
    /// Long short-term memory.
    Lstm {
        /// Hidden units of each direction.
        units: usize,
        /// Whether a second LSTM reads the window from its last row to its first. That is legal:
        /// every row of a closed window is known at the decision.
        bidirectional: bool,
    },
}

impl Encoder {
    /// Hidden units of each direction.
    pub fn units(&self) -> usize {
        let Self::Lstm { units, .. } = self;
        *units
    }

    /// The same encoder with another number of units.
    #[must_use]
    pub fn with_units(self, units: usize) -> Self {
        let Self::Lstm { bidirectional, .. } = self;
        Self::Lstm { units, bidirectional }
    }

    /// Name of the layer in a `PyTorch` model, and its gates: the first axis of a weight is that
    /// many times the units.
    pub(super) fn torch_layer(self) -> (&'static str, usize) {
        let Self::Lstm { .. } = self;
        ("lstm", 4)
    }

    /// Whether a state depends on its own and earlier rows alone.
    pub(super) fn is_causal(self) -> bool {
        let Self::Lstm { bidirectional, .. } = self;
        !bidirectional
    }
}

/// Sizes of an encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum EncoderShape {
    Lstm(LstmShape),
    BiLstm(BiLstmShape),
}

impl EncoderShape {
    pub(super) fn new(encoder: Encoder, channels: usize) -> Result<Self, LstmError> {
        let Encoder::Lstm { units, bidirectional } = encoder;
        Ok(if bidirectional {
            Self::BiLstm(BiLstmShape::new(channels, units, Biases::One)?)
        } else {
            Self::Lstm(LstmShape::new(channels, units, Biases::One)?)
        })
    }

    /// Numbers of a state.
    pub(crate) fn output_size(&self) -> usize {
        match self {
            Self::Lstm(shape) => shape.hidden_size(),
            Self::BiLstm(shape) => shape.output_size(),
        }
    }

    /// Names and shapes of the parameters, in buffer order.
    pub(super) fn specs(&self) -> Vec<TensorSpec> {
        match self {
            Self::Lstm(shape) => shape.specs("lstm"),
            Self::BiLstm(shape) => shape.specs("lstm"),
        }
    }

    /// Number of parameters.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Lstm(shape) => shape.len(),
            Self::BiLstm(shape) => shape.len(),
        }
    }

    pub(super) fn pack(&self, weights: &[f32]) -> Result<PackedEncoder, LstmError> {
        Ok(match self {
            Self::Lstm(shape) => {
                PackedEncoder::Lstm(PackedLstm::new(*shape, shape.params(weights)?)?)
            }
            Self::BiLstm(shape) => {
                PackedEncoder::BiLstm(PackedBiLstm::new(*shape, shape.params(weights)?)?)
            }
        })
    }
}

/// An encoder packed for inference.
#[derive(Clone)]
pub(super) enum PackedEncoder {
    Lstm(PackedLstm<f32>),
    BiLstm(PackedBiLstm<f32>),
}

/// Working memory for one window or row.
pub(super) enum EncoderScratch {
    Lstm { scratch: LstmScratch<f32>, state: LstmState<f32> },
    BiLstm(BiLstmScratch<f32>),
}

/// Working memory made by an encoder of another kind; the caller reports a foreign scratch.
const FOREIGN: LstmError = LstmError::Length { what: "scratch", expected: 1, got: 0 };

impl PackedEncoder {
    pub(super) fn kernel(&self) -> Kernel {
        match self {
            Self::Lstm(lstm) => lstm.kernel(),
            Self::BiLstm(lstm) => lstm.kernel(),
        }
    }

    /// Numbers of a state.
    pub(super) fn output_size(&self) -> usize {
        match self {
            Self::Lstm(lstm) => lstm.shape().hidden_size(),
            Self::BiLstm(lstm) => lstm.shape().output_size(),
        }
    }

    pub(super) fn scratch(&self) -> EncoderScratch {
        match self {
            Self::Lstm(lstm) => {
                let state = LstmState::zeros(lstm.shape().hidden_size());
                EncoderScratch::Lstm { scratch: lstm.scratch(), state }
            }
            Self::BiLstm(lstm) => EncoderScratch::BiLstm(lstm.scratch()),
        }
    }

    pub(super) fn batch_scratch(&self) -> LstmBatchScratch<f32> {
        match self {
            Self::Lstm(lstm) => lstm.batch_scratch(),
            Self::BiLstm(lstm) => lstm.batch_scratch(),
        }
    }

    /// Last state of a window `[T, C]`.
    #[inline]
    pub(super) fn last_hidden<'s>(
        &self,
        window: &[f32],
        scratch: &'s mut EncoderScratch,
    ) -> Result<&'s [f32], LstmError> {
        match (self, scratch) {
            (Self::Lstm(lstm), EncoderScratch::Lstm { scratch, .. }) => {
                lstm.last_hidden(window, scratch)
            }
            (Self::BiLstm(lstm), EncoderScratch::BiLstm(scratch)) => {
                lstm.last_hidden(window, scratch)
            }
            _ => Err(FOREIGN),
        }
    }

    /// Every state `[T, H]` of a window `[T, C]`.
    pub(super) fn sequence(
        &self,
        window: &[f32],
        states: &mut [f32],
        scratch: &mut EncoderScratch,
    ) -> Result<(), LstmError> {
        match (self, scratch) {
            (Self::Lstm(lstm), EncoderScratch::Lstm { scratch, state }) => {
                state.reset();
                lstm.sequence(window, state, Some(states), scratch)
            }
            (Self::BiLstm(lstm), EncoderScratch::BiLstm(scratch)) => {
                lstm.sequence(window, states, scratch)
            }
            _ => Err(FOREIGN),
        }
    }

    /// Last states `[B, H]` of windows `[B, T, C]` of `steps` rows, with the bits of
    /// [`last_hidden`](Self::last_hidden).
    pub(super) fn last_hidden_batch(
        &self,
        windows: &[f32],
        steps: usize,
        hidden: &mut [f32],
        scratch: &mut LstmBatchScratch<f32>,
    ) -> Result<(), LstmError> {
        match self {
            Self::Lstm(lstm) => lstm.last_hidden_batch(windows, steps, hidden, scratch),
            Self::BiLstm(lstm) => lstm.last_hidden_batch(windows, steps, hidden, scratch),
        }
    }

    /// Every state `[B, T, H]` of windows `[B, T, C]` of `steps` rows, with the bits of
    /// [`sequence`](Self::sequence).
    pub(super) fn sequence_batch(
        &self,
        windows: &[f32],
        steps: usize,
        states: &mut [f32],
        scratch: &mut LstmBatchScratch<f32>,
    ) -> Result<(), LstmError> {
        match self {
            Self::Lstm(lstm) => {
                let shape = lstm.shape();
                let (mut own, mut state) = (lstm.scratch(), LstmState::zeros(shape.hidden_size()));
                let windows = windows.chunks_exact(steps * shape.input_size());
                let states = states.chunks_exact_mut(steps * shape.hidden_size());
                for (window, states) in windows.zip(states) {
                    state.reset();
                    lstm.sequence(window, &mut state, Some(states), &mut own)?;
                }
                Ok(())
            }
            Self::BiLstm(lstm) => lstm.sequence_batch(windows, steps, states, scratch),
        }
    }

    /// Numbers that are carried from row to row; 0 for an encoder that cannot.
    pub(super) fn state_len(&self) -> usize {
        match self {
            Self::Lstm(lstm) => 2 * lstm.shape().hidden_size(),
            Self::BiLstm(_) => 0,
        }
    }

    /// Reads a row `[C]` into a state `[2, H]`: hidden state, then cell.
    pub(super) fn step(
        &self,
        row: &[f32],
        carried: &mut [f32],
        scratch: &mut EncoderScratch,
    ) -> Result<(), LstmError> {
        let (expected, got) = (self.state_len(), carried.len());
        if got != expected {
            return Err(LstmError::Length { what: "state", expected, got });
        }
        let (Self::Lstm(lstm), EncoderScratch::Lstm { scratch, state }) = (self, scratch) else {
            return Err(FOREIGN);
        };
        if state.h().len() != lstm.shape().hidden_size() {
            return Err(FOREIGN);
        }
        let (hidden, cell) = carried.split_at_mut(expected / 2);
        state.h_mut().copy_from_slice(hidden);
        state.c_mut().copy_from_slice(cell);
        lstm.step(row, state, scratch)?;
        hidden.copy_from_slice(state.h());
        cell.copy_from_slice(state.c());
        Ok(())
    }

    /// The hidden state within a carried state.
    pub(super) fn hidden<'s>(&self, carried: &'s [f32]) -> Result<&'s [f32], LstmError> {
        carried.get(..self.output_size()).ok_or(FOREIGN)
    }
}

/// Forward with everything kept, and backward.
#[cfg(feature = "train")]
pub(crate) mod training {
    use windvane_lstm_core::{
        BiLstmCache, BiLstmGradients, BiLstmUpstream, Init, LstmCache, LstmGradients, LstmStart,
        LstmStep, LstmUpstream, Purpose, Real, Stream, bilstm_backward, bilstm_forward, init_lstm,
        lstm_backward, lstm_forward,
    };

    use super::{EncoderShape, LstmError};

    /// Activations kept for backward; each network fills those of its own encoder.
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
        /// `[T, B, H]`.
        Every(&'a [R]),
        /// `[B, H]`.
        Last(&'a [R]),
    }

    impl EncoderShape {
        /// Draws the starting weights, one random stream per direction from number 0 on; returns
        /// the number of the next layer's stream.
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

        /// Reads `x` `[T, B, C]` from zero states, or from `start`.
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

        /// The states after each row `[T, B, H]`.
        pub(crate) fn hidden<'c, R: Real>(&self, cache: &'c EncoderCache<R>) -> &'c [R] {
            match self {
                Self::Lstm(_) => cache.lstm.hidden(),
                Self::BiLstm(_) => cache.bilstm.hidden(),
            }
        }

        /// The last states `[B, H]`.
        pub(crate) fn last_hidden<'c, R: Real>(&self, cache: &'c EncoderCache<R>) -> &'c [R] {
            match self {
                Self::Lstm(_) => cache.lstm.last_hidden(),
                Self::BiLstm(_) => cache.bilstm.last_hidden(),
            }
        }

        /// The last cells `[B, H]`.
        pub(crate) fn last_cell<'c, R: Real>(&self, cache: &'c EncoderCache<R>) -> &'c [R] {
            match self {
                Self::Lstm(_) => cache.lstm.last_cell(),
                Self::BiLstm(_) => cache.bilstm.last_cell(),
            }
        }

        /// The steps of the first sequence in the cache, per direction: its name, whether it reads
        /// the last row first, and its steps in the order of the rows.
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
                    let (forward, reverse) =
                        both.map(|[forward, reverse]| (forward, reverse)).unzip();
                    vec![("lstm", false, forward), ("lstm reverse", true, reverse)]
                }
            }
        }
    }
}
