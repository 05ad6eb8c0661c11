//! Gradients against finite differences, dropout, and truncated sequences with a carried state.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
use windvane_lstm_core::{CrossEntropy, Init, LstmStart};

use super::{DropoutSeed, NetworkCache};
use crate::network::{Encoder, Layers, NetworkConfig, Pooling, WindowShape};

const HIDDEN: usize = 5;
const CHANNELS: usize = 4;
const STEPS: usize = 5;

fn layers(config: &NetworkConfig) -> Layers {
    Layers::new(config, &WindowShape::new(STEPS, CHANNELS), 3).unwrap()
}

fn lstm(bidirectional: bool) -> NetworkConfig {
    NetworkConfig::new(Encoder::Lstm { units: HIDDEN, bidirectional })
}

fn attended(bidirectional: bool, dense: &[usize], dropout: f64) -> Layers {
    let pooling = Pooling::Attention { units: 3 };
    let config = NetworkConfig { pooling, dense: dense.to_vec(), dropout, ..lstm(bidirectional) };
    layers(&config)
}

#[test]
fn gradients_of_v3_equal_finite_differences() {
    check_gradients(&layers(&lstm(true)), None);
}

#[test]
fn gradients_of_v31_equal_finite_differences() {
    for dense in [&[][..], &[6], &[6, 4]] {
        check_gradients(&attended(true, dense, 0.0), None);
    }
}

#[test]
fn gradients_of_v32_equal_finite_differences() {
    check_gradients(&layers(&lstm(false)), None);
}

#[test]
fn gradients_of_other_networks_equal_finite_differences() {
    check_gradients(&attended(false, &[6], 0.0), None);
    let config = NetworkConfig { dense: vec![6, 4], ..lstm(false) };
    check_gradients(&layers(&config), None);
}

#[test]
fn gradients_of_gru_tcn_and_transformer_equal_finite_differences() {
    let encoders = [
        Encoder::Gru { units: HIDDEN, bidirectional: false },
        Encoder::Gru { units: HIDDEN, bidirectional: true },
        Encoder::Tcn { channels: 3, blocks: 2 },
        Encoder::Transformer { size: 4, heads: 2, feed_forward: 5, layers: 2 },
    ];
    for encoder in encoders {
        for pooling in [Pooling::LastStep, Pooling::Mean, Pooling::Attention { units: 3 }] {
            let config = NetworkConfig { pooling, dense: vec![6], ..NetworkConfig::new(encoder) };
            check_gradients(&layers(&config), None);
        }
    }
}

#[test]
fn gradients_of_mlp_equal_finite_differences() {
    let config = NetworkConfig { dense: vec![6, 4], ..NetworkConfig::new(Encoder::Flat) };
    let draw = DropoutSeed { seed: 1, epoch: 2, index: 3 };
    check_gradients(&layers(&config), None);
    check_gradients(&layers(&NetworkConfig { dropout: 0.3, ..config }), Some(draw));
    check_gradients(&layers(&NetworkConfig::new(Encoder::Flat)), None);
}

#[test]
fn gradients_with_dropout_equal_finite_differences() {
    let draw = DropoutSeed { seed: 1, epoch: 2, index: 3 };
    check_gradients(&attended(true, &[6, 4], 0.3), Some(draw));
}

#[test]
fn dropout_acts_in_training_only() {
    let layers = attended(true, &[6, 4], 0.5);
    let mut weights = vec![0.0; layers.weight_count()];
    layers.init(Init::XavierUniform, 1.0, 1, &mut weights).unwrap();
    let x: Vec<f64> = (0..40).map(|i| f64::from(i).sin()).collect();
    let logits = |draw| {
        let mut cache = NetworkCache::default();
        layers.forward(&weights, &x, 2, draw, &mut cache).unwrap().to_vec()
    };
    let [one, two] = [1, 2].map(|index| Some(DropoutSeed { seed: 1, epoch: 0, index }));
    assert_eq!(logits(None), logits(None));
    assert_eq!(logits(one), logits(one));
    assert_ne!(logits(one), logits(two));
    assert_ne!(logits(one), logits(None));
}

/// Returns `count` numbers of a sine wave of the given amplitude.
fn waves(count: usize, phase: f64, amplitude: f64) -> Vec<f64> {
    (0..count).map(|i| amplitude * (i as f64 * 1.7 + phase).sin()).collect()
}

/// Compares a network's gradients with central differences in f64.
fn check_gradients(layers: &Layers, draw: Option<DropoutSeed>) {
    let (steps, targets) = (STEPS, [0, 2, 1]);
    let mut weights = waves(layers.weight_count(), 0.3, 0.4);
    let x = waves(steps * targets.len() * CHANNELS, 0.0, 1.0);
    let loss = CrossEntropy { classes: layers.classes(), weights: None, smoothing: 0.0 };
    let mut cache = NetworkCache::default();
    let mut value = |weights: &[f64], d_weights: Option<&mut [f64]>| {
        let logits = layers.forward(weights, &x, targets.len(), draw, &mut cache).unwrap();
        let mut d_logits = vec![0.0; logits.len()];
        let value = loss.add(logits, &targets, targets.len() as f64, &mut d_logits).unwrap();
        if let Some(d_weights) = d_weights {
            layers.backward(weights, &x, &d_logits, &mut cache, d_weights).unwrap();
        }
        value
    };
    let mut d_weights = vec![0.0; weights.len()];
    value(&weights, Some(&mut d_weights));
    compare(&mut weights, &d_weights, |weights| value(weights, None));
}

/// Compares a gradient with the central differences of `loss` around `weights`.
fn compare(weights: &mut [f64], gradient: &[f64], mut loss: impl FnMut(&[f64]) -> f64) {
    let step = 1e-5;
    for index in 0..weights.len() {
        let middle = weights[index];
        weights[index] = middle + step;
        let above = loss(weights);
        weights[index] = middle - step;
        let below = loss(weights);
        weights[index] = middle;
        let slope = (above - below) / (2.0 * step);
        let got = gradient[index];
        let difference = (slope - got).abs();
        assert!(difference <= 1e-6 * slope.abs().max(1e-2), "{index}: {slope}, got {got}");
    }
}

fn stateful() -> [Layers; 2] {
    let gru = Encoder::Gru { units: HIDDEN, bidirectional: false };
    [lstm(false), NetworkConfig::new(gru)]
        .map(|config| layers(&NetworkConfig { stateful: true, ..config }))
}

#[test]
fn gradients_of_a_truncated_sequence_equal_finite_differences() {
    stateful().iter().for_each(check_truncated);
}

/// Compares the gradients of a sequence that starts from a given state with central differences.
fn check_truncated(layers: &Layers) {
    let (batch, steps) = (3, 6);
    let mut weights = waves(layers.weight_count(), 0.3, 0.5);
    let x = waves(steps * batch * CHANNELS, 0.0, 0.5);
    let (hidden, cell) = (waves(batch * HIDDEN, 1.0, 0.5), waves(batch * HIDDEN, 2.0, 0.5));
    // The first and the last step of sequence 0, four steps of sequence 1, one of sequence 2.
    let (selected, targets) = ([0, 1, 4, 5, 7, 13, 15], [0, 2, 1, 0, 1, 2, 0]);
    let loss = CrossEntropy { classes: 3, weights: None, smoothing: 0.0 };
    let mut cache = NetworkCache::default();
    let mut value = |weights: &[f64], d_weights: Option<&mut [f64]>| {
        let start = LstmStart { hidden: &hidden, cell: &cell };
        let logits = layers.forward_from(weights, &x, start, &selected, None, &mut cache).unwrap();
        let mut d_logits = vec![0.0; logits.len()];
        let value = loss.add(logits, &targets, 20.0, &mut d_logits).unwrap();
        if let Some(into) = d_weights {
            layers.backward_from(weights, &x, &selected, &d_logits, &mut cache, into).unwrap();
        }
        value
    };
    let mut d_weights = vec![0.0; weights.len()];
    value(&weights, Some(&mut d_weights));
    compare(&mut weights, &d_weights, |weights| value(weights, None));
}

#[test]
fn truncated_sequences_with_carried_state_equal_one_long_pass() {
    stateful().iter().for_each(check_carried_state);
}

/// Compares the logits of pieces of a sequence with those of one pass.
fn check_carried_state(layers: &Layers) {
    let (batch, steps) = (2, 12);
    let weights = waves(layers.weight_count(), 0.3, 0.5);
    let x = waves(steps * batch * CHANNELS, 0.0, 0.5);
    let zeros = vec![0.0; batch * HIDDEN];
    let selected: Vec<usize> = (0..steps * batch).collect();
    let mut whole = NetworkCache::default();
    let start = LstmStart { hidden: &zeros, cell: &zeros };
    let expected =
        layers.forward_from(&weights, &x, start, &selected, None, &mut whole).unwrap().to_vec();
    let (mut hidden, mut cell) = (zeros.clone(), zeros.clone());
    let (mut cache, mut got) = (NetworkCache::default(), Vec::new());
    for piece in x.chunks(5 * batch * CHANNELS) {
        let start = LstmStart { hidden: &hidden, cell: &cell };
        let selected = &selected[..piece.len() / CHANNELS];
        got.extend_from_slice(
            layers.forward_from(&weights, piece, start, selected, None, &mut cache).unwrap(),
        );
        let (last_hidden, last_cell) = layers.last_state(&cache);
        (hidden, cell) = (last_hidden.to_vec(), last_cell.to_vec());
    }
    assert_eq!(got, expected);
}
