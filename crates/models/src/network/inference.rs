//! Inference with packed layers.
//!
//! The configuration selects the kernels once, when a network is packed. A network without
//! attention computes only the last state of its encoder, one with attention computes all states.
use windvane_lstm_core::{AttentionScratch, Kernel, LstmError, PackedAttention, PackedDense, relu};

use super::encoder::{EncoderBatchScratch, EncoderScratch, PackedEncoder};
use super::{CLASSES, Layers};

/// Maximum number of windows that are computed together.
pub(super) const BATCH: usize = 24;

/// Layers of a network packed for inference.
#[derive(Clone)]
pub(crate) struct PackedNetwork {
    pub(super) encoder: PackedEncoder,
    attention: Option<PackedAttention<f32>>,
    hidden: Vec<PackedDense<f32>>,
    head: PackedDense<f32>,
}

/// Working memory for one window.
pub(crate) struct WindowBuffers {
    encoder: EncoderScratch,
    attention: Option<AttentionBuffers>,
    /// Output of each hidden dense layer.
    hidden: Vec<Vec<f32>>,
}

/// Working memory for up to [`BATCH`] windows.
pub(super) struct BatchBuffers {
    encoder: EncoderBatchScratch,
    /// Last state or context of each window, `[B, H]`.
    pooled: Vec<f32>,
    attention: Option<AttentionBuffers>,
    /// Output of each hidden dense layer.
    hidden: Vec<Vec<f32>>,
}

/// Working memory of the attention.
struct AttentionBuffers {
    /// States of all rows, `[T, H]` or `[B, T, H]`.
    states: Vec<f32>,
    scratch: AttentionScratch<f32>,
    context: Vec<f32>,
}

impl WindowBuffers {
    /// Returns the attention weights of the last window; `None` for a network without attention.
    pub(super) fn attention(&self) -> Option<&[f32]> {
        self.attention.as_ref().map(|attention| attention.scratch.weights())
    }
}

/// Error for the buffers of another network; the caller reports a foreign scratch.
const FOREIGN: LstmError = LstmError::Length { what: "scratch", expected: 1, got: 0 };

impl Layers {
    /// Packs the parameters for inference.
    pub(crate) fn pack(&self, weights: &[f32]) -> Result<PackedNetwork, LstmError> {
        let [encoder, attention, mut rest] = self.split(weights);
        let encoder = self.encoder.pack(encoder)?;
        let attention = match self.attention {
            Some(shape) => Some(PackedAttention::new(shape, shape.params(attention)?)?),
            None => None,
        };
        let mut hidden = Vec::with_capacity(self.dense.len());
        for shape in &self.dense {
            let (own, after) = rest.split_at(shape.len());
            hidden.push(PackedDense::new(*shape, shape.params(own)?)?);
            rest = after;
        }
        let head = hidden.pop().ok_or(LstmError::Size { what: "dense", expected: 1, got: 0 })?;
        Ok(PackedNetwork { encoder, attention, hidden, head })
    }
}

impl PackedNetwork {
    /// Returns the kernel that the layers run on.
    pub(super) fn kernel(&self) -> Kernel {
        self.encoder.kernel()
    }

    /// Creates working memory for windows of `lookback` rows.
    pub(crate) fn buffers(&self, lookback: usize) -> WindowBuffers {
        WindowBuffers {
            encoder: self.encoder.scratch(),
            attention: self.attention_buffers(1, lookback),
            hidden: self.hidden_buffers(1),
        }
    }

    /// Creates working memory for batches of windows of `lookback` rows.
    pub(super) fn batch_buffers(&self, lookback: usize) -> BatchBuffers {
        BatchBuffers {
            encoder: self.encoder.batch_scratch(),
            pooled: vec![0.0; BATCH * self.encoder.output_size()],
            attention: self.attention_buffers(BATCH, lookback),
            hidden: self.hidden_buffers(BATCH),
        }
    }

    fn attention_buffers(&self, windows: usize, lookback: usize) -> Option<AttentionBuffers> {
        let attention = self.attention.as_ref()?;
        let width = self.encoder.output_size();
        Some(AttentionBuffers {
            states: vec![0.0; windows * lookback * width],
            scratch: attention.scratch(lookback),
            context: vec![0.0; width],
        })
    }

    fn hidden_buffers(&self, windows: usize) -> Vec<Vec<f32>> {
        self.hidden.iter().map(|dense| vec![0.0; windows * dense.shape().output_size()]).collect()
    }

    /// Computes the logits of a scaled window `[T, C]`.
    pub(super) fn logits(
        &self,
        window: &[f32],
        buffers: &mut WindowBuffers,
        logits: &mut [f32; CLASSES],
    ) -> Result<(), LstmError> {
        let WindowBuffers { encoder, attention, hidden } = buffers;
        match (&self.attention, attention) {
            (None, None) => {
                let last = self.encoder.last_hidden(window, encoder)?;
                self.dense(last, 1, hidden, logits)
            }
            (Some(attention), Some(AttentionBuffers { states, scratch, context })) => {
                self.encoder.sequence(window, states, encoder)?;
                attention.apply(states, context, scratch)?;
                self.dense(context, 1, hidden, logits)
            }
            _ => Err(FOREIGN),
        }
    }

    /// Computes the logits `[B, CLASSES]` of scaled windows `[B, T, C]` of `lookback` rows.
    ///
    /// The result is bit-identical to that of [`logits`](Self::logits).
    pub(super) fn logits_batch(
        &self,
        windows: &[f32],
        lookback: usize,
        buffers: &mut BatchBuffers,
        logits: &mut [f32],
    ) -> Result<(), LstmError> {
        let BatchBuffers { encoder, pooled, attention, hidden } = buffers;
        let (count, width) = (logits.len() / CLASSES, self.encoder.output_size());
        let pooled = pooled.get_mut(..count * width).ok_or(FOREIGN)?;
        match (&self.attention, attention) {
            (None, None) => self.encoder.last_hidden_batch(windows, lookback, pooled, encoder)?,
            (Some(attention), Some(AttentionBuffers { states, scratch, .. })) => {
                let states = states.get_mut(..count * lookback * width).ok_or(FOREIGN)?;
                self.encoder.sequence_batch(windows, lookback, states, encoder)?;
                let contexts = pooled.chunks_exact_mut(width);
                for (states, context) in states.chunks_exact(lookback * width).zip(contexts) {
                    attention.apply(states, context, scratch)?;
                }
            }
            _ => return Err(FOREIGN),
        }
        self.dense(pooled, count, hidden, logits)
    }

    /// Computes the logits of `count` pooled states `[B, H]`.
    #[inline]
    fn dense(
        &self,
        pooled: &[f32],
        count: usize,
        buffers: &mut [Vec<f32>],
        logits: &mut [f32],
    ) -> Result<(), LstmError> {
        if buffers.len() != self.hidden.len() {
            return Err(FOREIGN);
        }
        let mut input = pooled;
        for (dense, output) in self.hidden.iter().zip(buffers) {
            let output = output.get_mut(..count * dense.shape().output_size()).ok_or(FOREIGN)?;
            dense.apply(input, output)?;
            relu(output);
            input = output;
        }
        self.head.apply(input, logits)
    }

    /// Returns the length of the state carried from row to row.
    pub(crate) fn state_len(&self) -> usize {
        self.encoder.state_len()
    }

    /// Updates a carried state with a scaled row `[C]`.
    pub(crate) fn step(
        &self,
        row: &[f32],
        state: &mut [f32],
        buffers: &mut WindowBuffers,
    ) -> Result<(), LstmError> {
        self.encoder.step(row, state, &mut buffers.encoder)
    }

    /// Computes the logits from a carried state.
    pub(crate) fn logits_of_state(
        &self,
        state: &[f32],
        buffers: &mut WindowBuffers,
        logits: &mut [f32; CLASSES],
    ) -> Result<(), LstmError> {
        self.dense(self.encoder.hidden(state)?, 1, &mut buffers.hidden, logits)
    }
}
