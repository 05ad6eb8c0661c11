//! Errors of loading and saving models, checkpoints and `state_dict`s.
use std::path::PathBuf;

use windvane_signals::SignalError;

/// Error of a model file, checkpoint or `state_dict` that cannot be read or written.
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
    #[error("{file} has {got} bytes, a saved model has at most {limit}; pass another file")]
    TooLarge {
        /// Path or name of the file.
        file: String,
        /// Size of the file, bytes.
        got: u64,
        /// Maximum size, bytes.
        limit: u64,
    },
    /// The content of a file is invalid or damaged.
    #[error("{file} is invalid or damaged: {problem}")]
    Damaged {
        /// Path or name of the file.
        file: String,
        /// Problem and its position in the file.
        problem: String,
    },
    /// The content of a file does not match the checksum stored in it.
    #[error(
        "{file} is damaged: the checksum of its content is {got}, the stored one is {expected}; \
         restore the file from a copy"
    )]
    Checksum {
        /// Path or name of the file.
        file: String,
        /// Checksum stored in the file.
        expected: String,
        /// Checksum of the content.
        got: String,
    },
    /// A file was written by a newer version.
    #[error("{file} has format {got}, this version reads up to {newest}; update windvane")]
    NewerFormat {
        /// Path or name of the file.
        file: String,
        /// Format number of the file.
        got: u64,
        /// Newest format that this version reads.
        newest: u64,
    },
    /// A file contains another kind of model.
    #[error("{file} contains a {got} model, expected {expected}")]
    Kind {
        /// Path or name of the file.
        file: String,
        /// Requested kind, or the list of enabled kinds.
        expected: String,
        /// Kind in the file.
        got: String,
    },
    /// A file contains a built-in kind of model whose feature is not enabled.
    #[error("{file} contains a model of kind {got}; enable {}", enable(feature))]
    MissingFeature {
        /// Path or name of the file.
        file: String,
        /// Kind in the file.
        got: String,
        /// Feature that contains the kind.
        feature: &'static str,
    },
    /// A tensor in a file does not have the shape that its configuration requires.
    #[error(
        "{file}: tensor {tensor} has shape {got:?}, expected {expected:?}{}",
        other_head(tensor, expected, got)
    )]
    TensorShape {
        /// Path or name of the file.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// Shape that the configuration requires.
        expected: Vec<usize>,
        /// Shape in the file.
        got: Vec<usize>,
    },
    /// Spec, scaler and weights have different numbers of channels.
    #[error(
        "{file}: the spec has {spec} channels, the scaler {scaler}, tensor {tensor} {weights}; {}",
        odd_one(*spec, *scaler, *weights)
    )]
    Channels {
        /// Path or name of the file.
        file: String,
        /// Name of the tensor that reads the channels.
        tensor: String,
        /// Number of channels of the spec.
        spec: usize,
        /// Number of channels of the scaler.
        scaler: usize,
        /// Number of channels of the weights.
        weights: usize,
    },
    /// A file lacks a tensor of the model.
    #[error("{file} has no tensor {tensor}; its tensors: {}{}", names(got), prefix(tensor, got))]
    MissingTensor {
        /// Path or name of the file.
        file: String,
        /// Name of the missing tensor.
        tensor: String,
        /// Names of the tensors in the file.
        got: Vec<String>,
    },
    /// A file has a tensor that its kind of model does not use.
    #[error(
        "{file}: the model has no tensor {tensor}; remove it from the file; expected: {}",
        names(expected)
    )]
    ForeignTensor {
        /// Path or name of the file.
        file: String,
        /// Name of the unexpected tensor.
        tensor: String,
        /// Names of the model's tensors.
        expected: Vec<String>,
    },
    /// A tensor in a file has another element type.
    #[error("{file}: tensor {tensor} is {got}, expected {expected}")]
    TensorType {
        /// Path or name of the file.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// Element types that can be read.
        expected: &'static str,
        /// Element type in the file.
        got: String,
    },
    /// A weight in a file is not a finite number.
    #[error("{file}: tensor {tensor} has {got} at index {index}; weights must be finite")]
    WeightNotFinite {
        /// Path or name of the file.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// Index in the tensor, row-major.
        index: usize,
        /// Value of the weight.
        got: f64,
    },
    /// A kind of model has no saved form.
    #[error("model {model} has no saved form; implement FittedModel::to_artifact for it")]
    NotSaved {
        /// Id of the model.
        model: String,
    },
    /// The spec given for a `state_dict` is out of range.
    #[error(transparent)]
    Signal(#[from] SignalError),
}

/// Names the feature of a kind of model and its crate.
fn enable(feature: &str) -> String {
    if feature == "ensemble" {
        return "the feature `ensemble` of windvane, or load the file with the kinds() of \
                windvane-ensemble"
            .to_string();
    }
    format!("the feature `{feature}` of windvane-models (or of windvane)")
}

/// Names the part whose number of channels differs from the other two.
fn odd_one(spec: usize, scaler: usize, weights: usize) -> &'static str {
    if scaler == weights {
        "change the spec, the other two agree"
    } else if spec == weights {
        "change the scaler, the other two agree"
    } else if spec == scaler {
        "change the weights, the other two agree"
    } else {
        "no two of them agree"
    }
}

/// Remedy for a head with one or two outputs where three classes are expected.
fn other_head(tensor: &str, expected: &[usize], got: &[usize]) -> &'static str {
    match (tensor.starts_with("fc"), expected.first(), got.first()) {
        (true, Some(3), Some(2)) => {
            "; add a third row of zeros with bias -30 to a head with the outputs UP, DOWN before \
             saving"
        }
        (true, Some(3), Some(1)) => {
            "; replace a head with one output (weights w, bias b, for UP) by the rows w/2, -w/2, \
             zeros and the biases b/2, -b/2, -30 before saving"
        }
        _ => "",
    }
}

/// Remedy for names that all begin with a prefix, such as `module.`.
fn prefix(tensor: &str, got: &[String]) -> String {
    let found = got.iter().find_map(|name| name.strip_suffix(tensor)).unwrap_or_default();
    if !found.ends_with('.') {
        return String::new();
    }
    format!("; the names begin with {found}: pass it to from_state_dict_with_prefix")
}

/// List of names for a message, limited to the first 24.
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
