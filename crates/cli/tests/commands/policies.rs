//! Policies of `fit`, `predict` and `backtest`, and the log of trials.
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use windvane::candles::sample;
use windvane::models::{Artifact, PositionTracker};
use windvane::prelude::*;

use crate::support::{candles, command, sample_file, text, windvane};

#[test]
fn predict_writes_positions_of_the_saved_policy_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("m.safetensors");
    let data = sample_file("BTCUSDT");
    let fit = ["fit", "--model", "v2-learned", "--data", &data, "--out", text(&model)];
    let shown = windvane(&[&fit[..], &["--policy", "top:20%,hold:3"]].concat()).ok();
    assert!(shown.contains("top 20 %, leave at 0, at most 3 candles; enters above"), "{shown}");
    let file = Artifact::read(&model).unwrap();
    let policy = *file.policy().unwrap();
    assert_eq!(policy.config().to_text(), "top:20%,hold:3");

    let predict = ["predict", "--model", text(&model), "--data", &data];
    let ended = windvane(&predict);
    assert!(ended.stderr.contains("policy of the model: top 20 %, leave at 0"), "{}", ended.stderr);
    let csv = ended.ok();
    let mut csv = csv.lines();
    assert!(csv.next().unwrap().ends_with(",confidence,position"));
    let lines = windvane(&[&predict[..], &["--json"]].concat()).ok();
    let mut lines = lines.lines();

    let series = sample::load("BTCUSDT").unwrap();
    let model_of = windvane::kinds().model(&file).unwrap();
    let mut live = Predictor::new(model_of, series.interval()).unwrap();
    let mut tracker = PositionTracker::new(policy, series.interval());
    let mut positions = Vec::new();
    for candle in &series {
        let outcome = live.on_candle(candle).unwrap();
        positions.push(tracker.on_outcome(candle, &outcome).size());
        if outcome.prediction().is_none() {
            continue;
        }
        let expected = positions[positions.len() - 1];
        let written: f64 = csv.next().unwrap().rsplit(',').next().unwrap().parse().unwrap();
        let object: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!((written, object["position"].as_f64()), (expected, Some(expected)));
    }
    assert!(csv.next().is_none());
    assert!([-1.0, 0.0, 1.0].iter().all(|size| positions.contains(size)));

    let count = 400;
    let mut lines = String::new();
    for candle in &series.candles()[..count] {
        let Ohlcv { open, high, low, close, volume } = candle.values();
        let (pair, time) = ("BTCUSDT", candle.open_time().millis());
        let line = json!({ "pair": pair, "open_time": time, "open": open, "high": high,
            "low": low, "close": close, "volume": volume });
        lines += &line.to_string();
        lines.push('\n');
    }
    let mut child = command(&["predict", "--model", text(&model), "--follow"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let written = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    written.join().unwrap().unwrap();
    let followed = String::from_utf8(output.stdout).unwrap();
    let followed = followed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let followed: Vec<f64> = followed.map(|one| one["position"].as_f64().unwrap()).collect();
    assert_eq!(followed, positions[..count]);
}

#[test]
fn backtest_tests_the_given_policies_and_counts_the_logged_trials() {
    let folder = tempfile::tempdir().unwrap();
    let [data, out, log] = ["data", "out", "trials.jsonl"].map(|name| folder.path().join(name));
    fs::create_dir(&data).unwrap();
    fs::write(data.join("GOOD.csv"), candles(500, 0.0)).unwrap();
    let run = |arguments: &[&str]| -> Value {
        let start = ["backtest", "--quick", "--models", "v2", "--out", text(&out)];
        let data = ["--data", text(&data), "--trials-log", text(&log)];
        windvane(&[&start[..], &data, arguments].concat()).ok();
        serde_json::from_str(&fs::read_to_string(out.join("report.json")).unwrap()).unwrap()
    };
    let first = run(&["--policy", "top:10%,hold:5", "--policy", "every,long-only"]);
    let economics = first["results"][1]["economics"].clone();
    let policies = economics["policies"].as_array().unwrap();
    let names: Vec<&str> = policies.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["top 10 %, leave at 0, at most 5 candles", "every candle, long only"]);
    let command = first["run"]["command"].as_str().unwrap();
    assert!(command.contains("--policy top:10%,hold:5 --policy every,long-only"), "{command}");
    assert_eq!(first["earlier"], json!({ "models": 0, "policies": 0 }));

    let second = run(&["--earlier-trials", "40"]);
    assert_eq!(second["earlier"], json!({ "models": 41, "policies": 42 }));
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 2);
    let markdown = fs::read_to_string(out.join("report.md")).unwrap();
    assert!(markdown.contains("4 of this run + 42 before"), "{markdown}");
}

#[test]
fn invalid_policy_and_log_are_errors_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("GOOD.csv"), candles(400, 0.0)).unwrap();
    let file = folder.path().join("GOOD.csv");
    let start = ["backtest", "--quick", "--data", text(&file), "--models", "v2"];
    let error = windvane(&[&start[..], &["--policy", "top:5"]].concat()).error();
    assert!(error.contains("no share such as 5%"), "{error}");
    let error = windvane(&["fit", "--policy", "leave:0"]).error();
    assert!(error.contains("instead of every or top:S%"), "{error}");
    let log = folder.path().join("trials.jsonl");
    fs::write(&log, "{}\n").unwrap();
    let error = windvane(&[&start[..], &["--trials-log", text(&log)]].concat()).error();
    assert!(error.contains("line 1: not a trial"), "{error}");
    let none = folder.path().join("none").join("trades.csv");
    let error = windvane(&[&start[..], &["--trades", text(&none)]].concat()).error();
    assert!(error.contains("none does not exist"), "{error}");
}
