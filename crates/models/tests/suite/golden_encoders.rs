//! Networks of a GRU, a temporal convolutional network and a transformer, read from `state_dict`s
//! of `PyTorch`.
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;
use windvane_candles::{Interval, Timestamp};
use windvane_models::network::{Encoder, Network, NetworkConfig};
use windvane_models::{DirectionModel, FittedModel, ModelSpec, gru, tcn, transformer};
use windvane_signals::{ChannelSpec, LabelSpec, Scaler, SignalSpec, Window};
use windvane_testing::{TensorFile, Unsupported, assert_close, golden_dir, json};

#[test]
fn golden_encoders_from_state_dict_have_pytorch_probabilities() {
    let dir = golden_dir("j_models");
    let mut cases = Unsupported::new("j_models");
    for case in json(&dir.join("index.json"))["cases"].as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        let Some(like) = config(case) else {
            cases.skip(name, "a network that is not a preset");
            continue;
        };
        check(case, &like, &TensorFile::read(&dir.join(format!("{name}.f64.safetensors"))));
        cases.ran();
    }
}

fn size(case: &Value, key: &str) -> usize {
    usize::try_from(case[key].as_u64().unwrap()).unwrap()
}

/// Returns the preset of a case; the sizes that tensors determine are left at their defaults.
fn config(case: &Value) -> Option<NetworkConfig> {
    match case["model"].as_str()? {
        "gru" => Some(gru::config()),
        "tcn" => Some(tcn::config()),
        "transformer" => {
            let mut config = transformer::config();
            if let Encoder::Transformer { heads, .. } = &mut config.encoder {
                *heads = size(case, "heads");
            }
            Some(config)
        }
        _ => None,
    }
}

/// Returns the bytes of a `state_dict` of the weights in a golden file.
fn state_dict(file: &TensorFile) -> Vec<u8> {
    let results = ["x", "target", "logits", "softmax", "loss"];
    let weights = file.names().filter(|name| !results.contains(name) && !name.starts_with("grad."));
    let tensors: Vec<(&str, Vec<usize>, Vec<u8>)> = weights
        .map(|name| {
            let tensor = file.get(name);
            let bytes = tensor.data.iter().flat_map(|number| number.to_le_bytes()).collect();
            (name, tensor.shape.clone(), bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (*name, TensorView::new(Dtype::F64, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

fn check(case: &Value, like: &NetworkConfig, file: &TensorFile) {
    let name = case["case"].as_str().unwrap();
    let (channels, lookback) = (size(case, "inputs"), size(case, "steps"));
    let default = SignalSpec::default();
    let names: Vec<ChannelSpec> = default.channels.iter().cloned().cycle().take(channels).collect();
    let signals = SignalSpec { channels: names, ..default };
    let (interval, labels) = (Interval::HOUR, LabelSpec::default());
    let spec = ModelSpec { signals, interval, lookback, labels };
    // The windows are scaled already.
    let scaler = Scaler::from_parts(vec![0.0; channels], vec![1.0; channels], 1e6).unwrap();
    let model =
        Network::from_state_dict(&state_dict(file), like, spec.clone(), scaler.clone()).unwrap();

    let x = &file.get("x").data;
    let window = |rows| Window::new(rows, channels, Timestamp::from_millis(0)).unwrap();
    let windows: Vec<Window<'_>> = x.chunks(lookback * channels).map(window).collect();
    let mut scratch = model.scratch();
    let alone: Vec<_> =
        windows.iter().map(|window| model.predict(*window, &mut scratch).unwrap()).collect();
    let got: Vec<f64> = alone
        .iter()
        .flat_map(|prediction| prediction.probabilities.classes().map(f64::from))
        .collect();
    assert_close(&got, &file.get("softmax").data, 1e-5, 0.0, name);
    let mut batch = Vec::new();
    model.predict_batch(&windows, &mut scratch, &mut batch).unwrap();
    assert_eq!(batch, alone, "{name}");

    let written = model.to_state_dict().unwrap();
    let again = Network::from_state_dict(&written, like, spec, scaler).unwrap();
    assert_eq!(again.to_state_dict().unwrap(), written, "{name}");
    let saved = model.to_bytes().unwrap();
    assert_eq!(Network::from_bytes(&saved).unwrap().to_bytes().unwrap(), saved, "{name}");
}
