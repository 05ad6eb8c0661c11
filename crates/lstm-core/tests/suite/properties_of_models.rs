//! Properties of all sizes and inputs of the layers of v3 and v3.1.
use proptest::prelude::*;
use windvane_lstm_core::{
    AttentionCache, AttentionShape, BiLstmCache, BiLstmShape, Biases, Kernel, LstmState,
    PackedAttention, PackedBiLstm, PackedLstm, Real, attention_forward, bilstm_forward,
};

use crate::common::{bits, draws, max_difference, reversed, swap_axes};
use crate::network::Network;

/// Generates a shape, a number of time steps and a seed; hidden sizes with and without a partial
/// block.
fn layer() -> impl Strategy<Value = (BiLstmShape, usize, u64)> {
    let biases = prop_oneof![Just(Biases::One), Just(Biases::Two)];
    (1_usize..9, 1_usize..36, biases, 1_usize..12, any::<u64>())
        .prop_map(|(i, h, b, t, seed)| (BiLstmShape::new(i, h, b).unwrap(), t, seed))
}

/// Generates a shape, a number of time steps and a seed; unit numbers with and without a partial
/// block.
fn attention() -> impl Strategy<Value = (AttentionShape, usize, u64)> {
    (1_usize..40, 1_usize..70, 1_usize..12, any::<u64>())
        .prop_map(|(n, a, t, seed)| (AttentionShape::new(n, a).unwrap(), t, seed))
}

/// Draws weights from the uniform distribution of `PyTorch`'s initial weights.
fn torch_weights<R: Real>(shape: BiLstmShape, seed: u64) -> Vec<R> {
    draws(seed, shape.len(), 1.0 / (shape.hidden_size() as f64).sqrt())
}

fn packed<R: Real>(shape: BiLstmShape, weights: &[R], kernel: Kernel) -> PackedBiLstm<R> {
    let lstm = PackedBiLstm::new(shape, shape.params(weights).unwrap()).unwrap();
    lstm.with_kernel(kernel).unwrap()
}

fn sequence<R: Real>(lstm: &PackedBiLstm<R>, xs: &[R]) -> Vec<R> {
    let steps = xs.len() / lstm.shape().input_size();
    let mut out = vec![R::ZERO; steps * lstm.shape().output_size()];
    lstm.sequence(xs, &mut out, &mut lstm.scratch()).unwrap();
    out
}

/// Computes the context and the attention weights of a window.
fn attend<R: Real>(shape: AttentionShape, weights: &[R], h: &[R], k: Kernel) -> (Vec<R>, Vec<R>) {
    let packed = PackedAttention::new(shape, shape.params(weights).unwrap()).unwrap();
    let packed = packed.with_kernel(k).unwrap();
    let mut scratch = packed.scratch(h.len() / shape.input_size());
    let mut context = vec![R::ZERO; shape.input_size()];
    packed.apply(h, &mut context, &mut scratch).unwrap();
    (context, scratch.weights().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bilstm_is_bit_identical_to_two_lstms((shape, steps, seed) in layer()) {
        let (direction, hidden) = (shape.direction(), shape.hidden_size());
        let weights = torch_weights::<f32>(shape, seed);
        let xs: Vec<f32> = draws(seed ^ 1, steps * shape.input_size(), 2.0);
        let params = shape.params(&weights).unwrap();
        for kernel in Kernel::available() {
            let both = packed(shape, &weights, *kernel);
            let mut scratch = both.scratch();
            let last = both.last_hidden(&xs, &mut scratch).unwrap().to_vec();
            let mut out = vec![0.0; steps * 2 * hidden];
            both.sequence(&xs, &mut out, &mut scratch).unwrap();
            prop_assert_eq!(bits(&last), bits(both.last_hidden(&xs, &mut scratch).unwrap()));
            for (half, params, reverse) in [(0, params.forward, false), (1, params.reverse, true)] {
                let one = PackedLstm::new(direction, params).unwrap().with_kernel(*kernel).unwrap();
                let window = if reverse { reversed(&xs, steps) } else { xs.clone() };
                let mut state = LstmState::zeros(hidden);
                let mut rows = vec![0.0; steps * hidden];
                one.sequence(&window, &mut state, Some(&mut rows), &mut one.scratch()).unwrap();
                let rows = if reverse { reversed(&rows, steps) } else { rows };
                let part: Vec<f32> =
                    out.chunks(2 * hidden).flat_map(|row| row[half * hidden..][..hidden].to_vec())
                        .collect();
                prop_assert_eq!(bits(&rows), bits(&part));
                prop_assert_eq!(bits(state.h()), bits(&last[half * hidden..][..hidden]));
            }
        }
    }

    #[test]
    fn bilstm_inference_agrees_with_training(
        (shape, steps, seed) in layer(), batch in 1_usize..4,
    ) {
        let weights = torch_weights::<f32>(shape, seed);
        let len = steps * shape.input_size();
        let windows: Vec<f32> = draws(seed ^ 1, batch * len, 2.0);
        let mut cache = BiLstmCache::new();
        let x = swap_axes(&windows, [batch, steps]);
        let params = shape.params(&weights).unwrap();
        bilstm_forward(shape, params, &x, batch, None, &mut cache).unwrap();
        prop_assert_eq!((cache.batch(), cache.steps()), (batch, steps));
        let lstm = packed(shape, &weights, Kernel::detect());
        let mut scratch = lstm.scratch();
        let width = shape.output_size();
        let hidden = swap_axes(cache.hidden(), [steps, batch]);
        let trained = hidden.chunks(steps * width).zip(cache.last_hidden().chunks(width));
        for (window, (rows, last)) in windows.chunks(len).zip(trained) {
            prop_assert!(max_difference(&sequence(&lstm, window), rows) <= 1e-5);
            let last_hidden = lstm.last_hidden(window, &mut scratch).unwrap();
            prop_assert!(max_difference(last_hidden, last) <= 1e-5);
        }
    }

    #[test]
    fn bilstm_and_attention_fused_kernels_are_bit_identical(
        (lstm, steps, seed) in layer(), (shape, rows, _) in attention(),
    ) {
        let weights = torch_weights::<f32>(lstm, seed);
        let xs: Vec<f32> = draws(seed ^ 1, steps * lstm.input_size(), 2.0);
        let of_attention: Vec<f32> = draws(seed ^ 2, shape.len(), 0.5);
        let h: Vec<f32> = draws(seed ^ 3, rows * shape.input_size(), 1.0);
        let fused = Kernel::available().iter().filter(|kernel| kernel.is_fused());
        let results: Vec<_> = fused
            .map(|kernel| {
                let (context, attention) = attend(shape, &of_attention, &h, *kernel);
                let hidden = sequence(&packed(lstm, &weights, *kernel), &xs);
                [bits(&hidden), bits(&context), bits(&attention)]
            })
            .collect();
        prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn network_kernels_agree_to_rounding(seed in any::<u64>(), scale in 0.1..3.0) {
        let sizes = [6, 64, 3];
        let nets = [
            Network::v3(sizes, Biases::One),
            Network::v31(sizes, 64, &[64], Biases::One),
            Network::v31(sizes, 64, &[64, 32], Biases::One),
        ];
        let xs: Vec<f32> = draws(seed ^ 1, 20 * 6, scale);
        for net in nets {
            let mut weights = net.zeros();
            let len = weights.len();
            weights.flat_mut().copy_from_slice(&draws(seed, len, 0.125));
            let results: Vec<(Vec<f32>, Vec<f32>)> = Kernel::available()
                .iter()
                .map(|kernel| {
                    let mut packed = net.pack(&weights, *kernel);
                    (packed.logits(&xs), packed.attention().unwrap_or_default().to_vec())
                })
                .collect();
            for (logits, attention) in &results[1..] {
                prop_assert!(max_difference(&results[0].0, logits) <= 1e-6);
                prop_assert!(max_difference(&results[0].1, attention) <= 1e-6);
            }
        }
    }

    #[test]
    fn attention_weights_sum_to_one((shape, steps, seed) in attention(), scale in 0.1..20.0) {
        let weights: Vec<f32> = draws(seed, shape.len(), scale);
        let h: Vec<f32> = draws(seed ^ 1, steps * shape.input_size(), 1.0);
        for kernel in Kernel::available() {
            let (context, attention) = attend(shape, &weights, &h, *kernel);
            prop_assert!((attention.iter().sum::<f32>() - 1.0).abs() <= 1e-5);
            prop_assert!(attention.iter().all(|a| (0.0..=1.0).contains(a)));
            // A weighted mean is within the range of its values.
            for (k, c) in context.iter().enumerate() {
                let column = || h.iter().skip(k).step_by(shape.input_size());
                let (low, high) = column().fold((f32::MAX, f32::MIN), |(low, high), v| {
                    (low.min(*v), high.max(*v))
                });
                prop_assert!((low - 1e-5..=high + 1e-5).contains(c));
            }
        }
    }

    #[test]
    fn attention_equals_its_formula((shape, steps, seed) in attention(), batch in 1_usize..4) {
        let flat: Vec<f64> = draws(seed, shape.len(), 0.7);
        let (width, params) = (shape.input_size(), shape.params(&flat).unwrap());
        let windows: Vec<f64> = draws(seed ^ 1, batch * steps * width, 1.0);
        let mut cache = AttentionCache::new();
        let h = swap_axes(&windows, [batch, steps]);
        attention_forward(shape, params, &h, batch, &mut cache).unwrap();
        let trained = swap_axes(cache.weights(), [steps, batch]);
        for (b, window) in windows.chunks(steps * width).enumerate() {
            let score = |row: &[f64]| -> f64 {
                let units = params.w.chunks(width).zip(params.b.iter().zip(params.v));
                units.map(|(w, (b, v))| {
                    let z: f64 = w.iter().zip(row).map(|(w, h)| w * h).sum();
                    v * (z + b).tanh()
                }).sum()
            };
            let powers: Vec<f64> = window.chunks(width).map(|row| score(row).exp()).collect();
            let sum: f64 = powers.iter().sum();
            let want: Vec<f64> = powers.iter().map(|p| p / sum).collect();
            let mean: Vec<f64> = (0..width)
                .map(|k| window.chunks(width).zip(&want).map(|(row, a)| a * row[k]).sum())
                .collect();
            prop_assert!(max_difference(&trained[b * steps..][..steps], &want) <= 1e-12);
            prop_assert!(max_difference(&cache.context()[b * width..][..width], &mean) <= 1e-12);
            for kernel in Kernel::available() {
                let (context, attention) = attend(shape, &flat, window, *kernel);
                prop_assert!(max_difference(&attention, &want) <= 1e-12);
                prop_assert!(max_difference(&context, &mean) <= 1e-12);
            }
        }
    }

    #[test]
    fn attention_windows_are_independent((shape, steps, seed) in attention()) {
        let flat: Vec<f32> = draws(seed, shape.len(), 0.7);
        let h: Vec<f32> = draws(seed ^ 1, steps * shape.input_size(), 1.0);
        for kernel in Kernel::available() {
            let packed = PackedAttention::new(shape, shape.params(&flat).unwrap()).unwrap();
            let packed = packed.with_kernel(*kernel).unwrap();
            let mut scratch = packed.scratch(12);
            let mut context = vec![f32::NAN; shape.input_size()];
            packed.apply(&vec![f32::NAN; 12 * shape.input_size()], &mut context, &mut scratch)
                .unwrap();
            prop_assert!(context.iter().all(|c| c.is_nan()));
            packed.apply(&h, &mut context, &mut scratch).unwrap();
            let (alone, attention) = attend(shape, &flat, &h, *kernel);
            prop_assert_eq!(bits(&context), bits(&alone));
            prop_assert_eq!(bits(scratch.weights()), bits(&attention));
        }
    }
}

#[test]
fn attention_infinite_rows_keep_other_scores_finite() {
    // Numbers of units with a padded block, so that the padding is multiplied by infinity.
    for units in [1, 31, 33] {
        let shape = AttentionShape::new(1, units).unwrap();
        let mut flat = vec![0.0_f32; shape.len()];
        flat[..units].fill(1.0);
        flat[2 * units..].fill(-20.0);
        for kernel in Kernel::available() {
            let (_, weights) = attend(shape, &flat, &[f32::INFINITY, -1.0], *kernel);
            assert!(weights[1] > 0.99, "{units} units: {weights:?}");
        }
    }
}

#[test]
fn attention_single_step_has_weight_one() {
    let shape = AttentionShape::new(3, 2).unwrap();
    let flat: Vec<f32> = draws(1, shape.len(), 1.0);
    for kernel in Kernel::available() {
        let (context, weights) = attend(shape, &flat, &[0.5, -1.5, 2.0], *kernel);
        assert_eq!((context, weights), (vec![0.5, -1.5, 2.0], vec![1.0]));
    }
}
