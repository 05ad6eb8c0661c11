//! `windvane predict`: bits of a live predictor, as CSV and as JSON lines.
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};
use windvane::candles::sample;
use windvane::prelude::*;

use crate::support::{candles, command, sample_file, text, windvane};

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

/// Runs `predict --follow` with these lines and returns its answers.
fn followed(arguments: &[&str], lines: &[String]) -> Vec<Value> {
    let mut child = command(&[&["predict", "--follow"], arguments].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut answers = BufReader::new(stdout).lines();
    let mut got = Vec::new();
    for line in lines {
        // Each candle is answered before the next one is sent.
        writeln!(stdin, "{line}").unwrap();
        got.push(serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap());
    }
    drop(stdin);
    assert!(answers.next().is_none());
    assert!(child.wait().unwrap().success());
    got
}

fn line(pair: &str, candle: &Candle) -> String {
    let Ohlcv { open, high, low, close, volume } = candle.values();
    let time = candle.open_time();
    json!({ "pair": pair, "open_time": time.to_string(), "open": open, "high": high, "low": low,
        "close": close, "volume": volume })
    .to_string()
}

#[test]
fn predict_follow_answers_each_line_with_bits_of_live_predictor() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("m.safetensors");
    v32::pretrained().save(&model).unwrap();
    let series = sample::load("BTCUSDT").unwrap();
    let candles = &series.candles()[..60];
    let mut lines: Vec<String> = candles.iter().map(|candle| line("BTCUSDT", candle)).collect();
    lines.push(lines[59].clone());
    lines.push("{\"pair\":\"BTCUSDT\",\"open_time\":1704067200".into());
    lines.push(lines[59].replace('T', "?"));
    lines.push(line("ETHUSDT", &candles[0]));
    let answers = followed(&["--model", text(&model)], &lines);

    let mut live = Predictor::new(v32::pretrained(), Interval::HOUR).unwrap();
    for (candle, answer) in candles.iter().zip(&answers) {
        let outcome = live.on_candle(candle).unwrap();
        match outcome.prediction() {
            Some(prediction) => {
                assert_eq!(answer["time"], prediction.decided_at.to_string());
                assert_eq!(answer["direction"], prediction.direction.to_string());
                let [up, ..] = prediction.probabilities.classes();
                let up = serde_json::to_value(up).unwrap();
                assert_eq!(answer["probabilities"]["up"], up);
            }
            None => assert_eq!(answer["reason"], outcome.to_string()),
        }
    }
    assert!(answers[60]["reason"].as_str().unwrap().contains("duplicate"), "{}", answers[60]);
    assert_eq!(answers[61]["line"], 62);
    assert!(answers[61]["error"].as_str().unwrap().contains("not a JSON object"));
    assert!(answers[62]["error"].is_string(), "{}", answers[62]);
    assert!(answers[63]["reason"].as_str().unwrap().contains("warming up: 44"));

    // After a history, the first candle has a prediction.
    let data = sample_file("BTCUSDT");
    let next =
        line("BTCUSDT", &Candle::new("2030-01-01".parse().unwrap(), candles[0].values()).unwrap());
    let answers = followed(&["--model", text(&model), "--data", &data], &[next]);
    assert!(answers[0]["error"].as_str().unwrap().contains("intervals"), "{}", answers[0]);
}

#[test]
fn predict_follow_refuses_ambiguous_time_and_missing_value() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("m.safetensors");
    v32::pretrained().save(&model).unwrap();
    let candle = |time: &str, volume: &str| {
        format!(
            "{{\"pair\":\"A\",\"open_time\":{time},\"open\":1,\"high\":1,\"low\":1,\"close\":1,\"volume\":{volume}}}"
        )
    };
    let lines =
        [candle("1704067200", "1"), candle("1704067200000", "\"1\""), candle("1704067200000", "1")];
    let answers = followed(&["--model", text(&model)], &lines);
    assert!(answers[0]["error"].as_str().unwrap().contains("milliseconds since 1970"));
    assert!(answers[1]["error"].as_str().unwrap().contains("volume must be a number"));
    assert!(answers[2]["reason"].as_str().unwrap().contains("warming up"));
}
