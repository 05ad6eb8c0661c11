//! Memory per candle of tables and samples, and of predictions, by a counting allocator.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::ExitCode;

use allocation_counter::{AllocationInfo, measure};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval, Ohlcv, Pair};
use windvane_signals::{
    LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split, TableStore,
};

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
    assert!(own <= 84.0, "{own:.1}");
}

#[test]
fn footprint_of_a_table_in_a_file_is_below_a_byte() {
    let bytes = |candles| {
        let (series, store) = (series(candles), TableStore::file(std::env::temp_dir()).unwrap());
        let (spec, registry) = (SignalSpec::six(), Registry::default());
        held(|| SignalTable::build_in(&store, &spec, &registry, &series, &[]).unwrap()).0
    };
    let own = per_candle(bytes, [5_000, 20_000]);
    assert!(own <= 1.0, "{own:.1}");
}

/// Folder with a file of candles for each pair.
fn folder_of(pairs: usize, root: &Path) -> String {
    let folder = root.join(format!("{pairs}"));
    std::fs::create_dir(&folder).unwrap();
    for pair in 0..pairs {
        let series = series(2_000);
        let lines = series.iter().map(|candle| {
            let Ohlcv { open, high, low, close, volume } = candle.values();
            format!("{},{open},{high},{low},{close},{volume}\n", candle.open_time().millis())
        });
        let text =
            String::from("open_time,open,high,low,close,volume\n") + &lines.collect::<String>();
        std::fs::write(folder.join(format!("P{pair}.csv")), text).unwrap();
    }
    folder.display().to_string()
}

#[test]
fn footprint_of_predictions_does_not_grow_with_the_number_of_pairs() {
    let root = tempfile::tempdir().unwrap();
    let [two, twelve] = [2, 12].map(|pairs| folder_of(pairs, root.path()));
    let [model, out] =
        ["m.safetensors", "p.csv"].map(|name| root.path().join(name).display().to_string());
    let run = |arguments: &[&str]| {
        let all = ["windvane"].into_iter().chain(arguments.iter().copied());
        assert_eq!(windvane_cli::run(all), ExitCode::SUCCESS);
    };
    run(&["fit", "--model", "v2", "--data", &two, "--out", &model]);
    let [few, many] = [&two, &twelve].map(|data| {
        measure(|| run(&["predict", "--model", &model, "--data", data, "--out", &out])).bytes_max
    });
    let lines = std::fs::read_to_string(&out).unwrap().lines().count();
    assert!(lines > 12 * 1_900, "{lines}");
    assert!(many < few + few / 20, "{few} bytes for 2 pairs, {many} for 12");
}
