//! Saved models, format 1: one safetensors file with JSON metadata.
//!
//! The metadata key `windvane` contains format, checksum and card. The card describes the model
//! except for its weights. Tensors are f32 in `PyTorch`'s layout and gate order, named `lstm.w_ih`,
//! `lstm.w_hh`, `lstm.b`, `fc.w`, `fc.b`. The card of an ensemble contains the cards of its
//! members; the tensors of member 0 are named `0/lstm.w_ih` and so on.
mod kinds;
mod replace;
pub(crate) mod stored;

use std::path::Path;

use serde::{Deserialize, Serialize};
use windvane_signals::Scaler;

use crate::{Calibration, LoadError, ModelId, ModelSpec, Policy, TrainingRecord};

pub use kinds::{Kinds, Loader, from_bytes, load};
pub use replace::{replace_file, replace_file_with};
pub(crate) use stored::{SavedTensor, StoredFile, check_names, read_file};

const KEY: &str = "windvane";

/// Maximum nesting depth of ensembles. Every level copies its tensors while it loads.
const MAX_DEPTH: usize = 8;
/// Maximum length of a member's id in messages, which repeat it for every level of nesting.
const MAX_LABEL_LEN: usize = 64;

/// Card of a saved model: all metadata except the tensors.
///
/// An unknown field is an error because it might change the predictions. Released versions that
/// add a field write a higher format number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelCard {
    kind: String,
    id: String,
    spec: ModelSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scaler: Option<Scaler>,
    #[serde(default, skip_serializing_if = "Calibration::is_none")]
    calibration: Calibration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<Policy>,
    record: Option<TrainingRecord>,
    /// Configuration of the kind, such as the sizes of its layers.
    #[serde(default)]
    config: serde_json::Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    members: Vec<ModelCard>,
}

/// Content of a saved model: kind, id, spec, scaler, calibration, record, configuration, tensors,
/// and the members of an ensemble.
///
/// A kind of model in another crate builds one in
/// [`to_artifact`](crate::FittedModel::to_artifact) and reads it in its [`Loader`].
///
/// # Examples
/// ```
/// use windvane_models::{Artifact, ModelId, ModelSpec};
/// # use windvane_candles::Interval;
/// # use windvane_signals::{LabelSpec, SignalSpec};
/// # let spec = ModelSpec {
/// #     signals: SignalSpec::default(),
/// #     interval: Interval::HOUR,
/// #     lookback: 20,
/// #     labels: LabelSpec::default(),
/// # };
/// let mut artifact = Artifact::new("mine", &ModelId::new("a"), &spec, &"any configuration")?;
/// artifact.push("weights", &[2, 2], vec![0.1, 0.2, 0.3, 0.4])?;
/// let again = Artifact::from_bytes(&artifact.to_bytes()?)?;
/// assert_eq!(again.tensor("weights", &[2, 2])?, [0.1, 0.2, 0.3, 0.4]);
/// assert_eq!(again.config::<String>()?, "any configuration");
/// # Ok::<(), windvane_models::LoadError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    file: String,
    card: ModelCard,
    /// Own tensors, and those of the members with the prefix `index/`.
    tensors: Vec<SavedTensor>,
}

/// Construction and writing.
impl Artifact {
    /// Creates an artifact without tensors; `config` is the configuration of the kind.
    ///
    /// # Errors
    /// [`LoadError::Damaged`] if `config` cannot be serialised as JSON.
    pub fn new(
        kind: &str,
        id: &ModelId,
        spec: &ModelSpec,
        config: &impl Serialize,
    ) -> Result<Self, LoadError> {
        let config = serde_json::to_value(config);
        let config = config.map_err(|error| LoadError::Damaged {
            file: id.to_string(),
            problem: error.to_string(),
        })?;
        let card = ModelCard {
            kind: kind.to_string(),
            id: id.to_string(),
            spec: spec.clone(),
            scaler: None,
            calibration: Calibration::NONE,
            policy: None,
            record: None,
            config,
            members: Vec::new(),
        };
        Ok(Self { file: id.to_string(), card, tensors: Vec::new() })
    }

    /// Sets the scaler of the channels.
    #[must_use]
    pub fn with_scaler(mut self, scaler: &Scaler) -> Self {
        self.card.scaler = Some(scaler.clone());
        self
    }

    /// Sets the calibration of the probabilities.
    #[must_use]
    pub fn with_calibration(mut self, calibration: Calibration) -> Self {
        self.card.calibration = calibration;
        self
    }

    /// Sets the policy from predictions to positions.
    #[must_use]
    pub fn with_policy(mut self, policy: &Policy) -> Self {
        self.card.policy = Some(*policy);
        self
    }

    /// Sets the training record.
    #[must_use]
    pub fn with_record(mut self, record: Option<&TrainingRecord>) -> Self {
        self.card.record = record.cloned();
        self
    }

    /// Adds a tensor in row-major order.
    ///
    /// # Errors
    /// [`LoadError::Damaged`] for a name that is taken or contains a slash, and if the length of
    /// `data` does not match the shape.
    pub fn push(&mut self, name: &str, shape: &[usize], data: Vec<f32>) -> Result<(), LoadError> {
        if name.contains('/') {
            return Err(self.damaged(format!("tensor name {name} contains a slash")));
        }
        if self.tensors.iter().any(|tensor| tensor.name == name) {
            return Err(self.damaged(format!("two tensors are named {name}")));
        }
        if shape.iter().product::<usize>() != data.len() {
            let got = data.len();
            return Err(self.damaged(format!("tensor {name}: {got} values for shape {shape:?}")));
        }
        self.tensors.push(SavedTensor { name: name.to_string(), shape: shape.to_vec(), data });
        Ok(())
    }

    /// Appends a member of an ensemble.
    pub fn push_member(&mut self, member: Self) {
        let index = self.card.members.len();
        self.card.members.push(member.card);
        let tensors = member.tensors.into_iter();
        self.tensors
            .extend(tensors.map(|t| SavedTensor { name: format!("{index}/{}", t.name), ..t }));
    }

    /// Serialises the artifact as the bytes of a file.
    ///
    /// # Errors
    /// [`LoadError::Damaged`] if a part cannot be serialised, a value is out of range, or members
    /// are nested more than eight levels deep.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LoadError> {
        self.check_card(&self.card, 0)?;
        let stored = StoredFile::new(&self.card, self.tensors.clone());
        stored.and_then(|stored| stored.to_bytes(KEY)).map_err(|problem| self.damaged(problem))
    }
}

#[cfg(feature = "onnx")]
impl Artifact {
    /// Returns the card as JSON.
    pub(crate) fn card_text(&self) -> Result<String, LoadError> {
        serde_json::to_string(&self.card).map_err(|error| self.damaged(error.to_string()))
    }
}

/// Reading and checks.
impl Artifact {
    /// Reads an artifact from a file.
    ///
    /// # Errors
    /// [`LoadError::Io`], and the other variants of [`LoadError`] for a damaged file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        Self::from_stored(
            StoredFile::from_bytes(&read_file(path)?, &path.display().to_string(), KEY)?,
            path,
        )
    }

    /// Reads an artifact from the bytes of a file, for example from `include_bytes!`.
    ///
    /// # Errors
    /// [`LoadError`] for damaged bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        let name = "the model in memory";
        Self::from_stored(StoredFile::from_bytes(bytes, name, KEY)?, Path::new(name))
    }

    fn from_stored(stored: StoredFile, file: &Path) -> Result<Self, LoadError> {
        let file = file.display().to_string();
        let card: ModelCard = serde_json::from_str(&stored.card).map_err(|error| {
            LoadError::Damaged { file: file.clone(), problem: error.to_string() }
        })?;
        let artifact = Self { file, card, tensors: stored.tensors };
        artifact.check_card(&artifact.card, 0)?;
        artifact.check_weights()?;
        Ok(artifact)
    }

    /// Validates the values of a card; a valid checksum does not imply valid values.
    fn check_card(&self, card: &ModelCard, depth: usize) -> Result<(), LoadError> {
        if depth > MAX_DEPTH {
            let problem = format!("its members are nested more than {MAX_DEPTH} levels deep");
            return Err(self.damaged(problem));
        }
        card.spec.validate().map_err(|error| self.damaged(error.to_string()))?;
        let width = card.spec.signals.width();
        if let Some(scaled) = card.scaler.as_ref().map(Scaler::width)
            && scaled != width
        {
            let problem = format!("the spec has {width} channels, the scaler {scaled}");
            return Err(self.damaged(problem));
        }
        card.members.iter().try_for_each(|member| self.check_card(member, depth + 1))
    }

    fn check_weights(&self) -> Result<(), LoadError> {
        for tensor in &self.tensors {
            if let Some(index) = tensor.data.iter().position(|weight| !weight.is_finite()) {
                return Err(LoadError::WeightNotFinite {
                    file: self.file.clone(),
                    tensor: tensor.name.clone(),
                    index,
                    got: f64::from(tensor.data[index]),
                });
            }
        }
        Ok(())
    }

    /// Name of the source file, for error messages.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Name of the kind of model.
    pub fn kind(&self) -> &str {
        &self.card.kind
    }

    /// Id of the model.
    pub fn id(&self) -> ModelId {
        ModelId::new(self.card.id.as_str())
    }

    /// Channels, interval, lookback and labels of the model.
    pub fn spec(&self) -> &ModelSpec {
        &self.card.spec
    }

    /// Scaler of the channels.
    ///
    /// # Errors
    /// [`LoadError::Damaged`] if the file has no scaler.
    pub fn scaler(&self) -> Result<&Scaler, LoadError> {
        self.card.scaler.as_ref().ok_or_else(|| self.damaged("it has no scaler".into()))
    }

    /// Calibration of the probabilities.
    pub fn calibration(&self) -> Calibration {
        self.card.calibration
    }

    /// Policy from predictions to positions; `None` if the file has none. The model that is built
    /// from the artifact does not contain it.
    pub fn policy(&self) -> Option<&Policy> {
        self.card.policy.as_ref()
    }

    /// Training record of the model; `None` if it has none.
    pub fn record(&self) -> Option<&TrainingRecord> {
        self.card.record.as_ref()
    }

    /// Deserialises the configuration of the kind.
    ///
    /// # Errors
    /// [`LoadError::Damaged`] if it does not match the type `T`.
    pub fn config<T: for<'a> Deserialize<'a>>(&self) -> Result<T, LoadError> {
        T::deserialize(&self.card.config)
            .map_err(|error| self.damaged(format!("its configuration: {error}")))
    }

    /// Returns the members of an ensemble in order.
    ///
    /// # Errors
    /// [`LoadError::Damaged`] if a tensor belongs to no member.
    pub fn members(&self) -> Result<Vec<Self>, LoadError> {
        let members = self.card.members.iter().enumerate().map(|(index, card)| Self {
            file: format!("{}, member {index} ({:.MAX_LABEL_LEN$})", self.file, card.id),
            card: card.clone(),
            tensors: Vec::new(),
        });
        let mut members: Vec<Self> = members.collect();
        for tensor in &self.tensors {
            let Some((index, name)) = tensor.name.split_once('/') else { continue };
            let member = index.parse().ok().and_then(|index: usize| members.get_mut(index));
            let Some(member) = member else {
                return Err(self.damaged(format!("tensor {} belongs to no member", tensor.name)));
            };
            member.tensors.push(SavedTensor { name: name.to_string(), ..tensor.clone() });
        }
        Ok(members)
    }

    /// Checks the kind of model.
    ///
    /// # Errors
    /// [`LoadError::Kind`] for another kind.
    pub fn expect_kind(&self, expected: &str) -> Result<(), LoadError> {
        if self.card.kind == expected {
            return Ok(());
        }
        let (file, got) = (self.file.clone(), self.card.kind.clone());
        Err(LoadError::Kind { file, expected: expected.to_string(), got })
    }

    /// Checks that the tensors have exactly these names; tensors of members are ignored.
    ///
    /// # Errors
    /// [`LoadError::MissingTensor`], [`LoadError::ForeignTensor`].
    pub fn expect_tensors(&self, names: &[&str]) -> Result<(), LoadError> {
        let members = !self.card.members.is_empty();
        let names_in_file = self.tensors.iter().map(|tensor| tensor.name.as_str());
        let got = names_in_file.filter(|name| !members || !name.contains('/'));
        check_names(&self.file, &got, &names.iter().copied())
    }

    /// Returns the values of a tensor and checks its shape.
    ///
    /// # Errors
    /// [`LoadError::MissingTensor`], [`LoadError::TensorShape`].
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<&[f32], LoadError> {
        let found = self.tensors.iter().find(|tensor| tensor.name == name);
        let tensor = found.ok_or_else(|| LoadError::MissingTensor {
            file: self.file.clone(),
            tensor: name.to_string(),
            got: self.tensors.iter().map(|tensor| tensor.name.clone()).collect(),
        })?;
        if tensor.shape != shape {
            return Err(LoadError::TensorShape {
                file: self.file.clone(),
                tensor: name.to_string(),
                expected: shape.to_vec(),
                got: tensor.shape.clone(),
            });
        }
        Ok(&tensor.data)
    }

    /// Creates the error for a problem that a [`Loader`] finds.
    pub fn damaged(&self, problem: String) -> LoadError {
        LoadError::Damaged { file: self.file.clone(), problem }
    }
}
