//! MLP: a multilayer perceptron, dense layers on the values of a window.
//!
//! **Shapes** window `[T, C]` → its N values, or those of the [lags](NetworkConfig::lags) `[N]` →
//! dense(N → 64), ReLU → dense(64 → 32), ReLU → dense(32 → 3) → softmax: UP, DOWN, NEUTRAL.
//!
//! With lags, a channel of which only the newest value matters is one input and not T inputs.
//!
//! # Weights from `PyTorch`
//! [`Network::load_state_dict`](crate::network::Network::load_state_dict) reads and
//! [`to_state_dict`](crate::network::Network::to_state_dict) writes the tensors of
//! `self.fc1 = nn.Linear(N, 64)`, `self.fc2 = nn.Linear(64, 32)` and `self.fc3 = nn.Linear(32, 3)`.
//! The N inputs are the scaled window, oldest row first, or the values at the
//! [positions](windvane_signals::Lags::positions) of the lags.
//!
//! | tensor | shape |
//! |---|---|
//! | `fc1.weight`, `fc1.bias` | `[64, N]`, `[64]` |
//! | `fc2.weight`, `fc2.bias` | `[32, 64]`, `[32]` |
//! | `fc3.weight`, `fc3.bias` | `[3, 32]`, `[3]` |
//!
//! The classes are in the order UP, DOWN, NEUTRAL.
use crate::network::{Encoder, NetworkConfig, saved};

/// Kind in saved files, that of every network with its full configuration.
pub const KIND: &str = saved::NETWORK;

/// Id of the fitted models.
pub const ID: &str = "mlp";

/// Returns the layers: all values of a window, hidden dense layers of 64 and 32 units with a
/// dropout of 0.1, the head.
pub fn config() -> NetworkConfig {
    NetworkConfig { dense: vec![64, 32], dropout: 0.1, ..NetworkConfig::new(Encoder::Flat) }
}

/// Returns the learner of the MLP on the newest value of every channel: the default settings with a
/// learning rate of 2e-3.
///
/// On whole windows, 120 inputs for 20 rows of six channels, it overfits; most channels summarise the
/// candles before anyway. Set `lags` to `None` for whole windows.
///
/// # Examples
/// Lags 1 to 3 of one channel as well:
/// ```
/// use windvane_models::mlp;
/// use windvane_models::network::{NetworkConfig, NetworkLearner};
/// use windvane_models::train::Learner;
/// use windvane_signals::Lags;
///
/// let lags = Some(Lags::newest().with("rsi", 1..=3));
/// let learner = NetworkLearner { config: NetworkConfig { lags, ..mlp::config() }, ..mlp::learner() };
/// assert_eq!(learner.id().as_str(), "mlp");
/// ```
#[cfg(feature = "train")]
pub fn learner() -> crate::network::NetworkLearner {
    use crate::train::TrainConfig;
    let lags = Some(windvane_signals::Lags::newest());
    let config = NetworkConfig { lags, ..config() };
    let training = TrainConfig { learning_rate: 2e-3, ..TrainConfig::default() };
    let id = crate::ModelId::new(ID);
    crate::network::NetworkLearner { id, training, ..crate::network::NetworkLearner::new(config) }
}
