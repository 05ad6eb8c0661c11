//! `windvane predict`: bits of a live predictor, as CSV and as JSON lines.
use std::fs;

use serde_json::Value;
use windvane::candles::sample;
use windvane::prelude::*;

use crate::support::{candles, sample_file, text, windvane};

#[test]
fn predict_has_bits_of_live_predictor() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("m.safetensors");
    v32::pretrained().save(&model).unwrap();
    let data = sample_file("BTCUSDT");
    let from = "2023-12-20";
    let arguments = ["predict", "--model", text(&model), "--data", &data, "--from", from];
    let csv = windvane(&arguments).ok();
    let lines = windvane(&[&arguments[..], &["--json"]].concat()).ok();
    let mut csv = csv.lines();
    assert_eq!(csv.next(), Some("time,pair,direction,p_up,p_down,p_neutral,confidence"));

    let series = sample::load("BTCUSDT").unwrap();
    let mut live = Predictor::new(v32::pretrained(), Interval::HOUR).unwrap();
    let from: Timestamp = from.parse().unwrap();
    let mut lines = lines.lines();
    for candle in &series {
        let outcome = live.on_candle(candle).unwrap();
        let Some(prediction) = outcome.into_prediction() else { continue };
        if prediction.decided_at < from {
            continue;
        }
        let fields: Vec<&str> = csv.next().unwrap().split(',').collect();
        assert_eq!(fields[0], prediction.decided_at.to_string());
        assert_eq!(fields[1..3], ["BTCUSDT", &prediction.direction.to_string()]);
        let numbers: Vec<f32> = fields[3..].iter().map(|field| field.parse().unwrap()).collect();
        let [up, down, neutral] = prediction.probabilities.classes();
        assert_eq!(numbers, [up, down, neutral, prediction.confidence]);

        let object: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!(object["time"], fields[0]);
        assert_eq!(object["direction"], fields[2]);
        let confidence: f32 = serde_json::from_value(object["confidence"].clone()).unwrap();
        assert_eq!(confidence, prediction.confidence);
        assert!(object["probabilities"]["up"].is_number());
    }
    assert!(csv.next().is_none() && lines.next().is_none());
}

#[test]
fn predict_writes_several_pairs_and_rejects_other_interval() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    for (name, phase) in [("A", 0.0), ("B", 1.0)] {
        fs::write(data.join(format!("{name}.csv")), candles(300, phase)).unwrap();
    }
    let (model, out) = (folder.path().join("m.safetensors"), folder.path().join("p.csv"));
    let fit = ["fit", "--model", "v2-learned", "--data", text(&data), "--out", text(&model)];
    windvane(&fit).ok();
    let predict = ["predict", "--model", text(&model), "--out", text(&out), "--data"];
    let shown = windvane(&[&predict[..], &[text(&data)]].concat()).ok();
    assert_eq!(shown, "");
    let written = fs::read_to_string(&out).unwrap();
    for pair in [",A,", ",B,"] {
        assert_eq!(written.matches(pair).count(), 300 - 44, "{pair}");
    }
    let error = windvane(&[&predict[..], &[&sample_file("BTCUSDT")]].concat()).error();
    assert!(error.contains("1h candles, expected 1d"), "{error}");
    let error = windvane(&[&predict[..], &[text(&data), "--from", "2030-01-01"]].concat()).error();
    assert!(error.contains("no prediction"), "{error}");
}

/// Four candles of four hours a day from 17:00 in New York, whose clock changes after nine weeks.
fn by_session(days: i64) -> String {
    let days = (0..days).filter(|day| day % 7 < 5);
    let hours = days
        .flat_map(|day| (0..4).map(move |four| day * 24 + 22 + 4 * four - i64::from(day >= 63)));
    let rows = hours.map(|hour| {
        let close = 100.0 + (hour as f64 * 0.7).sin() + (hour as f64 * 0.13).cos();
        let time = 1_673_222_400_000 + hour * 3_600_000;
        format!("{time},{close},{},{},{close},{}\n", close + 1.0, close - 1.0, 5 + hour % 7)
    });
    ["open_time,open,high,low,close,volume\n".to_string()].into_iter().chain(rows).collect()
}

#[test]
fn fit_and_predict_candles_that_begin_with_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let [year, winter] = [("year.csv", 300), ("winter.csv", 50)].map(|(name, days)| {
        let file = folder.path().join(name);
        fs::write(&file, by_session(days)).unwrap();
        file
    });
    let model = folder.path().join("m.safetensors");
    windvane(&["fit", "--model", "v2-learned", "--data", text(&year), "--out", text(&model)]).ok();
    let saved = load(&model).unwrap();
    assert_eq!(saved.spec().interval.to_string(), "4h@session");
    assert_eq!(saved.spec().signals.gaps, GapPolicy::Sessions { max_missing: 42 });
    // The winter alone has a constant offset, which the model's interval overrides.
    for data in [&year, &winter] {
        let predict = ["predict", "--model", text(&model), "--data", text(data)];
        assert!(windvane(&predict).ok().lines().count() > 50);
    }
    let inspect = |more: &[&str]| {
        let list = windvane(&[&["inspect", "--json", text(&winter)], more].concat());
        serde_json::from_str::<Value>(&list.stdout).unwrap()
    };
    assert_eq!(inspect(&[])[0]["series"][0]["interval"], "4h+2h");
    let session = inspect(&["--interval", "4h@session"]);
    assert_eq!(session[0]["series"][0]["interval"], "4h@session");
    let refused = inspect(&["--interval", "4h"]);
    let error = refused[0]["error"].as_str().unwrap();
    assert!(error.contains("looks like 4h+2h candles, expected 4h"), "{error}");
}
