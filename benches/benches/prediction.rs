//! Benchmarks of one prediction: from a window of raw rows, and from a candle in a live loop.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use windvane::prelude::*;

fn models(tables: &[SignalTable]) -> [Arc<dyn FittedModel>; 3] {
    [
        Arc::new(windvane_benches::v2(tables)),
        Arc::new(windvane_benches::fast_lstm(tables)),
        Arc::new(windvane_benches::tuned(tables)),
    ]
}

fn one_window(c: &mut Criterion) {
    let tables = [windvane_benches::table(&windvane_benches::candles(2_000))];
    let mut group = c.benchmark_group("predict");
    let mut time = |name: &str, model: &dyn FittedModel| {
        let mut scratch = model.scratch();
        let mut rows = (100..2_000).cycle();
        group.bench_function(name, |b| {
            b.iter(|| {
                let window = rows.next().and_then(|row| tables[0].window(row, 20));
                model.predict(window.expect("a warm row"), &mut scratch).expect("a prediction")
            });
        });
    };
    for model in models(&tables) {
        time(model.id().as_str(), &*model);
    }
    // The members alone, for comparison with the ensemble.
    for (member, _) in windvane_benches::tuned(&tables).members() {
        time(&format!("tuned/{}", member.id()), member);
    }
    group.finish();
}

fn one_candle(c: &mut Criterion) {
    let series = windvane_benches::candles(17_000);
    let tables = [windvane_benches::table(&windvane_benches::candles(2_000))];
    let mut group = c.benchmark_group("on_candle");
    for model in models(&tables) {
        let mut predictor =
            Predictor::new(Arc::clone(&model), Interval::HOUR).expect("a predictor");
        let mut hour = 0_i64;
        let mut feed = series.candles().iter().cycle();
        group.bench_function(model.id().as_str(), |b| {
            b.iter(|| {
                let values = feed.next().expect("an endless feed").values();
                hour += 1;
                let candle = Candle::new(Timestamp::from_millis(hour * 3_600_000), values);
                predictor.on_candle(&candle.expect("a valid candle")).expect("an aligned candle")
            });
        });
    }
    group.finish();
}

/// Measures one candle of each of 1,000 pairs that share a model.
fn thousand_pairs(c: &mut Criterion) {
    let series = windvane_benches::candles(17_000);
    let tables = [windvane_benches::table(&windvane_benches::candles(2_000))];
    let model: Arc<dyn FittedModel> = Arc::new(windvane_benches::fast_lstm(&tables));
    let pair = |_| Predictor::new(Arc::clone(&model), Interval::HOUR).expect("a predictor");
    let mut predictors: Vec<Predictor> = (0..1_000).map(pair).collect();
    let mut hour = 0;
    let mut close = || {
        hour += 1;
        let mut predictions = 0;
        for (pair, predictor) in predictors.iter_mut().enumerate() {
            let values = series.candles()[(hour + 16 * pair) % series.len()].values();
            let at = i64::try_from(hour).expect("a small number") * 3_600_000;
            let candle = Candle::new(Timestamp::from_millis(at), values).expect("a valid candle");
            let outcome = predictor.on_candle(&candle).expect("an aligned candle");
            predictions += usize::from(outcome.prediction().is_some());
        }
        predictions
    };
    while close() < 1_000 {}
    c.bench_function("on_candle/1000 pairs of v32", |b| b.iter(&mut close));
}

criterion_group!(benches, one_window, one_candle, thousand_pairs);
criterion_main!(benches);
