//! Stateful ML v3.2: the layers of [`v32`](crate::v32) with a state carried from candle to candle.
//!
//! v3.2 reads the last 20 rows from a zero state for every prediction. The stateful network reads
//! each row once and keeps hidden state and cell. A candle therefore costs one step whatever the
//! lookback is, and a prediction depends on all rows since the start or the last reset. The network
//! is trained in the same way, by truncated backpropagation through long sequences. A
//! [`Predictor`](crate::Predictor) keeps the state in live operation, a
//! [`TableReader`](crate::TableReader) in batch operation.
//!
//! It predicts as soon as the state has read `lookback` rows, so that windows and labels are those
//! of the other models. For a single window, [`predict`](crate::DirectionModel::predict) starts
//! from a zero state.
//!
//! **Shapes** row `[C]`, hidden state and cell `[H]` → LSTM(C → H) → dense(H → 3) → softmax: UP,
//! DOWN, NEUTRAL.
use crate::network::{NetworkConfig, saved};

/// Kind in saved files, and the default id.
pub const KIND: &str = saved::V32_STATEFUL;

/// Returns the layers of v3.2 with a carried state.
pub fn config() -> NetworkConfig {
    NetworkConfig { stateful: true, ..super::v32::config() }
}

/// Returns the learner of the stateful v3.2: a batch has 256 predictions, 32 in each of 8 segments.
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    use crate::train::TrainConfig;
    let training = TrainConfig { batch: 256, ..TrainConfig::default() };
    crate::network::NetworkLearner { training, ..crate::network::NetworkLearner::new(config()) }
}
