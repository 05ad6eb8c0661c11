//! Saved models that can be parsed, modified, and written with a valid checksum.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Map, Value};
use xxhash_rust::xxh3::Xxh3;

/// Parsed content of a saved model.
#[derive(Debug, Clone)]
pub struct SavedParts {
    /// Version number of the format.
    pub format: u64,
    /// Metadata: everything except the tensors.
    pub card: Value,
    /// Tensors in the order of the header.
    pub tensors: Vec<SavedTensor>,
}

/// Tensor of a saved model; its header may contradict its data.
#[derive(Debug, Clone)]
pub struct SavedTensor {
    /// Name of the tensor in the header.
    pub name: String,
    /// Type in the header, such as `F32`.
    pub dtype: String,
    /// Lengths of the axes in the header.
    pub shape: Vec<u64>,
    /// Bytes of the data.
    pub bytes: Vec<u8>,
}

impl SavedParts {
    /// Parses a saved model.
    ///
    /// # Panics
    /// If the bytes are not a saved model.
    pub fn parse(bytes: &[u8]) -> Self {
        let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
        let (header, data) = bytes[8..].split_at(length);
        let mut header: Map<String, Value> = serde_json::from_slice(header).unwrap();
        let metadata = header.remove("__metadata__").unwrap();
        let envelope: Value = serde_json::from_str(metadata["windvane"].as_str().unwrap()).unwrap();
        let number = |value: &Value| value.as_u64().unwrap();
        let tensors = header.iter().map(|(name, info)| {
            let offsets = &info["data_offsets"];
            let (from, to) = (position(&offsets[0]), position(&offsets[1]));
            SavedTensor {
                name: name.clone(),
                dtype: info["dtype"].as_str().unwrap().to_string(),
                shape: info["shape"].as_array().unwrap().iter().map(number).collect(),
                bytes: data[from..to].to_vec(),
            }
        });
        let (format, card) = (number(&envelope["format"]), envelope["card"].clone());
        Self { format, card, tensors: tensors.collect() }
    }

    /// Writes the bytes of a file with a valid checksum, also for invalid parts.
    pub fn bytes(&self) -> Vec<u8> {
        let card = self.card.to_string();
        let checksum = self.checksum(&card);
        let envelope =
            format!(r#"{{"format":{},"checksum":"{checksum}","card":{card}}}"#, self.format);
        let mut header = Map::new();
        header.insert("__metadata__".into(), serde_json::json!({ "windvane": envelope }));
        let mut data: Vec<u8> = Vec::new();
        for SavedTensor { name, dtype, shape, bytes } in &self.tensors {
            let offsets = [data.len(), data.len() + bytes.len()];
            let info = serde_json::json!({
                "dtype": dtype, "shape": shape, "data_offsets": offsets
            });
            header.insert(name.clone(), info);
            data.extend(bytes);
        }
        let mut header = Value::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header);
        file.extend(data);
        file
    }

    fn checksum(&self, card: &str) -> String {
        let mut hash = Xxh3::new();
        let mut part = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(card.as_bytes());
        let mut tensors: Vec<&SavedTensor> = self.tensors.iter().collect();
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        for tensor in tensors {
            part(tensor.name.as_bytes());
            tensor.shape.iter().for_each(|length| part(&length.to_le_bytes()));
            part(&tensor.bytes);
        }
        format!("{:016x}", hash.digest())
    }

    /// Returns the tensor with this name.
    ///
    /// # Panics
    /// If there is none.
    pub fn tensor(&mut self, name: &str) -> &mut SavedTensor {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
    }

    /// Returns the JSON pointers of all values of the card.
    pub fn places(&self) -> Vec<String> {
        let mut places = Vec::new();
        walk(&self.card, String::new(), &mut places);
        places
    }
}

fn position(offset: &Value) -> usize {
    usize::try_from(offset.as_u64().unwrap()).unwrap()
}

fn walk(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| walk(value, format!("{at}/{key}"), places));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, v)| walk(v, format!("{at}/{i}"), places));
        }
        _ => {}
    }
    places.push(at);
}

/// Returns unusual values for replacing values of a saved model.
///
/// # Panics
/// Never.
pub fn odd_values() -> Vec<Value> {
    let numbers = ["0", "-1", "1", "2", "3", "0.5", "-0.0", "1e-300", "1e38", "1e39", "-1e308"];
    let wide = ["4096", "4097", "10000", "1000000", "4294967296", "18446744073709551615"];
    let numbers = numbers.iter().chain(&wide).map(|text| serde_json::from_str(text).unwrap());
    let mut nested = Value::Null;
    (0..100).for_each(|_| nested = Value::Array(vec![nested.take()]));
    let others = [
        Value::Null,
        Value::Bool(true),
        Value::String(String::new()),
        Value::String("v2".into()),
        Value::String("ensemble".into()),
        Value::String("x".repeat(2_000)),
        serde_json::json!([]),
        serde_json::json!({}),
        serde_json::json!([1, 2, 3]),
        serde_json::json!(vec![1_000_000_u64; 500]),
        nested,
    ];
    numbers.chain(others).collect()
}
