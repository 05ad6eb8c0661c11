//! Weights from `PyTorch` and back. `fixtures/pytorch` contains files that `PyTorch` wrote and the
//! outputs of its models.
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use windvane_candles::{Interval, Timestamp};
use windvane_models::network::Network;
use windvane_models::{FittedModel, LoadError, ModelSpec};
use windvane_models::{v3, v31, v32};
use windvane_signals::{LabelSpec, Scaler, SignalError, SignalSpec, Window};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pytorch")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.safetensors"))).unwrap()
}

fn spec() -> ModelSpec {
    let (signals, interval) = (SignalSpec::default(), Interval::HOUR);
    ModelSpec { signals, interval, lookback: 20, labels: LabelSpec::default() }
}

/// Scaler that changes nothing: the stored windows are already scaled.
fn plain() -> Scaler {
    Scaler::from_parts(vec![0.0; 6], vec![1.0; 6], 5.0).unwrap()
}

type Made = (Box<dyn FittedModel>, Vec<u8>);

fn load(kind: &str, bytes: &[u8]) -> Result<Made, LoadError> {
    let like = match kind {
        "v3" => v3::config(),
        "v31" => v31::config(),
        _ => v32::config(),
    };
    let model = Network::from_state_dict(bytes, &like, spec(), plain())?;
    let back = model.to_state_dict()?;
    Ok((Box::new(model), back))
}

/// Tensor of a file: name, type, shape and bytes.
#[derive(Debug, Clone, PartialEq)]
struct RawTensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn tensors(bytes: &[u8]) -> Vec<RawTensor> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let raw = |(name, view): (&str, TensorView<'_>)| RawTensor {
        name: name.to_string(),
        dtype: view.dtype(),
        shape: view.shape().to_vec(),
        bytes: view.data().to_vec(),
    };
    let mut tensors: Vec<RawTensor> = file.iter().map(raw).collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    tensors
}

fn file(tensors: &[RawTensor]) -> Vec<u8> {
    let views = tensors.iter().map(|raw| {
        let view = TensorView::new(raw.dtype, raw.shape.clone(), &raw.bytes);
        (raw.name.clone(), view.unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

fn floats(raw: &RawTensor) -> Vec<f32> {
    raw.bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

fn find<'a>(tensors: &'a mut [RawTensor], name: &str) -> &'a mut RawTensor {
    tensors.iter_mut().find(|raw| raw.name == name).unwrap()
}

const KINDS: [&str; 3] = ["v3", "v31", "v32"];

fn probabilities(model: &dyn FittedModel, x: &[f32]) -> Vec<[f32; 3]> {
    let mut scratch = model.scratch();
    let rows = x.chunks_exact(20 * 6).map(|rows| rows.iter().copied().map(f64::from).collect());
    rows.map(|rows: Vec<f64>| {
        let window = Window::new(&rows, 6, Timestamp::from_millis(0)).unwrap();
        model.predict(window, &mut scratch).unwrap().probabilities.classes()
    })
    .collect()
}

#[test]
fn state_dict_model_has_pytorch_probabilities() {
    let mut results = tensors(&fixture("results"));
    let x = floats(find(&mut results, "x"));
    for kind in KINDS {
        let expected = floats(find(&mut results, &format!("{kind}.probabilities")));
        let got = probabilities(&*load(kind, &fixture(kind)).unwrap().0, &x).concat();
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(&expected) {
            assert!((got - expected).abs() < 1e-6, "{kind}: {got} {expected}");
        }
    }
}

#[test]
fn state_dict_round_trip_keeps_names_and_shapes() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("state_dicts");
    std::fs::create_dir_all(&out).unwrap();
    for kind in KINDS {
        let (model, written) = load(kind, &fixture(kind)).unwrap();
        // For `round_trip.py check`, which reads them into PyTorch.
        std::fs::write(out.join(format!("{kind}.safetensors")), &written).unwrap();
        let (theirs, ours) = (tensors(&fixture(kind)), tensors(&written));
        let shapes = |all: &[RawTensor]| -> Vec<_> {
            all.iter().map(|raw| (raw.name.clone(), raw.dtype, raw.shape.clone())).collect()
        };
        assert_eq!(shapes(&ours), shapes(&theirs), "{kind}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let bias = ours.name.contains(".bias_");
            assert!(bias || ours.bytes == theirs.bytes, "{kind}: {}", ours.name);
            let zero = ours.name.contains(".bias_hh_");
            assert!(!zero || floats(ours).iter().all(|bias| *bias == 0.0));
        }
        let metadata = SafeTensors::read_metadata(&written).unwrap().1;
        assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");

        let (again, rewritten) = load(kind, &written).unwrap();
        assert_eq!(rewritten, written, "{kind}");
        assert_eq!(again.to_bytes().unwrap(), model.to_bytes().unwrap(), "{kind}");
    }
}

#[test]
fn state_dict_shapes_determine_sizes() {
    let v31 = Network::from_state_dict(&fixture("v31"), &v31::config(), spec(), plain()).unwrap();
    let config: serde_json::Value = v31.to_artifact().unwrap().config().unwrap();
    let expected = r#"{"attention_size":4,"dense":[7,4],"dropout":0.0,"hidden_size":5}"#;
    assert_eq!(config.to_string(), expected);
    let again = windvane_models::from_bytes(&v31.to_bytes().unwrap()).unwrap();
    assert_eq!(again.to_bytes().unwrap(), v31.to_bytes().unwrap());

    let path = folder().join("v32.safetensors");
    let v32 = Network::load_state_dict(&path, &v32::config(), spec(), plain()).unwrap();
    assert_eq!((v32.config().encoder.units(), v32.record()), (8, None));
    let missing =
        Network::load_state_dict("no/such/file", &v32::config(), spec(), plain()).unwrap_err();
    assert!(matches!(missing, LoadError::Io { .. }), "{missing}");
}

#[test]
fn state_dict_rounds_f64_and_keeps_negative_zero() {
    let mut wide = tensors(&fixture("v32"));
    for raw in &mut wide {
        let numbers = floats(raw).into_iter().map(f64::from);
        (raw.bytes, raw.dtype) = (numbers.flat_map(f64::to_le_bytes).collect(), Dtype::F64);
    }
    assert_eq!(load("v32", &file(&wide)).unwrap().1, load("v32", &fixture("v32")).unwrap().1);

    let mut signed = tensors(&fixture("v32"));
    for (name, zero) in [("lstm.bias_ih_l0", -0.0_f32), ("lstm.bias_hh_l0", 0.0)] {
        find(&mut signed, name).bytes[..4].copy_from_slice(&zero.to_le_bytes());
    }
    let back = load("v32", &file(&signed)).unwrap().1;
    let bias = floats(find(&mut tensors(&back), "lstm.bias_ih_l0"));
    assert_eq!(bias[0].to_bits(), (-0.0_f32).to_bits());
}

/// Error of loading a file of a kind with changed tensors.
fn error(kind: &str, change: impl FnOnce(&mut Vec<RawTensor>)) -> String {
    let mut tensors = tensors(&fixture(kind));
    change(&mut tensors);
    load(kind, &file(&tensors)).unwrap_err().to_string()
}

fn zeros(name: &str, shape: &[usize]) -> RawTensor {
    let bytes = vec![0; 4 * shape.iter().product::<usize>()];
    RawTensor { name: name.to_string(), dtype: Dtype::F32, shape: shape.to_vec(), bytes }
}

fn replaced(name: &'static str, shape: &'static [usize]) -> impl FnOnce(&mut Vec<RawTensor>) {
    move |tensors| *find(tensors, name) = zeros(name, shape)
}

#[test]
fn state_dict_errors_name_tensor_and_expectation() {
    let says = |error: String, parts: &[&str]| {
        assert!(parts.iter().all(|part| error.contains(part)), "{parts:?}: {error}");
    };
    let renamed = error("v32", |tensors| {
        for raw in tensors {
            raw.name = raw.name.replace("lstm.", "rnn.");
        }
    });
    says(renamed, &["no tensor lstm.weight_hh_l0", "rnn.weight_hh_l0"]);
    let lost = error("v3", |tensors| tensors.retain(|raw| raw.name != "lstm.bias_hh_l0_reverse"));
    says(lost, &["no tensor lstm.bias_hh_l0_reverse"]);
    let second = error("v32", |tensors| tensors.push(zeros("lstm.weight_ih_l1", &[32, 8])));
    says(second, &["the model has no tensor lstm.weight_ih_l1", "lstm.weight_ih_l0"]);
    let gap = error("v31", |tensors| tensors.retain(|raw| !raw.name.starts_with("fc2.")));
    says(gap, &["fc3", "the model has no tensor"]);
    let headless = error("v31", |tensors| tensors.retain(|raw| !raw.name.starts_with("fc")));
    says(headless, &["no tensor fc1.weight"]);

    let narrow = error("v32", replaced("lstm.weight_ih_l0", &[32, 5]));
    says(narrow, &["spec has 6", "scaler 6", "lstm.weight_ih_l0 5; change the weights"]);
    let line = error("v32", replaced("lstm.weight_ih_l0", &[32]));
    says(line, &["tensor lstm.weight_ih_l0 has shape [32], expected [32, 6]"]);
    let classes = error("v32", replaced("fc.weight", &[2, 8]));
    says(classes, &["tensor fc.weight has shape [2, 8], expected [3, 8]"]);
    let flat = error("v31", replaced("att_v.weight", &[4]));
    says(flat, &["tensor att_v.weight has shape [4], expected [1, 4]"]);
    let empty = error("v32", replaced("lstm.weight_hh_l0", &[0, 8]));
    says(empty, &["tensor lstm.weight_hh_l0 has shape [0, 8], expected [4, 8]"]);
    let scalar = error("v32", replaced("lstm.weight_hh_l0", &[]));
    says(scalar, &["tensor lstm.weight_hh_l0 has shape [], expected [4]"]);
    let claims = error("v32", replaced("lstm.weight_hh_l0", &[1 << 40, 0]));
    says(claims, &["hidden"]);

    let whole = error("v32", |tensors| {
        let raw = find(tensors, "fc.bias");
        (raw.dtype, raw.bytes) = (Dtype::I64, vec![0; 24]);
    });
    says(whole.clone(), &["tensor fc.bias is I64, expected F64, F32, F16 or BF16"]);
    assert!(!whole.contains("float()"), "float() does not convert integers: {whole}");
    // The counter of a layer that the model does not have: its name is the problem, not its type.
    let counter = error("v32", |tensors| {
        let bytes = vec![0; 8];
        let name = "bn.num_batches_tracked".to_string();
        tensors.push(RawTensor { name, dtype: Dtype::I64, shape: vec![], bytes });
    });
    says(counter, &["the model has no tensor bn.num_batches_tracked"]);
}

#[test]
fn state_dict_converts_half_precision() {
    let mut all = tensors(&fixture("v32"));
    // The upper half of an f32 is a bf16.
    for raw in &mut all {
        let (words, _) = raw.bytes.as_chunks::<4>();
        raw.bytes = words.iter().flat_map(|word| [word[2], word[3]]).collect();
        raw.dtype = Dtype::BF16;
    }
    let narrow = load("v32", &file(&all)).unwrap().0;
    let mut results = tensors(&fixture("results"));
    let x = floats(find(&mut results, "x"));
    let exact = probabilities(&*load("v32", &fixture("v32")).unwrap().0, &x);
    for (got, expected) in probabilities(&*narrow, &x).concat().iter().zip(exact.concat()) {
        assert!((got - expected).abs() < 0.02, "{got} {expected}");
    }
    // −2, 1 and 0.5 as f16.
    let raw = find(&mut all, "fc.bias");
    (raw.dtype, raw.bytes) = (Dtype::F16, vec![0x00, 0xc0, 0x00, 0x3c, 0x00, 0x38]);
    let back = load("v32", &file(&all)).unwrap().1;
    assert_eq!(floats(find(&mut tensors(&back), "fc.bias")), [-2.0, 1.0, 0.5]);
}

#[test]
fn state_dict_prefix_is_named_and_stripped() {
    let whole = load("v32", &fixture("v32")).unwrap().1;
    for prefix in ["module.", "_orig_mod.", "model.", "module._orig_mod."] {
        let mut all = tensors(&fixture("v32"));
        for raw in &mut all {
            raw.name = format!("{prefix}{}", raw.name);
        }
        let bytes = file(&all);
        let error = load("v32", &bytes).unwrap_err().to_string();
        let hint = format!("the names begin with {prefix}: pass it");
        assert!(error.contains(&hint), "{error}");
        let read = |prefix| {
            let like = v32::config();
            Network::from_state_dict_with_prefix(&bytes, prefix, &like, spec(), plain())
        };
        assert_eq!(read(prefix).unwrap().to_state_dict().unwrap(), whole);
        assert!(read("other.").is_err());
    }
    let mut twice = tensors(&fixture("v32"));
    twice.push(zeros("module.fc.bias", &[3]));
    let like = v32::config();
    let twice = file(&twice);
    let error = Network::from_state_dict_with_prefix(&twice, "module.", &like, spec(), plain());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("two tensors are named fc.bias"), "{error}");
}

#[test]
fn state_dict_shared_tensor_is_read_under_both_names() {
    let whole = load("v32", &fixture("v32")).unwrap().1;
    let mut all = tensors(&fixture("v32"));
    // `save_model` kept the other of two names of a shared tensor.
    find(&mut all, "fc.weight").name = "tied.weight".into();
    let with_alias = |metadata: Option<(&str, &str)>| {
        let views = all.iter().map(|raw| {
            let view = TensorView::new(raw.dtype, raw.shape.clone(), &raw.bytes);
            (raw.name.clone(), view.unwrap())
        });
        let metadata = metadata
            .map(|(other, kept)| std::iter::once((other.to_string(), kept.to_string())).collect());
        load("v32", &safetensors::serialize(views, metadata).unwrap())
    };
    assert_eq!(with_alias(Some(("fc.weight", "tied.weight"))).unwrap().1, whole);
    for unknown in [None, Some(("fc.weight", "lost.weight"))] {
        let error = with_alias(unknown).unwrap_err().to_string();
        assert!(error.contains("no tensor fc.weight"), "{error}");
    }
}

#[test]
fn state_dict_non_finite_weights_are_named() {
    let spoilt = |name: &'static str, numbers: Vec<u8>, dtype| {
        error("v32", move |tensors| {
            let raw = find(tensors, name);
            raw.dtype = dtype;
            raw.bytes = numbers;
        })
    };
    let nan: Vec<u8> = [0.0, f32::NAN, 0.0].iter().flat_map(|n| n.to_le_bytes()).collect();
    let got = spoilt("fc.bias", nan, Dtype::F32);
    assert!(got.contains("tensor fc.bias has NaN at index 1"), "{got}");
    let large: Vec<u8> = [0.0, 0.0, 1e300].iter().flat_map(|n: &f64| n.to_le_bytes()).collect();
    let got = spoilt("fc.bias", large, Dtype::F64);
    assert!(got.contains("tensor fc.bias has 1000000") && got.contains("index 2"), "{got}");
    let got = error("v32", |tensors| {
        for name in ["lstm.bias_ih_l0", "lstm.bias_hh_l0"] {
            find(tensors, name).bytes[8..12].copy_from_slice(&f32::MAX.to_le_bytes());
        }
    });
    assert!(got.contains("tensor lstm.bias_hh_l0 has inf at index 2"), "{got}");
}

#[test]
fn state_dict_rejects_mismatched_spec_and_scaler() {
    let narrow = Scaler::from_parts(vec![0.0; 5], vec![1.0; 5], 5.0).unwrap();
    let error =
        Network::from_state_dict(&fixture("v32"), &v32::config(), spec(), narrow).unwrap_err();
    assert!(error.to_string().contains("change the scaler"), "{error}");
    assert!(matches!(error, LoadError::Channels { spec: 6, scaler: 5, weights: 6, .. }));
    let mut few = spec();
    few.signals.channels.truncate(2);
    let error = Network::from_state_dict(&fixture("v32"), &v32::config(), few.clone(), plain())
        .unwrap_err();
    assert!(error.to_string().contains("spec has 2 channels, the scaler 6"), "{error}");
    assert!(error.to_string().contains("change the spec"), "{error}");
    let narrow = Scaler::from_parts(vec![0.0; 3], vec![1.0; 3], 5.0).unwrap();
    let error = Network::from_state_dict(&fixture("v32"), &v32::config(), few, narrow).unwrap_err();
    assert!(error.to_string().contains("no two of them agree"), "{error}");
    let endless = ModelSpec { lookback: 1 << 40, ..spec() };
    let error =
        Network::from_state_dict(&fixture("v32"), &v32::config(), endless, plain()).unwrap_err();
    assert!(
        matches!(error, LoadError::Signal(SignalError::Setting { setting: "lookback", .. })),
        "{error}"
    );
    // A saved model is not a state_dict, and a state_dict is not a saved model.
    let saved = load("v32", &fixture("v32")).unwrap().0.to_bytes().unwrap();
    assert!(matches!(load("v32", &saved), Err(LoadError::MissingTensor { .. })));
    let error = Network::from_bytes(&fixture("v32")).unwrap_err().to_string();
    assert!(error.contains("no windvane metadata; read a state_dict with load_state_dict"));
}

#[test]
fn state_dict_error_for_torch_save_file_names_remedy() {
    // First bytes of a zip archive, and of a pickle of PyTorch before 1.6.
    for head in [&b"PK\x03\x04"[..], b"\x80\x02\x8a\x0a"] {
        let bytes = [head, &[7; 300]].concat();
        let errors = [
            Network::from_bytes(&bytes),
            Network::from_state_dict(&bytes, &v32::config(), spec(), plain()),
        ];
        for error in errors.map(|loaded| loaded.unwrap_err().to_string()) {
            assert!(error.contains("save the state_dict with safetensors"), "{error}");
        }
    }
    let cut = Network::from_bytes(&fixture("v32")[..40]).unwrap_err().to_string();
    assert!(!cut.contains("torch"), "{cut}");
}

/// Creates a tensor `[rows, …]` of f32.
fn rows(name: &str, shape: &[usize], numbers: &[f32]) -> RawTensor {
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    RawTensor { name: name.to_string(), dtype: Dtype::F32, shape: shape.to_vec(), bytes }
}

#[test]
fn state_dict_head_remedy_gives_same_probabilities() {
    let mut results = tensors(&fixture("results"));
    let x = floats(find(&mut results, "x"));
    // p(UP) / (p(UP) + p(DOWN)) of three classes is p(UP) of a head with two outputs.
    let three = probabilities(&*load("v32", &fixture("v32")).unwrap().0, &x);
    let mut v32 = tensors(&fixture("v32"));
    let (w, b) = (floats(find(&mut v32, "fc.weight")), floats(find(&mut v32, "fc.bias")));
    let with_head = |w: &[f32], b: &[f32]| {
        let mut tensors = v32.clone();
        *find(&mut tensors, "fc.weight") = rows("fc.weight", &[b.len(), 8], w);
        *find(&mut tensors, "fc.bias") = rows("fc.bias", &[b.len()], b);
        load("v32", &file(&tensors))
    };
    let check = |w: &[f32], b: &[f32]| {
        let got = probabilities(
            &*with_head(&[w, &[0.0; 8]].concat(), &[b, &[-30.0]].concat()).unwrap().0,
            &x,
        );
        assert_eq!(got.len(), three.len());
        for (got, [up, down, _]) in got.iter().zip(&three) {
            assert!((got[0] - up / (up + down)).abs() < 1e-6, "{got:?} {up} {down}");
            assert!(got[2] < 1e-9, "{got:?}");
        }
    };
    let error = with_head(&w[..16], &b[..2]).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("a third row of zeros with bias -30"), "{error}");
    check(&w[..16], &b[..2]);

    // One output whose sigmoid is the same probability.
    let one: Vec<f32> = (0..8).map(|unit| w[unit] - w[8 + unit]).collect();
    let bias = b[0] - b[1];
    let error = with_head(&one, &[bias]).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("rows w/2, -w/2, zeros and the biases b/2, -b/2, -30"), "{error}");
    let half = |sign: f32| one.iter().map(move |w| sign * w / 2.0);
    check(&half(1.0).chain(half(-1.0)).collect::<Vec<_>>(), &[bias / 2.0, -bias / 2.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn state_dict_mutated_file_needs_little_memory(
        kind in prop::sample::select(&KINDS[..]),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = fixture(kind);
        for (at, byte) in flips {
            // Most bytes are weights, so half of the changes are directed to the header.
            let length = if byte % 2 == 0 { bytes.len() } else { 900 };
            bytes[at.index(length)] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let memory = allocation_counter::measure(|| { let _ = load(kind, &bytes); });
        prop_assert!(memory.bytes_max <= 32 * bytes.len() as u64 + 65_536, "{memory:?}");
    }
}
