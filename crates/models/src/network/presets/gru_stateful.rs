//! Stateful GRU: the layers of [`gru`](crate::gru) with a state carried from candle to candle.
//!
//! The GRU reads the last rows of a window from a zero state for every prediction. The stateful
//! network reads each row once and keeps its hidden state, like
//! [`v32_stateful`](crate::v32_stateful).
//!
//! **Shapes** row `[C]`, hidden state `[H]` → GRU(C → H) → dense(H → 3) → softmax: UP, DOWN,
//! NEUTRAL.
use crate::network::{NetworkConfig, saved};

/// Kind in saved files, that of every network with its full configuration.
pub const KIND: &str = saved::NETWORK;

/// Id of the fitted models.
pub const ID: &str = "gru-stateful";

/// Returns the layers of the GRU with a carried state.
pub fn config() -> NetworkConfig {
    NetworkConfig { stateful: true, ..super::gru::config() }
}

/// Returns the learner of the stateful GRU: a batch has 256 predictions, 32 in each of 8 segments.
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    use crate::train::TrainConfig;
    let training = TrainConfig { batch: 256, ..TrainConfig::default() };
    let id = crate::ModelId::new(ID);
    crate::network::NetworkLearner { id, training, ..crate::network::NetworkLearner::new(config()) }
}
