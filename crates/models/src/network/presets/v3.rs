//! ML v3: a bidirectional LSTM of 64 units per direction, its last hidden states, a dense layer.
//!
//! **Shapes** window `[T, C]` → BiLSTM(C → H per direction), forward state after the last row and
//! reverse state after the first row `[2H]` → dense(2H → 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! Reading the window backwards is not look-ahead: all its rows are known when the prediction is
//! made.
//!
//! # Weights from `PyTorch`
//! [`Network::load_state_dict`](crate::network::Network::load_state_dict) reads and
//! [`to_state_dict`](crate::network::Network::to_state_dict) writes the tensors of
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
//! The classes are in the order UP, DOWN, NEUTRAL.
use crate::network::{Encoder, NetworkConfig, saved};

/// Kind in saved files, and the default id.
pub const KIND: &str = saved::V3;

/// Returns the layers: a bidirectional LSTM of 64 units per direction, its last states, the head.
pub fn config() -> NetworkConfig {
    NetworkConfig::new(Encoder::Lstm { units: 64, bidirectional: true })
}

/// Returns the learner of v3, with default settings.
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    crate::network::NetworkLearner::new(config())
}
