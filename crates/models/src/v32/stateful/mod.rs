//! v3.2 as a stepper: the same layers, with a state carried over all candles.
//!
//! [`FastLstm`](super::FastLstm) reads the last 20 rows from a zero state for every prediction.
//! [`StatefulLstm`] reads each row once: hidden state and cell stay, so a candle costs one step,
//! whatever the lookback, and an answer depends on all rows since the start or the last reset. It
//! is trained like that, by backpropagation through truncated stretches of long sequences. The
//! state is the model's [memory](crate::DirectionModel::memory), which a
//! [`Predictor`](crate::Predictor) keeps live and a [`TableReader`](crate::TableReader) in batch.
//!
//! It answers once the state has read `lookback` rows, so windows and labels are those of the
//! other models. A window by itself ([`predict`](crate::DirectionModel::predict)) is read from a
//! zero state.
//!
//! **Shapes** row `[C]`, hidden state and cell `[H]` → LSTM(C → H) → dense(H → 3) → softmax: UP,
//! DOWN, NEUTRAL.
#[cfg(feature = "train")]
mod fit;
#[cfg(feature = "train")]
mod lanes;
#[cfg(feature = "train")]
mod lessons;
#[cfg(feature = "train")]
mod network;

use super::LstmAndHead;
use crate::networked::{Networked, network_model};
use crate::state_dict::StateDict;
use crate::{Artifact, ModelError};

#[cfg(feature = "train")]
pub use fit::StatefulLstmLearner;

/// The kind in saved files and the default id.
pub const KIND: &str = "v32-stateful";

/// LSTM of 32 units whose state is carried from candle to candle (ML v3.2 as a stepper).
///
/// Layers, tensors and weights from `PyTorch` are those of [`FastLstm`](super::FastLstm).
#[derive(Debug, Clone)]
pub struct StatefulLstm {
    model: Networked<Layers>,
}

pub(crate) type Layers = LstmAndHead<true>;

network_model!(StatefulLstm);

impl StatefulLstm {
    /// Number of hidden units; the memory holds twice as many numbers.
    pub fn hidden_size(&self) -> usize {
        self.model.packed.lstm.shape().hidden_size()
    }
}

#[cfg(all(test, feature = "train"))]
mod tests;
