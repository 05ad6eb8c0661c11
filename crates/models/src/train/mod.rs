//! Training: the learner trait, training configuration, training loop, calibration.
mod calibrate;
mod fitted;
#[cfg(feature = "network")]
pub(crate) mod network;
mod renamed;
mod run;
mod selective;

use std::sync::Arc;

use windvane_candles::{Direction, Timestamp};
use windvane_signals::{Sample, SampleSet, TrainSet, ValidationSet};
use xxhash_rust::xxh3::Xxh3;

use crate::{FittedModel, ModelId, ModelSpec, TrainError, TrainingRecord};

pub use calibrate::{abstain, calibrate, calibration_parts, predictions};
pub use fitted::Fitted;
#[cfg(feature = "network")]
pub use network::{
    Clip, Init, Optimizer, Schedule, SequenceClassifier, SequenceShape, Sequences, TrainConfig,
};
pub use renamed::Renamed;
pub use run::{EpochReport, OnEpoch, Run};
pub use selective::Selective;

/// Learner that fits a model to training windows.
///
/// Weights and scaler are fitted on the [`TrainSet`]. The [`ValidationSet`] is used only for early
/// stopping and calibration. A sample set over the tables of several pairs pools them; filtered to
/// one table ([`SampleSet::filtered`]) it gives a model of that pair alone.
///
/// The same seed gives the same bits for any number of threads.
pub trait Learner: Send + Sync {
    /// Id of the fitted models, their name in reports; learners of the same kind have different
    /// ids.
    fn id(&self) -> &ModelId;

    /// Returns all settings that determine the fitted model, besides the windows and the seed, as
    /// text. Serialise them as JSON; `Debug` output is not suitable.
    ///
    /// Two learners with the same text fit models with the same bits, so a backtest reuses the
    /// result of one for the other. `None`, the default, disables the reuse.
    fn settings(&self) -> Option<String> {
        None
    }

    /// Bytes per row of the tables that a fit holds at most, beside the candles, the samples and the
    /// values of the tables, for rows of `width` channels; `None`, the default, if it needs the values
    /// in memory. A learner that reads rows only by [`SampleSet::reader`] can fit on tables in a file.
    fn row_memory(&self, width: usize) -> Option<usize> {
        let _ = width;
        None
    }

    /// Fits a model to the training windows.
    ///
    /// # Errors
    /// [`TrainError`] if the model cannot be fitted.
    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError>;
}

/// Implements the trait for a pointer by forwarding to the learner.
macro_rules! forward {
    ($($pointer:ident)*) => {$(
        impl<L: Learner + ?Sized> Learner for $pointer<L> {
            fn id(&self) -> &ModelId {
                (**self).id()
            }

            fn settings(&self) -> Option<String> {
                (**self).settings()
            }

            fn row_memory(&self, width: usize) -> Option<usize> {
                (**self).row_memory(width)
            }

            fn fit(
                &self,
                train: &TrainSet,
                validation: &ValidationSet,
                run: &Run<'_>,
            ) -> Result<Box<dyn FittedModel>, TrainError> {
                (**self).fit(train, validation, run)
            }
        }
    )*};
}
forward!(Box Arc);

/// Returns the spec of a model fitted on these windows, after checking that the two sets fit each
/// other.
///
/// # Errors
/// [`TrainError::Validation`] if the sets differ, or if validation begins before training ends;
/// [`TrainError::TooFewWindows`] without windows, [`TrainError::Signal`] for a spec out of range.
pub fn spec_of(train: &TrainSet, validation: &ValidationSet) -> Result<ModelSpec, TrainError> {
    let own = spec_of_samples(train)?;
    own.validate()?;
    if own != spec_of_samples(validation)? {
        return Err(TrainError::Validation { what: "channels, interval, lookback or labels" });
    }
    // Validation windows inside the training period would select the most overfitted epoch.
    let first = validation.samples().first();
    if first.is_some_and(|sample| sample.decided_at < train.until()) {
        return Err(TrainError::Validation {
            what: "time: validation begins before training ends",
        });
    }
    Ok(own)
}

fn spec_of_samples(samples: &SampleSet) -> Result<ModelSpec, TrainError> {
    let first = samples.tables().first();
    let first = first.ok_or(TrainError::TooFewWindows { expected: 1, got: 0 })?;
    Ok(ModelSpec {
        signals: first.spec().clone(),
        interval: first.interval(),
        lookback: samples.lookback(),
        labels: samples.labels(),
    })
}

/// Creates the training record of a model fitted on these windows, before the first epoch.
///
/// # Errors
/// [`SignalError::File`](windvane_signals::SignalError::File) if the tables are in a file that cannot
/// be read.
pub fn record_of(
    train: &TrainSet,
    validation: &ValidationSet,
    seed: u64,
) -> Result<TrainingRecord, TrainError> {
    let samples = train.samples();
    let used = train.used_tables().into_iter().flatten();
    let mut pairs: Vec<String> = used.map(|table| table.pair().to_string()).collect();
    pairs.sort();
    pairs.dedup();
    let validated = validation.samples().iter().map(Sample::settled_at).max();
    let validated_until = validated.unwrap_or(train.until());
    Ok(TrainingRecord {
        version: env!("CARGO_PKG_VERSION").to_string(),
        pairs,
        windows: samples.len(),
        validation_windows: validation.len(),
        from: samples.first().map_or(train.until(), |sample| sample.decided_at),
        until: train.until(),
        validated_until,
        seed,
        data_hash: data_hash(&[train, validation], validated_until)?,
        epochs: 0,
        best_epoch: 0,
        train_loss: None,
        validation_loss: None,
        constant_channels: Vec::new(),
        unrecorded: Vec::new(),
        held_out: None,
        notes: Vec::new(),
    })
}

/// Checks that at least `least` training windows are UP or DOWN, and that both directions occur.
///
/// # Errors
/// [`TrainError::TooFewWindows`] and [`TrainError::EmptyClass`].
pub fn check_directions(train: &TrainSet, least: usize) -> Result<(), TrainError> {
    let [ups, downs, _] = train.class_counts();
    if ups + downs < least {
        return Err(TrainError::TooFewWindows { expected: least, got: ups + downs });
    }
    for (count, class) in [(ups, Direction::Up), (downs, Direction::Down)] {
        if count == 0 {
            return Err(TrainError::EmptyClass { class: class.to_string() });
        }
    }
    Ok(())
}

/// XXH3 hash of the used tables' rows known at `until`, and of all labels.
fn data_hash(sets: &[&SampleSet], until: Timestamp) -> Result<String, TrainError> {
    let mut hash = Xxh3::new();
    for samples in sets {
        let mut reader = samples.reader();
        for (index, table) in samples.used_tables().into_iter().enumerate() {
            let Some(table) = table else { continue };
            hash.update(table.pair().as_str().as_bytes());
            let rows = 0..table.len();
            let known = rows.take_while(|row| table.close_time(*row).is_some_and(|at| at <= until));
            for row in known {
                let numbers = [table.close(row).unwrap_or_default()];
                let values = reader.row(index, row)?.unwrap_or_default();
                for number in values.iter().chain(&numbers) {
                    hash.update(&number.to_bits().to_le_bytes());
                }
                let open_time = table.open_time(row).map_or(0, Timestamp::millis);
                hash.update(&open_time.to_le_bytes());
            }
        }
        for sample in samples.samples() {
            hash.update(&[sample.label().index().to_le_bytes()[0]]);
            hash.update(&sample.decided_at.millis().to_le_bytes());
        }
    }
    Ok(format!("{:016x}", hash.digest()))
}
