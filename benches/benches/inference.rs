//! Benchmarks of the inference of the layers and the three networks, without scaling: 6 channels,
//! 20 steps.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use windvane_lstm_core::{
    AttentionShape, BiLstmShape, Biases, DenseShape, GruShape, LstmShape, LstmState,
    PackedAttention, PackedBiLstm, PackedDense, PackedGru, PackedLstm, PackedTcn,
    PackedTransformer, Purpose, Stream, TcnShape, TransformerShape, relu, softmax,
};

const CHANNELS: usize = 6;
const STEPS: usize = 20;
const WINDOW: usize = STEPS * CHANNELS;
const BATCH: usize = 256;
/// Number of windows per block, so that their hidden states stay in the cache for the attention.
const BLOCK: usize = 24;

fn numbers(count: usize, scale: f64) -> Vec<f32> {
    let mut stream = Stream::new(2, Purpose::Init, 0, 0);
    #[expect(clippy::cast_possible_truncation, reason = "random numbers")]
    (0..count).map(|_| (scale * stream.normal()) as f32).collect()
}

fn lstm(inputs: usize, hidden: usize) -> PackedLstm<f32> {
    let shape = LstmShape::new(inputs, hidden, Biases::One).expect("sizes in range");
    let weights = numbers(shape.len(), 0.1);
    PackedLstm::new(shape, shape.params(&weights).expect("fits")).expect("fits")
}

fn bilstm(hidden: usize) -> PackedBiLstm<f32> {
    let shape = BiLstmShape::new(CHANNELS, hidden, Biases::One).expect("sizes in range");
    let weights = numbers(shape.len(), 0.1);
    PackedBiLstm::new(shape, shape.params(&weights).expect("fits")).expect("fits")
}

fn attention() -> PackedAttention<f32> {
    let shape = AttentionShape::new(128, 64).expect("sizes in range");
    let weights = numbers(shape.len(), 0.1);
    PackedAttention::new(shape, shape.params(&weights).expect("fits")).expect("fits")
}

fn dense(inputs: usize, outputs: usize) -> PackedDense<f32> {
    let shape = DenseShape::new(inputs, outputs).expect("sizes in range");
    let weights = numbers(shape.len(), 0.1);
    PackedDense::new(shape, shape.params(&weights).expect("fits")).expect("fits")
}

/// Measures 1,000 steps per iteration, because a single step takes about as long as a clock
/// reading.
fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("step_x1000");
    group.throughput(Throughput::Elements(1000));
    let (v32, x) = (lstm(CHANNELS, 32), numbers(1000 * CHANNELS, 1.0));
    let (mut state, mut scratch) = (LstmState::zeros(32), v32.scratch());
    group.bench_function("v32", |b| {
        b.iter(|| {
            for x in x.chunks_exact(CHANNELS) {
                v32.step(x, &mut state, &mut scratch).expect("fits");
            }
        });
    });
    group.finish();
    let (first, second, x) = (lstm(100, 100), lstm(100, 100), numbers(100, 1.0));
    let (mut lower, mut upper) = (LstmState::zeros(100), LstmState::zeros(100));
    let (mut scratch, mut above) = (first.scratch(), second.scratch());
    c.bench_function("step_stacked_2x100", |b| {
        b.iter(|| {
            first.step(&x, &mut lower, &mut scratch).expect("fits");
            second.step(lower.h(), &mut upper, &mut above).expect("fits");
        });
    });
}

fn one_window(c: &mut Criterion) {
    let mut group = c.benchmark_group("window_1");
    let (x, mut p) = (numbers(WINDOW, 1.0), [0.0; 3]);
    let (v32, head) = (lstm(CHANNELS, 32), dense(32, 3));
    let mut scratch = v32.scratch();
    group.bench_function("v32", |b| {
        b.iter(|| {
            head.apply(v32.last_hidden(&x, &mut scratch).expect("fits"), &mut p).expect("fits");
            softmax(&mut p);
            p[0]
        });
    });
    let (v3, head) = (bilstm(64), dense(128, 3));
    let mut scratch = v3.scratch();
    group.bench_function("v3", |b| {
        b.iter(|| {
            head.apply(v3.last_hidden(&x, &mut scratch).expect("fits"), &mut p).expect("fits");
            softmax(&mut p);
            p[0]
        });
    });
    let (attention, middle, head) = (attention(), dense(128, 64), dense(64, 3));
    let mut of_attention = attention.scratch(STEPS);
    let (mut states, mut context, mut y) = ([0.0; STEPS * 128], [0.0; 128], [0.0; 64]);
    group.bench_function("v31", |b| {
        b.iter(|| {
            v3.sequence(&x, &mut states, &mut scratch).expect("fits");
            attention.apply(&states, &mut context, &mut of_attention).expect("fits");
            middle.apply(&context, &mut y).expect("fits");
            relu(&mut y);
            head.apply(&y, &mut p).expect("fits");
            softmax(&mut p);
            p[0]
        });
    });
    group.finish();
}

/// Measures exact and compact weights of the encoders of v3.2 and v3 and of larger layers.
fn compact_weights(c: &mut Criterion) {
    let mut group = c.benchmark_group("window_1_weights");
    let x = numbers(WINDOW, 1.0);
    for hidden in [32, 100, 256] {
        let exact = lstm(CHANNELS, hidden);
        for (name, lstm) in [("exact", exact.clone()), ("compact", exact.compact())] {
            let mut scratch = lstm.scratch();
            group.bench_function(BenchmarkId::new(name, hidden), |b| {
                b.iter(|| lstm.last_hidden(&x, &mut scratch).expect("fits")[0]);
            });
        }
    }
    let exact = bilstm(64);
    for (name, lstm) in [("exact", exact.clone()), ("compact", exact.compact())] {
        let mut scratch = lstm.scratch();
        group.bench_function(BenchmarkId::new(name, "2x64"), |b| {
            b.iter(|| lstm.last_hidden(&x, &mut scratch).expect("fits")[0]);
        });
    }
    group.finish();
}

/// Measures the encoders of the presets `gru`, `tcn` and `transformer`, without a head.
fn encoders(c: &mut Criterion) {
    let mut group = c.benchmark_group("window_1_encoder");
    let (x, mut states) = (numbers(WINDOW, 1.0), [0.0; STEPS * 32]);
    let shape = GruShape::new(CHANNELS, 32, false).expect("sizes in range");
    let gru = PackedGru::new(shape, &numbers(shape.len(), 0.1)).expect("fits");
    let mut scratch = gru.scratch();
    group.bench_function("gru", |b| {
        b.iter(|| gru.last_hidden(&x, &mut scratch).expect("fits")[0]);
    });
    let shape = TcnShape::new(CHANNELS, 32, 4).expect("sizes in range");
    let tcn = PackedTcn::new(&shape, &numbers(shape.len(), 0.1)).expect("fits");
    let mut scratch = tcn.scratch(STEPS);
    group.bench_function("tcn", |b| {
        b.iter(|| tcn.last_hidden(&x, &mut scratch).expect("fits")[0]);
    });
    let shape = TransformerShape::new(CHANNELS, 32, 4, 64, 2).expect("sizes in range");
    let transformer = PackedTransformer::new(shape, &numbers(shape.len(), 0.1)).expect("fits");
    let mut scratch = transformer.scratch(STEPS);
    group.bench_function("transformer", |b| {
        b.iter(|| {
            transformer.sequence(&x, &mut states, &mut scratch).expect("fits");
            states[0]
        });
    });
    group.finish();
}

fn batch(c: &mut Criterion) {
    let mut group = c.benchmark_group("window_256");
    group.throughput(Throughput::Elements(BATCH as u64));
    let (x, mut p) = (numbers(BATCH * WINDOW, 1.0), [0.0; BATCH * 3]);
    let (v32, head, mut h) = (lstm(CHANNELS, 32), dense(32, 3), vec![0.0; BATCH * 32]);
    let mut scratch = v32.batch_scratch();
    group.bench_function("v32", |b| {
        b.iter(|| {
            v32.last_hidden_batch(&x, STEPS, &mut h, &mut scratch).expect("fits");
            head.apply(&h, &mut p).expect("fits");
            p.chunks_exact_mut(3).for_each(softmax);
        });
    });
    let (v3, head, mut h) = (bilstm(64), dense(128, 3), vec![0.0; BATCH * 128]);
    let mut scratch = v3.batch_scratch();
    group.bench_function("v3", |b| {
        b.iter(|| {
            v3.last_hidden_batch(&x, STEPS, &mut h, &mut scratch).expect("fits");
            head.apply(&h, &mut p).expect("fits");
            p.chunks_exact_mut(3).for_each(softmax);
        });
    });
    let (attention, middle, head) = (attention(), dense(128, 64), dense(64, 3));
    let mut of_attention = attention.scratch(STEPS);
    let (mut states, mut y) = (vec![0.0; BLOCK * STEPS * 128], vec![0.0; BATCH * 64]);
    group.bench_function("v31", |b| {
        b.iter(|| {
            for (x, h) in x.chunks(BLOCK * WINDOW).zip(h.chunks_mut(BLOCK * 128)) {
                let states = &mut states[..h.len() * STEPS];
                v3.sequence_batch(x, STEPS, states, &mut scratch).expect("fits");
                for (states, h) in states.chunks(STEPS * 128).zip(h.chunks_mut(128)) {
                    attention.apply(states, h, &mut of_attention).expect("fits");
                }
            }
            middle.apply(&h, &mut y).expect("fits");
            relu(&mut y);
            head.apply(&y, &mut p).expect("fits");
            p.chunks_exact_mut(3).for_each(softmax);
        });
    });
    group.finish();
}

/// Measures the time over the number of units, steps and windows.
fn sweep(c: &mut Criterion) {
    let mut group = c.benchmark_group("sweep");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for hidden in [16, 24, 32, 48, 64, 96, 100, 128, 192, 256] {
        let (lstm, x) = (lstm(CHANNELS, hidden), numbers(WINDOW, 1.0));
        let mut scratch = lstm.scratch();
        group.bench_function(BenchmarkId::new("hidden", hidden), |b| {
            b.iter(|| lstm.last_hidden(&x, &mut scratch).expect("fits")[0]);
        });
    }
    let lstm = lstm(CHANNELS, 32);
    let mut scratch = lstm.scratch();
    for steps in [5, 10, 20, 50, 100, 200] {
        let x = numbers(steps * CHANNELS, 1.0);
        group.bench_function(BenchmarkId::new("steps", steps), |b| {
            b.iter(|| lstm.last_hidden(&x, &mut scratch).expect("fits")[0]);
        });
    }
    let mut scratch = lstm.batch_scratch();
    for windows in [1, 4, 16, 64, 256, 1024, 4096] {
        let (x, mut h) = (numbers(windows * WINDOW, 1.0), vec![0.0; windows * 32]);
        group.throughput(Throughput::Elements(windows as u64));
        group.bench_function(BenchmarkId::new("batch", windows), |b| {
            b.iter(|| lstm.last_hidden_batch(&x, STEPS, &mut h, &mut scratch).expect("fits"));
        });
    }
    group.finish();
}

criterion_group!(benches, steps, one_window, compact_weights, encoders, batch, sweep);
criterion_main!(benches);
