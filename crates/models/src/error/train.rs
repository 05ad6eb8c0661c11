//! Errors of training and calibration.
use windvane_signals::SignalError;

use super::{LoadError, PredictError, SettingError};

/// Error of a model that cannot be fitted or calibrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Training and validation windows do not fit each other.
    #[error(
        "training and validation windows differ in {what}; take both from one sample set with one \
         split"
    )]
    Validation {
        /// Property that differs.
        what: &'static str,
    },
    /// There are too few training windows.
    #[error(
        "{got} training windows are too few, at least {expected} are needed; pass more candles"
    )]
    TooFewWindows {
        /// Minimum number of training windows.
        expected: usize,
        /// Number of training windows.
        got: usize,
    },
    /// There are too few validation scores for the thresholds of a policy.
    #[error(
        "{got} scores of validation candles are too few for a policy, at least {expected} are \
         needed; use a longer validation period"
    )]
    TooFewScores {
        /// Minimum number of scores.
        expected: usize,
        /// Number of scores.
        got: usize,
    },
    /// The text of a policy cannot be parsed.
    #[error(
        "policy {text:?}: {problem}; the rules are every or top:S%, then leave:L%, hold:N, \
         long-only and proportional, separated by commas"
    )]
    PolicyText {
        /// Rejected text.
        text: String,
        /// Problem with the text.
        problem: String,
    },
    /// A class does not occur in the training windows, so it cannot be learned.
    #[error("no training window is {class}; pass more candles or narrow the NEUTRAL band")]
    EmptyClass {
        /// Missing class: `"UP"` or `"DOWN"`.
        class: String,
    },
    /// Labelled sequences have inconsistent shapes, or do not fit the network.
    #[error("labelled sequences: {what} must be {expected}, got {got}")]
    Sequences {
        /// Property that is out of range.
        what: &'static str,
        /// Allowed range.
        expected: String,
        /// Rejected value.
        got: String,
    },
    /// The loss or a weight became infinite or NaN.
    #[error(
        "training diverged in epoch {epoch}: the loss is {loss}; lower the learning rate of \
         {learning_rate}"
    )]
    Diverged {
        /// Epoch, counted from 1.
        epoch: usize,
        /// Loss of that epoch, nats.
        loss: f64,
        /// Learning rate of the configuration, the highest of the schedule.
        learning_rate: f64,
    },
    /// A setting of the training or the model is out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A monotone constraint of boosted trees does not fit the channels.
    #[error("monotone constraint of {channel}: {problem}")]
    Monotone {
        /// Name or text of the channel.
        channel: String,
        /// Problem with the remedy.
        problem: String,
    },
    /// A size of a network layer is out of range.
    #[error("the network cannot be built: {problem}")]
    Layer {
        /// Layer and its allowed range.
        problem: String,
    },
    /// The epoch callback stopped the training.
    #[error(
        "training was stopped after epoch {epoch}; with checkpoints, the next run resumes there"
    )]
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
    /// The operating system could not start a training thread.
    #[error("cannot start a training thread: {0}; try again later")]
    NoThread(std::io::Error),
    /// A checkpoint belongs to another training run.
    #[error(
        "{file} is the checkpoint of another run: {problem}; delete it or choose another folder"
    )]
    Checkpoint {
        /// Path or name of the file.
        file: String,
        /// Part of the run that differs.
        problem: &'static str,
    },
    /// A kind of model has no calibration, or the model is shared.
    #[error(
        "model {model} cannot be calibrated: it is shared in an Arc, or its type does not \
         implement FittedModel::set_calibration"
    )]
    NotCalibrated {
        /// Id of the model.
        model: String,
    },
    /// An already fitted model does not match the requested windows.
    #[error("the fitted model {model} cannot be used on these windows: {problem}")]
    OtherSpec {
        /// Id of the model.
        model: String,
        /// Difference between model and windows.
        problem: &'static str,
    },
    /// The windows cannot be built or scaled.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// A prediction failed during calibration or measurement, or a swap was rejected.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// A checkpoint or a model file cannot be read or written.
    #[error(transparent)]
    File(#[from] LoadError),
    /// A learner of another crate failed.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}
