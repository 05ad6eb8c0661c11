//! Fitting models: the learner's trait, recipes, and the loop that descends.
mod calibrate;
#[cfg(feature = "_network")]
mod checkpoint;
#[cfg(feature = "_network")]
mod descend;
#[cfg(feature = "_network")]
mod examples;
#[cfg(feature = "_network")]
mod network;
#[cfg(feature = "_network")]
mod recipe;
mod run;
mod selective;
#[cfg(feature = "_network")]
mod sequences;
#[cfg(feature = "_network")]
mod windows;

use std::sync::Arc;

use windvane_candles::{Direction, Timestamp};
#[cfg(feature = "_network")]
use windvane_lstm_core::Tensors;
#[cfg(feature = "_network")]
use windvane_signals::{Band, Scaler};
use windvane_signals::{SampleSet, TrainSet, ValidationSet};
use xxhash_rust::xxh3::Xxh3;

#[cfg(feature = "_network")]
use crate::networked::{Architecture, CLASSES, Networked};
use crate::{DirectionModel, ModelError, ModelId, ModelSpec, TrainingRecord};

pub use calibrate::{abstain, calibrate, calibration_parts, predictions};
#[cfg(feature = "_network")]
pub(crate) use checkpoint::Checkpoint;
#[cfg(feature = "_network")]
use checkpoint::Fingerprint;
#[cfg(feature = "_network")]
pub(crate) use descend::Descent;
#[cfg(feature = "_network")]
use descend::Fit;
#[cfg(feature = "v32")]
pub(crate) use descend::{BatchOf, Lessons};
#[cfg(feature = "_network")]
pub(crate) use examples::Examples;
#[cfg(all(test, feature = "_network"))]
pub(crate) use network::check_gradients;
#[cfg(feature = "v32")]
pub(crate) use network::weight_count;
#[cfg(feature = "_network")]
pub(crate) use network::{Draw, Network};
#[cfg(feature = "_network")]
pub use recipe::Recipe;
pub use run::{EpochReport, OnEpoch, Run};
pub use selective::Selective;
#[cfg(feature = "_network")]
pub use sequences::{SequenceClassifier, SequenceShape, Sequences};
#[cfg(feature = "_network")]
use windows::Windows;
#[cfg(feature = "v32")]
pub(crate) use windows::{cross_entropy, loss_of};
// What a recipe is made of; a document here would stand doubled before theirs.
#[cfg(feature = "_network")]
pub use windvane_lstm_core::{Clip, Init, Optimizer, Schedule};

/// Something that fits a model to training windows.
///
/// Everything is fitted on the [`TrainSet`]; the [`ValidationSet`] serves for choosing only. A
/// sample set over several pairs' tables pools them; filtered to one table
/// ([`SampleSet::filtered`]) it gives a model of that pair alone.
///
/// The same seed gives the same bits, whatever the number of threads.
pub trait Learner: Send + Sync {
    /// Id of the models it fits: their name in reports. Two learners of one kind differ in it.
    fn id(&self) -> &ModelId;

    /// All that decides what it fits, beside the windows and the seed, as text: two learners that
    /// give the same text fit the same bits. `None`, the default, for one that does not tell; what
    /// it fits is then never taken for what another one or an earlier run has fitted.
    fn recipe(&self) -> Option<String> {
        None
    }

    /// Fits a model.
    ///
    /// # Errors
    /// What keeps the model from being fitted, with the epoch and the cause.
    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn DirectionModel>, ModelError>;
}

/// A learner behind a pointer is one.
macro_rules! delegate_learner {
    ($pointer:ident) => {
        impl<L: Learner + ?Sized> Learner for $pointer<L> {
            fn id(&self) -> &ModelId {
                self.as_ref().id()
            }

            fn recipe(&self) -> Option<String> {
                self.as_ref().recipe()
            }

            fn fit(
                &self,
                train: &TrainSet,
                validation: &ValidationSet,
                run: &Run<'_>,
            ) -> Result<Box<dyn DirectionModel>, ModelError> {
                self.as_ref().fit(train, validation, run)
            }
        }
    };
}
delegate_learner!(Box);
delegate_learner!(Arc);

/// The spec of a model fitted on these windows, once it is sure that they belong together.
///
/// # Errors
/// [`ModelError::Validation`] when they differ, or when validation begins before training ends;
/// [`ModelError::TooFewWindows`] without any, [`ModelError::Setting`].
pub fn spec_of(train: &TrainSet, validation: &ValidationSet) -> Result<ModelSpec, ModelError> {
    let spec = |samples: &SampleSet| {
        let first = samples.tables().first();
        let first = first.ok_or(ModelError::TooFewWindows { expected: 1, got: 0 })?;
        Ok::<_, ModelError>(ModelSpec {
            signals: first.spec().clone(),
            interval: first.interval(),
            lookback: samples.lookback(),
            labels: samples.labels(),
        })
    };
    let own = spec(train)?;
    own.validate()?;
    if own != spec(validation)? {
        return Err(ModelError::Validation { what: "channels, interval, lookback or labels" });
    }
    // Validation inside the training time would choose what was learned by heart.
    let first = validation.samples().first();
    if first.is_some_and(|sample| sample.decided_at < train.until()) {
        return Err(ModelError::Validation {
            what: "time: validation begins before training ends",
        });
    }
    Ok(own)
}

/// Fits the scaler, the weights and the temperature of a network of windows.
#[cfg(feature = "_network")]
pub(crate) fn fit<A: Architecture + Network<f32>>(
    id: &ModelId,
    config: &A::Config,
    train: &TrainSet,
    validation: &ValidationSet,
    recipe: &Recipe,
    run: &Run<'_>,
) -> Result<Networked<A>, ModelError> {
    let learn = |network: &A, [train, choose]: [&Examples; 2], checkpoint: Option<&Checkpoint>| {
        let lessons = Windows::new(network, train, Some(choose), recipe.batch, run.seed());
        Descent { network, lessons, recipe, run }.run(checkpoint)
    };
    fit_by(id, config, train, validation, recipe, run, learn)
}

/// Fits the scaler, the weights and the temperature of a network; `learn` makes the weights of
/// the training's examples, and of those that the epoch is chosen by.
#[cfg(feature = "_network")]
pub(crate) fn fit_by<A: Architecture + Network<f32>>(
    id: &ModelId,
    config: &A::Config,
    train: &TrainSet,
    validation: &ValidationSet,
    recipe: &Recipe,
    run: &Run<'_>,
    learn: impl FnOnce(&A, [&Examples; 2], Option<&Checkpoint>) -> Result<Fit, ModelError>,
) -> Result<Networked<A>, ModelError> {
    recipe.check()?;
    let spec = spec_of(train, validation)?;
    if train.len() < LEAST_WINDOWS {
        return Err(ModelError::TooFewWindows { expected: LEAST_WINDOWS, got: train.len() });
    }
    check_directions(train, 0)?;
    let scaler = Scaler::fit(train)?;
    let layers = A::new(config, spec.signals.width(), CLASSES)?;
    let mut record = record_of(train, validation, run.seed()).with_scaler(&scaler, &spec);
    let fingerprint = || Fingerprint {
        version: record.version.clone(),
        layers: format!("{} {layers:?}", A::KIND),
        recipe: format!("{recipe:?}"),
        seed: run.seed(),
        data_hash: record.data_hash.clone(),
    };
    let checkpoint = run.checkpoint_of(id).map(|path| Checkpoint { path, run: fingerprint() });
    let (choose, _) = calibration_parts(validation);
    let examples = Examples::of_samples(train, &scaler)?;
    let mut choose = Examples::of_samples(&choose, &scaler)?;
    if spec.labels.band == (Band::Fixed { width: 0.0 }) {
        choose.leave_out(Direction::Neutral);
    }
    let fit = learn(&layers, [&examples, &choose], checkpoint.as_ref())?;
    let mut weights = Tensors::new(Architecture::specs(&layers));
    weights.flat_mut().copy_from_slice(&fit.weights);
    fit.write_to(&mut record);
    let mut model = Networked::new(spec, scaler, layers, weights)?;
    (model.id, model.record) = (id.clone(), Some(record));
    calibrate(&mut model, validation)?;
    Ok(model)
}

/// Fewer training windows than this teach nothing.
#[cfg(feature = "_network")]
const LEAST_WINDOWS: usize = 32;

/// Fits the weights of a network to sequences that are no candles; the last epoch is kept.
#[cfg(feature = "_network")]
pub(crate) fn fit_sequences<A: Architecture + Network<f32>>(
    config: &A::Config,
    sequences: &Sequences,
    recipe: &Recipe,
    run: &Run<'_>,
) -> Result<SequenceClassifier, ModelError> {
    let shape = sequences.shape();
    let network = A::new(config, shape.channels, shape.classes)?;
    let examples = Examples::of_sequences(sequences);
    recipe.check()?;
    let lessons = Windows::new(&network, &examples, None, recipe.batch, run.seed());
    let fit = Descent { network: &network, lessons, recipe, run }.run(None)?;
    Ok(SequenceClassifier::new(shape, fit.weights, network))
}

/// Gives a public learner of a network, a struct with `id`, `recipe` and a `config` method, the
/// trait and the way to fit its own type of model.
#[cfg(feature = "_network")]
macro_rules! network_learner {
    ($learner:ident, $model:ident) => {
        impl $learner {
            /// Fits the model.
            ///
            /// # Errors
            /// [`ModelError::TooFewWindows`], [`ModelError::EmptyClass`],
            /// [`ModelError::Diverged`], [`ModelError::Stopped`], [`ModelError::Setting`],
            /// [`ModelError::Layer`], [`ModelError::Signal`], [`ModelError::Validation`]; with
            /// checkpoints [`ModelError::Checkpoint`], [`ModelError::Io`] and what is wrong with
            /// the file.
            pub fn fit_model(
                &self,
                train: &windvane_signals::TrainSet,
                validation: &windvane_signals::ValidationSet,
                run: &$crate::train::Run<'_>,
            ) -> Result<$model, ModelError> {
                let (id, config, recipe) = (&self.id, self.config(), &self.recipe);
                let model = $crate::train::fit(id, &config, train, validation, recipe, run)?;
                Ok($model { model })
            }

            /// Fits the network to labelled sequences that are no candles; there is nothing to
            /// choose the epoch by, so the last one is kept.
            ///
            /// # Errors
            /// [`ModelError::Diverged`], [`ModelError::Stopped`], [`ModelError::Setting`],
            /// [`ModelError::Layer`].
            pub fn fit_sequences(
                &self,
                sequences: &$crate::train::Sequences,
                run: &$crate::train::Run<'_>,
            ) -> Result<$crate::train::SequenceClassifier, ModelError> {
                let config = self.config();
                $crate::train::fit_sequences::<super::Layers>(&config, sequences, &self.recipe, run)
            }
        }

        $crate::train::as_learner!($learner);
    };
}
#[cfg(feature = "_network")]
pub(crate) use network_learner;

/// Gives a learner with `id` and `fit_model` the trait.
#[cfg(feature = "_network")]
macro_rules! as_learner {
    ($learner:ident) => {
        impl $crate::train::Learner for $learner {
            fn id(&self) -> &$crate::ModelId {
                &self.id
            }

            fn recipe(&self) -> Option<String> {
                Some(format!("{self:?}"))
            }

            fn fit(
                &self,
                train: &windvane_signals::TrainSet,
                validation: &windvane_signals::ValidationSet,
                run: &$crate::train::Run<'_>,
            ) -> Result<Box<dyn $crate::DirectionModel>, $crate::ModelError> {
                Ok(Box::new(self.fit_model(train, validation, run)?))
            }
        }
    };
}
#[cfg(feature = "_network")]
pub(crate) use as_learner;

/// The record of a model fitted on these windows, before any epoch.
pub fn record_of(train: &TrainSet, validation: &ValidationSet, seed: u64) -> TrainingRecord {
    let samples = train.samples();
    let mut pairs: Vec<String> =
        samples.iter().map(|sample| train.tables()[sample.table].pair().to_string()).collect();
    pairs.sort();
    pairs.dedup();
    let validated = validation.samples().iter().map(|sample| sample.outcome.settled_at).max();
    let validated_until = validated.unwrap_or(train.until());
    TrainingRecord {
        version: env!("CARGO_PKG_VERSION").to_string(),
        pairs,
        windows: samples.len(),
        validation_windows: validation.len(),
        from: samples.first().map_or(train.until(), |sample| sample.decided_at),
        until: train.until(),
        validated_until,
        seed,
        data_hash: data_hash(&[train, validation], validated_until),
        epochs: 0,
        best_epoch: 0,
        train_loss: None,
        validation_loss: None,
        constant_channels: Vec::new(),
        held_out: None,
        notes: Vec::new(),
    }
}

/// Confirms that there are so many training windows that moved, and both directions among them.
///
/// # Errors
/// [`ModelError::TooFewWindows`] and [`ModelError::EmptyClass`].
pub fn check_directions(train: &TrainSet, least: usize) -> Result<(), ModelError> {
    let [ups, downs, _] = train.class_counts();
    if ups + downs < least {
        return Err(ModelError::TooFewWindows { expected: least, got: ups + downs });
    }
    for (count, class) in [(ups, Direction::Up), (downs, Direction::Down)] {
        if count == 0 {
            return Err(ModelError::EmptyClass { class: class.to_string() });
        }
    }
    Ok(())
}

/// XXH3 of every row known at `until` of the tables used, and of every label: other data, another
/// hash.
fn data_hash(sets: &[&SampleSet], until: Timestamp) -> String {
    let mut hash = Xxh3::new();
    for samples in sets {
        for table in samples.used_tables().into_iter().flatten() {
            hash.update(table.pair().as_str().as_bytes());
            let known = |row: &usize| table.close_time(*row).is_some_and(|at| at <= until);
            for row in (0..table.len()).take_while(known) {
                let numbers = [table.close(row).unwrap_or_default()];
                for number in table.row(row).unwrap_or_default().iter().chain(&numbers) {
                    hash.update(&number.to_bits().to_le_bytes());
                }
                let open_time = table.open_time(row).map_or(0, Timestamp::millis);
                hash.update(&open_time.to_le_bytes());
            }
        }
        for sample in samples.samples() {
            hash.update(&[sample.label.index().to_le_bytes()[0]]);
            hash.update(&sample.decided_at.millis().to_le_bytes());
        }
    }
    format!("{:016x}", hash.digest())
}
