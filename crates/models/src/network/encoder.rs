//! Encoders: the recurrent layers that read the rows of a window.
//!
//! To add an encoder (GRU, TCN, self-attention), add a variant to each enum here and its layer to
//! `lstm-core`. No other module of this crate depends on the kind of encoder.
use serde::{Deserialize, Serialize};
use windvane_lstm_core::{
    BiLstmScratch, BiLstmShape, Biases, Kernel, LstmBatchScratch, LstmError, LstmScratch,
    LstmShape, LstmState, PackedBiLstm, PackedLstm, TensorSpec,
};

/// Recurrent layer of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Encoder {
    /// Long short-term memory.
    Lstm {
        /// Number of hidden units in each direction.
        units: usize,
        /// Whether a second LSTM reads the window from its last row to its first. This is not
        /// look-ahead: all rows of the window are known when the prediction is made.
        bidirectional: bool,
    },
}

impl Encoder {
    /// Returns the number of hidden units in each direction.
    pub fn units(&self) -> usize {
        let Self::Lstm { units, .. } = self;
        *units
    }

    /// Returns the same encoder with another number of units.
    #[must_use]
    pub fn with_units(self, units: usize) -> Self {
        let Self::Lstm { bidirectional, .. } = self;
        Self::Lstm { units, bidirectional }
    }

    /// Returns whether an LSTM is bidirectional; `None` for another kind of encoder.
    #[expect(clippy::unnecessary_wraps, reason = "other kinds of encoders return None")]
    pub(super) fn is_bidirectional_lstm(self) -> Option<bool> {
        let Self::Lstm { bidirectional, .. } = self;
        Some(bidirectional)
    }

    /// Returns the name of the layer in a `PyTorch` model and its number of gates.
    ///
    /// The first axis of a weight has the number of gates times the number of units.
    pub(super) fn torch_layer(self) -> (&'static str, usize) {
        let Self::Lstm { .. } = self;
        ("lstm", 4)
    }

    /// Returns whether a state depends only on its own and earlier rows.
    pub(super) fn is_causal(self) -> bool {
        let Self::Lstm { bidirectional, .. } = self;
        !bidirectional
    }
}

/// Sizes of an encoder's layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum EncoderShape {
    Lstm(LstmShape),
    BiLstm(BiLstmShape),
}

impl EncoderShape {
    /// Creates the sizes for windows of `channels` channels.
    pub(super) fn new(encoder: Encoder, channels: usize) -> Result<Self, LstmError> {
        let Encoder::Lstm { units, bidirectional } = encoder;
        Ok(if bidirectional {
            Self::BiLstm(BiLstmShape::new(channels, units, Biases::One)?)
        } else {
            Self::Lstm(LstmShape::new(channels, units, Biases::One)?)
        })
    }

    /// Returns the length of a state.
    pub(crate) fn output_size(&self) -> usize {
        match self {
            Self::Lstm(shape) => shape.hidden_size(),
            Self::BiLstm(shape) => shape.output_size(),
        }
    }

    /// Returns names and shapes of the parameters, in buffer order.
    pub(super) fn specs(&self) -> Vec<TensorSpec> {
        match self {
            Self::Lstm(shape) => shape.specs("lstm"),
            Self::BiLstm(shape) => shape.specs("lstm"),
        }
    }

    /// Returns the number of parameters.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Lstm(shape) => shape.len(),
            Self::BiLstm(shape) => shape.len(),
        }
    }

    /// Packs the parameters for inference.
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

/// Encoder packed for inference.
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

/// Working memory for a batch of windows.
pub(super) type EncoderBatchScratch = LstmBatchScratch<f32>;

/// Error for the working memory of another encoder; the caller reports a foreign scratch.
const FOREIGN: LstmError = LstmError::Length { what: "scratch", expected: 1, got: 0 };

impl PackedEncoder {
    pub(super) fn kernel(&self) -> Kernel {
        match self {
            Self::Lstm(lstm) => lstm.kernel(),
            Self::BiLstm(lstm) => lstm.kernel(),
        }
    }

    /// Returns the length of a state.
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

    pub(super) fn batch_scratch(&self) -> EncoderBatchScratch {
        match self {
            Self::Lstm(lstm) => lstm.batch_scratch(),
            Self::BiLstm(lstm) => lstm.batch_scratch(),
        }
    }

    /// Computes the last state of a window `[T, C]`.
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

    /// Computes every state `[T, H]` of a window `[T, C]`.
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

    /// Computes the last states `[B, H]` of windows `[B, T, C]` of `steps` rows.
    ///
    /// The result is bit-identical to that of [`last_hidden`](Self::last_hidden).
    pub(super) fn last_hidden_batch(
        &self,
        windows: &[f32],
        steps: usize,
        hidden: &mut [f32],
        scratch: &mut EncoderBatchScratch,
    ) -> Result<(), LstmError> {
        match self {
            Self::Lstm(lstm) => lstm.last_hidden_batch(windows, steps, hidden, scratch),
            Self::BiLstm(lstm) => lstm.last_hidden_batch(windows, steps, hidden, scratch),
        }
    }

    /// Computes every state `[B, T, H]` of windows `[B, T, C]` of `steps` rows.
    ///
    /// The result is bit-identical to that of [`sequence`](Self::sequence).
    pub(super) fn sequence_batch(
        &self,
        windows: &[f32],
        steps: usize,
        states: &mut [f32],
        scratch: &mut EncoderBatchScratch,
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

    /// Returns the length of the state carried from row to row; 0 for an encoder without one.
    pub(super) fn state_len(&self) -> usize {
        match self {
            Self::Lstm(lstm) => 2 * lstm.shape().hidden_size(),
            Self::BiLstm(_) => 0,
        }
    }

    /// Updates a carried state `[2, H]` (hidden state, then cell) with a row `[C]`.
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

    /// Returns the hidden state within a carried state.
    pub(super) fn hidden<'s>(&self, carried: &'s [f32]) -> Result<&'s [f32], LstmError> {
        carried.get(..self.output_size()).ok_or(FOREIGN)
    }
}
