//! File format of saved models and checkpoints: named f32 tensors and a JSON card.
//!
//! It is a safetensors file. Its metadata contains one key with the value
//! `{"format": 1, "checksum": …, "card": {…}}`. The checksum (XXH3, 64 bit) covers the text of the
//! card and the name, shape and bytes of every tensor.
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use crate::LoadError;

/// Format number that this version writes.
const FORMAT: u64 = 1;
/// Maximum size of a file; larger files are rejected without reading them.
const MAX_BYTES: u64 = 64 << 20;

/// A named f32 tensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SavedTensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

/// Format number, the only field common to all formats.
#[derive(Deserialize)]
struct FormatNumber {
    format: u64,
}

/// Metadata entry of a file.
#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u64,
    checksum: String,
    card: Box<RawValue>,
}

/// Content of a file after the check of its checksum: the unparsed card and the tensors.
#[derive(Debug)]
pub(crate) struct StoredFile {
    /// Text of the card, JSON.
    pub(crate) card: String,
    /// Tensors, sorted by name.
    pub(crate) tensors: Vec<SavedTensor>,
}

/// Reads the bytes of a file up to the maximum size.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, LoadError> {
    let io = |source| LoadError::Io { path: path.to_path_buf(), source };
    let handle = File::open(path).map_err(io)?;
    let got = handle.metadata().map_err(io)?.len();
    if got > MAX_BYTES {
        let file = path.display().to_string();
        return Err(LoadError::TooLarge { file, got, limit: MAX_BYTES });
    }
    let mut bytes = Vec::new();
    // The limit also holds for a file that grows while it is read.
    handle.take(MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

impl StoredFile {
    pub(crate) fn new(card: &impl Serialize, tensors: Vec<SavedTensor>) -> Result<Self, String> {
        let card = serde_json::to_string(card).map_err(|error| error.to_string())?;
        let mut stored = Self { card, tensors };
        stored.tensors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(stored)
    }

    /// Parses the bytes of a file; `file` is its name in messages, `key` the metadata key.
    pub(crate) fn from_bytes(bytes: &[u8], file: &str, key: &str) -> Result<Self, LoadError> {
        let header = SafeTensors::read_metadata(bytes);
        let (_, header) = header.map_err(|error| damaged(file, &no_safetensors(bytes, &error)))?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(key));
        let text = text.ok_or_else(|| {
            let torch = header.tensors().keys().any(|name| name.ends_with(".weight_hh_l0"));
            let hint = if torch { "; read a state_dict with load_state_dict" } else { "" };
            damaged(file, &format!("it has no {key} metadata{hint}"))
        })?;
        let FormatNumber { format } =
            serde_json::from_str(text).map_err(|error| damaged(file, &error))?;
        if format > FORMAT {
            let file = file.to_string();
            return Err(LoadError::NewerFormat { file, got: format, newest: FORMAT });
        }
        if format < FORMAT {
            return Err(damaged(file, &format!("unknown format {format}")));
        }
        let envelope: Envelope =
            serde_json::from_str(text).map_err(|error| damaged(file, &error))?;
        let content = SafeTensors::deserialize(bytes).map_err(|error| damaged(file, &error))?;
        let mut tensors = content
            .iter()
            .map(|(name, view)| read_tensor(file, name, &view))
            .collect::<Result<Vec<_>, _>>()?;
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let stored = Self { card: envelope.card.get().to_string(), tensors };
        let got = stored.checksum();
        if got != envelope.checksum {
            let (file, expected) = (file.to_string(), envelope.checksum);
            return Err(LoadError::Checksum { file, expected, got });
        }
        Ok(stored)
    }

    /// Serialises the content as the bytes of a file.
    pub(crate) fn to_bytes(&self, key: &str) -> Result<Vec<u8>, String> {
        let envelope = Envelope {
            format: FORMAT,
            checksum: self.checksum(),
            card: RawValue::from_string(self.card.clone()).map_err(|error| error.to_string())?,
        };
        let envelope = serde_json::to_string(&envelope).map_err(|error| error.to_string())?;
        let data: Vec<Vec<u8>> = self.tensors.iter().map(|tensor| bytes_of(&tensor.data)).collect();
        let views = self.tensors.iter().zip(&data).map(|(tensor, bytes)| {
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes);
            view.map(|view| (tensor.name.clone(), view)).map_err(|error| error.to_string())
        });
        let views = views.collect::<Result<Vec<_>, _>>()?;
        let metadata = [(key.to_string(), envelope)].into_iter().collect();
        safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
    }

    /// XXH3 hash of the card's text and the tensors, sorted by name.
    fn checksum(&self) -> String {
        let mut hash = Xxh3::new();
        hash_part(&mut hash, self.card.as_bytes());
        for tensor in &self.tensors {
            hash_part(&mut hash, tensor.name.as_bytes());
            for length in &tensor.shape {
                hash_part(&mut hash, &(*length as u64).to_le_bytes());
            }
            hash_part(&mut hash, &bytes_of(&tensor.data));
        }
        format!("{:016x}", hash.digest())
    }
}

/// Hashes a byte string with its length, so that the boundaries between parts count.
fn hash_part(hash: &mut Xxh3, bytes: &[u8]) {
    hash.update(&(bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn damaged(file: &str, problem: &impl ToString) -> LoadError {
    LoadError::Damaged { file: file.to_string(), problem: problem.to_string() }
}

/// Problem of bytes that are not a safetensors file, with the remedy for a file of `torch.save`.
pub(crate) fn no_safetensors(bytes: &[u8], error: &impl std::fmt::Display) -> String {
    // First bytes of a zip archive, and of a pickle from old versions.
    let torch = [&b"PK\x03\x04"[..], b"\x80\x02\x8a"].iter().any(|head| bytes.starts_with(head));
    let hint = "; it looks like a file of torch.save: save the state_dict with \
        safetensors.torch.save_file";
    format!("{error}{}", if torch { hint } else { "" })
}

fn read_tensor(file: &str, name: &str, view: &TensorView<'_>) -> Result<SavedTensor, LoadError> {
    if view.dtype() != Dtype::F32 {
        let (file, tensor, got) = (file.to_string(), name.to_string(), view.dtype().to_string());
        return Err(LoadError::TensorType { file, tensor, expected: "F32", got });
    }
    let data = f32s(view.data());
    Ok(SavedTensor { name: name.to_string(), shape: view.shape().to_vec(), data })
}

/// Decodes little-endian f32 values.
pub(crate) fn f32s(bytes: &[u8]) -> Vec<f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// Checks that a file has exactly the tensors with the expected names.
pub(crate) fn check_names<'a>(
    file: &str,
    got: &(impl Iterator<Item = &'a str> + Clone),
    expected: &(impl Iterator<Item = &'a str> + Clone),
) -> Result<(), LoadError> {
    let present: BTreeSet<&str> = got.clone().collect();
    if let Some(missing) = expected.clone().find(|name| !present.contains(name)) {
        let (file, tensor) = (file.to_string(), missing.to_string());
        let got = got.clone().map(str::to_string).collect();
        return Err(LoadError::MissingTensor { file, tensor, got });
    }
    let known: BTreeSet<&str> = expected.clone().collect();
    if let Some(foreign) = got.clone().find(|name| !known.contains(name)) {
        let (file, tensor) = (file.to_string(), foreign.to_string());
        let expected = expected.clone().map(str::to_string).collect();
        return Err(LoadError::ForeignTensor { file, tensor, expected });
    }
    Ok(())
}

/// Encodes values as little-endian f32.
pub(crate) fn bytes_of(data: &[f32]) -> Vec<u8> {
    data.iter().flat_map(|weight| weight.to_le_bytes()).collect()
}
