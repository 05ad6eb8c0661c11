//! Fitted models for the benches.
use windvane::ensemble::{Ensemble, EnsembleLearner};
use windvane::models::network::{Network, NetworkLearner};
use windvane::models::train::{Run, TrainConfig};
use windvane::models::v2::{WeightedSignals, WeightedSignalsLearner};

use windvane::prelude::*;

/// Fits v3.2 for one epoch.
///
/// # Panics
/// If the tables are too short for a split.
pub fn fast_lstm(tables: &[SignalTable]) -> Network {
    let training = TrainConfig { epochs: 1, ..TrainConfig::default() };
    let learner = NetworkLearner { training, ..v32::learner() };
    crate::with_train(tables, |t, v| learner.fit_model(t, v, &Run::new(1)).expect("a model"))
}

/// Fits v2 (weighted signals).
///
/// # Panics
/// If the tables are too short for a split.
pub fn v2(tables: &[SignalTable]) -> WeightedSignals {
    let learner = WeightedSignalsLearner::default();
    crate::with_train(tables, |t, v| learner.fit_model(t, v, &Run::new(1)).expect("a model"))
}

/// Fits the `tuned` ensemble.
///
/// # Panics
/// If the tables are too short for a split.
pub fn tuned(tables: &[SignalTable]) -> Ensemble {
    let learner = EnsembleLearner::tuned();
    crate::with_train(tables, |t, v| learner.fit_model(t, v, &Run::new(1)).expect("an ensemble"))
}
