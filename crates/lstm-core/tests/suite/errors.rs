//! Wrong lengths return errors that name the expected length, and change nothing.
use windvane_lstm_core::{
    Biases, CrossEntropy, DenseShape, LstmCache, LstmError, LstmGradients, LstmParams, LstmShape,
    LstmStart, LstmState, LstmUpstream, MAX_SIZE, Optimizer, OptimizerState, PackedDense,
    PackedLstm, dense_backward, dense_forward, lstm_backward, lstm_forward,
};

use crate::common::length;

fn shape() -> LstmShape {
    LstmShape::new(2, 3, Biases::One).unwrap()
}

#[test]
fn lstm_and_dense_shapes_reject_sizes_out_of_range() {
    for got in [0, MAX_SIZE + 1] {
        let error = LstmError::Size { what: "hidden_size", expected: MAX_SIZE, got };
        assert_eq!(LstmShape::new(1, got, Biases::One), Err(error));
        let error = LstmError::Size { what: "input_size", expected: MAX_SIZE, got };
        assert_eq!(DenseShape::new(got, 1), Err(error.clone()));
        assert_eq!(error.to_string(), format!("input_size is {got}, expected 1 to 4096"));
    }
}

#[test]
fn lstm_params_reject_wrong_lengths() {
    let shape = shape();
    let got = shape.params(&[0.0_f32; 5]).unwrap_err();
    assert_eq!(got, length("LSTM parameters", 72, 5));
    assert!(shape.params_mut(&mut [0.0_f32; 73]).is_err());
    let params =
        LstmParams { w_ih: &[0.0; 24][..], w_hh: &[0.0; 36], b_ih: &[0.0; 12], b_hh: None };
    assert!(PackedLstm::new(shape, params).is_ok());
    let missing = LstmShape::new(2, 3, Biases::Two).unwrap();
    assert_eq!(PackedLstm::new(missing, params).unwrap_err(), length("b_hh", 12, 0));
    let extra = LstmParams { b_hh: Some(&[0.0; 12]), ..params };
    assert_eq!(PackedLstm::new(shape, extra).unwrap_err(), length("b_hh", 0, 12));
    let short = LstmParams { w_hh: &[0.0; 35], ..params };
    assert_eq!(PackedLstm::new(shape, short).unwrap_err(), length("w_hh", 36, 35));
}

#[test]
fn lstm_inference_rejects_wrong_lengths() {
    let weights = vec![0.1_f32; 72];
    let lstm = PackedLstm::new(shape(), shape().params(&weights).unwrap()).unwrap();
    let mut scratch = lstm.scratch();
    let mut state = LstmState::zeros(3);
    let got = lstm.step(&[0.0; 3], &mut state, &mut scratch);
    assert_eq!(got, Err(length("x", 2, 3)));
    let got = lstm.step(&[0.0; 2], &mut LstmState::zeros(4), &mut scratch);
    assert_eq!(got, Err(length("state", 3, 4)));
    let rows = |got| LstmError::Rows { what: "xs", expected: 2, got };
    for len in [0, 5] {
        let xs = vec![0.0; len];
        assert_eq!(lstm.last_hidden(&xs, &mut scratch), Err(rows(len)));
        assert_eq!(lstm.sequence(&xs, &mut state, None, &mut scratch), Err(rows(len)));
    }
    let got = lstm.sequence(&[1.0; 4], &mut state, Some(&mut [0.0; 5]), &mut scratch);
    assert_eq!(got, Err(length("out", 6, 5)));
    assert_eq!(state.h(), [0.0; 3]);
    let wide = LstmShape::new(2, 32, Biases::One).unwrap();
    let other = vec![0.0_f32; wide.len()];
    let mut other = PackedLstm::new(wide, wide.params(&other).unwrap()).unwrap().scratch();
    assert_eq!(lstm.last_hidden(&[0.0; 2], &mut other), Err(length("scratch", 3, 32)));
}

#[test]
fn dense_rejects_wrong_lengths() {
    let shape = DenseShape::new(2, 3).unwrap();
    let weights = [0.5_f64; 9];
    let params = shape.params(&weights).unwrap();
    let packed = PackedDense::new(shape, params).unwrap();
    assert_eq!(packed.apply(&[0.0; 4], &mut [0.0; 5]), Err(length("ys", 6, 5)));
    assert!(matches!(packed.apply(&[0.0; 3], &mut [0.0; 3]), Err(LstmError::Rows { .. })));
    assert_eq!(dense_forward(shape, params, &[0.0; 4], &mut [0.0; 5]), Err(length("y", 6, 5)));
    let mut d = [0.0; 9];
    let mut back = |d_y: &[f64], d_x: &mut [f64]| {
        let into = shape.params_mut(&mut d).unwrap();
        dense_backward(shape, params, &[0.0; 4], d_y, into, Some(d_x))
    };
    assert_eq!(back(&[0.0; 5], &mut [0.0; 4]), Err(length("d_y", 6, 5)));
    assert_eq!(back(&[0.0; 6], &mut [0.0; 3]), Err(length("d_x", 4, 3)));
}

#[test]
fn lstm_training_rejects_wrong_lengths() {
    let weights = vec![0.1_f64; 72];
    let params = shape().params(&weights).unwrap();
    let mut cache = LstmCache::new();
    let x = [0.5; 2 * 4 * 2];
    let forward = |x: &[f64], batch, start, cache: &mut _| {
        lstm_forward(shape(), params, x, batch, start, cache)
    };
    assert!(matches!(forward(&x, 0, None, &mut cache), Err(LstmError::Size { .. })));
    assert!(matches!(forward(&x, usize::MAX, None, &mut cache), Err(LstmError::Size { .. })));
    assert!(matches!(forward(&x[..15], 4, None, &mut cache), Err(LstmError::Rows { .. })));
    let start = LstmStart { hidden: &[0.0; 12][..], cell: &[0.0; 11] };
    let got = forward(&x, 4, Some(start), &mut cache);
    assert_eq!(got, Err(length("start.cell", 12, 11)));

    let none = LstmUpstream { d_hidden: None, d_last_hidden: None, d_last_cell: None };
    let mut d = vec![0.0; 72];
    let mut backward = |x: &[f64], upstream, cache: &mut _| {
        let d_params = shape().params_mut(&mut d).unwrap();
        let into = LstmGradients { d_params, d_inputs: None, d_start: None };
        lstm_backward(shape(), params, x, cache, upstream, into)
    };
    assert!(backward(&x, none, &mut cache).is_err(), "accepted without a forward pass");
    forward(&x, 4, None, &mut cache).unwrap();
    assert_eq!(backward(&x[..8], none, &mut cache), Err(length("x", 16, 8)));
    let short = LstmUpstream { d_last_cell: Some(&[0.0; 3]), ..none };
    assert_eq!(backward(&x, short, &mut cache), Err(length("d_last_cell", 12, 3)));
    assert_eq!(backward(&x, none, &mut cache), Ok(()));
}

#[test]
fn loss_and_optimizer_reject_invalid_arguments() {
    let loss = CrossEntropy { classes: 3, weights: None, smoothing: 0.0_f64 };
    let target = LstmError::Target { index: 1, expected: 3, got: 3 };
    assert_eq!(loss.normaliser(&[0, 3]), Err(target));
    assert_eq!(loss.add(&[0.0; 5], &[0, 1], 2.0, &mut [0.0; 6]), Err(length("logits", 6, 5)));
    for normaliser in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let got = loss.add(&[0.0; 3], &[0], normaliser, &mut [0.0; 3]);
        assert!(matches!(got, Err(LstmError::Number { what: "normaliser", .. })));
    }
    let smooth = CrossEntropy { smoothing: 1.5, ..loss };
    assert!(matches!(smooth.normaliser(&[0]), Err(LstmError::Number { .. })));
    let weighted = CrossEntropy { weights: Some(&[1.0, -1.0, 1.0]), ..loss };
    assert!(matches!(weighted.normaliser(&[0]), Err(LstmError::Number { .. })));

    let mut state = OptimizerState::new(2);
    let got = Optimizer::adam().step(0.1, &[0.0_f32; 2], &mut state, &mut [0.0; 3]);
    assert_eq!(got, Err(length("gradients", 3, 2)));
    let got = Optimizer::adam().step(0.1, &[0.0_f32; 3], &mut state, &mut [0.0; 3]);
    assert_eq!(got, Err(length("optimizer state", 3, 2)));
    assert!(OptimizerState::from_parts(1, vec![0.0_f32], vec![]).is_err());
}
