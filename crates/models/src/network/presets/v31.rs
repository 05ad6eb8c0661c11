//! ML v3.1: a bidirectional LSTM, attention over its steps, hidden dense layers with dropout.
//!
//! **Shapes** window `[T, C]` → BiLSTM(C → H each way), every state `[T, 2H]` → attention
//! (2H → A → 1 per step, softmax over the steps), context `[2H]` → for each hidden dense layer:
//! dense, ReLU, dropout (in training only) → dense(→ 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! **Formula** of the attention: `score_t = v · tanh(W h_t + b)`, `a = softmax(score)`,
//! context = `Σ a_t h_t` (Bahdanau et al. 2015). The weights a can be read:
//! [`Network::attention`](crate::network::Network::attention).
//!
//! Defaults: H = 64, A = 64, hidden dense layers of 64 and 32 units, dropout 0.3.
//!
//! # Weights from `PyTorch`
//! [`Network::load_state_dict`](crate::network::Network::load_state_dict) reads, and
//! [`to_state_dict`](crate::network::Network::to_state_dict) writes, the tensors of
//! `self.lstm = nn.LSTM(C, H, batch_first=True, bidirectional=True)`,
//! `self.att = nn.Linear(2 * H, A)`, `self.att_v = nn.Linear(A, 1, bias=False)`, and
//! `self.fc1 = nn.Linear(2 * H, D)`, `self.fc2`, …, the last of them the head:
//!
//! | tensor | shape |
//! |---|---|
//! | `lstm.weight_ih_l0`, `lstm.weight_ih_l0_reverse` | `[4H, C]` |
//! | `lstm.weight_hh_l0`, `lstm.weight_hh_l0_reverse` | `[4H, H]` |
//! | `lstm.bias_ih_l0`, `lstm.bias_hh_l0`, and both with `_reverse` | `[4H]` |
//! | `att.weight`, `att.bias` | `[A, 2H]`, `[A]` |
//! | `att_v.weight` | `[1, A]` |
//! | `fc1.weight`, `fc1.bias`, `fc2.weight`, … | `[D, 2H]`, `[D]`, …, the last `[3, …]`, `[3]` |
//!
//! Classes stand in the order UP, DOWN, NEUTRAL. An attention without bias writes zeros as
//! `att.bias`. A `state_dict` does not say the dropout, which counts in training only: it is 0
//! in the model.
use crate::network::{Encoder, NetworkConfig, Pooling, saved};

/// The kind in saved files and the default id.
pub const KIND: &str = saved::V31;

/// The layers: a bidirectional LSTM of 64 units each way, attention of 64 units, hidden dense
/// layers of 64 and 32 units with dropout 0.3, the head.
pub fn config() -> NetworkConfig {
    NetworkConfig {
        pooling: Pooling::Attention { units: 64 },
        dense: vec![64, 32],
        dropout: 0.3,
        ..NetworkConfig::new(Encoder::Lstm { units: 64, bidirectional: true })
    }
}

/// The learner of v3.1. It trains longer and in smaller steps than the others: with larger steps
/// and weight decay the hidden ReLU layers die where the signal is weak.
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    use crate::train::{Optimizer, Schedule, TrainConfig};
    let training = TrainConfig {
        optimizer: Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1 },
        learning_rate: 3e-3,
        schedule: Schedule::Cosine { warm_up_epochs: 1.0, length: 16.0, floor: 0.02 },
        epochs: 16,
        patience: 8,
        ..TrainConfig::default()
    };
    crate::network::NetworkLearner { training, ..crate::network::NetworkLearner::new(config()) }
}
