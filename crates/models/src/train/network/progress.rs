//! Progress of a training from epoch to epoch.
use serde::{Deserialize, Serialize};
use windvane_lstm_core::OptimizerState;

/// Everything that changes from epoch to epoch.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// Number of finished epochs.
    pub(crate) epoch: usize,
    pub(crate) weights: Vec<f32>,
    pub(crate) optimizer: OptimizerState<f32>,
    pub(crate) best: Option<(Losses, Vec<f32>)>,
}

/// Losses of an epoch, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Losses {
    pub(crate) epoch: usize,
    pub(crate) train_loss: f64,
    pub(crate) validation_loss: Option<f64>,
    pub(crate) validation_accuracy: Option<f64>,
}
