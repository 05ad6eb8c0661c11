//! Analytic gradients against central differences in f64.
use windvane_lstm_core::{
    Biases, CrossEntropy, DenseShape, LstmCache, LstmGradients, LstmShape, LstmStart, LstmStartMut,
    LstmUpstream, dense_backward, dense_forward, lstm_backward, lstm_forward,
};

use crate::common::draws;

const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-6;
/// Magnitude below which rounding dominates the difference of a gradient.
const FLOOR: f64 = 1e-3;

/// Compares `gradient` with the central differences of `loss` around `at`.
pub(crate) fn check(what: &str, at: &[f64], gradient: &[f64], mut loss: impl FnMut(&[f64]) -> f64) {
    let mut moved = at.to_vec();
    for k in 0..at.len() {
        moved[k] = at[k] + STEP;
        let above = loss(&moved);
        moved[k] = at[k] - STEP;
        let below = loss(&moved);
        moved[k] = at[k];
        let difference = (above - below) / (2.0 * STEP);
        let scale = FLOOR.max(difference.abs()).max(gradient[k].abs());
        assert!(
            (difference - gradient[k]).abs() <= TOLERANCE * scale,
            "{what}[{k}]: gradient {}, difference {difference}",
            gradient[k]
        );
    }
    assert!(gradient.iter().any(|g| g.abs() > FLOOR), "{what}: all gradients are zero");
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn lstm_gradients_equal_finite_differences() {
    for (biases, [inputs, hidden, steps, batch]) in [
        (Biases::One, [3, 5, 4, 2]),
        (Biases::Two, [2, 4, 6, 3]),
        (Biases::One, [1, 1, 1, 1]),
        (Biases::Two, [4, 17, 2, 1]),
    ] {
        check_lstm(LstmShape::new(inputs, hidden, biases).unwrap(), steps, batch);
    }
}

fn check_lstm(shape: LstmShape, steps: usize, batch: usize) {
    let state = batch * shape.hidden_size();
    // One vector of all that the loss depends on: weights, inputs, initial state.
    let lens = [shape.len(), steps * batch * shape.input_size(), state, state];
    let at: Vec<f64> = draws(1, lens.iter().sum(), 0.8);
    let upstream: [Vec<f64>; 3] =
        [draws(2, steps * state, 1.0), draws(3, state, 1.0), draws(4, state, 1.0)];
    let forward = |at: &[f64], cache: &mut LstmCache<f64>| {
        let (weights, rest) = at.split_at(lens[0]);
        let (x, rest) = rest.split_at(lens[1]);
        let (hidden, cell) = rest.split_at(state);
        let params = shape.params(weights).unwrap();
        lstm_forward(shape, params, x, batch, Some(LstmStart { hidden, cell }), cache).unwrap();
        dot(cache.hidden(), &upstream[0])
            + dot(cache.last_hidden(), &upstream[1])
            + dot(cache.last_cell(), &upstream[2])
    };
    let mut cache = LstmCache::new();
    forward(&at, &mut cache);
    // The gradients are added to the buffer, so it starts with random numbers.
    let before: Vec<f64> = draws(5, at.len(), 1.0);
    let mut gradient = before.clone();
    let (d_weights, rest) = gradient.split_at_mut(lens[0]);
    let (d_x, rest) = rest.split_at_mut(lens[1]);
    let (d_h0, d_c0) = rest.split_at_mut(state);
    let into = LstmGradients {
        d_params: shape.params_mut(d_weights).unwrap(),
        d_inputs: Some(d_x),
        d_start: Some(LstmStartMut { hidden: d_h0, cell: d_c0 }),
    };
    let d = LstmUpstream {
        d_hidden: Some(&upstream[0]),
        d_last_hidden: Some(&upstream[1]),
        d_last_cell: Some(&upstream[2]),
    };
    let params = shape.params(&at[..lens[0]]).unwrap();
    let x = &at[lens[0]..][..lens[1]];
    lstm_backward(shape, params, x, &mut cache, d, into).unwrap();
    let added: Vec<f64> = gradient.iter().zip(&before).map(|(g, b)| g - b).collect();
    let mut cache = LstmCache::new();
    check(&format!("{shape:?}"), &at, &added, |at| forward(at, &mut cache));
}

#[test]
fn dense_gradients_equal_finite_differences() {
    let shape = DenseShape::new(4, 3).unwrap();
    let batch = 5;
    let at: Vec<f64> = draws(1, shape.len() + batch * 4, 1.0);
    let d_y: Vec<f64> = draws(2, batch * 3, 1.0);
    let mut gradient = vec![0.0; at.len()];
    let (weights, x) = at.split_at(shape.len());
    let (d_weights, d_x) = gradient.split_at_mut(shape.len());
    let d_params = shape.params_mut(d_weights).unwrap();
    dense_backward(shape, shape.params(weights).unwrap(), x, &d_y, d_params, Some(d_x)).unwrap();
    check("dense", &at, &gradient, |at| {
        let (weights, x) = at.split_at(shape.len());
        let mut y = vec![0.0; batch * 3];
        dense_forward(shape, shape.params(weights).unwrap(), x, &mut y).unwrap();
        dot(&y, &d_y)
    });
}

#[test]
fn cross_entropy_gradients_equal_finite_differences() {
    let class_weights = [1.5, 0.75, 1.0, 0.0];
    let targets = [2, 0, 1, 1, 0];
    let at: Vec<f64> = draws(1, targets.len() * 4, 2.0);
    for weights in [None, Some(&class_weights[..])] {
        for smoothing in [0.0, 0.1, 1.0] {
            let loss = CrossEntropy { classes: 4, weights, smoothing };
            let normaliser = loss.normaliser(&targets).unwrap();
            let value = |at: &[f64], d: &mut [f64]| loss.add(at, &targets, normaliser, d).unwrap();
            let mut gradient = vec![0.0; at.len()];
            value(&at, &mut gradient);
            let mut unused = vec![0.0; at.len()];
            check("cross-entropy", &at, &gradient, |at| value(at, &mut unused));
        }
    }
}
