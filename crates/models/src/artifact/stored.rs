//! The file itself: named f32 tensors beside a JSON card, under one checksum.
//!
//! A safetensors file whose metadata holds, under a key of its own,
//! `{"format": 1, "checksum": …, "card": {…}}`; the checksum (XXH3, 64 bit) covers the card's
//! text and every tensor's name, shape and bytes, so a flipped bit anywhere is found.
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use crate::LoadError;

/// The format this version writes.
const FORMAT: u64 = 1;
/// Larger files are refused unread.
const MAX_BYTES: u64 = 64 << 20;

/// A named f32 tensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SavedTensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

/// Format number, the one field that all formats share.
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

/// The content of a file, its checksum confirmed; nothing is known of its meaning yet.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Card of the model, JSON text.
    pub(crate) card: String,
    /// Sorted by name.
    pub(crate) tensors: Vec<SavedTensor>,
}

/// The bytes of a file, unless it is too large.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, LoadError> {
    let io = |source| LoadError::Io { path: path.to_path_buf(), source };
    let handle = File::open(path).map_err(io)?;
    let got = handle.metadata().map_err(io)?.len();
    if got > MAX_BYTES {
        let file = path.display().to_string();
        return Err(LoadError::TooLarge { file, got, limit: MAX_BYTES });
    }
    let mut bytes = Vec::new();
    // A file that grows while it is read stops here too.
    handle.take(MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

impl Stored {
    pub(crate) fn new(card: &impl Serialize, tensors: Vec<SavedTensor>) -> Result<Self, String> {
        let card = serde_json::to_string(card).map_err(|error| error.to_string())?;
        let mut stored = Self { card, tensors };
        stored.tensors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(stored)
    }

    /// Reads a file's bytes; `file` names it in messages, `key` is its metadata's.
    pub(crate) fn from_bytes(bytes: &[u8], file: &str, key: &str) -> Result<Self, LoadError> {
        let header = SafeTensors::read_metadata(bytes);
        let (_, header) = header.map_err(|error| damaged(file, &no_safetensors(bytes, &error)))?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(key));
        let text = text.ok_or_else(|| {
            let torch = header.tensors().keys().any(|name| name.ends_with(".weight_hh_l0"));
            let hint = if torch { "; a state_dict is read with load_state_dict" } else { "" };
            damaged(file, &format!("it has no {key} metadata{hint}"))
        })?;
        let Format { format } =
            serde_json::from_str(text).map_err(|error| damaged(file, &error))?;
        if format > FORMAT {
            let file = file.to_string();
            return Err(LoadError::NewerFormat { file, got: format, newest: FORMAT });
        }
        if format < FORMAT {
            return Err(damaged(file, &format!("there is no format {format}")));
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

    /// The bytes of a file.
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

    /// XXH3 of the card's text and the tensors in order of their names.
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

/// Adds bytes and their number, so that neighbouring parts cannot run into each other.
fn hash_part(hash: &mut Xxh3, bytes: &[u8]) {
    hash.update(&(bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn damaged(file: &str, problem: &impl ToString) -> LoadError {
    LoadError::Damaged { file: file.to_string(), problem: problem.to_string() }
}

/// Text for bytes that are no safetensors file, with the remedy for a file of `torch.save`.
pub(crate) fn no_safetensors(bytes: &[u8], error: &impl std::fmt::Display) -> String {
    // A zip archive, or the pickle of old versions.
    let torch = [&b"PK\x03\x04"[..], b"\x80\x02\x8a"].iter().any(|head| bytes.starts_with(head));
    let hint = "; it looks like a file of torch.save: save the state_dict with safetensors, by \
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

/// Little-endian numbers of four bytes.
pub(crate) fn f32s(bytes: &[u8]) -> Vec<f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// Confirms that a file has the tensors of these names and no others.
pub(crate) fn check_names<'a>(
    file: &str,
    got: &(impl Iterator<Item = &'a str> + Clone),
    expected: &(impl Iterator<Item = &'a str> + Clone),
) -> Result<(), LoadError> {
    let there: BTreeSet<&str> = got.clone().collect();
    if let Some(missing) = expected.clone().find(|name| !there.contains(name)) {
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

pub(crate) fn bytes_of(data: &[f32]) -> Vec<u8> {
    data.iter().flat_map(|weight| weight.to_le_bytes()).collect()
}
