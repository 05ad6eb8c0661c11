//! Memory per candle of tables and samples, by a counting allocator.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use allocation_counter::{AllocationInfo, measure};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval, Pair};
use windvane_signals::{LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split};

fn series(candles: usize) -> CandleSeries {
    let pair = Pair::new("SIM").unwrap();
    MarketModel::AR1.candles(pair, Interval::MINUTE, candles, 1).unwrap()
}

/// Bytes per candle between two lengths, so that what does not grow is left out.
fn per_candle(bytes: impl Fn(usize) -> u64, lengths: [usize; 2]) -> f64 {
    let [short, long] = lengths.map(|candles| bytes(candles) as f64);
    (long - short) / (lengths[1] - lengths[0]) as f64
}

/// Bytes that are still held after a function, and its result.
fn held<T>(make: impl FnOnce() -> T) -> (u64, T) {
    let mut made = None;
    let info: AllocationInfo = measure(|| made = Some(make()));
    (info.bytes_current.unsigned_abs(), made.unwrap())
}

fn table(series: &CandleSeries) -> SignalTable {
    SignalTable::build(&SignalSpec::six(), &Registry::default(), series, &[]).unwrap()
}

#[test]
fn footprint_of_a_table_of_six_channels_is_its_values() {
    let bytes = |candles| {
        let series = series(candles);
        held(|| table(&series)).0
    };
    let own = per_candle(bytes, [5_000, 20_000]);
    assert!(own <= 60.0, "{own:.1}");
}

#[test]
fn footprint_of_samples_is_that_of_one_list() {
    let bytes = |candles| {
        let series = series(candles);
        let (bytes, _kept) = held(|| {
            let tables = [table(&series)];
            let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
            let at = |share: usize| samples.samples()[samples.len() * share / 100].decided_at;
            let split = Split::builder().validate_from(at(60)).test_from(at(80)).build().unwrap();
            let parts = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
            let test = split.test(&samples);
            (samples, parts, test)
        });
        bytes
    };
    let own = per_candle(bytes, [5_000, 20_000]);
    assert!(own <= 100.0, "{own:.1}");
}
