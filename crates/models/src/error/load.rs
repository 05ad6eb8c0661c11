//! Errors of files: loading and saving models, checkpoints and `state_dict`s.
use std::path::PathBuf;

use windvane_signals::SignalError;

/// A model file, checkpoint or `state_dict` that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Path or name of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// A file is too large for a model.
    #[error("{file} is {got} bytes, a model has at most {limit}")]
    TooLarge {
        /// Path or name of the file.
        file: String,
        /// Size of the file, bytes.
        got: u64,
        /// Largest size that is read, bytes.
        limit: u64,
    },
    /// A file is no saved model, or is damaged.
    #[error("{file} is not readable: {problem}")]
    Damaged {
        /// Path or name of the file.
        file: String,
        /// The problem, with its place in the file.
        problem: String,
    },
    /// The content of a file does not have the checksum written into it.
    #[error("{file} is damaged: its checksum is {got}, {expected} was written")]
    Checksum {
        /// Path or name of the file.
        file: String,
        /// The checksum in the file.
        expected: String,
        /// The checksum of the content.
        got: String,
    },
    /// A file was written by a newer version.
    #[error("{file} has format {got}, this version reads up to {newest}; update windvane")]
    NewerFormat {
        /// Path or name of the file.
        file: String,
        /// Format of the file.
        got: u64,
        /// The newest format this version reads.
        newest: u64,
    },
    /// A file holds another kind of model.
    #[error("{file} holds a {got} model, expected {expected}")]
    Kind {
        /// Path or name of the file.
        file: String,
        /// The kind asked for, or the kinds that are enabled.
        expected: String,
        /// The kind in the file.
        got: String,
    },
    /// A file holds a built-in kind of model whose feature is not enabled.
    #[error("{file} holds a model of kind {got}; enable {}", enable(feature))]
    MissingFeature {
        /// Path or name of the file.
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
        /// Path or name of the file.
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
        /// Path or name of the file.
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
        /// Path or name of the file.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// The names of the tensors in the file.
        got: Vec<String>,
    },
    /// A file has a tensor that its kind of model has no place for.
    #[error("{file}: tensor {tensor} has no place in the model, which has {}", names(expected))]
    ForeignTensor {
        /// Path or name of the file.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// The names of the model's tensors.
        expected: Vec<String>,
    },
    /// A tensor in a file holds another type of number.
    #[error("{file}: tensor {tensor} is {got}, expected {expected}")]
    TensorType {
        /// Path or name of the file.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// The types that can be read.
        expected: &'static str,
        /// The type in the file.
        got: String,
    },
    /// A weight in a file is not a finite number.
    #[error("{file}: tensor {tensor} has {got} at index {index}, weights must be finite")]
    WeightNotFinite {
        /// Path or name of the file.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// Index in the tensor, row-major.
        index: usize,
        /// Value of the weight.
        got: f64,
    },
    /// This kind of model has no saved form.
    #[error("model {model} has no saved form; implement to_artifact for it")]
    NotSaved {
        /// The model's id.
        model: String,
    },
    /// The spec for the weights of another library is out of range.
    #[error(transparent)]
    Signal(#[from] SignalError),
}

/// The feature of a kind of model, with its crate.
fn enable(feature: &str) -> String {
    if feature == "ensemble" {
        return "the feature `ensemble` of windvane, or load it with the kinds() of windvane-ensemble"
            .to_string();
    }
    format!("the feature `{feature}` of windvane-models (or of windvane)")
}

/// Names the one of three widths that differs from the other two.
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

/// Remedy for a head of one or two outputs, where the three classes are expected.
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
    const MAX_NAMES: usize = 24;
    let more = names.len().saturating_sub(MAX_NAMES);
    let text = names[..names.len() - more].join(", ");
    match (names.len(), more) {
        (0, _) => "none".to_string(),
        (_, 0) => text,
        _ => format!("{text} and {more} more"),
    }
}
