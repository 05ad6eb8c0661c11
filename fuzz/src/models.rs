//! Shared support of the targets of models: saved files, gap policies, and checks of loaded models.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};
use windvane_candles::{Interval, Timestamp};
use windvane_ensemble::kinds;
use windvane_models::{FittedModel, LoadError, PredictError, Predictor};
use windvane_signals::Window;
pub use windvane_testing::saved::SavedParts;
use xxhash_rust::xxh3::Xxh3;

/// Saved models of the crates' tests.
pub const SAVED: [&[u8]; 7] = [
    include_bytes!("../../crates/models/tests/data/v2.format1.safetensors"),
    include_bytes!("../../crates/models/tests/data/v2-learned.format1.safetensors"),
    include_bytes!("../../crates/models/tests/data/v3.format1.safetensors"),
    include_bytes!("../../crates/models/tests/data/v31.format1.safetensors"),
    include_bytes!("../../crates/models/tests/data/v32.format1.safetensors"),
    include_bytes!("../../crates/models/tests/data/v32-stateful.format1.safetensors"),
    include_bytes!("../../crates/ensemble/tests/data/ensemble.format1.safetensors"),
];

/// Returns every gap policy in the form of a saved file.
pub fn policies() -> [Value; 4] {
    [
        json!({"policy": "error"}),
        json!({"policy": "reset"}),
        json!({"policy": "sessions", "max_missing": 3}),
        json!({"policy": "hold", "max_missing": 3}),
    ]
}

/// Loads a saved model or ensemble.
pub fn from_bytes(bytes: &[u8]) -> Result<Box<dyn FittedModel>, LoadError> {
    kinds().from_bytes(bytes)
}

/// Loads a saved model with another gap policy.
pub fn under(saved: &[u8], gaps: &Value) -> Arc<dyn FittedModel> {
    let mut parts = SavedParts::parse(saved);
    for place in parts.places().iter().filter(|place| place.ends_with("/spec/signals/gaps")) {
        parts.card.pointer_mut(place).expect("an existing value").clone_from(gaps);
    }
    Arc::from(from_bytes(&parts.bytes()).expect("a saved model"))
}

/// Maximum number of tensor bytes in a file built from an input.
const MAX_DATA: usize = 24 << 10;

/// Builds a file with a valid checksum from an input. The checksum would reject almost all
/// mutations of a complete file.
///
/// The input consists of the card, a zero byte, a line `name type size,size` per tensor, a zero
/// byte, and numbers that fill all tensors cyclically.
pub fn file_of(input: &[u8]) -> Vec<u8> {
    let mut parts = input.splitn(3, |byte| *byte == 0);
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default());
    let (card, list) = (text(), text());
    let fill = parts.next().filter(|fill| !fill.is_empty()).unwrap_or(&[0]);
    let (mut header, mut data) = (String::new(), Vec::new());
    let mut tensors: Vec<(&str, Vec<u64>, std::ops::Range<usize>)> = Vec::new();
    for line in list.lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (name, kind, sizes) = (word(), word(), word());
        let shape: Vec<u64> = sizes.split(',').filter_map(|size| size.parse().ok()).collect();
        let bytes = if kind == "F64" { 8 } else { 4 };
        let wanted = shape.iter().fold(bytes, |all: u64, size| all.saturating_mul(*size));
        let from = data.len();
        let length = usize::try_from(wanted).unwrap_or(MAX_DATA).min(MAX_DATA - from);
        data.extend(fill.iter().cycle().take(length));
        let (name_text, kind, to) = (json!(name), json!(kind), data.len());
        let info = json!({ "dtype": kind, "shape": shape, "data_offsets": [from, to] });
        write!(header, ",{name_text}:{info}").expect("writing to a string cannot fail");
        tensors.push((name, shape, from..to));
    }
    tensors.sort_by_key(|(name, ..)| *name);
    let mut hash = Xxh3::new();
    let mut part = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(card.as_bytes());
    for (name, shape, place) in tensors {
        part(name.as_bytes());
        shape.iter().for_each(|length| part(&length.to_le_bytes()));
        part(&data[place]);
    }
    let checksum = hash.digest();
    let envelope = format!(r#"{{"format":1,"checksum":"{checksum:016x}","card":{card}}}"#);
    let mut file = format!(r#"{{"__metadata__":{{"windvane":{}}}{header}}}"#, json!(envelope));
    file.extend(std::iter::repeat_n(' ', file.len().next_multiple_of(8) - file.len()));
    [&(file.len() as u64).to_le_bytes()[..], file.as_bytes(), &data].concat()
}

/// Builds the input from which [`file_of`] builds a file with these parts.
pub fn input_of(parts: SavedParts) -> Vec<u8> {
    let mut list = String::new();
    for tensor in &parts.tensors {
        let sizes: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
        writeln!(list, "{} {} {}", tensor.name, tensor.dtype, sizes.join(","))
            .expect("writing to a string cannot fail");
    }
    let fill = [0.1_f32, -0.2, 0.3].map(f32::to_le_bytes).concat();
    [parts.card.to_string().as_bytes(), &[0], list.as_bytes(), &[0], &fill].concat()
}

/// Memory limit of loading a file of this length, as in the crates' tests.
pub fn bound(length: usize) -> usize {
    32 * length + (128 << 10)
}

/// Maximum number of values of a window for a prediction; a valid spec may have a larger lookback.
const MAX_VALUES: usize = 2_000;

/// Asserts that a loaded model can be saved and loaded again with the same bytes, and that its
/// prediction is valid or an error.
pub fn check(model: Box<dyn FittedModel>) {
    let bytes = model.to_bytes().expect("a loaded model can be saved");
    let again = from_bytes(&bytes).expect("a saved model can be loaded");
    assert_eq!(again.to_bytes().expect("a loaded model can be saved"), bytes);
    let (lookback, width) = (model.spec().lookback, model.spec().signals.width());
    if lookback * width > MAX_VALUES {
        return;
    }
    let rows: Vec<f64> = (0..lookback * width).map(|i| (i as f64).sin()).collect();
    let window = Window::new(&rows, width, Timestamp::from_millis(0)).expect("whole rows");
    // A model with extreme weights may give no valid probability, which is an error.
    if let Ok(prediction) = model.predict(window, &mut model.scratch()) {
        check_classes(prediction.probabilities.classes());
    }
    let interval = model.spec().interval;
    let _ = Predictor::new(model, interval);
}

/// Returns whether an error is a rejected candle and not a failure of the model.
pub fn is_rejection(error: &PredictError) -> bool {
    matches!(
        error,
        PredictError::Gap { .. }
            | PredictError::FarAhead { .. }
            | PredictError::Misaligned { .. }
            | PredictError::Signal(_)
    )
}

/// Asserts that probabilities are between 0 and 1 and sum to 1.
pub fn check_classes(classes: [f32; 3]) {
    assert!(classes.iter().all(|class| (0.0..=1.0).contains(class)), "{classes:?}");
    assert!((classes.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{classes:?}");
}

/// Interval of the saved models.
pub const INTERVAL: Interval = Interval::HOUR;
