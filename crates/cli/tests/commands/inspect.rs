//! `windvane inspect`: JSON output and exit status.
use std::fs;

use serde_json::{Value, json};

use crate::support::{START, candles, sample_file, text, windvane};

#[test]
fn inspect_json_lists_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("WAVE-1d-2024-01.csv");
    let lines = candles(60, 0.0);
    let lines = lines.lines().enumerate().filter(|(line, _)| *line != 20);
    fs::write(&file, lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n")).unwrap();
    let list = windvane(&["inspect", "--json", text(&file), &sample_file("BTCUSDT")]).ok();
    let list: Value = serde_json::from_str(&list).unwrap();
    let keys: Vec<&str> = list[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["error", "file", "format", "notes", "series"]);
    assert_eq!((&list[0]["file"], &list[0]["error"]), (&json!(text(&file)), &Value::Null));
    assert!(list[0]["format"].as_str().unwrap().contains("CSV with header"));
    assert!(list[0]["notes"].to_string().contains("1 candle missing in 1 gap"));
    let series = &list[0]["series"][0];
    assert_eq!(series["key"], "WAVE-1d");
    assert_eq!(series["pair"], "WAVE-1d");
    assert_eq!(series["interval_ms"], 86_400_000);
    assert_eq!((&series["rows"], &series["gaps"]), (&json!(59), &json!(1)));
    let first = json!({
        "open_time": START, "open": 101.0, "high": 102.0, "low": 100.0, "close": 101.0, "volume": 5.0
    });
    assert_eq!(series["first"], first);
    assert_eq!(series["last"]["open_time"], START + 59 * 86_400_000);
    assert_eq!(list[1]["series"][0]["rows"], 17_519);
}

#[test]
fn inspect_lists_rejected_files_and_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.csv");
    fs::write(&file, "").unwrap();
    let ended = windvane(&["inspect", "--json", text(&file), &sample_file("AAPL")]);
    assert_eq!(ended.code, Some(1));
    let list: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(list[0]["error"].as_str().unwrap().contains("empty.csv"));
    assert_eq!((&list[0]["series"], &list[0]["format"]), (&json!([]), &Value::Null));
    assert_eq!(list[1]["error"], Value::Null);

    let ended = windvane(&["inspect", text(&file), &sample_file("AAPL")]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("AAPL.csv") && ended.stdout.contains("error: "));
}

#[test]
fn inspect_lists_each_series_and_takes_the_options_of_reading() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two.csv");
    let rows = |name: &str, phase: f64| {
        let text = candles(60, phase);
        let rows = text.lines().skip(1).map(|line| format!("{line},{name}\n"));
        rows.collect::<String>()
    };
    let head = "moment,open,high,low,close,volume,label\n";
    fs::write(&file, head.to_owned() + &rows("A", 0.0) + &rows("B", 1.0)).unwrap();
    let refused = windvane(&["inspect", "--json", text(&file)]);
    assert!(refused.stdout.contains("--columns time=moment,open=open"), "{}", refused.stdout);
    let list = |options: &[&str]| -> Value {
        let all = ["inspect", "--json", "--columns", "time=moment"];
        let all = [&all[..], options, &[text(&file)]].concat();
        serde_json::from_str(&windvane(&all).ok()).unwrap()
    };
    let keys = |list: &Value| {
        let series = list[0]["series"].as_array().unwrap();
        series.iter().map(|one| one["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&list(&[])), ["label=A", "label=B"]);
    let one = list(&["--select", "label=B", "--time", "close"]);
    assert_eq!(keys(&one), ["two"]);
    assert_eq!(one[0]["series"][0]["first"]["open_time"], START - 86_400_000);
}
