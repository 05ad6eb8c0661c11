//! The stateful ML v3.2: the layers of [`v32`](crate::v32), with a state carried over all candles.
//!
//! v3.2 reads the last 20 rows from a zero state for every prediction. Here each row is read once:
//! hidden state and cell stay, so a candle costs one step whatever the lookback, and a prediction
//! depends on all rows since the start or the last reset. It is trained like that, by truncated
//! backpropagation through long sequences. A [`Predictor`](crate::Predictor) keeps the state live,
//! a [`TableReader`](crate::TableReader) in batch.
//!
//! It predicts once the state has read `lookback` rows, so windows and labels are those of the
//! other models. A window by itself ([`predict`](crate::DirectionModel::predict)) is read from a
//! zero state.
//!
//! **Shapes** row `[C]`, hidden state and cell `[H]` → LSTM(C → H) → dense(H → 3) → softmax: UP,
//! DOWN, NEUTRAL.
use crate::network::{NetworkConfig, saved};

/// The kind in saved files and the default id.
pub const KIND: &str = saved::V32_STATEFUL;

/// The layers of v3.2 with a carried state.
pub fn config() -> NetworkConfig {
    NetworkConfig { stateful: true, ..super::v32::config() }
}

/// The learner of the stateful v3.2: a batch is 256 decisions, 32 in each of 8 segments.
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    use crate::train::TrainConfig;
    let training = TrainConfig { batch: 256, ..TrainConfig::default() };
    crate::network::NetworkLearner { training, ..crate::network::NetworkLearner::new(config()) }
}
