//! What can go wrong with a model.
use std::path::PathBuf;

use windvane_candles::{Interval, Timestamp};
use windvane_signals::SignalError;

/// Why a model could not predict, be fitted, saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A window has another shape than the model was fitted on.
    #[error("the model reads windows of {expected} {what}, got {got}")]
    WindowShape {
        /// What differs: rows or channels.
        what: &'static str,
        /// What the model was fitted on.
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// The candles are of another interval than the model was fitted on.
    #[error("the model was fitted on {expected} candles, the feed has {got}")]
    Interval {
        /// What the model was fitted on.
        expected: Interval,
        /// What the caller feeds.
        got: Interval,
    },
    /// A candle has not closed yet.
    #[error("the {interval} candle of {open_time} has not closed yet; wait for its last update")]
    Unfinished {
        /// Its open time.
        open_time: Timestamp,
        /// The feed's interval.
        interval: Interval,
    },
    /// The saved state of a predictor cannot be taken over.
    #[error("the saved state does not fit: {problem}")]
    State {
        /// What is wrong.
        problem: &'static str,
    },
    /// A model does not say what it was fitted on.
    #[error("model {model} has no training record: nothing says how old it is")]
    NoRecord {
        /// The model's id.
        model: String,
    },
    /// A market profile was measured on windows of another shape or other channels.
    #[error("the market profile is of other channels or rows than model {model} reads")]
    OtherProfile {
        /// The model's id.
        model: String,
    },
    /// Training and validation windows do not belong together.
    #[error(
        "training and validation windows differ in {what}; cut both from one sample set with one split"
    )]
    Validation {
        /// What differs.
        what: &'static str,
    },
    /// A model that is fitted already does not fit the windows it is asked for.
    #[error("model {model} is fitted already and cannot be used here: {problem}")]
    OtherSpec {
        /// The model's id.
        model: String,
        /// The difference.
        problem: &'static str,
    },
    /// The scratch space was made by another kind of model.
    #[error("the scratch space belongs to another model; make it with this model's scratch()")]
    ForeignScratch,
    /// A model's output is not a number.
    #[error("model {model} gave probabilities that are no numbers: {got:?}")]
    NotFinite {
        /// The model's id.
        model: String,
        /// Up, down, neutral.
        got: [f32; 3],
    },
    /// The signals could not be made.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// There are too few windows to learn from.
    #[error(
        "{got} training windows are too few, at least {expected} are needed; give more candles"
    )]
    TooFewWindows {
        /// Least number.
        expected: usize,
        /// What was given.
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
        /// What is wrong.
        what: &'static str,
        /// What is allowed.
        expected: String,
        /// What was given.
        got: String,
    },
    /// Training left the numbers.
    #[error(
        "training diverged in epoch {epoch}: the loss is {loss}; lower the learning rate of {learning_rate}"
    )]
    Diverged {
        /// Epoch, counted from 1.
        epoch: usize,
        /// The loss.
        loss: f64,
        /// The learning rate of that epoch.
        learning_rate: f64,
    },
    /// A setting of a recipe or model is out of range.
    #[error("{setting} must be {expected}, got {got}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was given.
        got: f64,
    },
    /// This kind of model has no saved form.
    #[error("model {model} has no saved form; implement to_artifact for it")]
    NotSaved {
        /// The model's id.
        model: String,
    },
    /// This kind of model takes no calibration, or is shared with others.
    #[error("model {model} cannot be calibrated: it is shared, or set_calibration is missing")]
    NotCalibrated {
        /// The model's id.
        model: String,
    },
    /// What a model of another crate finds wrong.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
    /// Training was stopped by its caller.
    #[error("training was stopped after epoch {epoch}; its checkpoint, if asked for, goes on")]
    Stopped {
        /// Epoch, counted from 1.
        epoch: usize,
    },
    /// Training on another thread panicked.
    #[error("training panicked: {message}")]
    TrainingPanicked {
        /// What it said.
        message: String,
    },
    /// A checkpoint belongs to another run of training.
    #[error(
        "{file} is the checkpoint of another run: {problem}; delete it or choose another folder"
    )]
    Checkpoint {
        /// The file.
        file: String,
        /// What differs.
        problem: &'static str,
    },
    /// A layer's size is out of range.
    #[cfg(feature = "network")]
    #[error(transparent)]
    Layer(#[from] windvane_lstm_core::LstmError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is too large for a model.
    #[error("{file} is {got} bytes, a model has at most {limit}")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        got: u64,
        /// The largest size read.
        limit: u64,
    },
    /// A file is no saved model, or is damaged.
    #[error("{file} is not readable: {problem}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The content of a file does not have the checksum written into it.
    #[error("{file} is damaged: its checksum is {got}, {expected} was written")]
    Checksum {
        /// The file.
        file: String,
        /// The checksum in the file.
        expected: String,
        /// The checksum of the content.
        got: String,
    },
    /// A file was written by a newer version.
    #[error("{file} has format {got}, this version reads up to {newest}; update windvane")]
    NewerFormat {
        /// The file.
        file: String,
        /// Its format.
        got: u64,
        /// The newest format this version reads.
        newest: u64,
    },
    /// A file holds another kind of model.
    #[error("{file} holds a {got} model, expected {expected}")]
    Kind {
        /// The file.
        file: String,
        /// What was asked for, or which kinds are enabled.
        expected: String,
        /// The kind in the file.
        got: String,
    },
    /// A file holds a built-in kind of model whose feature is not enabled.
    #[error("{file} holds a model of kind {got}; enable {}", enable(feature))]
    MissingFeature {
        /// The file.
        file: String,
        /// The kind in the file.
        got: String,
        /// The feature it needs.
        feature: &'static str,
    },
    /// A tensor in a file does not have the shape its configuration says.
    #[error(
        "{file}: tensor {tensor} has shape {got:?}, expected {expected:?}{}",
        other_head(tensor, expected, got)
    )]
    TensorShape {
        /// The file.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// The shape by the configuration.
        expected: Vec<usize>,
        /// The shape in the file.
        got: Vec<usize>,
    },
    /// Spec, scaler and weights are of different numbers of channels.
    #[error(
        "{file}: the spec has {spec} channels, the scaler {scaler}, tensor {tensor} {weights}: {}",
        odd_one(*spec, *scaler, *weights)
    )]
    Channels {
        /// The file.
        file: String,
        /// The tensor that reads the channels.
        tensor: String,
        /// Channels of the spec.
        spec: usize,
        /// Channels of the scaler.
        scaler: usize,
        /// Channels the weights read.
        weights: usize,
    },
    /// A file lacks a tensor of the model.
    #[error("{file} has no tensor {tensor}; it has {}", names(got))]
    MissingTensor {
        /// The file.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// The names of the tensors in the file.
        got: Vec<String>,
    },
    /// A file has a tensor that its kind of model has no place for.
    #[error("{file}: tensor {tensor} has no place in the model, which has {}", names(expected))]
    ForeignTensor {
        /// The file.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// The names of the model's tensors.
        expected: Vec<String>,
    },
    /// A tensor in a file holds another type of number.
    #[error("{file}: tensor {tensor} is {got}, expected {expected}")]
    TensorType {
        /// The file.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// What is read.
        expected: &'static str,
        /// What the file says.
        got: String,
    },
    /// A weight in a file is not a finite number.
    #[error("{file}: tensor {tensor} has {got} at index {index}, weights must be finite")]
    WeightNotFinite {
        /// The file.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// Where in the tensor.
        index: usize,
        /// The number.
        got: f64,
    },
}

/// Which feature of which crate a kind of model needs.
fn enable(feature: &str) -> String {
    match feature {
        "ensemble" => "the feature `ensemble` of windvane and load it with windvane::load, or with \
                       windvane_ensemble::kinds()"
            .to_string(),
        _ => format!("the feature `{feature}` of windvane-models (or of windvane)"),
    }
}

/// Which of three widths differs from the other two.
fn odd_one(spec: usize, scaler: usize, weights: usize) -> &'static str {
    if scaler == weights {
        "the spec is the odd one"
    } else if spec == weights {
        "the scaler is the odd one"
    } else if spec == scaler {
        "the weights are the odd one"
    } else {
        "no two agree"
    }
}

/// What to do with a head of one or two outputs, where the three classes are expected.
fn other_head(tensor: &str, expected: &[usize], got: &[usize]) -> &'static str {
    match (tensor.starts_with("fc"), expected.first(), got.first()) {
        (true, Some(3), Some(2)) => {
            "; to outputs UP, DOWN add a third row of zeros with bias -30 before saving"
        }
        (true, Some(3), Some(1)) => {
            "; of one output w, b for UP make rows w/2, -w/2, zeros and biases b/2, -b/2, -30 \
             before saving"
        }
        _ => "",
    }
}

/// A list of names for a message; only the first of many.
fn names(names: &[String]) -> String {
    const MOST: usize = 24;
    let more = names.len().saturating_sub(MOST);
    let text = names[..names.len() - more].join(", ");
    match (names.len(), more) {
        (0, _) => "none".to_string(),
        (_, 0) => text,
        _ => format!("{text} and {more} more"),
    }
}
