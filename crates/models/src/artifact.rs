//! Saved models, format 1: one safetensors file with JSON metadata.
//!
//! The metadata key `windvane` holds `{"format": 1, "checksum": …, "card": {…}}`; the checksum
//! (XXH3, 64 bit) covers the card's text and every tensor's name, shape and bytes, so a flipped
//! bit anywhere is found. Tensors are f32 in
//! `PyTorch`'s layout and gate order, named `lstm.w_ih`, `lstm.w_hh`, `lstm.b`, `fc.w`, `fc.b`.
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use windvane_signals::Scaler;
use xxhash_rust::xxh3::Xxh3;

use crate::{DirectionModel, ModelError, ModelSpec, TrainingRecord};

/// The format this version writes.
const FORMAT: u64 = 1;
/// Larger files are refused unread.
const LARGEST: u64 = 64 << 20;
const KEY: &str = "windvane";

/// Everything about a saved model but its tensors.
///
/// A field this version does not know is an error: it might change what the model says. A
/// version that adds one writes a higher format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Card {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) spec: ModelSpec,
    pub(crate) scaler: Scaler,
    pub(crate) record: Option<TrainingRecord>,
    /// What the kind needs beyond: sizes of its layers.
    #[serde(default)]
    pub(crate) config: serde_json::Value,
}

/// What every format has, whatever else is beside it.
#[derive(Deserialize)]
struct Format {
    format: u64,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u64,
    checksum: String,
    card: Box<RawValue>,
}

/// A named f32 tensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SavedTensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

/// A model file's content; `file` names it in messages.
#[derive(Debug)]
pub(crate) struct Artifact {
    file: String,
    pub(crate) card: Card,
    tensors: Vec<SavedTensor>,
}

impl Artifact {
    pub(crate) fn read(path: &Path) -> Result<Self, ModelError> {
        let file = path.display().to_string();
        let io = |source| ModelError::Io { path: path.to_path_buf(), source };
        let handle = File::open(path).map_err(io)?;
        let got = handle.metadata().map_err(io)?.len();
        if got > LARGEST {
            return Err(ModelError::TooLarge { file, got, limit: LARGEST });
        }
        let mut bytes = Vec::new();
        // A file that grows while it is read stops here too.
        handle.take(LARGEST).read_to_end(&mut bytes).map_err(io)?;
        Self::from_bytes(&bytes, file)
    }

    pub(crate) fn from_bytes(bytes: &[u8], file: String) -> Result<Self, ModelError> {
        let damaged = |problem: String| ModelError::Damaged { file: file.clone(), problem };
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|error| damaged(error.to_string()))?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let text = text.ok_or_else(|| damaged("it has no windvane metadata".into()))?;
        let Format { format } =
            serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        if format > FORMAT {
            return Err(ModelError::NewerFormat { file, got: format, newest: FORMAT });
        }
        if format < FORMAT {
            return Err(damaged(format!("there is no format {format}")));
        }
        let envelope: Envelope =
            serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        let content =
            SafeTensors::deserialize(bytes).map_err(|error| damaged(error.to_string()))?;
        let mut tensors = content
            .iter()
            .map(|(name, view)| read_tensor(name, &view).map_err(&damaged))
            .collect::<Result<Vec<_>, _>>()?;
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let got = checksum(envelope.card.get(), &tensors);
        if got != envelope.checksum {
            return Err(ModelError::Checksum { file, expected: envelope.checksum, got });
        }
        let card: Card = serde_json::from_str(envelope.card.get())
            .map_err(|error| damaged(error.to_string()))?;
        Self { file, card, tensors }.checked()
    }

    /// What a checksum cannot tell: a well-formed file may still hold nonsense.
    fn checked(self) -> Result<Self, ModelError> {
        let damaged = |problem: String| ModelError::Damaged { file: self.file.clone(), problem };
        self.card.spec.validate().map_err(|error| damaged(error.to_string()))?;
        let (width, scaled) = (self.card.spec.signals.width(), self.card.scaler.width());
        if width != scaled {
            return Err(damaged(format!("it reads {width} channels and scales {scaled}")));
        }
        for tensor in &self.tensors {
            if let Some(index) = tensor.data.iter().position(|weight| !weight.is_finite()) {
                return Err(ModelError::WeightNotFinite {
                    file: self.file.clone(),
                    tensor: tensor.name.clone(),
                    index,
                    got: f64::from(tensor.data[index]),
                });
            }
        }
        Ok(self)
    }

    /// Confirms the kind of model.
    pub(crate) fn expect_kind(&self, expected: &str) -> Result<(), ModelError> {
        if self.card.kind == expected {
            return Ok(());
        }
        let (file, got) = (self.file.clone(), self.card.kind.clone());
        Err(ModelError::Kind { file, expected: expected.to_string(), got })
    }

    /// The configuration of the kind.
    pub(crate) fn config<T: for<'a> Deserialize<'a>>(&self) -> Result<T, ModelError> {
        serde_json::from_value(self.card.config.clone())
            .map_err(|error| self.damaged(format!("its configuration: {error}")))
    }

    pub(crate) fn damaged(&self, problem: String) -> ModelError {
        ModelError::Damaged { file: self.file.clone(), problem }
    }

    /// The tensor of that name, which must have that shape.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<&[f32], ModelError> {
        let found = self.tensors.iter().find(|tensor| tensor.name == name);
        let tensor = found.ok_or_else(|| self.damaged(format!("it has no tensor {name}")))?;
        if tensor.shape != shape {
            return Err(ModelError::TensorShape {
                file: self.file.clone(),
                tensor: name.to_string(),
                expected: shape.to_vec(),
                got: tensor.shape.clone(),
            });
        }
        Ok(&tensor.data)
    }

    /// Confirms that there is no tensor beside the `expected` number.
    pub(crate) fn expect_tensors(&self, expected: usize) -> Result<(), ModelError> {
        if self.tensors.len() == expected {
            return Ok(());
        }
        Err(self.damaged(format!("it has {} tensors, expected {expected}", self.tensors.len())))
    }
}

fn read_tensor(name: &str, view: &TensorView<'_>) -> Result<SavedTensor, String> {
    if view.dtype() != Dtype::F32 {
        return Err(format!("tensor {name} is {:?}, expected F32", view.dtype()));
    }
    let (words, _) = view.data().as_chunks::<4>();
    let data = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    Ok(SavedTensor { name: name.to_string(), shape: view.shape().to_vec(), data })
}

/// Reads a model of any enabled kind from a file.
///
/// # Errors
/// [`ModelError::Io`], [`ModelError::Kind`] when the kind's feature is not enabled, or what is
/// wrong with the file.
pub fn load(path: impl AsRef<Path>) -> Result<Box<dyn DirectionModel>, ModelError> {
    of_any_kind(&Artifact::read(path.as_ref())?)
}

/// Reads a model of any enabled kind from the bytes of a file, as `include_bytes!` gives them.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: &[u8]) -> Result<Box<dyn DirectionModel>, ModelError> {
    of_any_kind(&Artifact::from_bytes(bytes, "the model in memory".to_string())?)
}

fn of_any_kind(artifact: &Artifact) -> Result<Box<dyn DirectionModel>, ModelError> {
    match artifact.card.kind.as_str() {
        #[cfg(feature = "v2")]
        crate::v2::KIND => Ok(Box::new(crate::v2::WeightedSignals::from_artifact(artifact)?)),
        #[cfg(feature = "v3")]
        crate::v3::KIND => Ok(Box::new(crate::v3::BiLstm::from_artifact(artifact)?)),
        #[cfg(feature = "v31")]
        crate::v31::KIND => Ok(Box::new(crate::v31::AttentionBiLstm::from_artifact(artifact)?)),
        #[cfg(feature = "v32")]
        crate::v32::KIND => Ok(Box::new(crate::v32::FastLstm::from_artifact(artifact)?)),
        other => Err(ModelError::Kind {
            file: artifact.file.clone(),
            expected: "a kind whose feature is enabled".to_string(),
            got: other.to_string(),
        }),
    }
}

/// XXH3 of the card's text and the tensors in order of their names.
fn checksum(card: &str, tensors: &[SavedTensor]) -> String {
    let mut hash = Xxh3::new();
    let mut part = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(card.as_bytes());
    for tensor in tensors {
        part(tensor.name.as_bytes());
        for length in &tensor.shape {
            part(&(*length as u64).to_le_bytes());
        }
        part(&bytes_of(&tensor.data));
    }
    format!("{:016x}", hash.digest())
}

fn bytes_of(data: &[f32]) -> Vec<u8> {
    data.iter().flat_map(|weight| weight.to_le_bytes()).collect()
}

/// A model as the bytes of a file.
pub(crate) fn to_bytes(card: &Card, mut tensors: Vec<SavedTensor>) -> Result<Vec<u8>, ModelError> {
    let invalid = |problem: String| ModelError::Damaged { file: card.id.clone(), problem };
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let text = serde_json::to_string(card).map_err(|error| invalid(error.to_string()))?;
    let envelope = Envelope {
        format: FORMAT,
        checksum: checksum(&text, &tensors),
        card: RawValue::from_string(text).map_err(|error| invalid(error.to_string()))?,
    };
    let envelope = serde_json::to_string(&envelope).map_err(|error| invalid(error.to_string()))?;
    let data: Vec<Vec<u8>> = tensors.iter().map(|tensor| bytes_of(&tensor.data)).collect();
    let views = tensors.iter().zip(&data).map(|(tensor, bytes)| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes);
        view.map(|view| (tensor.name.clone(), view)).map_err(|error| invalid(error.to_string()))
    });
    let views = views.collect::<Result<Vec<_>, _>>()?;
    let metadata = [(KEY.to_string(), envelope)].into_iter().collect();
    safetensors::serialize(views, Some(metadata)).map_err(|error| invalid(error.to_string()))
}

/// Replaces a file whole or not at all: writes beside it, flushes, renames. An interrupted write
/// leaves the old file as it was.
///
/// # Errors
/// What the system says; the temporary file is gone then.
pub fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // Process and count keep two writers of the same file apart.
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let (process, count) = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
    let temporary = folder.join(format!(".{}.{process}.{count}.tmp", name.to_string_lossy()));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| std::fs::rename(&temporary, path));
    if renamed.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    renamed?;
    sync_folder(&folder);
    Ok(())
}

/// Makes the rename last through a power cut, where the system allows to sync a folder.
fn sync_folder(folder: &Path) {
    if let Ok(handle) = File::open(folder) {
        let _ = handle.sync_all();
    }
}
