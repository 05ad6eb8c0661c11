//! Layers with compact weights: the same bits on every kernel, alone and in a batch; small errors.
use windvane_lstm_core::{
    BiLstmShape, Biases, GruShape, Kernel, LstmShape, LstmState, PackedBiLstm, PackedGru,
    PackedLstm, Purpose, Stream,
};

const INPUTS: usize = 6;
const STEPS: usize = 20;
const WINDOWS: usize = 9;

#[expect(clippy::cast_possible_truncation, reason = "random numbers")]
fn numbers(count: usize, scale: f64) -> Vec<f32> {
    let mut stream = Stream::new(5, Purpose::Init, 0, 0);
    (0..count).map(|_| (scale * stream.normal()) as f32).collect()
}

fn lstm(hidden: usize) -> PackedLstm<f32> {
    let shape = LstmShape::new(INPUTS, hidden, Biases::Two).unwrap();
    let weights = numbers(shape.len(), 0.1);
    PackedLstm::new(shape, shape.params(&weights).unwrap()).unwrap()
}

/// Returns the last hidden state of each window, alone.
fn alone(lstm: &PackedLstm<f32>, windows: &[f32]) -> Vec<f32> {
    let mut scratch = lstm.scratch();
    let windows = windows.chunks(STEPS * INPUTS);
    windows.flat_map(|window| lstm.last_hidden(window, &mut scratch).unwrap().to_vec()).collect()
}

#[test]
fn compact_layers_have_the_same_bits_alone_in_a_batch_and_step_by_step() {
    let windows = numbers(WINDOWS * STEPS * INPUTS, 1.0);
    // Pairs of blocks, an odd block, and units after the last block.
    for hidden in [3, 16, 20, 32, 45, 64, 100] {
        for kernel in Kernel::available() {
            let lstm = lstm(hidden).with_kernel(*kernel).unwrap().compact();
            let expected = alone(&lstm, &windows);
            let mut batch = vec![0.0; expected.len()];
            let mut scratch = lstm.batch_scratch();
            lstm.last_hidden_batch(&windows, STEPS, &mut batch, &mut scratch).unwrap();
            assert_eq!(batch, expected, "{hidden} units, {}", kernel.name());
            let (mut state, mut scratch) = (LstmState::zeros(hidden), lstm.scratch());
            for x in windows[..STEPS * INPUTS].chunks(INPUTS) {
                lstm.step(x, &mut state, &mut scratch).unwrap();
            }
            assert_eq!(state.h(), &expected[..hidden], "{hidden} units, {}", kernel.name());
        }
    }
}

#[test]
fn compact_layers_have_the_same_bits_on_all_fused_kernels() {
    let windows = numbers(WINDOWS * STEPS * INPUTS, 1.0);
    for hidden in [32, 64, 100] {
        let outputs = Kernel::available().iter().filter(|kernel| kernel.is_fused());
        let outputs: Vec<Vec<f32>> = outputs
            .map(|kernel| alone(&lstm(hidden).with_kernel(*kernel).unwrap().compact(), &windows))
            .collect();
        assert!(outputs.windows(2).all(|two| two[0] == two[1]), "{hidden} units");
    }
}

#[test]
fn compact_layers_differ_little_and_only_by_their_weights() {
    let windows = numbers(WINDOWS * STEPS * INPUTS, 1.0);
    for hidden in [32, 64, 100] {
        let (exact, compact) = (lstm(hidden), lstm(hidden).compact());
        let errors = alone(&exact, &windows)
            .into_iter()
            .zip(alone(&compact, &windows))
            .map(|(a, b)| (a - b).abs());
        let largest = errors.fold(0.0, f32::max);
        assert!((1e-6..2e-3).contains(&largest), "{hidden} units: {largest}");
        // Compact weights are already rounded.
        let again = compact.clone().compact();
        assert_eq!(alone(&again, &windows), alone(&compact, &windows));
    }
}

#[test]
fn compact_bidirectional_and_gru_layers_have_the_same_bits_alone_and_in_a_batch() {
    let windows = numbers(WINDOWS * STEPS * INPUTS, 1.0);
    let shape = BiLstmShape::new(INPUTS, 64, Biases::Two).unwrap();
    let weights = numbers(shape.len(), 0.1);
    let lstm = PackedBiLstm::new(shape, shape.params(&weights).unwrap()).unwrap().compact();
    let mut batch = vec![0.0; WINDOWS * shape.output_size()];
    lstm.last_hidden_batch(&windows, STEPS, &mut batch, &mut lstm.batch_scratch()).unwrap();
    let mut scratch = lstm.scratch();
    for (window, expected) in windows.chunks(STEPS * INPUTS).zip(batch.chunks(shape.output_size()))
    {
        assert_eq!(lstm.last_hidden(window, &mut scratch).unwrap(), expected);
    }
    let shape = GruShape::new(INPUTS, 40, true).unwrap();
    let gru = PackedGru::new(shape, &numbers(shape.len(), 0.1)).unwrap().compact();
    let mut batch = vec![0.0; WINDOWS * shape.output_size()];
    gru.last_hidden_batch(&windows, STEPS, &mut batch, &mut gru.batch_scratch()).unwrap();
    let mut scratch = gru.scratch();
    for (window, expected) in windows.chunks(STEPS * INPUTS).zip(batch.chunks(shape.output_size()))
    {
        assert_eq!(gru.last_hidden(window, &mut scratch).unwrap(), expected);
    }
}

#[test]
fn compact_layers_of_f64_do_not_change() {
    let shape = LstmShape::new(2, 20, Biases::One).unwrap();
    let weights: Vec<f64> = (0..shape.len()).map(|i| (i as f64).sin() / 3.0).collect();
    let lstm = PackedLstm::new(shape, shape.params(&weights).unwrap()).unwrap();
    let window = [0.1, -0.2, 0.3, 0.0, -0.1, 0.4];
    let (mut one, mut two) = (lstm.scratch(), lstm.scratch());
    let expected = lstm.last_hidden(&window, &mut one).unwrap();
    assert_eq!(lstm.clone().compact().last_hidden(&window, &mut two).unwrap(), expected);
}
