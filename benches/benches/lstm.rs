//! Benchmarks of the forward and backward pass of one LSTM layer: 6 channels, 20 steps.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use windvane_lstm_core::{
    Biases, Init, LstmCache, LstmGradients, LstmShape, LstmState, LstmUpstream, PackedLstm,
    Purpose, Stream, init_lstm, lstm_backward, lstm_forward,
};

const INPUTS: usize = 6;
const STEPS: usize = 20;
const HIDDEN: [usize; 2] = [32, 64];
const BATCHES: [usize; 2] = [32, 256];

fn shape(hidden: usize) -> LstmShape {
    LstmShape::new(INPUTS, hidden, Biases::One).expect("sizes in range")
}

fn weights(shape: LstmShape) -> Vec<f32> {
    let mut weights = vec![0.0; shape.len()];
    let params = shape.params_mut(&mut weights).expect("the shape's own length");
    let mut stream = Stream::new(1, Purpose::Init, 0, 0);
    init_lstm(shape, Init::XavierUniform, 1.0, &mut stream, params).expect("views that fit");
    weights
}

fn numbers(count: usize) -> Vec<f32> {
    let mut stream = Stream::new(2, Purpose::Init, 0, 0);
    #[expect(clippy::cast_possible_truncation, reason = "random inputs")]
    (0..count).map(|_| stream.normal() as f32).collect()
}

fn forward_one_window(c: &mut Criterion) {
    let mut group = c.benchmark_group("lstm_forward_1");
    for hidden in HIDDEN {
        let shape = shape(hidden);
        let weights = weights(shape);
        let lstm = PackedLstm::new(shape, shape.params(&weights).expect("fits")).expect("fits");
        let (x, mut scratch) = (numbers(STEPS * INPUTS), lstm.scratch());
        group.bench_function(BenchmarkId::from_parameter(hidden), |b| {
            b.iter(|| lstm.last_hidden(&x, &mut scratch).expect("fits")[0]);
        });
    }
    group.finish();
}

fn one_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("lstm_step");
    for hidden in HIDDEN {
        let shape = shape(hidden);
        let weights = weights(shape);
        let lstm = PackedLstm::new(shape, shape.params(&weights).expect("fits")).expect("fits");
        let (x, mut scratch, mut state) =
            (numbers(INPUTS), lstm.scratch(), LstmState::zeros(hidden));
        group.bench_function(BenchmarkId::from_parameter(hidden), |b| {
            b.iter(|| lstm.step(&x, &mut state, &mut scratch).expect("fits"));
        });
    }
    group.finish();
}

fn forward_and_backward(c: &mut Criterion) {
    for (hidden, batch) in HIDDEN.into_iter().flat_map(|h| BATCHES.map(|b| (h, b))) {
        let shape = shape(hidden);
        let weights = weights(shape);
        let params = shape.params(&weights).expect("fits");
        let x = numbers(STEPS * batch * INPUTS);
        let d_last_hidden = numbers(batch * hidden);
        let mut cache = LstmCache::new();
        let mut group = c.benchmark_group(format!("lstm_training_h{hidden}"));
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::new("forward", batch), |b| {
            b.iter(|| lstm_forward(shape, params, &x, batch, None, &mut cache).expect("fits"));
        });
        group.bench_function(BenchmarkId::new("backward", batch), |b| {
            b.iter_batched_ref(
                || vec![0.0_f32; shape.len()],
                |gradients| {
                    let upstream = LstmUpstream {
                        d_hidden: None,
                        d_last_hidden: Some(&d_last_hidden),
                        d_last_cell: None,
                    };
                    let d_params = shape.params_mut(gradients).expect("fits");
                    let into = LstmGradients { d_params, d_inputs: None, d_start: None };
                    lstm_backward(shape, params, &x, &mut cache, upstream, into).expect("fits");
                },
                BatchSize::SmallInput,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, forward_one_window, one_step, forward_and_backward);
criterion_main!(benches);
