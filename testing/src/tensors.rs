//! Safetensors files of the golden sets, converted to f64.
use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

/// Dense row-major tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldenTensor {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Entries; integers and f32 are converted exactly.
    pub data: Vec<f64>,
}

/// All tensors of a file, by name.
#[derive(Debug, Clone)]
pub struct TensorFile {
    name: String,
    tensors: BTreeMap<String, GoldenTensor>,
}

impl TensorFile {
    /// Reads a file of F64, F32, I64 and I32 tensors.
    ///
    /// # Panics
    /// If the file cannot be read or contains another type.
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file =
            SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let tensors = file
            .iter()
            .map(|(name, view)| {
                let tensor = GoldenTensor {
                    shape: view.shape().to_vec(),
                    data: widen(view.dtype(), view.data()),
                };
                (name.to_string(), tensor)
            })
            .collect();
        Self { name: path.display().to_string(), tensors }
    }

    /// Returns the tensor with this name.
    ///
    /// # Panics
    /// If the file does not contain it.
    pub fn get(&self, name: &str) -> &GoldenTensor {
        self.find(name).unwrap_or_else(|| panic!("{}: no tensor {name:?}", self.name))
    }

    /// Returns the tensor with this name; `None` if the file does not contain it.
    pub fn find(&self, name: &str) -> Option<&GoldenTensor> {
        self.tensors.get(name)
    }

    /// Iterates over all names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }
}

fn widen(dtype: Dtype, bytes: &[u8]) -> Vec<f64> {
    match dtype {
        Dtype::F64 => numbers(bytes, f64::from_le_bytes),
        Dtype::F32 => numbers(bytes, |b| f64::from(f32::from_le_bytes(b))),
        Dtype::I32 => numbers(bytes, |b| f64::from(i32::from_le_bytes(b))),
        Dtype::I64 => numbers(bytes, |b| i64::from_le_bytes(b) as f64),
        other => panic!("golden tensors must be F64, F32, I64 or I32, got {other:?}"),
    }
}

fn numbers<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    assert!(rest.is_empty(), "the length of a tensor's data is not a multiple of its element size");
    chunks.iter().map(|chunk| read(*chunk)).collect()
}
