//! Loading saved models of every kind.
use std::path::Path;

use windvane_models::{Artifact, DirectionModel, Kinds, ModelError};

/// Features of this crate that load a kind of saved model.
const FEATURES: [(&str, &str); 6] = [
    ("v2", "v2"),
    ("v3", "v3"),
    ("v31", "v31"),
    ("v32", "v32"),
    ("v32-stateful", "v32"),
    ("ensemble", "ensemble"),
];

/// Kinds of saved models that [`load`] reads: those whose features are enabled.
///
/// A kind of your own is added with [`Kinds::with`].
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
/// [`ModelError::Io`] for a file that cannot be opened, [`ModelError::Kind`] for a kind whose
/// feature is not enabled (the message names the feature), otherwise the damage that was found.
///
/// # Examples
/// ```
/// use windvane::prelude::*;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("model.safetensors");
/// windvane::models::v32::FastLstm::pretrained().save(&path)?;
/// let model = windvane::load(&path)?;
/// assert_eq!(model.id().as_str(), "v32-pretrained");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load(path: impl AsRef<Path>) -> Result<Box<dyn DirectionModel>, ModelError> {
    model(&Artifact::read(path)?)
}

/// Loads a saved model of any kind from the bytes of its file, as `include_bytes!` gives them.
///
/// # Errors
/// As [`load`], without [`ModelError::Io`].
pub fn from_bytes(bytes: &[u8]) -> Result<Box<dyn DirectionModel>, ModelError> {
    model(&Artifact::from_bytes(bytes)?)
}

fn model(artifact: &Artifact) -> Result<Box<dyn DirectionModel>, ModelError> {
    let kinds = kinds();
    kinds.model(artifact).map_err(|error| match error {
        ModelError::Kind { file, expected, got } => {
            let expected = feature_of(&got).map_or(expected, |feature| {
                format!("a kind whose feature is enabled: enable feature `{feature}` of windvane")
            });
            ModelError::Kind { file, expected, got }
        }
        error => error,
    })
}

/// Feature that loads this kind.
fn feature_of(kind: &str) -> Option<&'static str> {
    FEATURES.iter().find(|(known, _)| *known == kind).map(|(_, feature)| *feature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_feature() {
        let kinds = kinds();
        for kind in kinds.names() {
            assert!(feature_of(kind).is_some(), "{kind} is missing in FEATURES");
        }
        assert_eq!(feature_of("mine"), None);
    }
}
