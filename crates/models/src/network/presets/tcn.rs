//! TCN: a temporal convolutional network (Bai, Kolter and Koltun 2018), the result of its last row,
//! a dense layer.
//!
//! **Shapes** window `[T, C]` → 1x1 convolution to K channels → residual blocks of two causal
//! convolutions with three taps and the dilations 1, 2, 4, 8, result of the last row `[K]` →
//! dense(K → 3) → softmax: UP, DOWN, NEUTRAL. The result of a row depends on the last 61 rows.
//!
//! # Weights from `PyTorch`
//! [`Network::load_state_dict`](crate::network::Network::load_state_dict) reads and
//! [`to_state_dict`](crate::network::Network::to_state_dict) writes the tensors of
//! `self.input = nn.Conv1d(C, K, 1)`, of `self.blocks`, an `nn.ModuleList` of blocks with
//! `self.conv1` and `self.conv2` (`nn.Conv1d(K, K, 3, dilation=2**k)` on an input padded on the
//! left by `2 * 2**k` zeros), and of `self.fc = nn.Linear(K, 3)`. A block returns
//! `relu(x + relu(conv2(relu(conv1(x)))))`.
//!
//! | tensor | shape |
//! |---|---|
//! | `input.weight`, `input.bias` | `[K, C, 1]`, `[K]` |
//! | `blocks.0.conv1.weight`, `blocks.0.conv2.weight`, `blocks.1.conv1.weight`, … | `[K, K, 3]` |
//! | `blocks.0.conv1.bias`, `blocks.0.conv2.bias`, `blocks.1.conv1.bias`, … | `[K]` |
//! | `fc.weight`, `fc.bias` | `[3, K]`, `[3]` |
//!
//! The classes are in the order UP, DOWN, NEUTRAL.
use crate::network::{Encoder, NetworkConfig, saved};

/// Kind in saved files, that of every network with its full configuration.
pub const KIND: &str = saved::NETWORK;

/// Id of the fitted models.
pub const ID: &str = "tcn";

/// Returns the layers: four blocks of 32 channels, the result of the last row, the head.
pub fn config() -> NetworkConfig {
    NetworkConfig::new(Encoder::Tcn { channels: 32, blocks: 4 })
}

/// Returns the learner of the TCN, with default settings.
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    let id = crate::ModelId::new(ID);
    crate::network::NetworkLearner { id, ..crate::network::NetworkLearner::new(config()) }
}
