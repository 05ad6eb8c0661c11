//! Analytic gradients of GRU, normalisation, convolution, attention and their blocks against
//! central differences in f64; no look-ahead of causal layers; rejected arguments.
use windvane_lstm_core::{
    CausalConvShape, GruCache, GruGradients, GruShape, GruUpstream, LayerNormShape, LstmError,
    NormOrder, SelfAttentionShape, TcnBlockShape, TransformerLayerShape, gru_backward, gru_forward,
};

use crate::block::{Block, BlockCache};
use crate::common::{draws, length};
use crate::gradients::{check, dot};

fn attention(size: usize, heads: usize, causal: bool) -> SelfAttentionShape {
    SelfAttentionShape::new(size, heads, causal).unwrap()
}

fn conv(inputs: usize, outputs: usize, dilation: usize) -> Block {
    Block::Conv(CausalConvShape::new(inputs, outputs, dilation).unwrap())
}

fn tcn(inputs: usize, outputs: usize, dilation: usize) -> Block {
    Block::Tcn(TcnBlockShape::new(inputs, outputs, dilation).unwrap())
}

fn transformer(attention: SelfAttentionShape, units: usize, order: NormOrder) -> Block {
    Block::Transformer(TransformerLayerShape::new(attention, units, order).unwrap())
}

fn norm(size: usize, epsilon: f64) -> Block {
    Block::Norm(LayerNormShape::new(size, epsilon).unwrap())
}

#[test]
fn layer_norm_gradients_equal_finite_differences() {
    check_block(norm(5, 1e-5), [3, 2]);
    check_block(norm(17, 0.1), [2, 1]);
}

#[test]
fn convolution_gradients_equal_finite_differences() {
    check_block(conv(3, 4, 1), [5, 2]);
    check_block(conv(2, 17, 2), [7, 1]);
    // The first two taps read only steps before the first one.
    check_block(conv(2, 3, 8), [4, 3]);
}

#[test]
fn tcn_block_gradients_equal_finite_differences() {
    check_block(tcn(3, 4, 1), [5, 2]);
    check_block(tcn(4, 4, 2), [6, 2]);
}

#[test]
fn self_attention_gradients_equal_finite_differences() {
    check_block(Block::Attention(attention(4, 2, false)), [5, 2]);
    check_block(Block::Attention(attention(6, 3, true)), [4, 3]);
    check_block(Block::Attention(attention(3, 1, true)), [1, 2]);
}

#[test]
fn transformer_layer_gradients_equal_finite_differences() {
    for order in [NormOrder::Pre, NormOrder::Post] {
        check_block(transformer(attention(4, 2, false), 7, order), [4, 2]);
        check_block(transformer(attention(6, 3, true), 5, order), [3, 2]);
    }
}

fn check_block(block: Block, [steps, batch]: [usize; 2]) {
    let [inputs, outputs] = block.sizes();
    let at: Vec<f64> = draws(1, block.len() + steps * batch * inputs, 0.9);
    let d_y: Vec<f64> = draws(2, steps * batch * outputs, 1.0);
    let (weights, x) = at.split_at(block.len());
    let mut cache = BlockCache::new();
    // The buffers of the cache are those of a larger batch.
    block.forward(weights, &[x, x].concat(), 2 * batch, &mut cache).unwrap();
    block.forward(weights, x, batch, &mut cache).unwrap();
    // The gradients are added to the buffer, so it starts with random numbers.
    let before: Vec<f64> = draws(3, at.len(), 1.0);
    let mut gradient = before.clone();
    let into = gradient.split_at_mut(block.len());
    block.backward(weights, x, &mut cache, &d_y, into).unwrap();
    let added: Vec<f64> = gradient.iter().zip(&before).map(|(g, b)| g - b).collect();
    check(&format!("{block:?}"), &at, &added, |at| {
        let (weights, x) = at.split_at(block.len());
        dot(&block.forward(weights, x, batch, &mut cache).unwrap(), &d_y)
    });
}

#[test]
fn causal_layers_ignore_later_steps() {
    let (steps, batch, changed) = (9, 2, 5);
    let layers = [
        conv(4, 3, 2),
        tcn(4, 4, 1),
        Block::Attention(attention(4, 2, true)),
        transformer(attention(4, 2, true), 6, NormOrder::Pre),
    ];
    for block in layers {
        let weights: Vec<f64> = draws(1, block.len(), 0.9);
        let mut x: Vec<f64> = draws(2, steps * batch * 4, 1.0);
        let mut cache = BlockCache::new();
        let before = block.forward(&weights, &x, batch, &mut cache).unwrap();
        x[changed * batch * 4..].iter_mut().for_each(|x| *x += 1.0);
        let after = block.forward(&weights, &x, batch, &mut cache).unwrap();
        let same = changed * batch * block.sizes()[1];
        assert_eq!(before[..same], after[..same], "{block:?}");
        assert_ne!(before[same..], after[same..], "{block:?}");
    }
}

#[test]
fn layers_reject_wrong_lengths_and_keep_gradients() {
    let layers = [
        norm(4, 1e-5),
        conv(4, 3, 2),
        tcn(4, 3, 2),
        Block::Attention(attention(4, 2, true)),
        transformer(attention(4, 2, true), 6, NormOrder::Post),
    ];
    for block in layers {
        let (weights, x) = (vec![0.1_f64; block.len()], [0.5; 2 * 3 * 4]);
        let mut cache = BlockCache::new();
        let mut forward =
            |weights: &[f64], x: &[f64], batch| block.forward(weights, x, batch, &mut cache);
        assert!(matches!(forward(&weights[1..], &x, 3), Err(LstmError::Length { .. })));
        assert!(matches!(forward(&weights, &x[1..], 3), Err(LstmError::Rows { .. })));
        if !matches!(block, Block::Norm(_)) {
            assert!(matches!(forward(&weights, &x, 0), Err(LstmError::Size { .. })));
            assert!(matches!(forward(&weights, &x, 5), Err(LstmError::Rows { .. })));
        }
        let d_y = vec![1.0; 6 * block.sizes()[1]];
        let (mut d_weights, mut d_x) = (vec![7.0; block.len()], [7.0; 24]);
        let into = (&mut d_weights[..], &mut d_x[..]);
        let got = block.backward(&weights, &x, &mut BlockCache::new(), &d_y, into);
        assert!(matches!(got, Err(LstmError::Length { .. })), "{block:?}: no forward pass");
        block.forward(&weights, &x, 3, &mut cache).unwrap();
        let got = block.backward(&weights, &x, &mut cache, &d_y[1..], (&mut d_weights, &mut d_x));
        assert!(matches!(got, Err(LstmError::Length { .. })), "{block:?}: short d_y");
        let into = (&mut d_weights[1..], &mut d_x[..]);
        let got = block.backward(&weights, &x, &mut cache, &d_y, into);
        assert!(matches!(got, Err(LstmError::Length { .. })), "{block:?}: short d_weights");
        let into = (&mut d_weights[..], &mut d_x[1..]);
        let got = block.backward(&weights, &x, &mut cache, &d_y, into);
        assert!(matches!(got, Err(LstmError::Length { .. })), "{block:?}: short d_x");
        assert!(d_weights.iter().chain(&d_x).all(|d| *d == 7.0), "{block:?}");
    }
}

#[test]
fn layer_shapes_reject_sizes_out_of_range() {
    assert!(LayerNormShape::new(0, 1e-5).is_err());
    for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(LayerNormShape::new(3, epsilon), Err(LstmError::Number { .. })));
    }
    for [inputs, outputs, dilation] in [[0, 1, 1], [1, 0, 1], [1, 1, 0], [5000, 1, 1]] {
        assert!(CausalConvShape::new(inputs, outputs, dilation).is_err());
        assert!(TcnBlockShape::new(inputs, outputs, dilation).is_err());
    }
    for (size, heads) in [(0, 1), (1366, 1), (4, 0), (4, 3)] {
        assert!(SelfAttentionShape::new(size, heads, false).is_err(), "{size} {heads}");
    }
    assert!(TransformerLayerShape::new(attention(4, 2, false), 0, NormOrder::Pre).is_err());
    assert!(GruShape::new(0, 1, false).is_err() && GruShape::new(1, 4097, true).is_err());
}

#[test]
fn gru_gradients_equal_finite_differences() {
    for [inputs, hidden, steps, batch] in [[3, 5, 4, 2], [2, 17, 3, 1], [1, 1, 1, 1]] {
        for bidirectional in [false, true] {
            let shape = GruShape::new(inputs, hidden, bidirectional).unwrap();
            for given in [[true, true], [true, false], [false, true]] {
                check_gru(shape, [steps, batch], given);
            }
        }
    }
}

/// Checks a GRU; `given` selects the upstream gradients: those of all hidden states and of the last
/// ones.
fn check_gru(shape: GruShape, [steps, batch]: [usize; 2], given: [bool; 2]) {
    let state = batch * shape.output_size();
    // One vector of all that the loss depends on: weights, inputs, initial states.
    let lens = [shape.len(), steps * batch * shape.input_size()];
    let at: Vec<f64> = draws(1, lens[0] + lens[1] + state, 0.8);
    let upstream: [Vec<f64>; 2] = [draws(2, steps * state, 1.0), draws(3, state, 1.0)];
    let [d_hidden, d_last_hidden] = std::array::from_fn(|k| given[k].then_some(&upstream[k][..]));
    let forward = |at: &[f64], cache: &mut GruCache<f64>| {
        let (weights, rest) = at.split_at(lens[0]);
        let (x, start) = rest.split_at(lens[1]);
        gru_forward(shape, weights, x, batch, Some(start), cache).unwrap();
        let part = |of: &[f64], d: Option<&[f64]>| d.map_or(0.0, |d| dot(of, d));
        part(cache.hidden(), d_hidden) + part(cache.last_hidden(), d_last_hidden)
    };
    let mut cache = GruCache::new();
    forward(&at, &mut cache);
    let before: Vec<f64> = draws(5, at.len(), 1.0);
    let mut gradient = before.clone();
    let (d_params, rest) = gradient.split_at_mut(lens[0]);
    let (d_x, d_start) = rest.split_at_mut(lens[1]);
    let into = GruGradients { d_params, d_inputs: Some(d_x), d_start: Some(d_start) };
    let (weights, x) = (&at[..lens[0]], &at[lens[0]..][..lens[1]]);
    let upstream = GruUpstream { d_hidden, d_last_hidden };
    gru_backward(shape, weights, x, &mut cache, upstream, into).unwrap();
    // Weight gradients are the same when the other gradients are not requested.
    let mut alone = before[..lens[0]].to_vec();
    let into = GruGradients { d_params: &mut alone, d_inputs: None, d_start: None };
    gru_backward(shape, weights, x, &mut cache, upstream, into).unwrap();
    assert_eq!(alone, gradient[..lens[0]]);
    let added: Vec<f64> = gradient.iter().zip(&before).map(|(g, b)| g - b).collect();
    check(&format!("{shape:?} {given:?}"), &at, &added, |at| forward(at, &mut cache));
}

#[test]
fn gru_training_rejects_wrong_lengths() {
    let shape = GruShape::new(2, 3, true).unwrap();
    let (params, x) = (vec![0.1_f64; shape.len()], [0.5; 2 * 4 * 2]);
    let mut cache = GruCache::new();
    let forward = |x: &[f64], batch, start: Option<&[f64]>, cache: &mut GruCache<f64>| {
        gru_forward(shape, &params, x, batch, start, cache)
    };
    assert!(matches!(forward(&x, 0, None, &mut cache), Err(LstmError::Size { .. })));
    assert!(matches!(forward(&x[..15], 4, None, &mut cache), Err(LstmError::Rows { .. })));
    assert_eq!(forward(&x, 4, Some(&[0.0; 12]), &mut cache), Err(length("start", 24, 12)));
    let got = gru_forward(shape, &params[1..], &x, 4, None, &mut cache);
    assert_eq!(got, Err(length("GRU parameters", shape.len(), shape.len() - 1)));
    assert!(cache.hidden().is_empty());
    let (mut short_inputs, mut short_start) = ([0.0; 15], [0.0; 12]);
    let mut d = vec![7.0; params.len()];
    let mut backward = |x: &[f64], d_last: &[f64], d_inputs, d_start, cache: &mut _| {
        let into = GruGradients { d_params: &mut d, d_inputs, d_start };
        let upstream = GruUpstream { d_hidden: None, d_last_hidden: Some(d_last) };
        gru_backward(shape, &params, x, cache, upstream, into)
    };
    assert!(backward(&x, &[1.0; 24], None, None, &mut cache).is_err(), "no forward pass");
    forward(&x, 4, None, &mut cache).unwrap();
    let ones = [1.0; 24];
    assert_eq!(backward(&x[2..], &ones, None, None, &mut cache), Err(length("x", 16, 14)));
    let got = backward(&x, &ones[1..], None, None, &mut cache);
    assert_eq!(got, Err(length("d_last_hidden", 24, 23)));
    let got = backward(&x, &ones, Some(&mut short_inputs[..]), None, &mut cache);
    assert_eq!(got, Err(length("d_inputs", 16, 15)));
    let got = backward(&x, &ones, None, Some(&mut short_start[..]), &mut cache);
    assert_eq!(got, Err(length("d_start", 24, 12)));
    assert!(d.iter().all(|d| *d == 7.0), "a rejected call added gradients");
}
