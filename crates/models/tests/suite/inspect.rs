//! Inspection of networks: traces against predictions and `PyTorch`, units, gradients, occlusion.
use crate::common;

use std::sync::Arc;

use common::{market, models, quick_v2, quick_v3, quick_v31, with_parts};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Interval, Timestamp};
use windvane_models::explain::LayerActivity;
use windvane_models::network::Network;
use windvane_models::{
    DirectionModel, FittedModel, ModelId, ModelSpec, Occlusion, PredictError, Prediction, Scratch,
    TrainError,
};
use windvane_models::{v3, v31, v32};
use windvane_signals::{LabelSpec, Scaler, SignalSpec, Window};
use windvane_testing::{TensorFile, Unsupported, assert_close, golden_dir, json};

const CLASSES: usize = 3;

fn window(rows: &[f64], width: usize) -> Window<'_> {
    Window::new(rows, width, Timestamp::from_millis(0)).unwrap()
}

fn softmax(logits: [f32; CLASSES]) -> [f64; CLASSES] {
    let exp = logits.map(|logit| f64::from(logit).exp());
    exp.map(|e| e / exp.iter().sum::<f64>())
}

#[test]
fn trace_equals_prediction() {
    let series = market(MarketModel::AR1, 2_000, 1);
    let v2: &dyn FittedModel = &quick_v2(&series);
    assert!(v2.downcast_ref::<Network>().is_none());
    let mut networks = 0;
    for model in models() {
        let Some(network) = (*model).downcast_ref::<Network>() else { continue };
        networks += 1;
        with_parts(&series, |_, _, test| {
            let mut scratch = model.scratch();
            for sample in test.samples().iter().step_by(13) {
                let window = test.window(sample);
                let trace = network.trace(window).unwrap();
                let predicted = model.predict(window, &mut scratch).unwrap();
                let pairs = [&trace.prediction, &predicted].map(|p| p.probabilities.classes());
                for (traced, predicted) in pairs[0].iter().zip(pairs[1]) {
                    assert!((traced - predicted).abs() < 1e-6, "{}: {pairs:?}", model.id());
                }
                assert_eq!(trace.prediction.direction, predicted.direction);
                for (index, value) in window.values().iter().enumerate() {
                    let scaled = model.scaler().unwrap().apply(index % 6, *value) as f32;
                    assert_eq!(trace.scaled[index].to_bits(), scaled.to_bits());
                }
                check_layers(&trace, window.steps());
            }
        });
    }
    assert!(networks >= 8, "every preset and another network have traces");
}

fn check_layers(trace: &windvane_models::explain::Trace, steps: usize) {
    for lstm in &trace.lstms {
        let len = steps * lstm.hidden_size;
        assert!([&lstm.cell, &lstm.hidden].iter().all(|values| values.len() == len));
        for (gate, values) in lstm.gates.iter().enumerate() {
            let lowest = if gate == 2 { -1.0 } else { 0.0 };
            assert_eq!(values.len(), len);
            assert!(values.iter().all(|v| (lowest..=1.0).contains(v)), "{values:?}");
        }
        // h = o tanh c for every row and unit.
        for (index, hidden) in lstm.hidden.iter().enumerate() {
            let expected = lstm.gates[3][index] * lstm.cell[index].tanh();
            assert!((hidden - expected).abs() < 1e-6);
        }
    }
    assert!(trace.dense.iter().flat_map(|layer| &layer.outputs).all(|output| *output >= 0.0));
    if let Some(attention) = &trace.attention {
        assert_eq!(attention.len(), steps);
        assert!(attention.iter().all(|weight| *weight >= 0.0));
        assert!((attention.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}

#[test]
fn trace_attention_equals_model_attention() {
    let series = market(MarketModel::AR1, 2_000, 1);
    let v31 = quick_v31(&series);
    with_parts(&series, |_, _, test| {
        let mut scratch = v31.scratch();
        for sample in test.samples().iter().step_by(29) {
            let window = test.window(sample);
            let trace = v31.trace(window).unwrap();
            let expected = v31.attention(window, &mut scratch).unwrap().unwrap();
            for (traced, expected) in trace.attention.unwrap().iter().zip(expected) {
                assert!((traced - expected).abs() < 1e-6);
            }
        }
    });
}

/// Name of a golden tensor in a `state_dict`.
fn pytorch(name: &str) -> String {
    let (layer, tensor) = name.split_once('.').unwrap();
    match (layer, tensor) {
        ("att", "v") => "att_v.weight".to_string(),
        (_, "w") => format!("{layer}.weight"),
        (_, "b") => format!("{layer}.bias"),
        _ => {
            let tensor = tensor.replace("w_", "weight_").replace("b_", "bias_");
            format!("{layer}.{}", tensor.replace("ih", "ih_l0").replace("hh", "hh_l0"))
        }
    }
}

fn state_dict(golden: &TensorFile) -> Vec<u8> {
    let layers = ["lstm", "att", "fc"];
    let own = golden
        .names()
        .filter(|name| name.contains('.') && layers.iter().any(|layer| name.starts_with(layer)));
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = own
        .map(|name| {
            let (tensor, renamed) = (golden.get(name), pytorch(name));
            let bytes = tensor.data.iter().flat_map(|number| number.to_le_bytes()).collect();
            let shape =
                if name == "att.v" { vec![1, tensor.data.len()] } else { tensor.shape.clone() };
            (renamed, shape, bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name.clone(), TensorView::new(Dtype::F64, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

fn spec(channels: usize, lookback: usize) -> ModelSpec {
    let mut signals = SignalSpec::default();
    signals.channels.truncate(channels);
    ModelSpec { signals, interval: Interval::HOUR, lookback, labels: LabelSpec::default() }
}

fn plain(channels: usize) -> Scaler {
    Scaler::from_parts(vec![0.0; channels], vec![1.0; channels], 1e3).unwrap()
}

fn load(kind: &str, bytes: &[u8], spec: ModelSpec) -> Option<Network> {
    let like = match kind {
        "v3" => v3::config(),
        "v31" | "v31_deep" => v31::config(),
        "v32" => v32::config(),
        _ => return None,
    };
    let scaler = plain(spec.signals.width());
    Some(Network::from_state_dict(bytes, &like, spec, scaler).unwrap())
}

#[test]
fn golden_trace_logits_and_attention() {
    let dir = golden_dir("b_models");
    let mut cases = Unsupported::new("b_models, traced");
    for case in json(&dir.join("index.json")).as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        let golden = TensorFile::read(&dir.join(format!("{name}.f64.safetensors")));
        if golden.find("dropout_mask").is_some() {
            cases.skip(name, "dropout masks, which prediction has not");
            continue;
        }
        let size = |key: &str| usize::try_from(case[key].as_u64().unwrap()).unwrap();
        let (inputs, steps) = (size("inputs"), size("steps"));
        let (kind, spec) = (case["model"].as_str().unwrap(), spec(inputs, steps));
        let Some(model) = load(kind, &state_dict(&golden), spec) else {
            cases.skip(name, "a network of another kind");
            continue;
        };
        let (mut logits, mut attention) = (Vec::new(), Vec::new());
        for rows in golden.get("x").data.chunks_exact(steps * inputs) {
            let trace = model.trace(window(rows, inputs)).unwrap();
            logits.extend(trace.logits.map(f64::from));
            attention.extend(trace.attention.into_iter().flatten().map(f64::from));
        }
        assert_close(&logits, &golden.get("logits").data, 1e-5, 0.0, name);
        match golden.find("attention") {
            Some(expected) => assert_close(&attention, &expected.data, 1e-5, 0.0, name),
            None => assert!(attention.is_empty(), "{name}"),
        }
        cases.ran();
    }
}

/// The model with a dead unit of `fc1`, an LSTM unit with an open forget gate, and a reverse LSTM
/// unit with a closed output gate.
fn broken(model: &Network, dead: usize) -> Network {
    let dict = model.to_state_dict().unwrap();
    let file = SafeTensors::deserialize(&dict).unwrap();
    let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = file
        .iter()
        .map(|(name, view)| {
            let numbers = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
            (name.to_string(), view.shape().to_vec(), numbers.collect())
        })
        .collect();
    let mut set = |name: &str, index: usize, value: f32| {
        let tensor = tensors.iter_mut().find(|(other, ..)| other == name).unwrap();
        tensor.2[index] = value;
    };
    // Hidden size 12, gates i, f, g, o: row 12 is unit 0's forget gate, row 38 unit 2's output gate.
    set("fc1.bias", dead, -100.0);
    set("lstm.bias_ih_l0", 12, 100.0);
    set("lstm.bias_ih_l0_reverse", 38, -100.0);
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(.., numbers)| numbers.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    let bytes = safetensors::serialize(views, None).unwrap();
    let scaler = model.scaler().unwrap().clone();
    Network::from_state_dict(&bytes, &v31::config(), model.spec().clone(), scaler).unwrap()
}

#[test]
fn activity_finds_dead_units_and_stuck_gates() {
    let series = market(MarketModel::AR1, 2_000, 1);
    let model = quick_v31(&series);
    let (before, after, dead) = with_parts(&series, |_, _, test| {
        let some = test.filtered(|sample| sample.row().is_multiple_of(7));
        let of = |model: &Network| LayerActivity::measure(model, &some).unwrap();
        let few = test.filtered(|sample| sample.row() == test.samples()[0].row());
        let error = LayerActivity::measure(&model, &few).unwrap_err();
        assert!(matches!(error, TrainError::TooFewWindows { got: 1, .. }), "{error}");
        let before = of(&model);
        let alive = (0..8).find(|unit| !before[2].dead.contains(unit)).unwrap();
        (before, of(&broken(&model, alive)), alive)
    });
    let names: Vec<_> = after.iter().map(|layer| (layer.layer.as_str(), layer.units)).collect();
    assert_eq!(names, [("lstm", 12), ("lstm reverse", 12), ("fc1", 8), ("fc2", 5)]);
    assert!(after[2].dead.contains(&dead), "{after:?}");
    assert!(!before[1].dead.contains(&2) && after[1].dead.contains(&2), "{after:?}");
    let gates = |all: &[LayerActivity], layer: usize| all[layer].gates.unwrap();
    let stuck = |all: &[LayerActivity], layer, gate: usize| gates(all, layer)[gate].stuck;
    assert_eq!([stuck(&before, 0, 1), stuck(&after, 0, 1)], [0, 1]);
    assert_eq!([stuck(&before, 1, 3), stuck(&after, 1, 3)], [0, 1]);
    // One of twelve units is always open.
    let risen = gates(&after, 0)[1].high - gates(&before, 0)[1].high;
    assert!((risen - 1.0 / 12.0).abs() < 0.02, "{risen}");
    assert!(gates(&after, 1)[3].low >= 1.0 / 12.0);
    for layer in &after {
        let gates = layer.gates.iter().flatten();
        assert!(gates.clone().all(|gate| gate.low + gate.high <= 1.0 && gate.mean.abs() <= 1.0));
    }
}

#[test]
fn gradient_norm_of_head_bias_is_mean_probability_error() {
    let series = market(MarketModel::AR1, 2_000, 1);
    let v3 = quick_v3(&series);
    with_parts(&series, |train, _, _| {
        // More than one chunk, and a part of one.
        let some = train.filtered(|sample| sample.row() < 200);
        let mut error = [0.0; CLASSES];
        for sample in some.samples() {
            let predicted = softmax(v3.trace(some.window(sample)).unwrap().logits);
            for (class, (error, p)) in error.iter_mut().zip(predicted).enumerate() {
                let happened = f64::from(u8::from(sample.label().index() == class));
                *error += (p - happened) / some.len() as f64;
            }
        }
        let expected = error.iter().map(|e| e * e).sum::<f64>().sqrt();
        let norms = v3.gradient_norms(&some).unwrap();
        let names: Vec<_> = norms.iter().map(|norm| norm.tensor.as_str()).collect();
        assert_eq!(names[..3], ["lstm.w_ih", "lstm.w_hh", "lstm.b"]);
        assert_eq!(names[3..6], ["lstm.w_ih_reverse", "lstm.w_hh_reverse", "lstm.b_reverse"]);
        assert_eq!(names[6..], ["fc.w", "fc.b"]);
        let got = norms[7].gradient;
        assert!((got - expected).abs() < 1e-5 * expected.max(1e-2), "{got} {expected}");
        assert!(norms.iter().all(|norm| norm.gradient > 0.0 && norm.weights > 0.0));
        let none = v3.gradient_norms(&train.filtered(|_| false)).unwrap_err();
        assert!(matches!(none, TrainError::TooFewWindows { .. }), "{none}");
    });
}

#[test]
fn occlusion_effect_has_sign_of_channel_contribution() {
    let series = market(MarketModel::AR1, 2_000, 1);
    let v2 = quick_v2(&series);
    with_parts(&series, |_, _, test| {
        let window = test.window(&test.samples()[10]);
        let whole = v2.predict(window, &mut v2.scratch()).unwrap().probabilities.margin();
        let effects = Occlusion::measure(&v2, window).unwrap();
        let weights = v2.weights().iter();
        for (channel, (weight, got)) in weights.zip(&effects).enumerate() {
            let scaler = v2.scaler().unwrap();
            assert_eq!(got.held_at.to_bits(), scaler.centre(channel).to_bits());
            assert_eq!(got.effect.to_bits(), (whole - got.margin).to_bits());
            // v2 with manual weights is a monotonic function of the weighted sum of channels.
            let contribution = scaler.apply(channel, window.row(19)[channel]) * f64::from(*weight);
            assert_eq!(contribution > 0.0, got.effect > 1e-6, "{got:?}");
            assert_eq!(contribution < 0.0, got.effect < -1e-6, "{got:?}");
        }
    });
}

/// A model of another crate without a scaler: the margin is the last value of the first channel.
#[derive(Debug)]
struct FirstChannel(ModelId, ModelSpec);

impl FittedModel for FirstChannel {}

impl DirectionModel for FirstChannel {
    fn id(&self) -> &ModelId {
        &self.0
    }

    fn spec(&self) -> &ModelSpec {
        &self.1
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
        self.1.check(&window)?;
        let margin = window.row(window.steps() - 1)[0] as f32;
        let classes = [0.5 + margin / 2.0, 0.5 - margin / 2.0, 0.0];
        Prediction::new(classes, window.decided_at(), 1, &self.0)
    }
}

#[test]
fn occlusion_without_scaler_uses_window_mean() {
    let model: Arc<dyn FittedModel> = Arc::new(FirstChannel(ModelId::new("plain"), spec(2, 3)));
    assert!((*model).downcast_ref::<Network>().is_none() && model.scaler().is_none());
    let rows = [0.0, 7.0, 0.3, 8.0, 0.6, 9.0];
    let effects = Occlusion::measure(&model, window(&rows, 2)).unwrap();
    assert!((effects[0].held_at - 0.3).abs() < 1e-12 && (effects[1].held_at - 8.0).abs() < 1e-12);
    assert!((effects[0].effect - 0.3).abs() < 1e-6, "{effects:?}");
    assert!(effects[1].effect.abs() < 1e-9, "{effects:?}");
    let wrong = Occlusion::measure(&model, window(&rows, 3)).unwrap_err();
    assert!(matches!(wrong, PredictError::WindowShape { .. }), "{wrong}");
}
