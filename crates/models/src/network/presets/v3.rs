//! ML v3: a bidirectional LSTM of 64 units each way, the last hidden state of each, a dense layer.
//!
//! **Shapes** window `[T, C]` → BiLSTM(C → H each way), forward state after the last row beside
//! the reverse state after the first `[2H]` → dense(2H → 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! Reading backwards is legal inside a closed window: every row of it is known at the decision.
//!
//! # Weights from `PyTorch`
//! [`Network::load_state_dict`](crate::network::Network::load_state_dict) reads, and
//! [`to_state_dict`](crate::network::Network::to_state_dict) writes, the tensors of
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
use crate::network::{Encoder, NetworkConfig, saved};

/// The kind in saved files and the default id.
pub const KIND: &str = saved::V3;

/// The layers: a bidirectional LSTM of 64 units each way, the last state of each, the head.
pub fn config() -> NetworkConfig {
    NetworkConfig::new(Encoder::Lstm { units: 64, bidirectional: true })
}

/// The learner of v3, with default settings.
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    crate::network::NetworkLearner::new(config())
}
