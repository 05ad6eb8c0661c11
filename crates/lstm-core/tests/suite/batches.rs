//! Batch inference is bit-identical to inference of single windows.
use proptest::prelude::*;
use windvane_lstm_core::{
    BiLstmShape, Biases, Kernel, LstmError, LstmShape, PackedBiLstm, PackedLstm, Real,
};

use crate::common::{bits, draws};

/// Generates sizes and a seed; hidden sizes with and without a tail, batches with and without a
/// partial group.
fn batch() -> impl Strategy<Value = (usize, usize, usize, usize, u64)> {
    (1_usize..9, 1_usize..70, 1_usize..6, 1_usize..60, any::<u64>())
}

fn lstm<R: Real>(inputs: usize, hidden: usize, seed: u64, kernel: Kernel) -> PackedLstm<R> {
    let shape = LstmShape::new(inputs, hidden, Biases::Two).unwrap();
    let weights = draws::<R>(seed, shape.len(), 1.0 / (hidden as f64).sqrt());
    let lstm = PackedLstm::new(shape, shape.params(&weights).unwrap()).unwrap();
    lstm.with_kernel(kernel).unwrap()
}

fn bilstm(inputs: usize, hidden: usize, seed: u64, kernel: Kernel) -> PackedBiLstm<f32> {
    let shape = BiLstmShape::new(inputs, hidden, Biases::One).unwrap();
    let weights = draws::<f32>(seed, shape.len(), 1.0 / (hidden as f64).sqrt());
    let lstm = PackedBiLstm::new(shape, shape.params(&weights).unwrap()).unwrap();
    lstm.with_kernel(kernel).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lstm_batch_is_bit_identical_to_single_windows(
        (inputs, hidden, steps, windows, seed) in batch(),
    ) {
        let xs: Vec<f32> = draws(seed ^ 1, windows * steps * inputs, 2.0);
        let mut fused = Vec::new();
        for &kernel in Kernel::available() {
            let lstm = lstm::<f32>(inputs, hidden, seed, kernel);
            let (mut scratch, mut alone) = (lstm.batch_scratch(), lstm.scratch());
            let mut out = vec![0.0; windows * hidden];
            lstm.last_hidden_batch(&xs, steps, &mut out, &mut scratch).unwrap();
            for (x, h) in xs.chunks(steps * inputs).zip(out.chunks(hidden)) {
                prop_assert_eq!(bits(h), bits(lstm.last_hidden(x, &mut alone).unwrap()));
            }
            if kernel.is_fused() {
                fused.push(bits(&out));
            }
        }
        prop_assert!(fused.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn lstm_f64_batch_equals_single_windows((inputs, hidden, steps, windows, seed) in batch()) {
        let xs: Vec<f64> = draws(seed ^ 1, windows * steps * inputs, 2.0);
        for &kernel in Kernel::available() {
            let lstm = lstm::<f64>(inputs, hidden, seed, kernel);
            let (mut out, mut alone) = (vec![0.0; windows * hidden], lstm.scratch());
            lstm.last_hidden_batch(&xs, steps, &mut out, &mut lstm.batch_scratch()).unwrap();
            for (x, h) in xs.chunks(steps * inputs).zip(out.chunks(hidden)) {
                prop_assert_eq!(h, lstm.last_hidden(x, &mut alone).unwrap());
            }
        }
    }

    #[test]
    fn bilstm_batch_is_bit_identical_to_single_windows(
        (inputs, hidden, steps, windows, seed) in batch(),
    ) {
        let xs: Vec<f32> = draws(seed ^ 1, windows * steps * inputs, 2.0);
        for &kernel in Kernel::available() {
            let lstm = bilstm(inputs, hidden, seed, kernel);
            let (mut scratch, mut alone) = (lstm.batch_scratch(), lstm.scratch());
            let mut last = vec![0.0; windows * 2 * hidden];
            let mut every = vec![0.0; windows * steps * 2 * hidden];
            lstm.last_hidden_batch(&xs, steps, &mut last, &mut scratch).unwrap();
            lstm.sequence_batch(&xs, steps, &mut every, &mut scratch).unwrap();
            let results = last.chunks(2 * hidden).zip(every.chunks(steps * 2 * hidden));
            for (x, (last, every)) in xs.chunks(steps * inputs).zip(results) {
                let mut states = vec![0.0; steps * 2 * hidden];
                lstm.sequence(x, &mut states, &mut alone).unwrap();
                prop_assert_eq!(bits(every), bits(&states));
                prop_assert_eq!(bits(last), bits(lstm.last_hidden(x, &mut alone).unwrap()));
            }
        }
    }
}

#[test]
fn batch_inference_rejects_wrong_lengths() {
    let lstm = lstm::<f32>(2, 3, 1, Kernel::Portable);
    let mut scratch = lstm.batch_scratch();
    let mut out = [7.0; 6];
    let rows = |got| Err(LstmError::Rows { what: "xs", expected: 4, got });
    assert_eq!(lstm.last_hidden_batch(&[0.0; 6], 2, &mut out, &mut scratch), rows(6));
    assert_eq!(lstm.last_hidden_batch(&[], 2, &mut out, &mut scratch), rows(0));
    let short = Err(LstmError::Length { what: "out", expected: 3, got: 6 });
    assert_eq!(lstm.last_hidden_batch(&[0.0; 4], 2, &mut out, &mut scratch), short);
    assert!(lstm.last_hidden_batch(&[0.0; 4], 0, &mut out, &mut scratch).is_err());
    assert!(lstm.last_hidden_batch(&[0.0; 4], usize::MAX, &mut out, &mut scratch).is_err());
    assert_eq!(out, [7.0; 6]);
}
