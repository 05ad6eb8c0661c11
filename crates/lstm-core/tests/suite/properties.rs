//! Properties of all sizes and inputs.
use proptest::prelude::*;
use windvane_lstm_core::{
    Biases, CrossEntropy, Kernel, LstmCache, LstmShape, LstmState, PackedDense, PackedLstm, Real,
    lstm_forward, softmax,
};

use crate::common::{bits, draws, max_difference, swap_axes};
use crate::network::{Batch, Network};

fn biases() -> impl Strategy<Value = Biases> {
    prop_oneof![Just(Biases::One), Just(Biases::Two)]
}

/// Generates a shape, a number of time steps and a seed; hidden sizes with and without a partial
/// block.
fn layer() -> impl Strategy<Value = (LstmShape, usize, u64)> {
    (1_usize..9, 1_usize..50, biases(), 1_usize..12, any::<u64>())
        .prop_map(|(i, h, b, t, seed)| (LstmShape::new(i, h, b).unwrap(), t, seed))
}

fn packed<R: Real>(shape: LstmShape, weights: &[R], kernel: Kernel) -> PackedLstm<R> {
    let lstm = PackedLstm::new(shape, shape.params(weights).unwrap()).unwrap();
    lstm.with_kernel(kernel).unwrap()
}

/// Draws weights from the uniform distribution of `PyTorch`'s initial weights.
fn torch_weights<R: Real>(shape: LstmShape, seed: u64) -> Vec<R> {
    draws(seed, shape.len(), 1.0 / (shape.hidden_size() as f64).sqrt())
}

fn last_hidden<R: Real>(lstm: &PackedLstm<R>, xs: &[R]) -> Vec<R> {
    lstm.last_hidden(xs, &mut lstm.scratch()).unwrap().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lstm_steps_sequence_and_window_are_bit_identical((shape, steps, seed) in layer()) {
        let (inputs, hidden) = (shape.input_size(), shape.hidden_size());
        let weights = torch_weights::<f32>(shape, seed);
        let xs: Vec<f32> = draws(seed ^ 1, steps * inputs, 2.0);
        for kernel in Kernel::available() {
            let lstm = packed(shape, &weights, *kernel);
            let mut scratch = lstm.scratch();
            let mut stepped = LstmState::zeros(hidden);
            let mut each = Vec::new();
            for x in xs.chunks(inputs) {
                lstm.step(x, &mut stepped, &mut scratch).unwrap();
                each.extend_from_slice(stepped.h());
            }
            let mut run = LstmState::zeros(hidden);
            let mut out = vec![0.0; steps * hidden];
            lstm.sequence(&xs, &mut run, Some(&mut out), &mut scratch).unwrap();
            prop_assert_eq!(bits(&each), bits(&out));
            prop_assert_eq!(bits(stepped.c()), bits(run.c()));
            prop_assert_eq!(bits(run.h()), bits(&last_hidden(&lstm, &xs)));
        }
    }

    #[test]
    fn lstm_windows_are_independent((shape, steps, seed) in layer(), batch in 1_usize..5) {
        let weights = torch_weights::<f32>(shape, seed);
        let len = steps * shape.input_size();
        let windows: Vec<f32> = draws(seed ^ 1, batch * len, 2.0);
        for kernel in Kernel::available() {
            let lstm = packed(shape, &weights, *kernel);
            let mut scratch = lstm.scratch();
            for window in windows.chunks(len) {
                let alone = last_hidden(&lstm, window);
                let after_others = lstm.last_hidden(window, &mut scratch).unwrap();
                prop_assert_eq!(bits(&alone), bits(after_others));
            }
        }
    }

    #[test]
    fn lstm_fused_kernels_are_bit_identical((shape, steps, seed) in layer()) {
        let weights = torch_weights::<f32>(shape, seed);
        let xs: Vec<f32> = draws(seed ^ 1, steps * shape.input_size(), 2.0);
        let fused = Kernel::available().iter().filter(|kernel| kernel.is_fused());
        let results: Vec<_> =
            fused.map(|k| bits(&last_hidden(&packed(shape, &weights, *k), &xs))).collect();
        prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn lstm_kernels_agree_to_rounding_on_v32(seed in any::<u64>(), scale in 0.1..3.0) {
        let shape = LstmShape::new(6, 32, Biases::One).unwrap();
        let weights = torch_weights::<f32>(shape, seed);
        let xs: Vec<f32> = draws(seed ^ 1, 20 * 6, scale);
        let results: Vec<Vec<f32>> = Kernel::available()
            .iter()
            .map(|k| last_hidden(&packed(shape, &weights, *k), &xs))
            .collect();
        for other in &results[1..] {
            prop_assert!(max_difference(&results[0], other) <= 1e-6);
        }
    }

    #[test]
    fn lstm_inference_agrees_with_training((shape, steps, seed) in layer(), batch in 1_usize..4) {
        let weights = torch_weights::<f32>(shape, seed);
        let len = steps * shape.input_size();
        let windows: Vec<f32> = draws(seed ^ 1, batch * len, 2.0);
        let mut cache = LstmCache::new();
        let x = swap_axes(&windows, [batch, steps]);
        lstm_forward(shape, shape.params(&weights).unwrap(), &x, batch, None, &mut cache).unwrap();
        let lstm = packed(shape, &weights, Kernel::detect());
        for (window, trained) in
            windows.chunks(len).zip(cache.last_hidden().chunks(shape.hidden_size()))
        {
            prop_assert!(max_difference(&last_hidden(&lstm, window), trained) <= 1e-5);
        }
    }

    #[test]
    fn lstm_f32_agrees_with_f64((shape, steps, seed) in layer()) {
        let (narrow, wide) = (torch_weights::<f32>(shape, seed), torch_weights::<f64>(shape, seed));
        let len = steps * shape.input_size();
        let (xs, wide_xs) = (draws::<f32>(seed ^ 1, len, 2.0), draws::<f64>(seed ^ 1, len, 2.0));
        for kernel in Kernel::available() {
            let got = last_hidden(&packed(shape, &narrow, *kernel), &xs);
            let want = last_hidden(&packed(shape, &wide, *kernel), &wide_xs);
            for (got, want) in got.iter().zip(&want) {
                prop_assert!((f64::from(*got) - want).abs() <= 1e-5);
            }
        }
    }

    #[test]
    fn dense_rows_are_independent(
        outputs in 1_usize..80, inputs in 1_usize..20, rows in 1_usize..15, seed in any::<u64>(),
    ) {
        let shape = windvane_lstm_core::DenseShape::new(inputs, outputs).unwrap();
        let weights: Vec<f64> = draws(seed, shape.len(), 1.0);
        let xs: Vec<f64> = draws(seed ^ 1, rows * inputs, 1.0);
        let params = shape.params(&weights).unwrap();
        for kernel in Kernel::available() {
            let dense = PackedDense::new(shape, params).unwrap().with_kernel(*kernel).unwrap();
            let mut ys = vec![0.0; rows * outputs];
            dense.apply(&xs, &mut ys).unwrap();
            for (x, y) in xs.chunks(inputs).zip(ys.chunks(outputs)) {
                let mut alone = vec![0.0; outputs];
                dense.apply(x, &mut alone).unwrap();
                prop_assert_eq!(&alone, y);
                for (output, y) in y.iter().enumerate() {
                    let row = &params.w[output * inputs..][..inputs];
                    let sum: f64 = row.iter().zip(x).map(|(w, x)| w * x).sum();
                    prop_assert!((params.b[output] + sum - y).abs() <= 1e-13);
                }
            }
        }
    }

    #[test]
    fn dense_sums_start_at_the_bias_and_add_the_inputs_in_order(
        outputs in 1_usize..80, inputs in 1_usize..20, rows in 1_usize..15, seed in any::<u64>(),
    ) {
        let shape = windvane_lstm_core::DenseShape::new(inputs, outputs).unwrap();
        let weights: Vec<f32> = draws(seed, shape.len(), 1.0);
        let xs: Vec<f32> = draws(seed ^ 1, rows * inputs, 1.0);
        let params = shape.params(&weights).unwrap();
        for kernel in Kernel::available() {
            let dense = PackedDense::new(shape, params).unwrap().with_kernel(*kernel).unwrap();
            let mut ys = vec![0.0; rows * outputs];
            dense.apply(&xs, &mut ys).unwrap();
            let expected = xs.chunks(inputs).flat_map(|x| {
                params.b.iter().zip(params.w.chunks(inputs)).map(move |(b, row)| {
                    row.iter().zip(x).fold(*b, |sum, (w, x)| {
                        if kernel.is_fused() { w.mul_add(*x, sum) } else { w * x + sum }
                    })
                })
            });
            prop_assert_eq!(bits(&ys), bits(&expected.collect::<Vec<f32>>()));
        }
    }

    #[test]
    fn gradients_of_chunks_sum_to_those_of_the_batch(seed in any::<u64>(), cut in 1_usize..7) {
        let net = Network::v32([2, 5, 3], Biases::One);
        let mut weights = net.zeros::<f64>();
        let len = weights.len();
        weights.flat_mut().copy_from_slice(&draws(seed, len, 0.8));
        let windows: Vec<f64> = draws(seed ^ 1, 7 * 4 * 2, 1.0);
        let targets = [0, 1, 2, 2, 1, 0, 1];
        // Without class weights the normaliser is the batch size: each chunk is weighted by its
        // share.
        let learn = |from: usize, to: usize, share: f64| {
            let x = swap_axes(&windows[from * 8..to * 8], [to - from, 4]);
            let loss = CrossEntropy { classes: 3, weights: None, smoothing: 0.1 };
            let batch = Batch { x: &x, targets: &targets[from..to], loss, masks: &[] };
            let mut gradients = weights.zeros_like();
            let loss = net.learn(&weights, &batch, &mut gradients, None).loss;
            let gradients: Vec<f64> = gradients.flat().iter().map(|g| g * share).collect();
            (loss * share, gradients)
        };
        let (loss, gradients) = learn(0, 7, 1.0);
        let (first, d_first) = learn(0, cut, cut as f64 / 7.0);
        let (second, d_second) = learn(cut, 7, (7 - cut) as f64 / 7.0);
        prop_assert!((loss - first - second).abs() <= 1e-12);
        let sum: Vec<f64> = d_first.iter().zip(&d_second).map(|(a, b)| a + b).collect();
        prop_assert!(max_difference(&gradients, &sum) <= 1e-12);
    }

    #[test]
    fn softmax_sums_to_one(mut logits in prop::collection::vec(-1e30_f32..1e30, 1..9)) {
        softmax(&mut logits);
        prop_assert!((logits.iter().sum::<f32>() - 1.0).abs() <= 1e-6);
        prop_assert!(logits.iter().all(|p| (0.0..=1.0).contains(p)));
    }
}

#[test]
fn lstm_nan_and_infinity_have_no_effect_after_reset() {
    for (hidden, bad) in [(1, f32::NAN), (17, f32::NAN), (17, f32::INFINITY), (32, f32::MAX)] {
        let shape = LstmShape::new(2, hidden, Biases::Two).unwrap();
        let weights = torch_weights::<f32>(shape, 3);
        for kernel in Kernel::available() {
            let lstm = packed(shape, &weights, *kernel);
            let mut scratch = lstm.scratch();
            let good = last_hidden(&lstm, &[0.5; 6]);
            let spoilt = lstm.last_hidden(&[0.5, bad, 0.5, 0.5], &mut scratch).unwrap();
            assert_eq!(spoilt.iter().all(|h| h.is_nan()), bad.is_nan());
            assert_eq!(bits(&good), bits(lstm.last_hidden(&[0.5; 6], &mut scratch).unwrap()));
            // A reset removes a NaN from the state.
            let mut state = LstmState::zeros(hidden);
            lstm.step(&[bad, bad], &mut state, &mut scratch).unwrap();
            state.reset();
            lstm.sequence(&[0.5; 6], &mut state, None, &mut scratch).unwrap();
            assert_eq!(bits(&good), bits(state.h()));
        }
    }
}
