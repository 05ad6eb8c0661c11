//! Wrong lengths passed to the layers of v3 and v3.1 return errors and change nothing.
use windvane_lstm_core::{
    AttentionCache, AttentionParams, AttentionShape, BiLstmCache, BiLstmGradients, BiLstmShape,
    BiLstmUpstream, Biases, LstmError, LstmStart, LstmStartMut, MAX_SIZE, PackedAttention,
    PackedBiLstm, apply_dropout, attention_backward, attention_forward, bilstm_backward,
    bilstm_forward, relu_backward,
};

use crate::common::length;

fn bilstm() -> (BiLstmShape, Vec<f64>) {
    let shape = BiLstmShape::new(2, 3, Biases::One).unwrap();
    (shape, vec![0.1; shape.len()])
}

#[test]
fn bilstm_and_attention_shapes_reject_sizes_out_of_range() {
    for got in [0, MAX_SIZE + 1] {
        let error = |what| LstmError::Size { what, expected: MAX_SIZE, got };
        assert_eq!(BiLstmShape::new(1, got, Biases::One), Err(error("hidden_size")));
        assert_eq!(AttentionShape::new(got, 1), Err(error("input_size")));
        assert_eq!(AttentionShape::new(1, got), Err(error("units")));
    }
}

#[test]
fn bilstm_and_attention_params_reject_wrong_lengths() {
    let (shape, mut flat) = bilstm();
    assert_eq!(shape.params(&flat[1..]).unwrap_err(), length("BiLSTM parameters", 144, 143));
    assert!(shape.params_mut(&mut flat[..5]).is_err());
    let mut params = shape.params(&flat).unwrap();
    params.reverse.w_hh = &params.reverse.w_hh[1..];
    assert_eq!(PackedBiLstm::new(shape, params).unwrap_err(), length("w_hh", 36, 35));
    let got = bilstm_forward(shape, params, &[0.0; 2], 1, None, &mut BiLstmCache::new());
    assert_eq!(got, Err(length("w_hh", 36, 35)));

    let shape = AttentionShape::new(2, 3).unwrap();
    let got = shape.params(&[0.0_f32; 11]).unwrap_err();
    assert_eq!(got, length("attention parameters", 12, 11));
    let params = AttentionParams { w: &[0.0; 6][..], b: &[0.0; 3], v: &[0.0; 2] };
    assert_eq!(PackedAttention::new(shape, params).unwrap_err(), length("v", 3, 2));
    let got = attention_forward(shape, params, &[0.0; 2], 1, &mut AttentionCache::new());
    assert_eq!(got, Err(length("v", 3, 2)));
}

#[test]
fn bilstm_and_attention_inference_rejects_wrong_lengths() {
    let (shape, flat) = bilstm();
    let lstm = PackedBiLstm::new(shape, shape.params(&flat).unwrap()).unwrap();
    let mut scratch = lstm.scratch();
    for len in [0, 5] {
        let rows = LstmError::Rows { what: "xs", expected: 2, got: len };
        let xs = vec![0.0; len];
        assert_eq!(lstm.last_hidden(&xs, &mut scratch), Err(rows.clone()));
        assert_eq!(lstm.sequence(&xs, &mut [], &mut scratch), Err(rows));
    }
    let mut out = [7.0; 11];
    let got = lstm.sequence(&[1.0; 4], &mut out, &mut scratch);
    assert_eq!((got, out), (Err(length("out", 12, 11)), [7.0; 11]));
    let wide = BiLstmShape::new(2, 32, Biases::One).unwrap();
    let weights = vec![0.0_f64; wide.len()];
    let mut other = PackedBiLstm::new(wide, wide.params(&weights).unwrap()).unwrap().scratch();
    assert_eq!(lstm.last_hidden(&[0.0; 2], &mut other), Err(length("scratch", 3, 32)));
    assert_eq!(lstm.sequence(&[0.0; 2], &mut [0.0; 6], &mut other), Err(length("scratch", 3, 32)));

    let shape = AttentionShape::new(2, 3).unwrap();
    let attention = PackedAttention::new(shape, shape.params(&[0.1; 12]).unwrap()).unwrap();
    let mut scratch = attention.scratch(2);
    assert_eq!(scratch.weights(), [0.0; 0]);
    let mut apply = |rows: &[f64], context: &mut [f64]| {
        let got = attention.apply(rows, context, &mut scratch);
        (got, scratch.weights().len())
    };
    let rows = LstmError::Rows { what: "rows", expected: 2, got: 3 };
    assert_eq!(apply(&[0.0; 3], &mut [0.0; 2]), (Err(rows), 0));
    assert_eq!(apply(&[0.0; 4], &mut [0.0; 3]), (Err(length("context", 2, 3)), 0));
    let long = LstmError::Size { what: "steps", expected: 2, got: 3 };
    assert_eq!(apply(&[0.0; 6], &mut [0.0; 2]), (Err(long), 0));
    assert_eq!(apply(&[0.0; 2], &mut [0.0; 2]), (Ok(()), 1));
}

#[test]
fn bilstm_training_rejects_wrong_lengths() {
    let (shape, flat) = bilstm();
    let params = shape.params(&flat).unwrap();
    let mut cache = BiLstmCache::new();
    let x = [0.5; 2 * 4 * 2];
    let forward = |x: &[f64], batch, start, cache: &mut _| {
        bilstm_forward(shape, params, x, batch, start, cache)
    };
    assert!(matches!(forward(&x, 0, None, &mut cache), Err(LstmError::Size { .. })));
    assert!(matches!(forward(&x, usize::MAX, None, &mut cache), Err(LstmError::Size { .. })));
    assert!(matches!(forward(&x[..15], 4, None, &mut cache), Err(LstmError::Rows { .. })));
    let start = LstmStart { hidden: &[0.0; 24][..], cell: &[0.0; 12] };
    assert_eq!(forward(&x, 4, Some(start), &mut cache), Err(length("start.cell", 24, 12)));
    assert!(cache.hidden().is_empty());

    let none = BiLstmUpstream { d_hidden: None, d_last_hidden: None, d_last_cell: None };
    let mut d = vec![0.0; flat.len()];
    let mut short_inputs = [0.0; 15];
    let mut backward = |x: &[f64], upstream, d_inputs, d_start, cache: &mut _| {
        let into =
            BiLstmGradients { d_params: shape.params_mut(&mut d).unwrap(), d_inputs, d_start };
        bilstm_backward(shape, params, x, cache, upstream, into)
    };
    assert!(backward(&x, none, None, None, &mut cache).is_err(), "accepted without a forward pass");
    forward(&x, 4, None, &mut cache).unwrap();
    assert_eq!(backward(&x[..8], none, None, None, &mut cache), Err(length("x", 16, 8)));
    let short = BiLstmUpstream { d_last_cell: Some(&[1.0; 12]), ..none };
    let got = backward(&x, short, None, None, &mut cache);
    assert_eq!(got, Err(length("d_last_cell", 24, 12)));
    let short = BiLstmUpstream { d_hidden: Some(&[1.0; 24]), ..none };
    assert_eq!(backward(&x, short, None, None, &mut cache), Err(length("d_hidden", 48, 24)));
    let ones = BiLstmUpstream { d_last_hidden: Some(&[1.0; 24]), ..none };
    let got = backward(&x, ones, Some(&mut short_inputs), None, &mut cache);
    assert_eq!(got, Err(length("d_inputs", 16, 15)));
    let start = LstmStartMut { hidden: &mut [0.0; 12][..], cell: &mut [0.0; 24] };
    let got = backward(&x, ones, None, Some(start), &mut cache);
    assert_eq!(got, Err(length("d_start.hidden", 24, 12)));
    assert_eq!(backward(&x, none, None, None, &mut cache), Ok(()));
    assert!(d.iter().all(|d| *d == 0.0), "a rejected call added gradients");
}

#[test]
fn attention_training_rejects_wrong_lengths() {
    let shape = AttentionShape::new(2, 3).unwrap();
    let flat = [0.1; 12];
    let params = shape.params(&flat).unwrap();
    let mut cache = AttentionCache::new();
    let h = [0.5, 0.25, -1.0, 2.0, 0.0, 1.0, 1.0, 1.0];
    let forward =
        |h: &[f64], batch, cache: &mut _| attention_forward(shape, params, h, batch, cache);
    assert!(matches!(forward(&h, 0, &mut cache), Err(LstmError::Size { .. })));
    assert!(matches!(forward(&h, 9, &mut cache), Err(LstmError::Size { .. })));
    assert!(matches!(forward(&h, 3, &mut cache), Err(LstmError::Rows { .. })));
    assert!(matches!(forward(&[], 1, &mut cache), Err(LstmError::Size { .. })));

    let mut d = [0.0; 12];
    let mut short_rows = [0.0; 7];
    let mut backward = |h: &[f64], d_context: &[f64], d_h, cache: &mut _| {
        let into = shape.params_mut(&mut d).unwrap();
        attention_backward(shape, params, h, cache, d_context, into, d_h)
    };
    assert!(backward(&h, &[1.0; 4], None, &mut cache).is_err(), "accepted without a forward pass");
    forward(&h, 2, &mut cache).unwrap();
    assert_eq!(backward(&h[2..], &[1.0; 4], None, &mut cache), Err(length("h", 8, 6)));
    assert_eq!(backward(&h, &[1.0; 2], None, &mut cache), Err(length("d_context", 4, 2)));
    let got = backward(&h, &[1.0; 4], Some(&mut short_rows), &mut cache);
    assert_eq!(got, Err(length("d_h", 8, 7)));
    assert_eq!(backward(&h, &[0.0; 4], None, &mut cache), Ok(()));
    assert_eq!(d, [0.0; 12], "a rejected call added gradients");
}

#[test]
fn dropout_and_relu_reject_wrong_lengths() {
    let mut values = [1.0; 3];
    assert_eq!(apply_dropout(&[0.0; 2], &mut values), Err(length("values", 2, 3)));
    assert_eq!(relu_backward(&[0.0; 2], &mut values), Err(length("d", 2, 3)));
    assert_eq!(values, [1.0; 3]);
}
