//! GRU inference: equal to the training form, bit-identical alone, in a batch and step by step.
use proptest::prelude::*;
use windvane_lstm_core::{
    GruCache, GruShape, GruState, Kernel, LstmError, PackedGru, Real, gru_forward,
};

use crate::common::{bits, draws, length, max_difference, reversed, swap_axes};

/// Generates sizes and a seed; hidden sizes with and without a tail, batches with and without a
/// partial group.
fn sizes() -> impl Strategy<Value = ([usize; 4], bool, u64)> {
    let sizes = (1_usize..9, 1_usize..70, 1_usize..6, 1_usize..40);
    (sizes, any::<bool>(), any::<u64>()).prop_map(
        |((inputs, hidden, steps, windows), both, seed)| {
            ([inputs, hidden, steps, windows], both, seed)
        },
    )
}

fn params<R: Real>(shape: GruShape, seed: u64) -> Vec<R> {
    draws(seed, shape.len(), 1.0 / (shape.hidden_size() as f64).sqrt())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn gru_batch_is_bit_identical_to_single_windows(
        ([inputs, hidden, steps, windows], both, seed) in sizes(),
    ) {
        let shape = GruShape::new(inputs, hidden, both).unwrap();
        let width = shape.output_size();
        let xs: Vec<f32> = draws(seed ^ 1, windows * steps * inputs, 2.0);
        let mut fused = Vec::new();
        for &kernel in Kernel::available() {
            let gru = PackedGru::new(shape, &params(shape, seed)).unwrap();
            let gru = gru.with_kernel(kernel).unwrap();
            let (mut scratch, mut alone) = (gru.batch_scratch(), gru.scratch());
            let mut last = vec![0.0; windows * width];
            let mut every = vec![0.0; windows * steps * width];
            gru.last_hidden_batch(&xs, steps, &mut last, &mut scratch).unwrap();
            gru.sequence_batch(&xs, steps, &mut every, &mut scratch).unwrap();
            let results = last.chunks(width).zip(every.chunks(steps * width));
            for (x, (last, every)) in xs.chunks(steps * inputs).zip(results) {
                let mut states = vec![0.0; steps * width];
                gru.sequence(x, &mut states, &mut alone).unwrap();
                prop_assert_eq!(bits(every), bits(&states));
                prop_assert_eq!(bits(last), bits(gru.last_hidden(x, &mut alone).unwrap()));
            }
            if kernel.is_fused() {
                fused.push(bits(&every));
            }
        }
        prop_assert!(fused.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn gru_steps_are_bit_identical_to_a_window(
        ([inputs, hidden, steps, _], _, seed) in sizes(),
    ) {
        let shape = GruShape::new(inputs, hidden, false).unwrap();
        let xs: Vec<f32> = draws(seed ^ 1, steps * inputs, 2.0);
        for &kernel in Kernel::available() {
            let gru = PackedGru::new(shape, &params(shape, seed)).unwrap();
            let gru = gru.with_kernel(kernel).unwrap();
            let (mut state, mut scratch) = (GruState::zeros(hidden), gru.scratch());
            let mut states = vec![0.0; steps * hidden];
            gru.sequence(&xs, &mut states, &mut scratch).unwrap();
            for (x, expected) in xs.chunks(inputs).zip(states.chunks(hidden)) {
                gru.step(x, &mut state, &mut scratch).unwrap();
                prop_assert_eq!(bits(state.h()), bits(expected));
            }
        }
    }

    #[test]
    fn gru_inference_equals_training_form(
        ([inputs, hidden, steps, windows], both, seed) in sizes(),
    ) {
        let shape = GruShape::new(inputs, hidden, both).unwrap();
        compare::<f64>(shape, [steps, windows], seed, 1e-12);
        compare::<f32>(shape, [steps, windows], seed, 2e-5);
    }
}

/// Compares the states of inference with those of the training form.
fn compare<R: Real>(shape: GruShape, [steps, windows]: [usize; 2], seed: u64, tolerance: f64) {
    let params: Vec<R> = params(shape, seed);
    let xs: Vec<R> = draws(seed ^ 1, windows * steps * shape.input_size(), 2.0);
    let mut cache = GruCache::new();
    let time_major = swap_axes(&xs, [windows, steps]);
    gru_forward(shape, &params, &time_major, windows, None, &mut cache).unwrap();
    let expected = swap_axes(cache.hidden(), [steps, windows]);
    for &kernel in Kernel::available() {
        let gru = PackedGru::new(shape, &params).unwrap().with_kernel(kernel).unwrap();
        let mut states = vec![R::ZERO; expected.len()];
        gru.sequence_batch(&xs, steps, &mut states, &mut gru.batch_scratch()).unwrap();
        let difference = max_difference(&states, &expected);
        assert!(difference <= tolerance, "{shape:?} {kernel:?}: {difference:e}");
    }
}

#[test]
fn bidirectional_gru_equals_two_grus() {
    let (both, one) = (GruShape::new(3, 7, true).unwrap(), GruShape::new(3, 7, false).unwrap());
    let (params, xs) = (params::<f32>(both, 1), draws::<f32>(2, 5 * 3, 2.0));
    let mut states = vec![0.0; 5 * 14];
    let gru = PackedGru::new(both, &params).unwrap();
    gru.sequence(&xs, &mut states, &mut gru.scratch()).unwrap();
    let parts = [(0, xs.clone()), (1, reversed(&xs, 5))].map(|(direction, xs)| {
        let gru = PackedGru::new(one, &params[direction * one.len()..][..one.len()]).unwrap();
        let mut states = vec![0.0; 5 * 7];
        gru.sequence(&xs, &mut states, &mut gru.scratch()).unwrap();
        if direction == 1 { reversed(&states, 5) } else { states }
    });
    for (t, row) in states.chunks(14).enumerate() {
        assert_eq!(row[..7], parts[0][t * 7..][..7]);
        assert_eq!(row[7..], parts[1][t * 7..][..7]);
    }
}

#[test]
fn gru_inference_rejects_wrong_lengths() {
    let shape = GruShape::new(2, 3, false).unwrap();
    let params = params::<f32>(shape, 1);
    let error = PackedGru::new(shape, &params[1..]).unwrap_err();
    assert_eq!(error, length("GRU parameters", shape.len(), shape.len() - 1));
    let gru = PackedGru::new(shape, &params).unwrap();
    let (mut scratch, mut state) = (gru.scratch(), GruState::zeros(3));
    assert_eq!(gru.step(&[0.0; 3], &mut state, &mut scratch), Err(length("x", 2, 3)));
    let got = gru.step(&[0.0; 2], &mut GruState::zeros(4), &mut scratch);
    assert_eq!(got, Err(length("state", 3, 4)));
    let rows = |expected, got| LstmError::Rows { what: "xs", expected, got };
    assert_eq!(gru.last_hidden(&[0.0; 3], &mut scratch), Err(rows(2, 3)));
    let mut out = [7.0; 6];
    assert_eq!(gru.sequence(&[0.0; 2], &mut out, &mut scratch), Err(length("out", 3, 6)));
    let mut batch = gru.batch_scratch();
    assert_eq!(gru.last_hidden_batch(&[0.0; 6], 2, &mut out, &mut batch), Err(rows(4, 6)));
    assert!(gru.last_hidden_batch(&[0.0; 4], 0, &mut out, &mut batch).is_err());
    assert!(gru.sequence_batch(&[0.0; 4], usize::MAX, &mut out, &mut batch).is_err());
    assert_eq!((out, state.h()), ([7.0; 6], &[0.0; 3][..]));

    let both = GruShape::new(2, 3, true).unwrap();
    let params = draws::<f32>(1, both.len(), 1.0);
    let both = PackedGru::new(both, &params).unwrap();
    let got = both.step(&[0.0; 2], &mut state, &mut both.scratch());
    assert!(matches!(got, Err(LstmError::Number { what: "bidirectional", .. })));
    assert_eq!(both.last_hidden(&[0.0; 2], &mut scratch), Err(length("scratch", 6, 3)));
}
