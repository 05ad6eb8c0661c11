//! State of a training between epochs.
use serde::{Deserialize, Serialize};
use windvane_lstm_core::OptimizerState;

/// State of a training between epochs: weights, optimizer state, best epoch so far.
#[derive(Debug, Clone)]
pub(crate) struct TrainingState {
    /// Number of finished epochs.
    pub(crate) epoch: usize,
    pub(crate) weights: Vec<f32>,
    pub(crate) optimizer: OptimizerState<f32>,
    /// Losses and weights of the best epoch.
    pub(crate) best: Option<(EpochLosses, Vec<f32>)>,
}

/// Losses of an epoch with its number, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EpochLosses {
    pub(crate) epoch: usize,
    pub(crate) train_loss: f64,
    pub(crate) validation_loss: Option<f64>,
    pub(crate) validation_accuracy: Option<f64>,
}
