//! Training v3.2: one epoch over 2,000 candles, in batches of 32 and 256.
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]
#[path = "../support/mod.rs"]
mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use windvane::models::train::{Recipe, Run};
use windvane::models::v32::FastLstmLearner;

fn one_epoch(c: &mut Criterion) {
    let tables = [support::table(&support::candles(2_000))];
    let mut group = c.benchmark_group("train_epoch_v32");
    group.sample_size(10);
    support::with_train(&tables, |train, validation| {
        group.throughput(Throughput::Elements(train.len() as u64));
        for batch in [32, 256] {
            let recipe = Recipe { epochs: 1, batch, ..Recipe::default() };
            let learner = FastLstmLearner { recipe, ..FastLstmLearner::default() };
            group.bench_function(BenchmarkId::from_parameter(batch), |b| {
                b.iter(|| learner.fit_model(train, validation, &Run::new(1)).expect("a model"));
            });
        }
    });
    group.finish();
}

fn one_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("train_step_v32");
    for windows in [32, 256] {
        // A series with just that many training windows: an epoch is one step.
        let series = support::candles(windows + 160);
        let tables = [support::table(&series)];
        support::with_train(&tables, |train, validation| {
            group.throughput(Throughput::Elements(train.len() as u64));
            let recipe = Recipe { epochs: 1, batch: train.len(), ..Recipe::default() };
            let learner = FastLstmLearner { recipe, ..FastLstmLearner::default() };
            group.bench_function(BenchmarkId::from_parameter(train.len()), |b| {
                b.iter(|| learner.fit_model(train, validation, &Run::new(1)).expect("a model"));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, one_epoch, one_step);
criterion_main!(benches);
