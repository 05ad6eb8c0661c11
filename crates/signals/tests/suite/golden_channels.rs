//! Channels against the golden set `k_channels` (pandas, numpy, TA-Lib) and TA-Lib's patterns.
use serde_json::Value;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
use windvane_signals::channels::{CandlePattern, ChannelPairs};
use windvane_signals::{ChannelSpec, GapPolicy, Registry, SignalSpec, SignalTable};
use windvane_testing::{GoldenTable, Unsupported, assert_close, golden_dir, json, list};

pub(crate) fn series(pair: &str, interval: Interval, table: &GoldenTable) -> CandleSeries {
    let [open, high, low, close, volume] =
        ["open", "high", "low", "close", "volume"].map(|name| table.column(name));
    let times = table.column("time");
    let candles = (0..table.rows()).map(|i| {
        let (open, high, low, close, volume) = (open[i], high[i], low[i], close[i], volume[i]);
        let values = Ohlcv { open, high, low, close, volume };
        Candle::new(Timestamp::from_millis(times[i] as i64), values).expect("a golden candle")
    });
    CandleSeries::new(pair.parse().unwrap(), interval, candles.collect()).unwrap()
}

/// Values of one channel row by row, `NaN` where undefined.
pub(crate) fn values(
    channel: ChannelSpec,
    gaps: GapPolicy,
    own: &CandleSeries,
    others: &[CandleSeries],
) -> Vec<f64> {
    let spec = SignalSpec { channels: vec![channel], gaps };
    let table = SignalTable::build(&spec, &Registry::default(), own, others).unwrap();
    (0..table.len()).map(|row| table.row(row).map_or(f64::NAN, |row| row[0])).collect()
}

/// Compares all rows that are not excused, and requires that both are undefined together.
pub(crate) fn compare(got: &[f64], want: &[f64], excused: impl Fn(usize) -> bool, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: rows");
    let rows: Vec<usize> = (0..want.len()).filter(|row| !excused(*row)).collect();
    for row in &rows {
        assert_eq!(got[*row].is_nan(), want[*row].is_nan(), "{what} row {row}: defined?");
    }
    let defined = rows.iter().filter(|row| want[**row].is_finite());
    let (got, want): (Vec<f64>, Vec<f64>) = defined.map(|row| (got[*row], want[*row])).unzip();
    assert_close(&got, &want, 1e-9, 0.0, what);
}

fn is_listed(rows: &Value, row: usize) -> bool {
    rows.as_array().is_some_and(|rows| rows.iter().any(|r| r.as_u64() == Some(row as u64)))
}

/// One file of the set: a pair, its market and the gap policy.
struct ChannelCase {
    file: String,
    pair: String,
    market: Vec<Pair>,
    leader: Pair,
    gaps: GapPolicy,
    interval: Interval,
    /// File of each pair of the set.
    files: Vec<(String, String)>,
    rounding_sensitive: Value,
}

fn pairs_of(names: &Value) -> Vec<Pair> {
    names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().parse().unwrap()).collect()
}

/// The cases of the index, by file name.
fn cases(index: &Value) -> Vec<ChannelCase> {
    let mut cases = Vec::new();
    for set in index["sets"].as_object().unwrap().values() {
        let interval = Interval::from_millis(set["interval_ms"].as_i64().unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_string();
        let pairs = set["pairs"].as_object().unwrap();
        let files: Vec<(String, String)> =
            pairs.iter().map(|(pair, of)| (pair.clone(), text(&of["file"]))).collect();
        let case = |entry: &Value, pair: String| ChannelCase {
            file: text(&entry["file"]),
            pair,
            market: pairs_of(entry.get("market").unwrap_or(&set["market"])),
            leader: set["leader"].as_str().unwrap().parse().unwrap(),
            gaps: match entry["policy"].as_str() {
                Some("Reset") => GapPolicy::Reset,
                _ => GapPolicy::ByClock,
            },
            interval,
            files: files.clone(),
            rounding_sensitive: entry["rounding_sensitive"].clone(),
        };
        cases.extend(pairs.iter().map(|(pair, entry)| case(entry, pair.clone())));
        let variants = set.as_object().unwrap().values().filter(|entry| entry["pair"].is_string());
        cases.extend(variants.map(|entry| case(entry, text(&entry["pair"]))));
    }
    cases
}

/// The spec of a column of the index; `None` for a channel that is not built in.
fn spec_of(column: &Value, case: &ChannelCase) -> Option<ChannelSpec> {
    let name = column["channel"].as_str()?;
    let info = Registry::built_in().find(|info| info.name == name)?;
    let inner = column.get("of").map(|of| spec_of(of, case));
    let mut spec = match (name, inner) {
        ("on", Some(inner)) => ChannelSpec::on(column["interval"].as_str()?.parse().ok()?, inner?),
        (_, Some(inner)) => ChannelSpec::market_mean(inner?),
        (_, None) => ChannelSpec::new(name),
    };
    for (parameter, value) in column.as_object()? {
        if let Some(value) = value.as_f64() {
            spec = spec.with(parameter, value);
        }
    }
    Some(match info.pairs {
        ChannelPairs::Leader => spec.reading(case.leader.clone()),
        ChannelPairs::Market => spec.reading_all(&case.market),
        _ => spec,
    })
}

#[test]
fn golden_channels_equal_pandas_and_talib() {
    let dir = golden_dir("k_channels");
    let index = json(&dir.join("index.json"));
    let known = cases(&index);
    let mut counted = Unsupported::new("k_channels");
    for path in list(&dir, ".csv") {
        let file = path.file_name().unwrap().to_string_lossy().to_string();
        let Some(case) = known.iter().find(|case| case.file == file) else {
            counted.skip(&file, "not in index.json");
            continue;
        };
        let missing = case.files.iter().find(|(_, file)| !dir.join(file).exists());
        if let Some((pair, _)) = missing {
            counted.skip(&file, &format!("the candles of {pair} are missing"));
            continue;
        }
        let others: Vec<CandleSeries> = case
            .files
            .iter()
            .map(|(pair, file)| series(pair, case.interval, &GoldenTable::read(&dir.join(file))))
            .collect();
        let table = GoldenTable::read(&path);
        let own = series(&case.pair, case.interval, &table);
        for column in &table.header()[6..] {
            let Some(spec) = spec_of(&index["columns"][column], case) else {
                counted.skip(&format!("column {column}"), "no such channel yet");
                continue;
            };
            let got = values(spec, case.gaps, &own, &others);
            let want = table.column(column);
            let sensitive = &case.rounding_sensitive[column];
            // No move at all is 50 here, 0 in TA-Lib: a documented difference.
            let is_flat_rsi =
                |row: usize| column.contains("rsi_") && want[row] == 0.0 && got[row] == 50.0;
            let excused = |row: usize| is_listed(sensitive, row) || is_flat_rsi(row);
            compare(&got, &want, excused, &format!("{file} {column}"));
        }
        counted.ran();
    }
}

#[test]
fn golden_patterns_equal_talib() {
    let dir = golden_dir("d_signals");
    let index = json(&dir.join("index.json"));
    let mut counted = Unsupported::new("d_signals patterns");
    for path in list(&dir, ".cdl.csv") {
        let name = path.file_name().unwrap().to_string_lossy().replace(".cdl.csv", "");
        let candles = dir.join(format!("{name}.candles.csv"));
        let (want, table) = (GoldenTable::read(&path), GoldenTable::read(&candles));
        let own = rows(&table);
        for column in want.header() {
            let Some(pattern) = column.strip_prefix("CDL").map(str::to_lowercase) else {
                continue;
            };
            if !CandlePattern::names().any(|known| known == pattern) {
                counted.skip(&format!("column {column}"), "no such pattern yet");
                continue;
            }
            let got = values(ChannelSpec::pattern(pattern), GapPolicy::Reset, &own, &[]);
            let entry = index["series"].get(&name).unwrap_or(&index[&name]);
            let sensitive = &entry["rounding_sensitive_patterns"][column];
            for (row, want) in want.column(column).into_iter().enumerate() {
                // TA-Lib returns 0 before the first row that it can compute.
                let got = if got[row].is_nan() { 0.0 } else { got[row] * 100.0 };
                let same = (got - want).abs() < 1e-9;
                assert!(
                    same || is_listed(sensitive, row),
                    "{name} {column} row {row}: {got}, {want}"
                );
            }
        }
        counted.ran();
    }
}

/// The candles of a table without regard to its times, one a minute.
pub(crate) fn rows(table: &GoldenTable) -> CandleSeries {
    let [open, high, low, close, volume] =
        ["open", "high", "low", "close", "volume"].map(|name| table.column(name));
    let candles = (0..table.rows()).map(|i| {
        let (open, high, low, close, volume) = (open[i], high[i], low[i], close[i], volume[i]);
        let values = Ohlcv { open, high, low, close, volume };
        Candle::new(Timestamp::from_millis(i as i64 * 60_000), values).expect("a golden candle")
    });
    CandleSeries::new("GOLDEN".parse().unwrap(), Interval::MINUTE, candles.collect()).unwrap()
}

/// Channel that corresponds to a column of TA-Lib, and the column in the channel's units; `None` if
/// there is no such channel.
pub(crate) fn talib_column(
    column: &str,
    want: &GoldenTable,
    candles: &[Candle],
) -> Option<(ChannelSpec, Vec<f64>)> {
    let reference = want.column(column);
    let closes: Vec<f64> = candles.iter().map(Candle::close).collect();
    let spec = |name: &str, parameters: &[(&str, f64)]| {
        parameters
            .iter()
            .fold(ChannelSpec::new(name), |spec, (name, value)| spec.with(*name, *value))
    };
    let by_close = |f: fn(f64, f64) -> f64| -> Vec<f64> {
        reference.iter().zip(&closes).map(|(value, close)| f(*value, *close)).collect()
    };
    let stochastic = |name: &str, slow_k: f64| {
        spec(name, &[("fast_k", 14.0), ("slow_k", slow_k), ("slow_d", 3.0)])
    };
    let distance = |average: f64, close: f64| close / average - 1.0;
    let relative = |value: f64, close: f64| value / close;
    Some(match column {
        "roc_10_pct" => (spec("roc", &[("lag", 10.0)]), reference),
        "momentum_10" => {
            let before = |row: usize| row.checked_sub(10).map_or(f64::NAN, |row| closes[row]);
            let change = (0..closes.len()).map(|row| reference[row] / before(row)).collect();
            (spec("momentum", &[("lag", 10.0)]), change)
        }
        "sma_20" | "bb_middle_20_2" => (spec("sma", &[("period", 20.0)]), by_close(distance)),
        "ema_12_talib" => (spec("ema", &[("period", 12.0)]), by_close(distance)),
        "ema_26_talib" => (spec("ema", &[("period", 26.0)]), by_close(distance)),
        "macd_signal_talib" => (spec("macd_signal", &[]), by_close(relative)),
        "macd_hist_talib" => (spec("macd_histogram", &[]), by_close(relative)),
        "true_range" => (spec("atr", &[("period", 1.0)]), by_close(relative)),
        "atr_14" => (spec("atr", &[]), by_close(relative)),
        "bb_upper_20_2" => {
            let lower = want.column("bb_lower_20_2");
            let percent = (0..closes.len()).map(|row| {
                let width = reference[row] - lower[row];
                // TA-Lib's running sums leave a width of rounding errors where nothing moved.
                let width = if width < 1e-7 * closes[row] { f64::NAN } else { width };
                (closes[row] - lower[row]) / width
            });
            (spec("bollinger_percent_b", &[]), percent.collect())
        }
        "obv" => {
            let change = (0..closes.len()).map(|row| {
                let Some(from) = row.checked_sub(24) else { return f64::NAN };
                let volume: f64 = candles[from + 1..=row].iter().map(Candle::volume).sum();
                if volume > 0.0 { (reference[row] - reference[from]) / volume } else { 0.0 }
            });
            (spec("obv_change", &[("period", 24.0)]), change.collect())
        }
        "adx_14" => (spec("adx", &[]), reference),
        "plus_di_14" => (spec("plus_di", &[]), reference),
        "minus_di_14" => (spec("minus_di", &[]), reference),
        "stoch_fastk_14" => (stochastic("stochastic_k", 1.0), reference),
        "stoch_fastd_3" => (stochastic("stochastic_d", 1.0), reference),
        "stoch_slowk_14_3" => (stochastic("stochastic_k", 3.0), reference),
        "stoch_slowd_3" => (stochastic("stochastic_d", 3.0), reference),
        "willr_14" => (spec("williams_r", &[]), reference),
        "cci_20" => (spec("cci", &[]), reference),
        "mfi_14" => (spec("mfi", &[]), reference),
        _ => return None,
    })
}
