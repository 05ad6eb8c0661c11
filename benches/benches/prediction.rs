//! Benchmarks of one prediction: from a window of raw rows, from a candle in a live loop, and of
//! many pairs after a close.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use windvane::models::PanelPredictor;
use windvane::prelude::*;
use windvane::signals::Panel;

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

/// Hourly series of `count` pairs, each from another part of the sample.
fn market(count: usize, hours: usize) -> Vec<CandleSeries> {
    let sample = windvane_benches::candles(17_000);
    let series = (0..count).map(|place| {
        let candles = (0..hours).map(|hour| {
            let values = sample.candles()[(hour + 16 * place) % sample.len()].values();
            let at = i64::try_from(hour).expect("a small number") * 3_600_000;
            Candle::new(Timestamp::from_millis(at), values).expect("a valid candle")
        });
        let pair = format!("PAIR{place}").parse().expect("a name");
        CandleSeries::new(pair, Interval::HOUR, candles.collect()).expect("hourly candles")
    });
    series.collect()
}

/// Closes until the warm-up of the set `market` and of a window is over. A row may be undefined at
/// any close, so that not all of many pairs have a prediction at once.
const WARM_CLOSES: usize = 200;

/// Measures 10, 100 and 1,000 pairs with the channels of the set `market`: a new panel, and a close
/// of it, the rows alone and with the predictions of v3.2.
fn panel_close(c: &mut Criterion) {
    let mut group = c.benchmark_group("panel_close");
    group.sample_size(20);
    for count in [10, 100, 1_000] {
        let series = market(count, 500);
        let pairs: Vec<Pair> = series.iter().map(|series| series.pair().clone()).collect();
        let spec = SignalSpec::market(&pairs, &pairs[0]);
        let registry = Registry::default();
        let tables = SignalTable::build_all(&spec, &registry, &series).expect("tables");
        let model: Arc<dyn FittedModel> = Arc::new(windvane_benches::fast_lstm(&tables[..1]));
        let new_panel = || Panel::new(&spec, Interval::HOUR, &registry, &pairs).expect("a panel");
        group.throughput(Throughput::Elements(count as u64));

        group.bench_function(BenchmarkId::new("new", count), |b| b.iter(new_panel));
        let (mut panel, mut hour) = (new_panel(), 0);
        let mut close = || {
            hour += 1;
            for series in &series {
                panel.push(series.pair(), &candle_at(series, hour)).expect("a candle in order");
            }
            let close = panel.next_close().expect("a complete close");
            close.rows().filter(|(_, rows)| rows.is_some_and(|rows| rows.last().is_some())).count()
        };
        (0..WARM_CLOSES).for_each(|_| _ = close());
        assert!(2 * close() > count, "most pairs have a row");
        group.bench_function(BenchmarkId::new("rows", count), |b| b.iter(&mut close));

        let mut predictor =
            PanelPredictor::new(Arc::clone(&model), new_panel()).expect("a predictor");
        let mut hour = 0;
        let mut close = || {
            hour += 1;
            let mut predictions = 0;
            for series in &series {
                let update = predictor.on_candle(series.pair(), &candle_at(series, hour));
                predictions += update.expect("a candle in order").predictions.len();
            }
            predictions
        };
        (0..WARM_CLOSES).for_each(|_| _ = close());
        assert!(2 * close() > count, "most pairs have a prediction");
        group.bench_function(BenchmarkId::new("v32", count), |b| b.iter(&mut close));
    }
    group.finish();
}

/// Candle of an endless repetition of a series.
fn candle_at(series: &CandleSeries, hour: usize) -> Candle {
    let values = series.candles()[hour % series.len()].values();
    let at = i64::try_from(hour).expect("a small number") * 3_600_000;
    Candle::new(Timestamp::from_millis(at), values).expect("a valid candle")
}

criterion_group!(benches, one_window, one_candle, thousand_pairs, panel_close);
criterion_main!(benches);
