//! Benchmarks of the training of v3.2, v3 and v3.1: epochs over 2,000 candles, in batches of 32 and
//! 256.
//!
//! v3.1 has one hidden dense layer of 64 units and dropout 0.3. An epoch consists of the optimiser
//! steps (gathering windows, forward pass, cross-entropy, backward pass, clipping, update) and the
//! loss on the validation windows, whose number is about a fifth of the training windows.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]
use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use windvane::models::network::{NetworkConfig, NetworkLearner};
use windvane::models::train::{Run, TrainConfig};
use windvane::models::{v3, v31, v32};
use windvane::signals::{TrainSet, ValidationSet};
use windvane_lstm_core::{Clip, Optimizer};

/// Number of epochs per fit: large enough that the constant time of a fit is negligible.
const EPOCHS: usize = 4;

/// Plain gradient descent with gradients clipped by value.
fn training(batch: usize) -> TrainConfig {
    TrainConfig {
        optimizer: Optimizer::Sgd { momentum: 0.0 },
        clip: Clip::Value(5.0),
        learning_rate: 0.01,
        epochs: EPOCHS,
        patience: EPOCHS,
        batch,
        ..TrainConfig::default()
    }
}

fn epochs(c: &mut Criterion, name: &str, fit: impl Fn(TrainConfig, &TrainSet, &ValidationSet)) {
    let tables = [windvane_benches::table(&windvane_benches::candles(2_000))];
    let mut group = c.benchmark_group(name);
    group.sample_size(10);
    windvane_benches::with_train(&tables, |train, validation| {
        group.throughput(Throughput::Elements((EPOCHS * train.len()) as u64));
        for batch in [32, 256] {
            bench(&mut group, batch, || fit(training(batch), train, validation));
        }
    });
    group.finish();
}

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, batch: usize, fit: impl Fn()) {
    group.bench_function(BenchmarkId::from_parameter(batch), |b| b.iter(&fit));
}

fn train_v32(c: &mut Criterion) {
    epochs(c, "train_v32", |training, train, validation| {
        let learner = NetworkLearner { training, ..v32::learner() };
        learner.fit_model(train, validation, &Run::new(1)).expect("a model");
    });
}

fn train_v3(c: &mut Criterion) {
    epochs(c, "train_v3", |training, train, validation| {
        let learner = NetworkLearner { training, ..v3::learner() };
        learner.fit_model(train, validation, &Run::new(1)).expect("a model");
    });
}

fn train_v31(c: &mut Criterion) {
    epochs(c, "train_v31", |training, train, validation| {
        let config = NetworkConfig { dense: vec![64], ..v31::config() };
        let learner = NetworkLearner { training, config, ..v31::learner() };
        learner.fit_model(train, validation, &Run::new(1)).expect("a model");
    });
}

criterion_group!(benches, train_v32, train_v3, train_v31);
criterion_main!(benches);
