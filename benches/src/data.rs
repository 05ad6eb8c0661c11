//! Candles, signal tables and samples for the benches.
use windvane::candles::sample;
use windvane::prelude::*;
use windvane::signals::{LabelSpec, TrainSet, ValidationSet};

/// Returns the first `count` hourly candles of the embedded BTCUSDT sample.
///
/// # Panics
/// If the sample has fewer candles.
pub fn candles(count: usize) -> CandleSeries {
    let series = sample::load("BTCUSDT").expect("an instrument of the sample");
    let columns = series.candles()[..count].to_vec();
    CandleSeries::new(series.pair().clone(), series.interval(), columns)
        .expect("a part of a series")
}

/// Builds the table of the default channels.
///
/// # Panics
/// If a channel fails on the series.
pub fn table(series: &CandleSeries) -> SignalTable {
    SignalTable::build(&SignalSpec::default(), &Registry::default(), series, &[]).expect("a table")
}

/// Calls `run` with the training and validation samples (the last 15 %) of some tables.
///
/// # Panics
/// If the tables are too short for a split.
pub fn with_train<T>(
    tables: &[SignalTable],
    run: impl FnOnce(&TrainSet, &ValidationSet) -> T,
) -> T {
    let samples = SampleSet::collect(tables, 20, LabelSpec::default()).expect("samples");
    let split = Split::for_live(&samples, 0.15).expect("a split");
    run(&split.train(&samples).expect("train"), &split.validation(&samples).expect("validation"))
}
