//! Modified model files with a valid checksum: rejected with a specific error, or usable; never a
//! panic, never much memory.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use windvane_candles::Timestamp;
use windvane_models::{DirectionModel, FittedModel, Kinds, LoadError, Predictor, from_bytes};
use windvane_signals::Window;
use windvane_testing::saved::{SavedParts, SavedTensor, odd_values};

fn kinds() -> Vec<String> {
    Kinds::default().names().map(str::to_string).collect()
}

fn saved(kind: &str) -> Vec<u8> {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    std::fs::read(data.join(format!("{kind}.format1.safetensors"))).unwrap()
}

/// Error of loading a modified file.
fn error(kind: &str, change: impl FnOnce(&mut SavedParts)) -> LoadError {
    let mut parts = SavedParts::parse(&saved(kind));
    change(&mut parts);
    from_bytes(&parts.bytes()).unwrap_err()
}

fn says(error: &LoadError, parts: &[&str]) {
    let text = error.to_string();
    assert!(parts.iter().all(|part| text.contains(part)), "{parts:?}: {text}");
}

#[test]
fn mutated_parts_round_trip() {
    for kind in kinds() {
        let model = from_bytes(&SavedParts::parse(&saved(&kind)).bytes()).unwrap();
        assert_eq!(
            model.to_bytes().unwrap(),
            from_bytes(&saved(&kind)).unwrap().to_bytes().unwrap()
        );
    }
}

#[test]
fn mutated_tensors_are_named_in_error() {
    let shape = error("v3", |parts| {
        let tensor = parts.tensor("fc.w");
        tensor.shape.reverse();
    });
    assert!(matches!(&shape, LoadError::TensorShape { tensor, .. } if tensor == "fc.w"), "{shape}");
    let short = error("v32", |parts| {
        let tensor = parts.tensor("lstm.w_hh");
        (tensor.shape, tensor.bytes) = (vec![64, 32], vec![0; 4 * 64 * 32]);
    });
    says(&short, &["tensor lstm.w_hh has shape [64, 32], expected [128, 32]"]);
    let missing = error("v31", |parts| parts.tensors.retain(|tensor| tensor.name != "att.v"));
    assert!(matches!(&missing, LoadError::MissingTensor { tensor, .. } if tensor == "att.v"));
    for (kind, name) in [("v2", "bias"), ("v3", "lstm.w_ih_l1"), ("v32", "0/fc.w")] {
        let foreign = error(kind, |parts| {
            let shape = vec![1];
            let (name, dtype, bytes) = (name.to_string(), "F32".to_string(), vec![0; 4]);
            parts.tensors.push(SavedTensor { name, dtype, shape, bytes });
        });
        let named = matches!(&foreign, LoadError::ForeignTensor { tensor, .. } if tensor == name);
        assert!(named, "{foreign}");
    }
    let half = error("v2", |parts| {
        let tensor = parts.tensor("weights");
        tensor.dtype = "F16".into();
        tensor.bytes.truncate(12);
    });
    says(&half, &["tensor weights is F16, expected F32"]);
}

#[test]
fn mutated_non_finite_weights_are_named() {
    for (kind, name) in [("v2", "weights"), ("v3", "fc.b"), ("v31", "att.v"), ("v32", "lstm.b")] {
        for spoilt in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let error = error(kind, |parts| {
                parts.tensor(name).bytes[4..8].copy_from_slice(&spoilt.to_le_bytes());
            });
            says(&error, &[name, "index 1", "must be finite"]);
            assert!(matches!(error, LoadError::WeightNotFinite { .. }), "{error}");
        }
    }
}

#[test]
fn mutated_huge_lengths_are_rejected_with_little_memory() {
    let sizes = |kind: &'static str, place: &'static str, value: Value| {
        let mut parts = SavedParts::parse(&saved(kind));
        *parts.card.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = value;
        parts.bytes()
    };
    let mut files = vec![
        sizes("v32", "/config/hidden_size", json!(1_u64 << 40)),
        sizes("v32", "/config/hidden_size", json!(4_096)),
        sizes("v31", "/config/attention_size", json!(u64::MAX)),
        sizes("v31", "/config/dense", json!([4_096, 4_096, 4_096])),
        sizes("v31", "/config/dense", json!(vec![1; 100_000])),
        sizes("v3", "/spec/lookback", json!(1_u64 << 50)),
        sizes("v2", "/spec/labels/horizon", json!(u64::MAX)),
    ];
    for shape in [vec![1 << 40, 1 << 40], vec![1 << 34], vec![u64::MAX, 2], vec![1 << 40, 0]] {
        let mut parts = SavedParts::parse(&saved("v32"));
        parts.tensor("lstm.w_hh").shape = shape;
        files.push(parts.bytes());
    }
    for header in [u64::MAX, 1 << 40, 1 << 30, 99 << 20] {
        let mut bytes = saved("v32");
        bytes[..8].copy_from_slice(&header.to_le_bytes());
        files.push(bytes);
    }
    for bytes in files {
        let mut error = None;
        let memory = allocation_counter::measure(|| error = from_bytes(&bytes).err());
        assert!(memory.bytes_max <= bound(bytes.len()), "{error:?}: {memory:?}");
        assert!(error.is_some());
    }
}

#[test]
fn mutated_card_or_config_is_rejected() {
    let config = error("v32", |parts| parts.card["config"] = json!({"attention_size": 4}));
    says(&config, &["its configuration", "attention_size"]);
    let unknown = error("v3", |parts| parts.card["hurry"] = json!(1));
    says(&unknown, &["unknown field", "hurry"]);
    let kind = error("v3", |parts| parts.card["kind"] = json!("v4"));
    assert!(matches!(&kind, LoadError::Kind { got, .. } if got == "v4"), "{kind}");
    let swapped = error("v3", |parts| parts.card["kind"] = json!("v32"));
    assert!(matches!(&swapped, LoadError::ForeignTensor { .. }), "{swapped}");
    let newer = error("v2", |parts| parts.format = 2);
    assert!(matches!(newer, LoadError::NewerFormat { got: 2, newest: 1, .. }), "{newer}");
    says(&error("v2", |parts| parts.format = 0), &["unknown format 0"]);
    let wide = error("v2", |parts| parts.card["config"]["neutral_logit"] = json!(1e39));
    says(&wide, &["its neutral logit is inf"]);
    let narrow = error("v32", |parts| {
        let channels = parts.card.pointer_mut("/spec/signals/channels").unwrap();
        channels.as_array_mut().unwrap().pop();
    });
    says(&narrow, &["the spec has 5 channels, the scaler 6"]);
}

/// Maximum memory for reading a file of the given length, bytes.
fn bound(length: usize) -> u64 {
    32 * length as u64 + (128 << 10)
}

/// Checks that loading returns an error or a model that can be saved and can predict.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut loaded = None;
    let memory = allocation_counter::measure(|| loaded = from_bytes(bytes).ok());
    prop_assert!(memory.bytes_max <= bound(bytes.len()), "{} bytes: {memory:?}", bytes.len());
    let Some(model) = loaded else { return Ok(()) };
    let again = from_bytes(&model.to_bytes().unwrap());
    prop_assert!(again.is_ok(), "{again:?}");
    let same = again.is_ok_and(|again| again.id() == model.id());
    prop_assert!(same);
    let (lookback, width) = (model.spec().lookback, model.spec().signals.width());
    let rows: Vec<f64> = (0..lookback * width).map(|i| (i as f64).sin()).collect();
    let window = Window::new(&rows, width, Timestamp::from_millis(0)).unwrap();
    // Extreme weights may give invalid probabilities, which is an error.
    let _ = model.predict(window, &mut model.scratch());
    let interval = model.spec().interval;
    let _ = Predictor::new(model, interval);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn mutated_card_is_rejected_or_usable(
        kind in prop::sample::select(kinds()),
        changes in prop::collection::vec((any::<Index>(), any::<Index>(), 0..4_u8), 1..3),
    ) {
        let mut parts = SavedParts::parse(&saved(&kind));
        for (place, value, how) in changes {
            let (places, values) = (parts.places(), odd_values());
            let place = parts.card.pointer_mut(&places[place.index(places.len())]).unwrap();
            let value = values[value.index(values.len())].clone();
            match (how, place) {
                (0, Value::Object(map)) => drop(map.insert("more".into(), value)),
                (1, Value::Object(map)) => {
                    let first = map.keys().next().cloned();
                    drop(first.and_then(|key| map.remove(&key)));
                },
                (0, Value::Array(list)) => list.push(value),
                (1, Value::Array(list)) => drop(list.pop()),
                (2, Value::Array(list)) => list.extend(list.clone()),
                (_, place) => *place = value,
            }
        }
        check(&parts.bytes())?;
    }

    #[test]
    fn mutated_tensors_are_rejected_or_usable(
        kind in prop::sample::select(kinds()),
        which in any::<Index>(),
        axis in any::<Index>(),
        length in prop::sample::select(&[0, 1, 3, 4, 6, 20, 128, 4_096, 1 << 32, u64::MAX][..]),
        (at, number) in (any::<Index>(), any::<u32>()),
        how in 0..7_u8,
    ) {
        let mut parts = SavedParts::parse(&saved(&kind));
        let which = which.index(parts.tensors.len());
        let tensor = &mut parts.tensors[which];
        match how {
            0 => {
                let axis = axis.index(tensor.shape.len());
                tensor.shape[axis] = length;
            }
            1 => tensor.shape.push(length),
            2 => tensor.shape.reverse(),
            3 => tensor.name = ["", "/", "0/fc.w", "__metadata__", "lstm.b"][axis.index(5)].into(),
            4 => tensor.dtype = ["F64", "F16", "I32", "U8", "BOOL", "F4", "?"][axis.index(7)].into(),
            5 => tensor.bytes.truncate(at.index(tensor.bytes.len())),
            _ => {
                let at = at.index(tensor.bytes.len() / 4) * 4;
                tensor.bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
            }
        }
        check(&parts.bytes())?;
    }

    #[test]
    fn truncated_or_flipped_file_is_rejected(
        kind in prop::sample::select(kinds()),
        at in any::<Index>(),
        bit in 0..8_u32,
        cut in prop::option::of(any::<Index>()),
    ) {
        let mut bytes = saved(&kind);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        } else {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        prop_assert!(from_bytes(&bytes).is_err());
        check(&bytes)?;
    }
}
