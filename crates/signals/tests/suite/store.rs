//! Tables in a file: the same bits as in memory, in any order of reading.
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval, Pair};
use windvane_signals::{
    ChannelSpec, GapPolicy, LabelSpec, Registry, RowReader, SampleSet, Scaler, SignalError,
    SignalSpec, SignalTable, Split, TableStore, Window,
};

/// Number of rows per window.
const LOOKBACK: usize = 20;

/// Pairs of different lengths, more than several blocks of a file.
fn market() -> Vec<CandleSeries> {
    let pairs = [("A", 3_000), ("B", 700), ("C", 1_999)];
    let series = pairs.map(|(pair, candles)| {
        let seed = candles as u64;
        MarketModel::AR1.candles(Pair::new(pair).unwrap(), Interval::HOUR, candles, seed).unwrap()
    });
    series.to_vec()
}

/// The six signals of the own pair, and channels of a market whose tables are built together.
fn specs(market: &[CandleSeries]) -> [SignalSpec; 2] {
    let pairs: Vec<Pair> = market.iter().map(|series| series.pair().clone()).collect();
    let mut channels = SignalSpec::default().channels;
    channels.push(ChannelSpec::new("relative_return").reading_all(&pairs));
    [SignalSpec::default(), SignalSpec { channels, gaps: GapPolicy::ByClock }]
}

fn bits(window: &Window<'_>) -> Vec<u64> {
    window.values().iter().map(|value| value.to_bits()).collect()
}

fn tables(spec: &SignalSpec, market: &[CandleSeries]) -> [Vec<SignalTable>; 2] {
    let store = TableStore::file(std::env::temp_dir()).unwrap();
    [TableStore::memory(), store]
        .map(|store| SignalTable::build_all_in(&store, spec, &Registry::default(), market).unwrap())
}

#[test]
fn store_in_file_has_the_bits_of_memory_in_any_order() {
    let market = market();
    for spec in specs(&market) {
        let [memory, file] = tables(&spec, &market);
        assert!(memory.iter().all(SignalTable::is_in_memory));
        let mut reader = RowReader::new(&file);
        // Ascending, descending, and strides over several tables.
        let strides = [(1, 0), (3_000 - 1, 7), (811, 2)];
        let mut compared = 0;
        for (stride, table_step) in strides {
            for k in 0..3_000 {
                let (table, row) = (k * table_step % 3, k * stride % 3_000);
                let expected = memory[table].window(row, LOOKBACK);
                let got = reader.window(table, row, LOOKBACK).unwrap();
                assert_eq!(got.as_ref().map(bits), expected.as_ref().map(bits), "{table} {row}");
                assert_eq!(got.map(|w| w.decided_at()), expected.map(|w| w.decided_at()));
                compared += usize::from(expected.is_some());
                let (own, other) = (memory[table].row(row), reader.row(table, row).unwrap());
                assert_eq!(own, other);
            }
        }
        assert!(compared > 4_000, "{compared}");
    }
}

#[test]
fn store_in_file_leaves_samples_and_scaler_as_they_are() {
    let market = market();
    for spec in specs(&market) {
        let fitted = tables(&spec, &market).map(|tables| {
            let samples = SampleSet::collect(&tables, LOOKBACK, LabelSpec::default()).unwrap();
            let train = Split::for_live(&samples, 0.2).unwrap().train(&samples).unwrap();
            let scaler = Scaler::fit(&train).unwrap();
            let scaled = samples.scaled_tables(&scaler).unwrap();
            (samples, scaler, scaled)
        });
        let [(samples, scaler, scaled), (other_samples, other_scaler, other_scaled)] = fitted;
        assert_eq!(samples.samples(), other_samples.samples());
        assert_eq!(scaler, other_scaler);
        assert_eq!(scaled, other_scaled);
    }
}

#[test]
fn store_in_file_is_not_read_as_memory() {
    let market = market();
    let [_, file] = tables(&SignalSpec::default(), &market);
    assert!(!file[0].is_in_memory());
    assert_eq!((file[0].row(500), file[0].window(500, LOOKBACK)), (None, None));
    assert!(file[0].decision(500, LOOKBACK).is_some());
    let samples = SampleSet::collect(&file, LOOKBACK, LabelSpec::default()).unwrap();
    let error = samples.require_memory("trees").unwrap_err();
    assert_eq!(error, SignalError::InFile { reader: "trees" });
    assert!(error.to_string().contains("trees needs the values"), "{error}");
    let mut reader = RowReader::new(&file);
    for (table, row) in [(9, 0), (1, 700)] {
        assert_eq!(reader.row(table, row).unwrap(), None);
        assert_eq!(reader.window(table, row, LOOKBACK).unwrap(), None);
    }
}
