//! Inference with packed layers.
//!
//! The configuration selects the kernels once, when a network is packed. With the pooling
//! [`Pooling::LastStep`] only the last state of the encoder is computed, otherwise all states.
use windvane_lstm_core::{AttentionScratch, Kernel, LstmError, PackedAttention, PackedDense, relu};

use super::packed_encoder::{EncoderBatchScratch, EncoderScratch, PackedEncoder};
use super::{CLASSES, Layers, Pooling};

/// Maximum number of windows that are computed together.
pub(super) const BATCH: usize = 24;

/// Layers of a network packed for inference.
#[derive(Clone)]
pub(crate) struct PackedNetwork {
    pub(super) encoder: PackedEncoder,
    pooling: PackedPooling,
    hidden: Vec<PackedDense<f32>>,
    head: PackedDense<f32>,
}

/// Pooling packed for inference.
#[derive(Clone)]
enum PackedPooling {
    LastStep,
    Mean,
    Attention(PackedAttention<f32>),
}

/// Working memory for one window.
pub(crate) struct WindowBuffers {
    encoder: EncoderScratch,
    pooling: Option<PoolingBuffers>,
    /// Output of each hidden dense layer.
    hidden: Vec<Vec<f32>>,
}

/// Working memory for up to [`BATCH`] windows.
pub(super) struct BatchBuffers {
    encoder: EncoderBatchScratch,
    /// Last state or context of each window, `[B, H]`.
    pooled: Vec<f32>,
    pooling: Option<PoolingBuffers>,
    /// Output of each hidden dense layer.
    hidden: Vec<Vec<f32>>,
}

/// Working memory of a pooling over all states.
struct PoolingBuffers {
    /// States of all rows, `[T, H]` or `[B, T, H]`.
    states: Vec<f32>,
    /// Working memory of an attention.
    attention: Option<AttentionScratch<f32>>,
    context: Vec<f32>,
}

impl PackedPooling {
    /// Computes the pooled state `[H]` of a window from its states `[T, H]`.
    fn apply(
        &self,
        states: &[f32],
        context: &mut [f32],
        attention: Option<&mut AttentionScratch<f32>>,
    ) -> Result<(), LstmError> {
        match (self, attention) {
            (Self::Mean, _) => {
                mean(states, context);
                Ok(())
            }
            (Self::Attention(layer), Some(scratch)) => layer.apply(states, context, scratch),
            _ => Err(FOREIGN),
        }
    }
}

/// Writes the mean of the rows `[T, H]`, added in ascending order.
fn mean(rows: &[f32], mean: &mut [f32]) {
    mean.fill(0.0);
    for row in rows.chunks_exact(mean.len()) {
        mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    let count = (rows.len() / mean.len()) as f32;
    for sum in mean {
        *sum /= count;
    }
}

impl WindowBuffers {
    /// Returns the attention weights of the last window; `None` for a network without attention.
    pub(super) fn attention(&self) -> Option<&[f32]> {
        Some(self.pooling.as_ref()?.attention.as_ref()?.weights())
    }
}

/// Error for the buffers of another network; the caller reports a foreign scratch.
const FOREIGN: LstmError = LstmError::Length { what: "scratch", expected: 1, got: 0 };

impl Layers {
    /// Packs the parameters for inference.
    pub(crate) fn pack(&self, weights: &[f32]) -> Result<PackedNetwork, LstmError> {
        let [encoder, attention, mut rest] = self.split(weights);
        let encoder = self.encoder.pack(encoder)?;
        let pooling = match (self.config.pooling, self.attention) {
            (_, Some(shape)) => {
                let params = shape.params(attention)?;
                PackedPooling::Attention(PackedAttention::new(shape, params)?)
            }
            (Pooling::Mean, None) => PackedPooling::Mean,
            (_, None) => PackedPooling::LastStep,
        };
        let mut hidden = Vec::with_capacity(self.dense.len());
        for shape in &self.dense {
            let (own, after) = rest.split_at(shape.len());
            hidden.push(PackedDense::new(*shape, shape.params(own)?)?);
            rest = after;
        }
        let head = hidden.pop().ok_or(LstmError::Size { what: "dense", expected: 1, got: 0 })?;
        Ok(PackedNetwork { encoder, pooling, hidden, head })
    }
}

impl PackedNetwork {
    /// Returns the kernel that the layers run on.
    pub(super) fn kernel(&self) -> Kernel {
        self.head.kernel()
    }

    /// Creates working memory for windows of `lookback` rows.
    pub(crate) fn buffers(&self, lookback: usize) -> WindowBuffers {
        WindowBuffers {
            encoder: self.encoder.scratch(lookback),
            pooling: self.pooling_buffers(1, lookback),
            hidden: self.hidden_buffers(1),
        }
    }

    /// Creates working memory for batches of windows of `lookback` rows.
    pub(super) fn batch_buffers(&self, lookback: usize) -> BatchBuffers {
        BatchBuffers {
            encoder: self.encoder.batch_scratch(lookback),
            pooled: vec![0.0; BATCH * self.encoder.output_size()],
            pooling: self.pooling_buffers(BATCH, lookback),
            hidden: self.hidden_buffers(BATCH),
        }
    }

    fn pooling_buffers(&self, windows: usize, lookback: usize) -> Option<PoolingBuffers> {
        let attention = match &self.pooling {
            PackedPooling::LastStep => return None,
            PackedPooling::Mean => None,
            PackedPooling::Attention(attention) => Some(attention.scratch(lookback)),
        };
        let width = self.encoder.output_size();
        let states = vec![0.0; windows * lookback * width];
        Some(PoolingBuffers { states, attention, context: vec![0.0; width] })
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
        let WindowBuffers { encoder, pooling, hidden } = buffers;
        match (&self.pooling, pooling) {
            (PackedPooling::LastStep, None) => {
                let last = self.encoder.last_hidden(window, encoder)?;
                self.dense(last, 1, hidden, logits)
            }
            (layer, Some(PoolingBuffers { states, attention, context })) => {
                self.encoder.sequence(window, states, encoder)?;
                layer.apply(states, context, attention.as_mut())?;
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
        let BatchBuffers { encoder, pooled, pooling, hidden } = buffers;
        let (count, width) = (logits.len() / CLASSES, self.encoder.output_size());
        let pooled = pooled.get_mut(..count * width).ok_or(FOREIGN)?;
        match (&self.pooling, pooling) {
            (PackedPooling::LastStep, None) => {
                self.encoder.last_hidden_batch(windows, lookback, pooled, encoder)?;
            }
            (layer, Some(PoolingBuffers { states, attention, .. })) => {
                let states = states.get_mut(..count * lookback * width).ok_or(FOREIGN)?;
                self.encoder.sequence_batch(windows, lookback, states, encoder)?;
                let contexts = pooled.chunks_exact_mut(width);
                for (states, context) in states.chunks_exact(lookback * width).zip(contexts) {
                    layer.apply(states, context, attention.as_mut())?;
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
