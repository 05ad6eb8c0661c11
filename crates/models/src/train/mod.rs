//! Fitting models: the learner's trait, recipes, and the loop that descends.
#[cfg(feature = "v32")]
mod batches;
#[cfg(feature = "v32")]
mod descend;
#[cfg(feature = "v32")]
mod network;
#[cfg(feature = "v32")]
mod recipe;

use windvane_signals::{Sample, Scaler, TrainSet, ValidationSet};
use xxhash_rust::xxh3::Xxh3;

use crate::{DirectionModel, ModelError, ModelSpec, TrainingRecord};

#[cfg(feature = "v32")]
pub(crate) use descend::descend;
#[cfg(feature = "v32")]
pub(crate) use network::Network;
#[cfg(feature = "v32")]
pub use recipe::Recipe;

/// Something that fits a model to training windows.
///
/// Everything is fitted on the [`TrainSet`]; the [`ValidationSet`] serves for choosing only.
/// The same seed gives the same bits, whatever the number of threads.
pub trait Learner: Sync {
    /// Name of the kind of model, as in reports.
    fn name(&self) -> &'static str;

    /// Fits a model; `on_epoch` hears of every epoch.
    ///
    /// # Errors
    /// What keeps the model from being fitted, with the epoch and the cause.
    fn fit(
        &self,
        train: &TrainSet<'_>,
        validation: &ValidationSet<'_>,
        seed: u64,
        on_epoch: &OnEpoch<'_>,
    ) -> Result<Box<dyn DirectionModel>, ModelError>;
}

/// Hears of every epoch.
pub type OnEpoch<'a> = dyn Fn(&EpochReport) + Sync + 'a;

/// What one epoch came to.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct EpochReport {
    /// Counted from 1.
    pub epoch: usize,
    /// The most epochs there can be.
    pub most_epochs: usize,
    /// Mean cross-entropy over the epoch's training windows, nats.
    pub train_loss: f64,
    /// Mean cross-entropy on the validation windows after the epoch, nats.
    pub validation_loss: f64,
    /// Whether these are the best weights so far.
    pub best: bool,
}

/// The spec of a model fitted on these windows.
pub(crate) fn spec_of(train: &TrainSet<'_>) -> Result<ModelSpec, ModelError> {
    let first = train.tables().first();
    let first = first.ok_or(ModelError::TooFewWindows { expected: 1, got: 0 })?;
    Ok(ModelSpec {
        signals: first.spec().clone(),
        interval: first.interval(),
        lookback: train.lookback(),
        labels: train.labels(),
    })
}

/// A layer of that size cannot be built.
#[cfg(feature = "v32")]
pub(crate) fn hidden_size_error(got: usize) -> ModelError {
    let (setting, expected) = ("hidden_size", "1 to 4096");
    ModelError::Setting { setting, expected, got: got as f64 }
}

/// The record of a model fitted on these windows, before any epoch.
pub(crate) fn record_of(
    train: &TrainSet<'_>,
    validation: &ValidationSet<'_>,
    scaler: &Scaler,
    seed: u64,
) -> TrainingRecord {
    let samples = train.samples();
    let mut pairs: Vec<String> =
        samples.iter().map(|sample| train.tables()[sample.table].pair().to_string()).collect();
    pairs.sort();
    pairs.dedup();
    let channels = train.tables().first().map(|table| table.spec().channels.clone());
    let channels = channels.unwrap_or_default();
    TrainingRecord {
        version: env!("CARGO_PKG_VERSION").to_string(),
        pairs,
        windows: samples.len(),
        validation_windows: validation.len(),
        from: samples.first().map_or(train.until(), |sample| sample.decided_at),
        until: train.until(),
        seed,
        data_hash: data_hash(train, samples),
        epochs: 0,
        best_epoch: 0,
        train_loss: None,
        validation_loss: None,
        constant_channels: scaler.constant_channels().map(|c| channels[c].to_string()).collect(),
    }
}

/// XXH3 of every last row and outcome learned from: other data, another hash.
fn data_hash(train: &TrainSet<'_>, samples: &[Sample]) -> String {
    let mut hash = Xxh3::new();
    for sample in samples {
        let window = train.window(sample);
        for value in window.row(window.steps() - 1) {
            hash.update(&value.to_bits().to_le_bytes());
        }
        hash.update(&sample.outcome.change.to_bits().to_le_bytes());
        hash.update(&sample.decided_at.millis().to_le_bytes());
    }
    format!("{:016x}", hash.digest())
}
