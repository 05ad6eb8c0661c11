//! Inputs of models on the command line: named sets, files, the list of channels.
use std::path::{Path, PathBuf};

use windvane::prelude::*;

use crate::support::{candles, text as path, windvane};

/// A folder with candles of three pairs.
fn market() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    for (phase, pair) in ["BTCUSDT", "ETHUSDT", "SOLUSDT"].into_iter().enumerate() {
        let file = folder.path().join(format!("{pair}.csv"));
        std::fs::write(file, candles(700, phase as f64)).unwrap();
    }
    let data = path(folder.path()).to_string();
    (folder, data)
}

fn out(folder: &Path, name: &str) -> (PathBuf, String) {
    let file = folder.join(name);
    let text = path(&file).to_string();
    (file, text)
}

#[test]
fn channels_lists_every_built_in_channel() {
    let listed = windvane(&["channels"]).ok();
    for info in Registry::built_in() {
        let line =
            listed.lines().find(|line| line.trim_start().starts_with(&format!("{} ", info.name)));
        assert!(line.is_some_and(|line| line.contains(info.formula)), "{}", info.name);
    }
    let row =
        listed.lines().find(|line| line.trim_start().starts_with("normalized_momentum ")).unwrap();
    assert!(row.contains("lag="), "{row}");
    // A day of 24 hours for each of the 15 daily candles that RSI needs.
    let on = |interval| {
        let listed = windvane(&["channels", "--interval", interval]).ok();
        listed.lines().find(|line| line.trim_start().starts_with("on ")).unwrap().to_string()
    };
    assert!(on("1h").contains("382") && on("1w").contains('–'), "{} {}", on("1h"), on("1w"));
}

#[test]
fn backtest_of_market_set_reads_all_pairs() {
    let (folder, data) = market();
    let (report, to) = out(folder.path(), "report");
    let arguments = ["backtest", "--data", &data, "--inputs", "market", "--models", "logistic"];
    windvane(&[&arguments[..], &["--folds", "1", "--out", &to]].concat()).ok();
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(report.join("report.json")).unwrap()).unwrap();
    let channels = json["run"]["channels"].as_array().unwrap();
    assert_eq!(channels.len(), 42);
    assert!(channels.iter().any(|channel| channel == "leader_return(BTCUSDT)"), "{channels:?}");
    assert_eq!(json["groups"][0]["gap_policy"]["policy"], "by_clock");
    let command = json["run"]["command"].as_str().unwrap();
    assert!(command.contains("--inputs market --models logistic"), "{command}");
    assert_eq!(json["failures"].as_array().map(Vec::len), Some(0), "{}", json["failures"]);
}

#[test]
fn fitted_market_model_predicts_for_all_pairs_and_checks_inputs() {
    let (folder, data) = market();
    let (model, to) = out(folder.path(), "model.safetensors");
    let fit =
        ["fit", "--data", &data, "--model", "logistic", "--inputs", "market", "--lookback", "4"];
    windvane(&[&fit[..], &["--leader", "ETHUSDT", "--out", &to]].concat()).ok();
    let loaded = windvane::models::logistic::LogisticRegression::load(&model).unwrap();
    assert_eq!(loaded.lags().unwrap().rows(), 4);
    assert_eq!(loaded.weights().len(), 42 + 9);

    let predict = ["predict", "--model", &to, "--data", &data];
    let all = windvane(&predict).ok();
    for pair in ["BTCUSDT", "ETHUSDT", "SOLUSDT"] {
        assert!(all.contains(&format!(",{pair},")), "{pair}");
    }
    let same = ["--inputs", "market", "--leader", "ETHUSDT"];
    assert_eq!(windvane(&[&predict[..], &same].concat()).ok(), all);
    let error = windvane(&[&predict[..], &["--inputs", "market"]].concat()).error();
    assert!(error.contains("leader_return(BTCUSDT)"), "{error}");
}

#[test]
fn export_writes_the_channels_of_a_set() {
    let (folder, data) = market();
    let file = folder.path().join("SOLUSDT.csv");
    let (rows, to) = out(folder.path(), "rows.csv");
    // The file itself is among the others; it is one pair.
    let export = ["export", path(&file), "--others", &data, "--inputs", "market", "--out", &to];
    windvane(&export).ok();
    let text = std::fs::read_to_string(rows).unwrap();
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(csv.headers().unwrap().len(), 1 + 42 + 1);
    assert!(csv.records().count() > 400);
    let alone = ["export", path(&file), "--inputs", "market", "--out", &to];
    assert!(windvane(&alone).error().contains("two or more pairs"));
}

#[test]
fn inputs_of_a_settings_file_are_relative_to_it() {
    let (folder, _) = market();
    let channels = "channels = ['normalized_return', 'pattern(doji)']\ngaps = 'by-clock'\n";
    std::fs::write(folder.path().join("inputs.toml"), channels).unwrap();
    let settings =
        "model = 'logistic'\ndata = ['BTCUSDT.csv']\ninputs = 'inputs.toml'\nout = 'm'\n";
    let (_, config) = out(folder.path(), "fit.toml");
    std::fs::write(&config, settings).unwrap();
    windvane(&["fit", "--config", &config]).ok();
    let model = load(folder.path().join("m")).unwrap();
    let names: Vec<String> =
        model.spec().signals.channels.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["normalized_return", "pattern(doji)"]);
    assert_eq!(model.spec().signals.gaps, GapPolicy::ByClock);
    let both = windvane(&["fit", "--config", &config, "--channels", "rsi", "--inputs", "six"]);
    assert!(both.error().contains("--channels"));
}
