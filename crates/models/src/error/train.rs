//! Errors of fitting and calibrating.
use windvane_signals::SignalError;

use super::{LoadError, PredictError, SettingError};

/// A model that cannot be fitted or calibrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Training and validation windows do not belong together.
    #[error(
        "training and validation windows differ in {what}; cut both from one sample set with one split"
    )]
    Validation {
        /// Property that differs.
        what: &'static str,
    },
    /// There are too few windows to learn from.
    #[error(
        "{got} training windows are too few, at least {expected} are needed; give more candles"
    )]
    TooFewWindows {
        /// Fewest windows that suffice.
        expected: usize,
        /// Number of training windows given.
        got: usize,
    },
    /// A class does not occur in training: the model could never learn to call it.
    #[error("no training window is {class}; the data or the band leaves nothing to learn")]
    EmptyClass {
        /// `"UP"` or `"DOWN"`.
        class: String,
    },
    /// Labelled sequences do not fit together, or not the network.
    #[error("labelled sequences: {what} must be {expected}, got {got}")]
    Sequences {
        /// Property that is out of range.
        what: &'static str,
        /// The allowed range.
        expected: String,
        /// The value given.
        got: String,
    },
    /// The loss or a weight became infinite or NaN.
    #[error(
        "training diverged in epoch {epoch}: the loss is {loss}; lower the learning rate of {learning_rate}"
    )]
    Diverged {
        /// Epoch, counted from 1.
        epoch: usize,
        /// Loss of that epoch, nats.
        loss: f64,
        /// The learning rate of that epoch.
        learning_rate: f64,
    },
    /// A setting of the training or the model is out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A layer of the network is out of range.
    #[error("the network cannot be built: {problem}")]
    Layer {
        /// The layer and its range.
        problem: String,
    },
    /// Training was stopped by its caller.
    #[error("training was stopped after epoch {epoch}; its checkpoint, if asked for, goes on")]
    Stopped {
        /// Epoch, counted from 1.
        epoch: usize,
    },
    /// Training on another thread panicked.
    #[error("training panicked: {message}")]
    TrainingPanicked {
        /// Message of the panic.
        message: String,
    },
    /// The system gave no thread to train on.
    #[error("no thread to train on: {0}; try again later")]
    NoThread(std::io::Error),
    /// A checkpoint belongs to another run of training.
    #[error(
        "{file} is the checkpoint of another run: {problem}; delete it or choose another folder"
    )]
    Checkpoint {
        /// Path or name of the file.
        file: String,
        /// The part of the run that differs.
        problem: &'static str,
    },
    /// This kind of model takes no calibration, or is shared with others.
    #[error("model {model} cannot be calibrated: it is shared, or set_calibration is missing")]
    NotCalibrated {
        /// The model's id.
        model: String,
    },
    /// A model that is fitted already does not fit the windows it is asked for.
    #[error("model {model} is fitted already and cannot be used here: {problem}")]
    OtherSpec {
        /// The model's id.
        model: String,
        /// The difference.
        problem: &'static str,
    },
    /// The windows cannot be made or scaled.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The model fails on a window that it is calibrated or measured on, or does not take over.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// A checkpoint or a model file cannot be read or written.
    #[error(transparent)]
    File(#[from] LoadError),
    /// The error of a learner of another crate.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}
