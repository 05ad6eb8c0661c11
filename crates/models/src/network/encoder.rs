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

    /// Direction of an LSTM (`Some(true)` for both directions); `None` for another encoder.
    #[expect(clippy::unnecessary_wraps, reason = "other encoders have none")]
    pub(super) fn lstm_directions(self) -> Option<bool> {
        let Self::Lstm { bidirectional, .. } = self;
        Some(bidirectional)
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

/// Working memory for a batch of windows.
pub(super) type EncoderBatchScratch = LstmBatchScratch<f32>;

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

    pub(super) fn batch_scratch(&self) -> EncoderBatchScratch {
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
        scratch: &mut EncoderBatchScratch,
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
