//! ML v3.1: a bidirectional LSTM, attention over its states, hidden dense layers with dropout.
//!
//! **Shapes** window `[T, C]` → BiLSTM(C → H per direction), all states `[T, 2H]` → attention
//! (2H → A → 1 per step, softmax over the steps), context `[2H]` → for each hidden dense layer:
//! dense, ReLU, dropout (in training only) → dense(→ 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! **Formula** of the attention: `score_t = v · tanh(W h_t + b)`, `a = softmax(score)`,
//! context = `Σ a_t h_t` (Bahdanau et al. 2015).
//! [`Network::attention`](crate::network::Network::attention) returns the weights a.
//!
//! Defaults: H = 64, A = 64, hidden dense layers of 64 and 32 units, dropout 0.3.
//!
//! # Weights from `PyTorch`
//! [`Network::load_state_dict`](crate::network::Network::load_state_dict) reads and
//! [`to_state_dict`](crate::network::Network::to_state_dict) writes the tensors of
//! `self.lstm = nn.LSTM(C, H, batch_first=True, bidirectional=True)`,
//! `self.att = nn.Linear(2 * H, A)`, `self.att_v = nn.Linear(A, 1, bias=False)`, and
//! `self.fc1 = nn.Linear(2 * H, D)`, `self.fc2`, …, of which the last is the head:
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
//! The classes are in the order UP, DOWN, NEUTRAL. For an attention without bias, the file must
//! have zeros as `att.bias`. A `state_dict` does not contain the dropout rate, which matters in
//! training only: it is 0 in the loaded model.
use crate::network::{Encoder, NetworkConfig, Pooling, saved};

/// Kind in saved files, and the default id.
pub const KIND: &str = saved::V31;

/// Returns the layers: a bidirectional LSTM of 64 units per direction, attention of 64 units,
/// hidden dense layers of 64 and 32 units with dropout 0.3, the head.
pub fn config() -> NetworkConfig {
    NetworkConfig {
        pooling: Pooling::Attention { units: 64 },
        dense: vec![64, 32],
        dropout: 0.3,
        ..NetworkConfig::new(Encoder::Lstm { units: 64, bidirectional: true })
    }
}

/// Returns the learner of v3.1.
///
/// It trains for more epochs and with a lower learning rate than the other presets. With a higher
/// learning rate and weight decay, the units of the hidden ReLU layers die if the signal is weak.
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
