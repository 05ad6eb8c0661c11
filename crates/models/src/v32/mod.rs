//! ML v3.2, the production model: one LSTM of 32 units, the last hidden state, a dense layer.
//!
//! **Shapes** window `[T, C]` → LSTM(C → H), hidden state after the last row `[H]` →
//! dense(H → 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! One prediction takes a few microseconds and allocates nothing.
//!
//! # Weights from `PyTorch`
//! `FastLstm::load_state_dict` reads, and `to_state_dict` writes, the tensors of
//! `self.lstm = nn.LSTM(C, H, batch_first=True)` and `self.fc = nn.Linear(H, 3)`:
//!
//! | tensor | shape |
//! |---|---|
//! | `lstm.weight_ih_l0` | `[4H, C]` |
//! | `lstm.weight_hh_l0` | `[4H, H]` |
//! | `lstm.bias_ih_l0`, `lstm.bias_hh_l0` | `[4H]` |
//! | `fc.weight`, `fc.bias` | `[3, H]`, `[3]` |
//!
//! Classes stand in the order UP, DOWN, NEUTRAL. A layer of another name is renamed where the
//! file is made: `{k.replace("rnn.", "lstm."): v for k, v in model.state_dict().items()}`.
#[cfg(feature = "train")]
mod fit;
#[cfg(feature = "train")]
mod network;
#[cfg(feature = "pretrained")]
mod pretrained;

use serde::{Deserialize, Serialize};
use windvane_lstm_core::{
    Biases, DenseShape, Kernel, LstmBatchScratch, LstmError, LstmScratch, LstmShape, PackedDense,
    PackedLstm, TensorSpec,
};

use crate::networked::{Architecture, CLASSES, Networked, TOGETHER, network_model};
use crate::state_dict::StateDict;
use crate::{Artifact, ModelError};

#[cfg(feature = "train")]
pub use fit::FastLstmLearner;

/// The kind in saved files and the default id.
pub const KIND: &str = "v32";

/// LSTM of 32 units in one direction, last hidden state, dense layer (ML v3.2).
#[derive(Debug, Clone)]
pub struct FastLstm {
    model: Networked<Layers>,
}

network_model!(FastLstm);

impl FastLstm {
    /// Number of hidden units.
    pub fn hidden_size(&self) -> usize {
        self.model.packed.lstm.shape().hidden_size()
    }
}

/// Sizes of the layers, in the order the window passes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layers {
    pub(crate) lstm: LstmShape,
    pub(crate) head: DenseShape,
}

/// What a saved file says beyond its tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) hidden_size: usize,
}

/// The layers packed for inference.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    lstm: PackedLstm<f32>,
    head: PackedDense<f32>,
}

impl Architecture for Layers {
    const KIND: &'static str = KIND;
    type Config = Config;
    type Packed = Packed;
    type Batch = (LstmBatchScratch<f32>, Vec<f32>);
    type Buffers = LstmScratch<f32>;

    fn new(config: &Config, channels: usize, classes: usize) -> Result<Self, LstmError> {
        Ok(Self {
            lstm: LstmShape::new(channels, config.hidden_size, Biases::One)?,
            head: DenseShape::new(config.hidden_size, classes)?,
        })
    }

    fn config(&self) -> Config {
        Config { hidden_size: self.lstm.hidden_size() }
    }

    fn sizes(dict: &StateDict) -> Result<Config, ModelError> {
        Ok(Config { hidden_size: dict.hidden_size()? })
    }

    fn specs(&self) -> Vec<TensorSpec> {
        let mut specs = self.lstm.specs("lstm");
        specs.extend(self.head.specs("fc"));
        specs
    }

    fn pack(&self, weights: &[f32]) -> Result<Packed, LstmError> {
        let (lstm, head) = weights.split_at(self.lstm.len());
        Ok(Packed {
            lstm: PackedLstm::new(self.lstm, self.lstm.params(lstm)?)?,
            head: PackedDense::new(self.head, self.head.params(head)?)?,
        })
    }

    fn kernel(packed: &Packed) -> Kernel {
        packed.lstm.kernel()
    }

    fn buffers(packed: &Packed, _: usize) -> LstmScratch<f32> {
        packed.lstm.scratch()
    }

    fn logits(
        packed: &Packed,
        window: &[f32],
        buffers: &mut LstmScratch<f32>,
        logits: &mut [f32; CLASSES],
    ) -> Result<(), LstmError> {
        let hidden = packed.lstm.last_hidden(window, buffers)?;
        packed.head.apply(hidden, logits)
    }

    fn logits_batch(
        packed: &Packed,
        windows: &[f32],
        lookback: usize,
        batch: &mut Option<Self::Batch>,
        logits: &mut [f32],
    ) -> Result<(), LstmError> {
        let width = packed.lstm.shape().hidden_size();
        let made = || (packed.lstm.batch_scratch(), vec![0.0; TOGETHER * width]);
        let (scratch, hidden) = batch.get_or_insert_with(made);
        let hidden = &mut hidden[..logits.len() / CLASSES * width];
        packed.lstm.last_hidden_batch(windows, lookback, hidden, scratch)?;
        packed.head.apply(hidden, logits)
    }
}
