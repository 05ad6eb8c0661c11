//! GRU: gated recurrent units, their last hidden state, a dense layer.
//!
//! **Shapes** window `[T, C]` → GRU(C → H), hidden state after the last row `[H]` → dense(H → 3) →
//! softmax: UP, DOWN, NEUTRAL.
//!
//! A configuration with `stateful: true` carries the hidden state from candle to candle.
//!
//! # Weights from `PyTorch`
//! [`Network::load_state_dict`](crate::network::Network::load_state_dict) reads and
//! [`to_state_dict`](crate::network::Network::to_state_dict) writes the tensors of
//! `self.gru = nn.GRU(C, H, batch_first=True)` and `self.fc = nn.Linear(H, 3)`:
//!
//! | tensor | shape |
//! |---|---|
//! | `gru.weight_ih_l0` | `[3H, C]` |
//! | `gru.weight_hh_l0` | `[3H, H]` |
//! | `gru.bias_ih_l0`, `gru.bias_hh_l0` | `[3H]` |
//! | `fc.weight`, `fc.bias` | `[3, H]`, `[3]` |
//!
//! The classes are in the order UP, DOWN, NEUTRAL.
use crate::network::{Encoder, NetworkConfig, saved};

/// Kind in saved files, that of every network with its full configuration.
pub const KIND: &str = saved::NETWORK;

/// Id of the fitted models.
pub const ID: &str = "gru";

/// Returns the layers: a GRU of 32 units, its last state, the head.
pub fn config() -> NetworkConfig {
    NetworkConfig::new(Encoder::Gru { units: 32, bidirectional: false })
}

/// Returns the learner of the GRU, with default settings.
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    let id = crate::ModelId::new(ID);
    crate::network::NetworkLearner { id, ..crate::network::NetworkLearner::new(config()) }
}
