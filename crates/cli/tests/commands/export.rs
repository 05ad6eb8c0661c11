//! `windvane export`: the rows equal those of a signal table.
use windvane::candles::sample;
use windvane::prelude::*;
use windvane::signals::Scaler;

use crate::support::{sample_file, text as path, windvane};

/// Exported header and rows of the sample's BTCUSDT, and the scaler.
fn export(more: &[&str]) -> (Vec<Vec<String>>, Option<Scaler>) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("rows.csv");
    let arguments = ["export", &sample_file("BTCUSDT"), "--out", path(&out)];
    windvane(&[&arguments, more].concat()).ok();
    let text = std::fs::read_to_string(&out).unwrap();
    let rows = text.lines().map(|line| line.split(',').map(str::to_string).collect()).collect();
    let scaler = std::fs::read_to_string(out.with_extension("scaler.json")).ok();
    (rows, scaler.map(|json| serde_json::from_str(&json).unwrap()))
}

#[test]
fn export_rows_equal_signal_table() {
    let series = sample::load("BTCUSDT").unwrap();
    let table =
        SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[]).unwrap();
    let complete: Vec<usize> = (0..table.len()).filter(|&row| table.row(row).is_some()).collect();
    let (raw, none) = export(&[]);
    let (scaled, scaler) = export(&["--scaled", "2023-01-01"]);
    let scaler = scaler.unwrap();
    assert!(none.is_none());
    assert_eq!(raw[0].join(","), "time,momentum,trend,rsi,macd,volatility,volume_change,label");
    assert_eq!((raw.len(), scaled.len()), (complete.len() + 1, complete.len() + 1));
    for (line, &row) in complete.iter().enumerate() {
        let (raw, scaled) = (&raw[line + 1], &scaled[line + 1]);
        assert_eq!(raw[0], table.close_time(row).unwrap().to_string());
        let label = LabelSpec::default().label(&table, row);
        assert_eq!(raw[7], label.map_or(String::new(), |(label, _)| label.to_string()));
        for (channel, &value) in table.row(row).unwrap().iter().enumerate() {
            assert_eq!(raw[1 + channel].parse::<f64>().unwrap().to_bits(), value.to_bits());
            let got: f64 = scaled[1 + channel].parse().unwrap();
            assert!((got - scaler.apply(channel, value)).abs() < 1e-12);
        }
    }
    // The scaler is fitted on the candles before its date only.
    let part = series.split_at("2023-01-01".parse().unwrap()).0;
    let mut momenta: Vec<f64> = part
        .candles()
        .windows(2)
        .skip(24)
        .map(|two| two[1].close() / two[0].close() - 1.0)
        .collect();
    momenta.sort_by(f64::total_cmp);
    assert!((scaler.centre(0) - momenta[momenta.len() / 2]).abs() < 1e-6);
}

#[test]
fn export_rejects_missing_folder_and_file_without_rows() {
    let folder = tempfile::tempdir().unwrap();
    let file = sample_file("AAPL");
    let error = windvane(&["export", &file, "--out", "nowhere/rows.csv"]).error();
    assert!(error.contains("the folder nowhere does not exist"), "{error}");
    let short = folder.path().join("short.csv");
    std::fs::write(&short, crate::support::candles(20, 0.0)).unwrap();
    let out = folder.path().join("rows.csv");
    // The slowest channel needs 26 candles.
    let error = windvane(&["export", path(&short), "--out", path(&out)]).error();
    assert!(error.contains("20 candles have no complete row") && !out.exists(), "{error}");
}

#[test]
fn export_keeps_rows_after_weekends() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("rows.csv");
    windvane(&["export", &sample_file("AAPL"), "--out", path(&out)]).ok();
    assert!(std::fs::read_to_string(&out).unwrap().lines().count() > 3_000);
}
