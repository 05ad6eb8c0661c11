//! ML v3: a bidirectional LSTM of 64 units each way, the last hidden state of each, a dense layer.
//!
//! **Shapes** window `[T, C]` → BiLSTM(C → H each way), forward state after the last row beside
//! the reverse state after the first `[2H]` → dense(2H → 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! Reading backwards is legal inside a closed window: every row of it is known at the decision.
//!
//! # Weights from `PyTorch`
//! `BiLstm::load_state_dict` reads, and `to_state_dict` writes, the tensors of
//! `self.lstm = nn.LSTM(C, H, batch_first=True, bidirectional=True)` and
//! `self.fc = nn.Linear(2 * H, 3)` on `torch.cat([h[0], h[1]], -1)`:
//!
//! | tensor | shape |
//! |---|---|
//! | `lstm.weight_ih_l0`, `lstm.weight_ih_l0_reverse` | `[4H, C]` |
//! | `lstm.weight_hh_l0`, `lstm.weight_hh_l0_reverse` | `[4H, H]` |
//! | `lstm.bias_ih_l0`, `lstm.bias_hh_l0`, and both with `_reverse` | `[4H]` |
//! | `fc.weight`, `fc.bias` | `[3, 2H]`, `[3]` |
//!
//! Classes stand in the order UP, DOWN, NEUTRAL.
#[cfg(feature = "train")]
mod fit;
#[cfg(feature = "train")]
mod network;

use serde::{Deserialize, Serialize};
use windvane_lstm_core::{
    BiLstmScratch, BiLstmShape, Biases, DenseShape, Kernel, LstmBatchScratch, LstmError,
    PackedBiLstm, PackedDense, TensorSpec,
};

use crate::networked::{Architecture, CLASSES, Networked, TOGETHER, network_model};
use crate::state_dict::StateDict;
use crate::{Artifact, ModelError};

#[cfg(feature = "train")]
pub use fit::BiLstmLearner;

/// The kind in saved files and the default id.
pub const KIND: &str = "v3";

/// Bidirectional LSTM of 64 units each way, last hidden states, dense layer (ML v3).
#[derive(Debug, Clone)]
pub struct BiLstm {
    model: Networked<Layers>,
}

network_model!(BiLstm);

impl BiLstm {
    /// Number of hidden units each way.
    pub fn hidden_size(&self) -> usize {
        self.model.packed.lstm.shape().hidden_size()
    }
}

/// Sizes of the layers, in the order the window passes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layers {
    lstm: BiLstmShape,
    head: DenseShape,
}

/// What a saved file says beyond its tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    hidden_size: usize,
}

/// The layers packed for inference.
#[derive(Clone)]
pub(crate) struct Packed {
    lstm: PackedBiLstm<f32>,
    head: PackedDense<f32>,
}

impl Architecture for Layers {
    const KIND: &'static str = KIND;
    type Config = Config;
    type Packed = Packed;
    type Batch = (LstmBatchScratch<f32>, Vec<f32>);
    type Buffers = BiLstmScratch<f32>;

    fn new(config: &Config, channels: usize, classes: usize) -> Result<Self, LstmError> {
        let lstm = BiLstmShape::new(channels, config.hidden_size, Biases::One)?;
        Ok(Self { lstm, head: DenseShape::new(lstm.output_size(), classes)? })
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
            lstm: PackedBiLstm::new(self.lstm, self.lstm.params(lstm)?)?,
            head: PackedDense::new(self.head, self.head.params(head)?)?,
        })
    }

    fn kernel(packed: &Packed) -> Kernel {
        packed.lstm.kernel()
    }

    fn buffers(packed: &Packed, _: usize) -> BiLstmScratch<f32> {
        packed.lstm.scratch()
    }

    fn logits(
        packed: &Packed,
        window: &[f32],
        buffers: &mut BiLstmScratch<f32>,
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
        let width = packed.lstm.shape().output_size();
        let made = || (packed.lstm.batch_scratch(), vec![0.0; TOGETHER * width]);
        let (scratch, hidden) = batch.get_or_insert_with(made);
        let hidden = &mut hidden[..logits.len() / CLASSES * width];
        packed.lstm.last_hidden_batch(windows, lookback, hidden, scratch)?;
        packed.head.apply(hidden, logits)
    }
}
