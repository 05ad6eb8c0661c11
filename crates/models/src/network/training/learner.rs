//! Learner of networks.
use windvane_candles::Direction;
use windvane_lstm_core::Tensors;
use windvane_signals::{Band, Scaler, TrainSet, ValidationSet};

use crate::network::{CLASSES, Layers, Network, NetworkConfig, WindowShape, saved};
use crate::train::network::{
    Checkpoint, Examples, Fingerprint, SegmentBatches, Trainer, WindowBatches, settings_text,
};
use crate::train::{
    Learner, Run, SequenceClassifier, Sequences, TrainConfig, calibrate, calibration_parts,
    check_directions, record_of, spec_of,
};
use crate::{FittedModel, ModelId, SettingError, TrainError};

/// Minimum number of training windows.
const MIN_WINDOWS: usize = 32;

/// Bytes per row of a fit. The lists take 8: a channel's values for the scaler, later 4 of the order of
/// an epoch and 2 of the classes of a stateful network's rows, or 48 of each prediction for the
/// calibration on a sixth of the rows. The rest is measured (docs/training.md, Memory budget).
const ROW_MEMORY: usize = 14;

/// Problem of lags without channel names.
const NO_CHANNELS: &str = "sequences have no channel names that lags refer to; set lags to None";

/// Learner of a network: fits the scaler on the training rows and the weights by backpropagation
/// through time, and calibrates the model on the validation windows.
///
/// A [stateful](NetworkConfig::stateful) network is trained by truncated backpropagation through
/// time. The rows of every run (consecutive rows of a table without a reset or a hidden row in
/// between) are cut into segments of 512 rows, at different rows in every epoch. Several segments
/// are processed in parallel. Gradients are propagated back through 32 rows, and the state is
/// carried over to the next 32 rows. The loss includes every row at which a training window ends,
/// as soon as the state has read as many rows as a window has. The batch size is then a number of
/// predictions.
///
/// # Examples
/// ```
/// use windvane_models::network::NetworkLearner;
/// use windvane_models::train::{Learner, TrainConfig};
/// use windvane_models::v32;
///
/// let training = TrainConfig { epochs: 3, ..TrainConfig::default() };
/// let config = v32::config().with_units(16);
/// let learner = NetworkLearner { config, training, ..v32::learner() };
/// assert_eq!(learner.id().as_str(), "v32");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkLearner {
    /// Id of the fitted models.
    pub id: ModelId,
    /// Configuration of the layers.
    pub config: NetworkConfig,
    /// Settings of the training.
    pub training: TrainConfig,
}

impl NetworkLearner {
    /// Creates a learner of a network with default settings, under the id of its kind.
    pub fn new(config: NetworkConfig) -> Self {
        let id = ModelId::new(saved::kind(&config));
        Self { id, config, training: TrainConfig::default() }
    }

    /// Number of parameters of the network for windows of `lookback` rows and `channels` channels;
    /// lags, which depend on the names of the channels, are not considered.
    ///
    /// # Errors
    /// [`TrainError::Layer`] for layers that do not fit each other.
    ///
    /// # Examples
    /// ```
    /// use windvane_models::v32;
    ///
    /// // LSTM: 4 gates × 32 units × (6 inputs + 32 states + 1 bias); head: 3 × (32 + 1).
    /// let inputs = v32::learner().parameters(20, 6)?;
    /// assert_eq!(inputs, 4 * 32 * (6 + 32 + 1) + 3 * (32 + 1));
    /// # Ok::<(), windvane_models::TrainError>(())
    /// ```
    pub fn parameters(&self, lookback: usize, channels: usize) -> Result<usize, TrainError> {
        let window = WindowShape::new(lookback, channels);
        Ok(Layers::new(&self.config, &window, CLASSES)?.weight_count())
    }

    /// Fits the network.
    ///
    /// # Errors
    /// [`TrainError::TooFewWindows`], [`TrainError::EmptyClass`], [`TrainError::Diverged`],
    /// [`TrainError::Stopped`], [`TrainError::Setting`], [`TrainError::Layer`],
    /// [`TrainError::Signal`] and [`TrainError::Validation`]. With checkpoints also
    /// [`TrainError::Checkpoint`], and [`TrainError::File`] for a file that cannot be read or
    /// written.
    pub fn fit_model(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Network, TrainError> {
        let Self { id, config, training } = self;
        training.validate()?;
        let spec = spec_of(train, validation)?;
        if train.len() < MIN_WINDOWS {
            return Err(TrainError::TooFewWindows { expected: MIN_WINDOWS, got: train.len() });
        }
        check_directions(train, 0)?;
        let scaler = Scaler::fit(train)?;
        let layers = Layers::new(config, &WindowShape::of_spec(config, &spec)?, CLASSES)?;
        let mut record = record_of(train, validation, run.seed())?.with_scaler(&scaler, &spec);
        let checkpoint = run.checkpoint_of(id).map(|path| Checkpoint {
            path,
            run: Fingerprint {
                version: record.version.clone(),
                layers: settings_text(&(
                    saved::kind(config),
                    config,
                    spec.signals.width(),
                    CLASSES,
                )),
                training: settings_text(training),
                seed: run.seed(),
                data_hash: record.data_hash.clone(),
            },
        });
        let (stopping, _) = calibration_parts(validation);
        check_count(train.len())?;
        let examples = Examples::from_samples(train, &scaler);
        let mut stopping_examples = Examples::from_samples(&stopping, &scaler);
        if matches!(spec.labels.band, Band::Fixed { width: 0.0 } | Band::Relative) {
            stopping_examples.leave_out(Direction::Neutral);
        }
        let (batch, seed) = (training.batch, run.seed());
        let fit = if config.stateful {
            let sets = ((&examples, train), (&stopping_examples, &stopping));
            let batches = SegmentBatches::new(&layers, sets, batch, seed);
            Trainer { model: id, layers: &layers, batches, training, run }
                .run(checkpoint.as_ref())?
        } else {
            let batches =
                WindowBatches::new(&layers, &examples, Some(&stopping_examples), batch, seed);
            Trainer { model: id, layers: &layers, batches, training, run }
                .run(checkpoint.as_ref())?
        };
        let mut weights = Tensors::new(layers.specs());
        weights.flat_mut().copy_from_slice(&fit.weights);
        fit.write_to(&mut record);
        let mut model = Network::new(spec, scaler, layers, weights)?;
        (model.id, model.record) = (id.clone(), Some(record));
        calibrate(&mut model, validation)?;
        Ok(model)
    }

    /// Fits the network to labelled sequences of any kind, each from a zero state.
    ///
    /// There is no validation and no early stopping: the weights are those of the last epoch.
    ///
    /// # Errors
    /// [`TrainError::Diverged`], [`TrainError::Stopped`], [`TrainError::Setting`] and
    /// [`TrainError::Layer`].
    pub fn fit_sequences(
        &self,
        sequences: &Sequences,
        run: &Run<'_>,
    ) -> Result<SequenceClassifier, TrainError> {
        let Self { id, config, training } = self;
        let shape = sequences.shape();
        if config.lags.is_some() {
            return Err(TrainError::Layer { problem: NO_CHANNELS.to_string() });
        }
        let window = WindowShape::new(shape.steps, shape.channels);
        let layers = Layers::new(config, &window, shape.classes)?;
        let examples = Examples::from_sequences(sequences);
        training.validate()?;
        check_count(sequences.labels().len())?;
        let batches = WindowBatches::new(&layers, &examples, None, training.batch, run.seed());
        let fit = Trainer { model: id, layers: &layers, batches, training, run }.run(None)?;
        Ok(SequenceClassifier::new(shape, fit.weights, layers))
    }
}

/// Checks that the positions of the examples fit 32 bits.
fn check_count(examples: usize) -> Result<(), SettingError> {
    if u32::try_from(examples).is_ok() {
        return Ok(());
    }
    let (setting, expected) = ("number of training windows", "at most 4,294,967,295");
    Err(SettingError { setting, expected, got: examples as f64 })
}

impl Learner for NetworkLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn settings(&self) -> Option<String> {
        let Self { id, config, training } = self;
        serde_json::to_string(&("network", id.as_str(), config, training)).ok()
    }

    /// Bytes for one channel of the scaler, or the order of an epoch and the classes of rows.
    fn row_memory(&self, _: usize) -> Option<usize> {
        Some(ROW_MEMORY)
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Ok(Box::new(self.fit_model(train, validation, run)?))
    }
}
