//! Neural network with configurable layers.
//!
//! [`NetworkConfig`] is the configuration of the layers. [`Network`] is a fitted model, which
//! `NetworkLearner` (feature `train`) fits. The presets [`v3`](crate::v3), [`v31`](crate::v31),
//! [`v32`](crate::v32), [`v32_stateful`](crate::v32_stateful), [`gru`](crate::gru),
//! [`gru_stateful`](crate::gru_stateful), [`tcn`](crate::tcn), [`transformer`](crate::transformer)
//! and [`mlp`](crate::mlp) are named configurations.
mod config;
mod encoder;
mod flat;
pub(crate) mod inference;
mod layers;
mod model;
#[cfg(feature = "onnx")]
mod onnx;
mod packed_encoder;
pub(crate) mod presets;
pub(crate) mod saved;
mod state_dict;
#[cfg(feature = "train")]
pub(crate) mod training;

pub(crate) use flat::WindowShape;
pub(crate) use layers::Layers;

pub use config::{NetworkConfig, Pooling};
pub use encoder::Encoder;
pub use model::Network;
#[cfg(feature = "train")]
pub use training::{NetworkLearner, SuccessiveHalving};

impl From<windvane_lstm_core::LstmError> for crate::TrainError {
    fn from(error: windvane_lstm_core::LstmError) -> Self {
        Self::Layer { problem: error.to_string() }
    }
}

/// Number of classes: UP, DOWN and NEUTRAL.
pub(crate) const CLASSES: usize = 3;
