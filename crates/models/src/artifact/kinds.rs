//! Kinds of models and their loaders.
use std::collections::BTreeMap;
use std::path::Path;

use super::Artifact;
use crate::{FittedModel, LoadError};

/// Loader of one kind of model: builds it from its artifact. Ensembles load their members through
/// the given kinds.
pub type Loader = fn(&Artifact, &Kinds) -> Result<Box<dyn FittedModel>, LoadError>;

/// Kinds of models that can be loaded: those whose features are enabled, and added ones of other
/// crates.
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

/// All built-in kinds with their features, enabled or not.
const FEATURES: [(&str, &str); 10] = [
    ("v2", "v2"),
    ("logistic", "logistic"),
    ("trees", "trees"),
    ("v3", "v3"),
    ("v31", "v31"),
    ("v32", "v32"),
    ("v32-stateful", "v32"),
    ("network", "network"),
    ("ensemble", "ensemble"),
    ("regimes", "ensemble"),
];

impl Default for Kinds {
    fn default() -> Self {
        let kinds = Self { loaders: BTreeMap::new() };
        #[cfg(feature = "v2")]
        let kinds = kinds.with(crate::v2::KIND, crate::v2::loader);
        #[cfg(feature = "logistic")]
        let kinds = kinds.with(crate::logistic::KIND, crate::logistic::loader);
        #[cfg(feature = "trees")]
        let kinds = kinds.with(crate::trees::KIND, crate::trees::loader);
        #[cfg(feature = "network")]
        let kinds = crate::network::saved::KINDS
            .into_iter()
            .fold(kinds, |kinds, kind| kinds.with(kind, crate::network::saved::loader));
        kinds
    }
}

impl Kinds {
    /// Adds a kind, or replaces the one with the same name.
    #[must_use]
    pub fn with(mut self, kind: impl Into<String>, loader: Loader) -> Self {
        self.loaders.insert(kind.into(), loader);
        self
    }

    /// Returns the names of the kinds, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.loaders.keys().map(String::as_str)
    }

    /// Reads a model from a file.
    ///
    /// # Errors
    /// [`LoadError::Io`], [`LoadError::Kind`] for a kind that is not among these, and the other
    /// variants of [`LoadError`] for a damaged file.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Box<dyn FittedModel>, LoadError> {
        self.model(&Artifact::read(path.as_ref())?)
    }

    /// Reads a model from the bytes of a file, for example from `include_bytes!`.
    ///
    /// # Errors
    /// The errors of [`load`](Self::load), except [`LoadError::Io`].
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<Box<dyn FittedModel>, LoadError> {
        self.model(&Artifact::from_bytes(bytes)?)
    }

    /// Builds the model from an artifact.
    ///
    /// # Errors
    /// [`LoadError::MissingFeature`] for a built-in kind whose feature is not enabled,
    /// [`LoadError::Kind`] for another unknown kind, and the errors of the loader.
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
/// The errors of [`Kinds::load`].
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

/// Reads a model of any enabled kind from the bytes of a file, for example from `include_bytes!`.
///
/// # Errors
/// The errors of [`Kinds::from_bytes`].
pub fn from_bytes(bytes: &[u8]) -> Result<Box<dyn FittedModel>, LoadError> {
    Kinds::default().from_bytes(bytes)
}
