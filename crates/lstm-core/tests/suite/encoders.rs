//! Temporal convolutional network and transformer encoder: gradients, inference and arguments.
use proptest::prelude::*;
use windvane_lstm_core::{
    Kernel, LstmError, PackedTcn, PackedTransformer, Real, TcnCache, TcnShape, TransformerCache,
    TransformerShape, tcn_backward, tcn_forward, transformer_backward, transformer_forward,
};

use crate::common::{bits, draws, length, max_difference, swap_axes};
use crate::gradients::{check, dot};
use crate::stack::{Stack, StackCache};

fn tcn(inputs: usize, channels: usize, blocks: usize) -> Stack {
    Stack::Tcn(TcnShape::new(inputs, channels, blocks).unwrap())
}

fn transformer(inputs: usize, width: usize, heads: usize, layers: usize) -> Stack {
    let shape = TransformerShape::new(inputs, width * heads, heads, 5, layers);
    Stack::Transformer(shape.unwrap())
}

#[test]
fn encoder_gradients_equal_finite_differences() {
    let (steps, batch) = (5, 2);
    for stack in [tcn(3, 4, 2), transformer(3, 2, 2, 2)] {
        let [inputs, outputs] = stack.sizes();
        let at: Vec<f64> = draws(1, stack.len() + steps * batch * inputs, 0.7);
        let d_y: Vec<f64> = draws(2, steps * batch * outputs, 1.0);
        let (params, x) = at.split_at(stack.len());
        let mut cache = StackCache::new();
        stack.forward(params, x, batch, &mut cache);
        let before: Vec<f64> = draws(3, at.len(), 1.0);
        let mut gradient = before.clone();
        let (d_params, d_x) = gradient.split_at_mut(stack.len());
        stack.backward(params, x, &mut cache, &d_y, (d_params, Some(d_x)));
        let mut alone = before[..stack.len()].to_vec();
        stack.backward(params, x, &mut cache, &d_y, (&mut alone, None));
        assert_eq!(alone, gradient[..stack.len()]);
        let added: Vec<f64> = gradient.iter().zip(&before).map(|(g, b)| g - b).collect();
        check(&format!("{stack:?}"), &at, &added, |at| {
            let (params, x) = at.split_at(stack.len());
            dot(stack.forward(params, x, batch, &mut cache), &d_y)
        });
    }
}

/// Generates encoders, numbers of steps and of windows, and a seed.
fn encoders() -> impl Strategy<Value = (Stack, [usize; 2], u64)> {
    let stacks = prop_oneof![
        (1_usize..8, 1_usize..40, 1_usize..5).prop_map(|(i, c, blocks)| tcn(i, c, blocks)),
        (1_usize..8, 1_usize..10, 1_usize..4, 1_usize..3)
            .prop_map(|(i, width, heads, layers)| transformer(i, width, heads, layers)),
    ];
    (stacks, (1_usize..40, 1_usize..4).prop_map(<[usize; 2]>::from), any::<u64>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn encoder_inference_equals_training_form((stack, sizes, seed) in encoders()) {
        compare::<f64>(&stack, sizes, seed, 1e-11);
        compare::<f32>(&stack, sizes, seed, 2e-4);
    }

    #[test]
    fn encoder_inference_has_the_same_bits_on_all_kernels((stack, [steps, _], seed) in encoders()) {
        let params: Vec<f32> = draws(seed, stack.len(), 0.4);
        let window: Vec<f32> = draws(seed ^ 1, steps * stack.sizes()[0], 2.0);
        let fused = Kernel::available().iter().filter(|kernel| kernel.is_fused());
        let results: Vec<Vec<u32>> = fused
            .map(|kernel| bits(&stack.infer(&params, &window, steps, *kernel)))
            .collect();
        prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
        // Working memory for longer windows gives the same result.
        let kernel = Kernel::detect();
        let expected = bits(&stack.infer(&params, &window, steps, kernel));
        prop_assert_eq!(bits(&stack.infer(&params, &window, steps + 7, kernel)), expected);
    }
}

/// Compares the results of inference with those of the training form.
fn compare<R: Real>(stack: &Stack, [steps, batch]: [usize; 2], seed: u64, tolerance: f64) {
    let params: Vec<R> = draws(seed, stack.len(), 0.4);
    let inputs = stack.sizes()[0];
    let windows: Vec<R> = draws(seed ^ 1, steps * batch * inputs, 2.0);
    let mut cache = StackCache::new();
    let x = swap_axes(&windows, [batch, steps]);
    let expected = swap_axes(stack.forward(&params, &x, batch, &mut cache), [steps, batch]);
    let scale = expected.iter().fold(1.0_f64, |most, value| most.max(value.to_f64().abs()));
    for &kernel in Kernel::available() {
        let windows = windows.chunks(steps * inputs);
        let got: Vec<R> =
            windows.flat_map(|window| stack.infer(&params, window, steps, kernel)).collect();
        let difference = max_difference(&got, &expected) / scale;
        assert!(difference <= tolerance, "{stack:?} {kernel:?}: {difference:e}");
    }
}

#[test]
fn encoder_shapes_reject_sizes_out_of_range() {
    for [inputs, channels, blocks] in [[0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 13], [1, 1366, 1]] {
        assert!(TcnShape::new(inputs, channels, blocks).is_err());
    }
    let transformer = |[inputs, size, heads, units, layers]: [usize; 5]| {
        TransformerShape::new(inputs, size, heads, units, layers)
    };
    assert!(transformer([1, 4, 2, 1, 12]).is_ok());
    for sizes in [[0, 4, 2, 1, 1], [1, 4, 3, 1, 1], [1, 4, 2, 0, 1], [1, 4, 2, 1, 13]] {
        assert!(transformer(sizes).is_err(), "{sizes:?}");
    }
}

#[test]
fn encoder_inference_rejects_wrong_lengths() {
    let shape = TcnShape::new(2, 3, 1).unwrap();
    let params = vec![0.1_f32; shape.len()];
    assert!(PackedTcn::new(&shape, &params[1..]).is_err());
    let tcn = PackedTcn::new(&shape, &params).unwrap();
    let (mut scratch, mut out) = (tcn.scratch(2), [7.0; 6]);
    let rows = |got| LstmError::Rows { what: "xs", expected: 2, got };
    let long = LstmError::Size { what: "steps", expected: 2, got: 3 };
    assert_eq!(tcn.last_hidden(&[0.0; 3], &mut scratch), Err(rows(3)));
    assert_eq!(tcn.last_hidden(&[0.0; 6], &mut scratch), Err(long.clone()));
    assert_eq!(tcn.sequence(&[0.0; 2], &mut out, &mut scratch), Err(length("out", 3, 6)));
    let wide = TcnShape::new(2, 4, 1).unwrap();
    let mut other = PackedTcn::new(&wide, &vec![0.1; wide.len()]).unwrap().scratch(2);
    assert_eq!(tcn.sequence(&[0.0; 4], &mut out, &mut other), Err(length("scratch", 6, 8)));

    let shape = TransformerShape::new(2, 4, 2, 3, 1).unwrap();
    let params = vec![0.1_f32; shape.len()];
    assert!(PackedTransformer::new(shape, &params[1..]).is_err());
    let transformer = PackedTransformer::new(shape, &params).unwrap();
    let (mut scratch, mut short) = (transformer.scratch(2), [7.0; 4]);
    let mut sequence = |xs: &[f32], out: &mut [f32]| transformer.sequence(xs, out, &mut scratch);
    assert_eq!(sequence(&[0.0; 3], &mut short), Err(rows(3)));
    assert_eq!(sequence(&[0.0; 6], &mut [7.0; 12]), Err(long));
    assert_eq!(sequence(&[0.0; 4], &mut short), Err(length("out", 8, 4)));
    assert_eq!((out, short), ([7.0; 6], [7.0; 4]));
}

#[test]
fn encoder_training_rejects_wrong_lengths() {
    let (x, d_y) = ([0.5_f64; 2 * 3 * 2], [1.0; 2 * 3 * 4]);
    let tcn = TcnShape::new(2, 4, 1).unwrap();
    let params = vec![0.1; tcn.len()];
    let (mut d, mut cache) = (vec![7.0; tcn.len()], TcnCache::default());
    assert!(tcn_forward(&tcn, &params, &x, 5, &mut cache).is_err());
    assert!(tcn_backward(&tcn, &params, &x, &mut cache, &d_y, &mut d, None).is_err());
    tcn_forward(&tcn, &params, &x, 3, &mut cache).unwrap();
    let got = tcn_backward(&tcn, &params, &x, &mut cache, &d_y[1..], &mut d, None);
    assert_eq!(got, Err(length("d_y", 24, 23)));
    let got = tcn_backward(&tcn, &params, &x[2..], &mut cache, &d_y, &mut d, None);
    assert_eq!(got, Err(length("x", 12, 10)));
    assert!(d.iter().all(|d| *d == 7.0));

    let shape = TransformerShape::new(2, 4, 2, 3, 1).unwrap();
    let params = vec![0.1; shape.len()];
    let (mut d, mut cache) = (vec![7.0; shape.len()], TransformerCache::default());
    assert!(transformer_forward(shape, &params, &x, 5, &mut cache).is_err());
    assert!(transformer_backward(shape, &params, &x, &mut cache, &d_y, &mut d, None).is_err());
    transformer_forward(shape, &params, &x, 3, &mut cache).unwrap();
    let got = transformer_backward(shape, &params, &x, &mut cache, &d_y[1..], &mut d, None);
    assert_eq!(got, Err(length("d_y", 24, 23)));
    let got = transformer_backward(shape, &params, &x[2..], &mut cache, &d_y, &mut d, None);
    assert_eq!(got, Err(length("x", 12, 10)));
    assert!(d.iter().all(|d| *d == 7.0));
}
