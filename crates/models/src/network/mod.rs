//! One network, made of layers that a configuration names.
//!
//! [`NetworkConfig`] says which layers there are. [`Network`] is the fitted model, `NetworkLearner`
//! (feature `train`) fits one. The presets [`v3`](crate::v3), [`v31`](crate::v31),
//! [`v32`](crate::v32) and [`v32_stateful`](crate::v32_stateful) are configurations with a label.
#[cfg(feature = "train")]
mod backward;
mod config;
mod encoder;
#[cfg(feature = "train")]
mod forward;
mod inference;
mod layers;
#[cfg(feature = "train")]
mod learner;
mod model;
pub(crate) mod presets;
pub(crate) mod saved;
mod state_dict;
#[cfg(all(test, feature = "v32"))]
mod stateful_tests;
#[cfg(all(test, feature = "train"))]
mod tests;

#[cfg(feature = "train")]
pub(crate) use inference::Packed;
pub(crate) use layers::Layers;

pub use config::{NetworkConfig, Pooling};
pub use encoder::Encoder;
#[cfg(feature = "train")]
pub(crate) use forward::{Cache, DropoutSeed};
#[cfg(feature = "train")]
pub use learner::NetworkLearner;
pub use model::Network;

impl From<windvane_lstm_core::LstmError> for crate::TrainError {
    fn from(error: windvane_lstm_core::LstmError) -> Self {
        Self::Layer { problem: error.to_string() }
    }
}

/// UP, DOWN, NEUTRAL.
pub(crate) const CLASSES: usize = 3;
