//! Analytic gradients of the layers of v3 and v3.1 and of all networks against central differences
//! in f64.
use windvane_lstm_core::{
    AttentionCache, AttentionShape, Biases, CrossEntropy, DenseShape, LstmStart, LstmStartMut,
    LstmUpstream, apply_dropout, attention_backward, attention_forward, dense_backward,
    dense_forward, relu, relu_backward,
};

use crate::common::draws;
use crate::gradients::{check, dot};
use crate::layer::{Layer, LayerCache};
use crate::network::{Batch, Network};

#[test]
fn bilstm_gradients_equal_finite_differences() {
    for (biases, [inputs, hidden, steps, batch]) in [
        (Biases::One, [3, 5, 4, 2]),
        (Biases::Two, [2, 4, 5, 3]),
        (Biases::One, [1, 1, 1, 1]),
        (Biases::Two, [3, 17, 2, 1]),
    ] {
        let layer = Layer::both(inputs, hidden, biases);
        for given in [[true; 3], [true, false, false], [false, true, false], [false, false, true]] {
            check_layer(layer, [inputs, steps, batch], given);
        }
    }
}

/// Checks a layer; `given` selects the upstream gradients: those of all hidden states, of the last
/// hidden states and of the last cells.
fn check_layer(layer: Layer, [inputs, steps, batch]: [usize; 3], given: [bool; 3]) {
    let state = batch * layer.output_size();
    // One vector of all that the loss depends on: weights, inputs, initial states.
    let lens = [layer.len(), steps * batch * inputs, state, state];
    let at: Vec<f64> = draws(1, lens.iter().sum(), 0.8);
    let upstream: [Vec<f64>; 3] =
        [draws(2, steps * state, 1.0), draws(3, state, 1.0), draws(4, state, 1.0)];
    let [d_hidden, d_last_hidden, d_last_cell] =
        std::array::from_fn(|k| given[k].then_some(&upstream[k][..]));
    let forward = |at: &[f64], cache: &mut LayerCache<f64>| {
        let (weights, rest) = at.split_at(lens[0]);
        let (x, rest) = rest.split_at(lens[1]);
        let (hidden, cell) = rest.split_at(state);
        layer.forward(weights, (x, batch), Some(LstmStart { hidden, cell }), cache);
        let part = |of: &[f64], d: Option<&[f64]>| d.map_or(0.0, |d| dot(of, d));
        part(cache.hidden(), d_hidden)
            + part(cache.last_hidden(), d_last_hidden)
            + part(cache.last_cell(), d_last_cell)
    };
    let mut cache = layer.cache();
    forward(&at, &mut cache);
    // The gradients are added to the buffer, so it starts with random numbers.
    let before: Vec<f64> = draws(5, at.len(), 1.0);
    let mut gradient = before.clone();
    let (d_weights, rest) = gradient.split_at_mut(lens[0]);
    let (d_x, rest) = rest.split_at_mut(lens[1]);
    let (hidden, cell) = rest.split_at_mut(state);
    let (weights, x) = (&at[..lens[0]], &at[lens[0]..][..lens[1]]);
    let upstream = LstmUpstream { d_hidden, d_last_hidden, d_last_cell };
    let d_start = Some(LstmStartMut { hidden, cell });
    layer.backward((weights, d_weights), x, &mut cache, upstream, Some(d_x), d_start);
    let added: Vec<f64> = gradient.iter().zip(&before).map(|(g, b)| g - b).collect();
    let mut cache = layer.cache();
    check(&format!("{layer:?} {given:?}"), &at, &added, |at| forward(at, &mut cache));
}

#[test]
fn attention_gradients_equal_finite_differences() {
    for [width, units, steps, batch] in [[4, 3, 5, 2], [3, 7, 2, 3], [1, 1, 2, 1], [34, 33, 3, 2]] {
        let shape = AttentionShape::new(width, units).unwrap();
        let at: Vec<f64> = draws(1, shape.len() + steps * batch * width, 0.9);
        let d_context: Vec<f64> = draws(2, batch * width, 1.0);
        let forward = |at: &[f64], cache: &mut AttentionCache<f64>| {
            let (weights, h) = at.split_at(shape.len());
            attention_forward(shape, shape.params(weights).unwrap(), h, batch, cache).unwrap();
            dot(cache.context(), &d_context)
        };
        let mut cache = AttentionCache::new();
        forward(&at, &mut cache);
        let before: Vec<f64> = draws(3, at.len(), 1.0);
        let mut gradient = before.clone();
        let (weights, h) = at.split_at(shape.len());
        let params = shape.params(weights).unwrap();
        let (d_weights, d_h) = gradient.split_at_mut(shape.len());
        let into = shape.params_mut(d_weights).unwrap();
        attention_backward(shape, params, h, &mut cache, &d_context, into, Some(d_h)).unwrap();
        let added: Vec<f64> = gradient.iter().zip(&before).map(|(g, b)| g - b).collect();
        // Weight gradients are the same when gradients of the rows are not requested.
        let mut alone = before[..shape.len()].to_vec();
        let into = shape.params_mut(&mut alone).unwrap();
        attention_backward(shape, params, h, &mut cache, &d_context, into, None).unwrap();
        assert_eq!(alone, gradient[..shape.len()]);
        let mut cache = AttentionCache::new();
        check(&format!("{shape:?}"), &at, &added, |at| forward(at, &mut cache));
    }
}

#[test]
fn hidden_dense_gradients_equal_finite_differences() {
    let shape = DenseShape::new(4, 6).unwrap();
    let batch = 5;
    let at: Vec<f64> = draws(1, shape.len() + batch * 4, 1.0);
    let d_y: Vec<f64> = draws(2, batch * 6, 1.0);
    let mask: Vec<f64> = (0..batch * 6).map(|k| if k % 3 == 1 { 0.0 } else { 1.5 }).collect();
    let forward = |at: &[f64]| {
        let (weights, x) = at.split_at(shape.len());
        let mut y = vec![0.0; batch * 6];
        dense_forward(shape, shape.params(weights).unwrap(), x, &mut y).unwrap();
        relu(&mut y);
        apply_dropout(&mask, &mut y).unwrap();
        y
    };
    let y = forward(&at);
    assert!(y.iter().filter(|y| **y > 0.0).count() > 6);
    let mut d = d_y.clone();
    apply_dropout(&mask, &mut d).unwrap();
    relu_backward(&y, &mut d).unwrap();
    let mut gradient = vec![0.0; at.len()];
    let (weights, x) = at.split_at(shape.len());
    let (d_weights, d_x) = gradient.split_at_mut(shape.len());
    let d_params = shape.params_mut(d_weights).unwrap();
    dense_backward(shape, shape.params(weights).unwrap(), x, &d, d_params, Some(d_x)).unwrap();
    check("hidden dense", &at, &gradient, |at| dot(&forward(at), &d_y));
}

#[test]
fn network_gradients_equal_finite_differences() {
    let sizes = [3, 5, 3];
    for biases in [Biases::One, Biases::Two] {
        check_network(&Network::v32(sizes, biases));
        check_network(&Network::v3(sizes, biases));
        check_network(&Network::v31(sizes, 4, &[6], biases));
        check_network(&Network::v31(sizes, 4, &[6, 5], biases));
        check_network(&Network::v31(sizes, 2, &[], biases));
    }
}

fn check_network(net: &Network) {
    let targets = [0, 2, 1, 2];
    let mut weights = net.zeros::<f64>();
    let len = weights.len();
    weights.flat_mut().copy_from_slice(&draws(1, len, 0.7));
    let x: Vec<f64> = draws(2, 5 * targets.len() * 3, 1.0);
    let class_weights = [1.5, 0.75, 1.0];
    let loss = CrossEntropy { classes: 3, weights: Some(&class_weights), smoothing: 0.1 };
    let hidden = &net.dense[..net.dense.len() - 1];
    let mask = |len: usize| (0..len).map(|k| if k % 4 == 2 { 0.0 } else { 4.0 / 3.0 }).collect();
    let masks: Vec<Vec<f64>> =
        hidden.iter().map(|shape| mask(targets.len() * shape.output_size())).collect();
    for masks in [&[][..], &masks] {
        let mut gradients = weights.zeros_like();
        let mut d_x = vec![0.0; x.len()];
        let batch = Batch { x: &x, targets: &targets, loss, masks };
        net.learn(&weights, &batch, &mut gradients, Some(&mut d_x));
        let mut unused = weights.zeros_like();
        let mut moved = weights.clone();
        check("weights", weights.flat(), gradients.flat(), |at| {
            moved.flat_mut().copy_from_slice(at);
            net.learn(&moved, &batch, &mut unused, None).loss
        });
        check("inputs", &x, &d_x, |x| {
            let batch = Batch { x, targets: &targets, loss, masks };
            net.learn(&weights, &batch, &mut unused, None).loss
        });
    }
}
