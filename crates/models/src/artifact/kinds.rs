//! Kinds of models that can be loaded.
use std::collections::BTreeMap;
use std::path::Path;

use super::Artifact;
use crate::{FittedModel, LoadError};

/// Makes a model of a saved one; ensembles load their members through the kinds.
pub type Loader = fn(&Artifact, &Kinds) -> Result<Box<dyn FittedModel>, LoadError>;

/// The kinds of models that can be loaded: those whose features are enabled, and any of another
/// crate that are added.
///
/// # Examples
/// A kind of your own beside the built-in ones:
/// ```
/// # use windvane_models::{Artifact, FittedModel, Kinds, LoadError};
/// # fn my_loader(a: &Artifact, _: &Kinds) -> Result<Box<dyn FittedModel>, LoadError> {
/// #     Err(a.damaged("an example".into()))
/// # }
/// let kinds = Kinds::default().with("mine", my_loader);
/// assert!(kinds.names().any(|kind| kind == "mine"));
/// ```
#[derive(Debug, Clone)]
pub struct Kinds {
    loaders: BTreeMap<String, Loader>,
}

/// Every built-in kind with the feature that it needs, whether or not that is enabled.
const FEATURES: [(&str, &str); 8] = [
    ("v2", "v2"),
    ("logistic", "logistic"),
    ("v3", "v3"),
    ("v31", "v31"),
    ("v32", "v32"),
    ("v32-stateful", "v32"),
    ("network", "network"),
    ("ensemble", "ensemble"),
];

impl Default for Kinds {
    fn default() -> Self {
        let kinds = Self { loaders: BTreeMap::new() };
        #[cfg(feature = "v2")]
        let kinds = kinds.with(crate::v2::KIND, crate::v2::loader);
        #[cfg(feature = "logistic")]
        let kinds = kinds.with(crate::logistic::KIND, crate::logistic::loader);
        #[cfg(feature = "network")]
        let kinds = crate::network::saved::KINDS
            .into_iter()
            .fold(kinds, |kinds, kind| kinds.with(kind, crate::network::saved::loader));
        kinds
    }
}

impl Kinds {
    /// Adds a kind, or replaces the one of that name.
    #[must_use]
    pub fn with(mut self, kind: impl Into<String>, loader: Loader) -> Self {
        self.loaders.insert(kind.into(), loader);
        self
    }

    /// The names of the kinds, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.loaders.keys().map(String::as_str)
    }

    /// Reads a model from a file.
    ///
    /// # Errors
    /// [`LoadError::Io`], [`LoadError::Kind`] when the kind is not among these, or what is
    /// wrong with the file.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Box<dyn FittedModel>, LoadError> {
        self.model(&Artifact::read(path.as_ref())?)
    }

    /// Reads a model from the bytes of a file, as `include_bytes!` gives them.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<Box<dyn FittedModel>, LoadError> {
        self.model(&Artifact::from_bytes(bytes)?)
    }

    /// Makes the model of what was read.
    ///
    /// # Errors
    /// [`LoadError::MissingFeature`] for a built-in kind whose feature is not enabled,
    /// [`LoadError::Kind`] for another one that is not among these, or what its loader finds
    /// wrong.
    pub fn model(&self, artifact: &Artifact) -> Result<Box<dyn FittedModel>, LoadError> {
        if let Some(loader) = self.loaders.get(artifact.kind()) {
            return loader(artifact, self);
        }
        let (file, got) = (artifact.file().to_string(), artifact.kind().to_string());
        if let Some((_, feature)) = FEATURES.iter().find(|(kind, _)| *kind == got) {
            return Err(LoadError::MissingFeature { file, got, feature });
        }
        let names: Vec<&str> = self.names().collect();
        Err(LoadError::Kind { file, expected: format!("one of {}", names.join(", ")), got })
    }
}

/// Reads a model of any enabled kind from a file.
///
/// # Errors
/// As [`Kinds::load`].
///
/// # Examples
/// ```
/// use windvane_models::{DirectionModel, FittedModel, load, v32};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("v32.safetensors");
/// let model = v32::pretrained();
/// model.save(&path)?;
/// assert_eq!(load(&path)?.spec(), model.spec());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load(path: impl AsRef<Path>) -> Result<Box<dyn FittedModel>, LoadError> {
    Kinds::default().load(path)
}

/// Reads a model of any enabled kind from the bytes of a file, as `include_bytes!` gives them.
///
/// # Errors
/// As [`Kinds::load`].
pub fn from_bytes(bytes: &[u8]) -> Result<Box<dyn FittedModel>, LoadError> {
    Kinds::default().from_bytes(bytes)
}
