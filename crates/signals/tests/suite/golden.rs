//! Channels compared with TA-Lib and pandas.
use windvane_candles::{Candle, Ohlcv, Timestamp};
use windvane_signals::{
    Channel, Macd, MarketSnapshot, Momentum, RelativeMacd, Rsi, Volatility, VolumeChange,
};
use windvane_testing::{GoldenTable, Unsupported, assert_close, golden_dir, json, list};

/// Values row by row, `NaN` if undefined, as in the golden tables.
fn run(mut channel: impl Channel, candles: &[Candle]) -> Vec<f64> {
    candles
        .iter()
        .map(|candle| channel.update(&MarketSnapshot::from(candle)).unwrap_or(f64::NAN))
        .collect()
}

fn candles(table: &GoldenTable) -> Vec<Candle> {
    let [open, high, low, close, volume] =
        ["open", "high", "low", "close", "volume"].map(|name| table.column(name));
    (0..table.rows())
        .map(|i| {
            let values = Ohlcv {
                open: open[i],
                high: high[i],
                low: low[i],
                close: close[i],
                volume: volume[i],
            };
            Candle::new(Timestamp::from_millis(i as i64 * 60_000), values).expect("a golden candle")
        })
        .collect()
}

/// Compares all rows except `excused` ones, which the caller compares: both must be undefined, or
/// equal within the tolerance.
fn compare(got: &[f64], want: &[f64], excused: impl Fn(usize) -> bool, floor: f64, what: &str) {
    let mut pairs = (Vec::new(), Vec::new());
    for row in (0..want.len()).filter(|row| !excused(*row)) {
        assert_eq!(
            got[row].is_nan(),
            want[row].is_nan(),
            "{what} row {row}: only one of the two is undefined"
        );
        if want[row].is_finite() {
            pairs.0.push(got[row]);
            pairs.1.push(want[row]);
        }
    }
    assert_close(&pairs.0, &pairs.1, 1e-9, floor, what);
}

/// MACD line by TA-Lib's definition: both averages start at row 25.
fn macd_by_formula(closes: &[f64], row: usize) -> f64 {
    let ema = |n: usize| {
        let mut value = closes[26 - n..26].iter().sum::<f64>() / n as f64;
        for close in &closes[26..=row] {
            value += 2.0 / (n as f64 + 1.0) * (close - value);
        }
        value
    };
    ema(12) - ema(26)
}

fn check_macd(candles: &[Candle], want: &[f64], price: f64, what: &str) {
    let line = run(Macd::default(), candles);
    let relative = run(RelativeMacd::default(), candles);
    let closes: Vec<f64> = candles.iter().map(Candle::close).collect();
    compare(&line, want, |row| (25..33).contains(&row), price, what);
    for row in 25..candles.len() {
        let formula = macd_by_formula(&closes, row);
        assert_close(&[line[row]], &[formula], 1e-9, price, &format!("{what} formula, row {row}"));
        assert_eq!(relative[row].to_bits(), (line[row] / closes[row]).to_bits());
    }
}

#[test]
fn golden_signals_equal_talib() {
    let dir = golden_dir("d_signals");
    let index = json(&dir.join("index.json"));
    let mut cases = Unsupported::new("d_signals");
    for path in list(&dir, ".candles.csv") {
        let series = path.file_name().unwrap().to_string_lossy().replace(".candles.csv", "");
        let reference = dir.join(format!("{series}.indicators.csv"));
        if !reference.exists() {
            cases.skip(&series, "candlestick patterns only");
            continue;
        }
        let (table, want) = (GoldenTable::read(&path), GoldenTable::read(&reference));
        let candles = candles(&table);
        let price = candles.iter().fold(0.0, |m: f64, c| m.max(c.close()));
        let sensitive = |column: &str, row: usize| {
            let rows = &index["series"][&series]["rounding_sensitive"][column];
            rows.as_array().is_some_and(|rows| rows.iter().any(|r| r.as_u64() == Some(row as u64)))
        };
        for column in want.header() {
            let (what, reference) = (format!("{series} {column}"), &want.column(column)[..]);
            let excused = |row: usize| sensitive(column, row);
            match column.as_str() {
                "momentum_1" => {
                    compare(
                        &run(Momentum::new(1).unwrap(), &candles),
                        reference,
                        excused,
                        0.0,
                        &what,
                    );
                }
                "trend_20" => compare(
                    &run(Momentum::new(20).unwrap(), &candles),
                    reference,
                    excused,
                    0.0,
                    &what,
                ),
                "volatility_hl" => {
                    compare(&run(Volatility, &candles), reference, tough, 0.0, &what);
                }
                "rsi_14" => {
                    let got = run(Rsi::new(14).unwrap(), &candles);
                    // Without any change the RSI is 50 here and 0 in TA-Lib: the only deliberate
                    // difference.
                    let flat = |row: usize| {
                        reference[row] == 0.0 && got[row] == 50.0 && flat_until(&candles, row)
                    };
                    compare(&got, reference, |row| excused(row) || flat(row), 0.0, &what);
                }
                "volume_change" => {
                    let got = run(VolumeChange::default(), &candles);
                    let after_none = |row: usize| row > 0 && candles[row - 1].volume() == 0.0;
                    compare(&got, reference, |row| excused(row) || after_none(row), 0.0, &what);
                    for row in (1..candles.len()).filter(|row| after_none(*row)) {
                        assert_eq!(
                            got[row].to_bits(),
                            0.0_f64.to_bits(),
                            "{what} row {row}: zero-volume rule"
                        );
                    }
                }
                "macd_talib" => check_macd(&candles, reference, price, &what),
                other => {
                    cases.skip(&format!("column {other}"), "this indicator is not implemented")
                }
            }
        }
        cases.ran();
    }
}

fn flat_until(candles: &[Candle], row: usize) -> bool {
    candles[..=row].iter().all(|candle| candle.close().to_bits() == candles[0].close().to_bits())
}
