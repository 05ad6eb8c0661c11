//! Loading saved models of every kind.
use std::path::Path;

use windvane_models::{FittedModel, Kinds, LoadError};

/// Returns the kinds of saved models that [`load`] supports: those whose features are enabled.
///
/// [`Kinds::with`] adds a kind of your own.
pub fn kinds() -> Kinds {
    #[cfg(feature = "ensemble")]
    let kinds = windvane_ensemble::kinds();
    #[cfg(not(feature = "ensemble"))]
    let kinds = Kinds::default();
    kinds
}

/// Loads a saved model of any kind, ensembles included.
///
/// # Errors
/// [`LoadError::Io`] for a file that cannot be opened, [`LoadError::MissingFeature`] for a kind
/// whose feature is not enabled, otherwise the error of an invalid file.
///
/// # Examples
/// ```
/// use windvane::prelude::*;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("model.safetensors");
/// v32::pretrained().save(&path)?;
/// let model = windvane::load(&path)?;
/// assert_eq!(model.id().as_str(), "v32-pretrained");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load(path: impl AsRef<Path>) -> Result<Box<dyn FittedModel>, LoadError> {
    kinds().load(path)
}

/// Returns a model of any kind, ensembles included, as the bytes of an ONNX file: raw channel values
/// in, calibrated probabilities out. [`onnx::to_onnx`](windvane_models::onnx::to_onnx) has inputs and
/// outputs.
///
/// # Errors
/// [`OnnxError`](windvane_models::onnx::OnnxError) for a model without an ONNX form, such as an
/// ensemble whose weights follow the outcomes.
///
/// # Examples
/// ```
/// use windvane::prelude::*;
///
/// let file = windvane::to_onnx(&v32::pretrained())?;
/// assert!(file.len() > 20_000);
/// # Ok::<(), windvane::models::onnx::OnnxError>(())
/// ```
#[cfg(feature = "onnx")]
pub fn to_onnx(model: &dyn FittedModel) -> Result<Vec<u8>, windvane_models::onnx::OnnxError> {
    #[cfg(feature = "ensemble")]
    let file = windvane_ensemble::to_onnx(model);
    #[cfg(not(feature = "ensemble"))]
    let file = windvane_models::onnx::to_onnx(model);
    file
}

/// Loads a saved model of any kind from the bytes of its file, such as those of `include_bytes!`.
///
/// # Errors
/// As [`load`], without [`LoadError::Io`].
pub fn from_bytes(bytes: &[u8]) -> Result<Box<dyn FittedModel>, LoadError> {
    kinds().from_bytes(bytes)
}
