//! Encoders packed for inference.
use windvane_lstm_core::{
    BiLstmScratch, GruScratch, GruState, LstmBatchScratch, LstmError, LstmScratch, LstmState,
    PackedBiLstm, PackedGru, PackedLstm, PackedTcn, PackedTransformer, TcnScratch,
    TransformerScratch,
};

use super::WindowShape;
use super::encoder::EncoderShape;

/// Encoder packed for inference.
#[derive(Clone)]
pub(super) enum PackedEncoder {
    Lstm(PackedLstm<f32>),
    BiLstm(PackedBiLstm<f32>),
    Gru(PackedGru<f32>),
    Tcn(PackedTcn<f32>),
    Transformer(PackedTransformer<f32>),
    Flat(WindowShape),
}

/// Working memory for one window or row.
pub(super) enum EncoderScratch {
    Lstm {
        scratch: LstmScratch<f32>,
        state: LstmState<f32>,
    },
    BiLstm(BiLstmScratch<f32>),
    Gru {
        scratch: GruScratch<f32>,
        state: GruState<f32>,
    },
    Tcn(TcnScratch<f32>),
    Transformer {
        scratch: TransformerScratch<f32>,
        /// States of all rows `[T, H]`.
        states: Vec<f32>,
    },
    /// Values of a window `[inputs]`.
    Flat(Vec<f32>),
}

/// Working memory for a batch of windows.
pub(super) enum EncoderBatchScratch {
    /// Working memory of a recurrent layer.
    Recurrent(LstmBatchScratch<f32>),
    /// Working memory for one window at a time.
    Window(EncoderScratch),
}

/// Error for the working memory of another encoder; the caller reports a foreign scratch.
const FOREIGN: LstmError = LstmError::Length { what: "scratch", expected: 1, got: 0 };

impl EncoderShape {
    /// Packs the parameters for inference.
    pub(super) fn pack(&self, weights: &[f32]) -> Result<PackedEncoder, LstmError> {
        Ok(match self {
            Self::Lstm(shape) => {
                PackedEncoder::Lstm(PackedLstm::new(*shape, shape.params(weights)?)?)
            }
            Self::BiLstm(shape) => {
                PackedEncoder::BiLstm(PackedBiLstm::new(*shape, shape.params(weights)?)?)
            }
            Self::Gru(shape) => PackedEncoder::Gru(PackedGru::new(*shape, weights)?),
            Self::Tcn(shape) => PackedEncoder::Tcn(PackedTcn::new(shape, weights)?),
            Self::Transformer(shape) => {
                PackedEncoder::Transformer(PackedTransformer::new(*shape, weights)?)
            }
            Self::Flat(window) => PackedEncoder::Flat(window.clone()),
        })
    }
}

impl PackedEncoder {
    /// Returns the same encoder with compact weights, if it is recurrent.
    pub(super) fn compact(self) -> Self {
        match self {
            Self::Lstm(lstm) => Self::Lstm(lstm.compact()),
            Self::BiLstm(lstm) => Self::BiLstm(lstm.compact()),
            Self::Gru(gru) => Self::Gru(gru.compact()),
            Self::Tcn(_) | Self::Transformer(_) | Self::Flat(_) => self,
        }
    }

    /// Returns the length of a state.
    pub(super) fn output_size(&self) -> usize {
        match self {
            Self::Lstm(lstm) => lstm.shape().hidden_size(),
            Self::BiLstm(lstm) => lstm.shape().output_size(),
            Self::Gru(gru) => gru.shape().output_size(),
            Self::Tcn(tcn) => tcn.shape().output_size(),
            Self::Transformer(transformer) => transformer.shape().output_size(),
            Self::Flat(window) => window.inputs(),
        }
    }

    /// Returns the number of channels of a row.
    fn input_size(&self) -> usize {
        match self {
            Self::Lstm(lstm) => lstm.shape().input_size(),
            Self::BiLstm(lstm) => lstm.shape().input_size(),
            Self::Gru(gru) => gru.shape().input_size(),
            Self::Tcn(tcn) => tcn.shape().input_size(),
            Self::Transformer(transformer) => transformer.shape().input_size(),
            Self::Flat(window) => window.channels,
        }
    }

    /// Creates working memory for windows of up to `steps` rows.
    pub(super) fn scratch(&self, steps: usize) -> EncoderScratch {
        match self {
            Self::Lstm(lstm) => {
                let state = LstmState::zeros(lstm.shape().hidden_size());
                EncoderScratch::Lstm { scratch: lstm.scratch(), state }
            }
            Self::BiLstm(lstm) => EncoderScratch::BiLstm(lstm.scratch()),
            Self::Gru(gru) => {
                let state = GruState::zeros(gru.shape().hidden_size());
                EncoderScratch::Gru { scratch: gru.scratch(), state }
            }
            Self::Tcn(tcn) => EncoderScratch::Tcn(tcn.scratch(steps)),
            Self::Transformer(transformer) => {
                let states = vec![0.0; steps * transformer.shape().output_size()];
                EncoderScratch::Transformer { scratch: transformer.scratch(steps), states }
            }
            Self::Flat(window) => EncoderScratch::Flat(Vec::with_capacity(window.inputs())),
        }
    }

    /// Creates working memory for batches of windows of `steps` rows.
    pub(super) fn batch_scratch(&self, steps: usize) -> EncoderBatchScratch {
        match self {
            Self::Lstm(lstm) => EncoderBatchScratch::Recurrent(lstm.batch_scratch()),
            Self::BiLstm(lstm) => EncoderBatchScratch::Recurrent(lstm.batch_scratch()),
            Self::Gru(gru) => EncoderBatchScratch::Recurrent(gru.batch_scratch()),
            Self::Tcn(_) | Self::Transformer(_) | Self::Flat(_) => {
                EncoderBatchScratch::Window(self.scratch(steps))
            }
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
            (Self::Gru(gru), EncoderScratch::Gru { scratch, .. }) => {
                gru.last_hidden(window, scratch)
            }
            (Self::Tcn(tcn), EncoderScratch::Tcn(scratch)) => tcn.last_hidden(window, scratch),
            (Self::Transformer(transformer), EncoderScratch::Transformer { scratch, states }) => {
                let shape = transformer.shape();
                let len = window.len() / shape.input_size() * shape.output_size();
                let states = states.get_mut(..len).ok_or(FOREIGN)?;
                transformer.sequence(window, states, scratch)?;
                Ok(&states[len - shape.output_size()..])
            }
            (Self::Flat(shape), EncoderScratch::Flat(values)) => {
                shape.gather(window, 1, values)?;
                Ok(values)
            }
            _ => Err(FOREIGN),
        }
    }

    /// Computes every state `[T, H]` of a window `[T, C]`; a flat window has none.
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
            (Self::Gru(gru), EncoderScratch::Gru { scratch, .. }) => {
                gru.sequence(window, states, scratch)
            }
            (Self::Tcn(tcn), EncoderScratch::Tcn(scratch)) => tcn.sequence(window, states, scratch),
            (Self::Transformer(transformer), EncoderScratch::Transformer { scratch, .. }) => {
                transformer.sequence(window, states, scratch)
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
        match (self, scratch) {
            (Self::Lstm(lstm), EncoderBatchScratch::Recurrent(scratch)) => {
                lstm.last_hidden_batch(windows, steps, hidden, scratch)
            }
            (Self::BiLstm(lstm), EncoderBatchScratch::Recurrent(scratch)) => {
                lstm.last_hidden_batch(windows, steps, hidden, scratch)
            }
            (Self::Gru(gru), EncoderBatchScratch::Recurrent(scratch)) => {
                gru.last_hidden_batch(windows, steps, hidden, scratch)
            }
            (_, EncoderBatchScratch::Window(scratch)) => {
                let windows = windows.chunks_exact(steps * self.input_size());
                for (window, hidden) in windows.zip(hidden.chunks_exact_mut(self.output_size())) {
                    hidden.copy_from_slice(self.last_hidden(window, scratch)?);
                }
                Ok(())
            }
            _ => Err(FOREIGN),
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
        match (self, scratch) {
            (Self::BiLstm(lstm), EncoderBatchScratch::Recurrent(scratch)) => {
                lstm.sequence_batch(windows, steps, states, scratch)
            }
            (Self::Gru(gru), EncoderBatchScratch::Recurrent(scratch)) => {
                gru.sequence_batch(windows, steps, states, scratch)
            }
            (Self::Lstm(_), EncoderBatchScratch::Recurrent(_)) => {
                self.one_by_one(windows, steps, states, &mut self.scratch(steps))
            }
            (_, EncoderBatchScratch::Window(scratch)) => {
                self.one_by_one(windows, steps, states, scratch)
            }
            _ => Err(FOREIGN),
        }
    }

    /// Computes every state of the windows, one window at a time.
    fn one_by_one(
        &self,
        windows: &[f32],
        steps: usize,
        states: &mut [f32],
        scratch: &mut EncoderScratch,
    ) -> Result<(), LstmError> {
        let windows = windows.chunks_exact(steps * self.input_size());
        let states = states.chunks_exact_mut(steps * self.output_size());
        for (window, states) in windows.zip(states) {
            self.sequence(window, states, scratch)?;
        }
        Ok(())
    }

    /// Returns the length of the state carried from row to row; 0 for an encoder without one.
    pub(super) fn state_len(&self) -> usize {
        match self {
            Self::Lstm(lstm) => 2 * lstm.shape().hidden_size(),
            Self::Gru(gru) if !gru.shape().is_bidirectional() => gru.shape().hidden_size(),
            Self::BiLstm(_)
            | Self::Gru(_)
            | Self::Tcn(_)
            | Self::Transformer(_)
            | Self::Flat(_) => 0,
        }
    }

    /// Updates a carried state with a row `[C]`: hidden state and cell `[2, H]` of an LSTM, hidden
    /// state `[H]` of a GRU.
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
        match (self, scratch) {
            (Self::Lstm(lstm), EncoderScratch::Lstm { scratch, state })
                if 2 * state.h().len() == expected =>
            {
                let (hidden, cell) = carried.split_at_mut(expected / 2);
                state.h_mut().copy_from_slice(hidden);
                state.c_mut().copy_from_slice(cell);
                lstm.step(row, state, scratch)?;
                hidden.copy_from_slice(state.h());
                cell.copy_from_slice(state.c());
                Ok(())
            }
            (Self::Gru(gru), EncoderScratch::Gru { scratch, state })
                if state.h().len() == expected =>
            {
                state.h_mut().copy_from_slice(carried);
                gru.step(row, state, scratch)?;
                carried.copy_from_slice(state.h());
                Ok(())
            }
            _ => Err(FOREIGN),
        }
    }

    /// Returns the hidden state within a carried state.
    pub(super) fn hidden<'s>(&self, carried: &'s [f32]) -> Result<&'s [f32], LstmError> {
        carried.get(..self.output_size()).ok_or(FOREIGN)
    }
}
