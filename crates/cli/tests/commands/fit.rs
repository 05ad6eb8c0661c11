//! `windvane fit`: options, settings files, saved models, early errors.
use std::fs;

use windvane::prelude::*;

use crate::support::{candles, command, sample_file, text, windvane};

#[test]
fn fit_saves_model_and_profile() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("own.safetensors");
    let data = sample_file("BTCUSDT");
    let arguments = ["fit", "--data", &data, "--epochs", "1", "--out", text(&out)];
    let table = windvane(&[&arguments[..], &["--average-seeds", "1"]].concat()).ok();
    assert!(
        table.contains("v3.2 (LSTM, 32 units)  ") && table.contains("validation loss"),
        "{table}"
    );
    let model = load(&out).unwrap();
    assert_eq!((model.id().as_str(), model.record().unwrap().epochs), ("v32", 1));
    assert_eq!(model.to_artifact().unwrap().kind(), "v32");
    let profile = windvane::models::TrainingProfile::load(out.with_extension("profile.json"));
    let profile = profile.unwrap();
    assert_eq!(profile.signals(), &model.spec().signals);
    assert!(profile.anomaly_gate().is_some());
}

#[test]
fn fit_averages_three_seeds_of_v32_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("own.safetensors");
    let data = sample_file("BTCUSDT");
    let table = windvane(&["fit", "--data", &data, "--epochs", "1", "--out", text(&out)]).ok();
    assert!(table.contains("v3.2 (LSTM, 32 units), mean of 3 seeds"), "{table}");
    assert!(table.contains("1, 1, 1; the best are epochs 1, 1, 1"), "{table}");
    let model = load(&out).unwrap();
    assert_eq!(model.id().as_str(), "v32");
    assert_eq!(model.to_artifact().unwrap().kind(), "ensemble");
}

#[test]
fn fit_reads_settings_file_and_options_take_precedence() {
    let folder = tempfile::tempdir().unwrap();
    for (name, phase) in [("A", 0.0), ("B", 1.0)] {
        fs::write(folder.path().join(format!("{name}.csv")), candles(500, phase)).unwrap();
    }
    fs::write(folder.path().join("notes.txt"), "no candles").unwrap();
    let config = folder.path().join("fit.toml");
    let text_of = "model = 'v2-learned'\ndata = ['.']\nchannels = ['momentum', 'rsi(period=7)']\n\
                   lookback = 10\nhorizon = 2\nvolatility-band = 0.1\nseed = 3\nout = 'm.safetensors'\n";
    fs::write(&config, text_of).unwrap();
    windvane(&["fit", "--config", text(&config), "--lookback", "12"]).ok();
    let model = load(folder.path().join("m.safetensors")).unwrap();
    let (spec, record) = (model.spec(), model.record().unwrap());
    assert_eq!((spec.lookback, spec.labels.horizon, record.seed), (12, 2, 3));
    assert_eq!(spec.signals.channels[1].to_string(), "rsi(period=7)");
    assert_eq!(record.pairs, ["A", "B"]);

    fs::write(&config, "modell = 'v2'\n").unwrap();
    let error = windvane(&["fit", "--config", text(&config)]).error();
    assert!(error.contains("fit.toml") && error.contains("unknown field `modell`"), "{error}");
}

#[test]
fn fit_label_is_saved_with_the_model() {
    let folder = tempfile::tempdir().unwrap();
    for (name, phase) in [("A", 0.0), ("B", 1.0), ("C", 2.5)] {
        fs::write(folder.path().join(format!("{name}.csv")), candles(400, phase)).unwrap();
    }
    let config = folder.path().join("fit.toml");
    let text_of =
        "model = 'v2-learned'\ndata = ['.']\nlabel = 'barrier:1,6'\nout = 'm.safetensors'\n";
    fs::write(&config, text_of).unwrap();
    let out = folder.path().join("m.safetensors");
    for (option, expected) in [(None, "barrier:1,6"), (Some("relative:3"), "relative:3")] {
        let label = option.map_or(vec![], |label| vec!["--label", label]);
        let table = windvane(&[&["fit", "--config", text(&config)], &label[..]].concat()).ok();
        assert_eq!(load(&out).unwrap().spec().labels.to_string(), expected);
        assert!(table.contains(expected), "{table}");
    }
    let one = folder.path().join("A.csv");
    let error = windvane(&["fit", "--data", text(&one), "--label", "relative:3"]).error();
    assert!(error.contains("at least 3 pairs") && error.contains("give more pairs"), "{error}");
}

#[test]
fn fit_accepts_daily_stocks_with_weekends() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("m.safetensors");
    windvane(&["fit", "--instrument", "AAPL", "--model", "v2-learned", "--out", text(&out)]).ok();
    assert!(load(&out).unwrap().record().unwrap().windows > 2_500);
}

#[test]
fn fit_infers_gap_policy_from_training_candles() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("A.csv"), folder.path().join("m.safetensors"));
    let sessions = GapPolicy::Sessions { max_missing: 7 };
    // Every twentieth candle is missing, everywhere or in the validation period only.
    for (from, gaps) in [(0, sessions), (560, GapPolicy::Reset)] {
        let whole = candles(600, 0.0);
        let kept = whole.lines().enumerate().filter(|(i, _)| *i <= from || i % 20 != 0);
        let text_of: Vec<&str> = kept.map(|(_, line)| line).collect();
        fs::write(&data, text_of.join("\n")).unwrap();
        let model = ["--model", "v2-learned", "--data", text(&data), "--out", text(&out)];
        let table = windvane(&[&["fit"], &model[..]].concat()).ok();
        assert_eq!(load(&out).unwrap().spec().signals.gaps, gaps);
        let shown = gaps.to_string().split(' ').next().unwrap().to_string();
        assert!(table.contains("missing candles") && table.contains(&shown), "{table}");
    }
}

#[test]
fn fit_rejects_invalid_options_before_training() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str]| windvane(&[&["fit"], arguments].concat()).error();
    let error = refused(&["--out", "nowhere/m.safetensors"]);
    assert!(error.contains("the folder nowhere does not exist; create it"), "{error}");
    assert!(refused(&["--model", "v9"]).contains("[possible values: v2, "));
    assert!(refused(&["--instrument", "DOGE"]).contains("the sample has BTCUSDT, EURUSD"));
    assert!(refused(&["--channels", "rsi(period"]).contains("closing parenthesis"));
    assert!(refused(&["--data", text(&folder.path().join("no.csv"))]).contains("no.csv"));
    // Invalid characters of a file name are replaced in the name of the pair, as in a backtest.
    let file = folder.path().join("BTC USDT.csv");
    fs::write(&file, candles(300, 0.0)).unwrap();
    let out = folder.path().join("m.safetensors");
    let data = ["--data", text(&file), "--out", text(&out), "--model", "v2-learned"];
    windvane(&[&["fit"], &data[..]].concat()).ok();
    assert_eq!(load(&out).unwrap().record().unwrap().pairs, ["BTC_USDT"]);
}

#[test]
fn fit_under_a_memory_budget_saves_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("candles");
    fs::create_dir(&data).unwrap();
    for (name, phase) in [("A", 0.0), ("B", 1.0)] {
        fs::write(data.join(format!("{name}.csv")), candles(1_500, phase)).unwrap();
    }
    let scratch = folder.path().join("scratch");
    fs::create_dir(&scratch).unwrap();
    let fit = |model: &str, memory: &[&str]| {
        let out = folder.path().join("m.safetensors");
        let fit = ["fit", "--model", model, "--epochs", "2", "--out", text(&out)];
        let run = command(&[&fit[..], &["--data", text(&data)], memory].concat())
            .env("TMPDIR", &scratch)
            .output()
            .unwrap();
        let notes = String::from_utf8(run.stderr).unwrap();
        assert!(run.status.success(), "{notes}");
        let saved = fs::read(&out).unwrap();
        (saved, fs::read(out.with_extension("profile.json")).unwrap(), notes)
    };
    for model in ["v32", "v32-stateful"] {
        let (saved, profile, _) = fit(model, &[]);
        // 3,000 candles: 96.25 MiB with the values in a file, 96.39 MiB in memory.
        for (memory, in_file) in [("96.35MiB", true), ("97MiB", false)] {
            let (own, own_profile, notes) = fit(model, &["--memory", memory]);
            assert_eq!(notes.contains("in a temporary file"), in_file, "{memory}: {notes}");
            assert!(own == saved && own_profile == profile, "{model}: {memory}");
        }
    }
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
}

#[test]
fn fit_refuses_a_memory_budget_that_is_too_small() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("A.csv");
    fs::write(&data, candles(3_000, 0.0)).unwrap();
    let out = folder.path().join("m.safetensors");
    let fit = ["fit", "--data", text(&data), "--out", text(&out)];
    let refused = |more: &[&str]| windvane(&[&fit[..], more].concat()).error();
    let error = refused(&["--memory", "64MiB"]);
    assert!(error.contains("the 3,000 candles of 1 of 1 pairs need at least 0.10GiB"), "{error}");
    let error = refused(&["--memory", "96.24MiB"]);
    assert!(error.contains("3,000 candles with 6 channels need 0.10GiB"), "{error}");
    let error = refused(&["--memory", "96.35MiB", "--model", "trees"]);
    assert!(error.contains("trees reads windows at random"), "{error}");
    assert!(refused(&["--memory", "8"]).contains("MiB, GiB or TiB"));
    let missing = folder.path().join("missing");
    let run = command(&[&fit[..], &["--memory", "96.35MiB"]].concat())
        .env("TMPDIR", &missing)
        .output()
        .unwrap();
    let error = String::from_utf8(run.stderr).unwrap();
    assert!(!run.status.success() && error.contains("cannot create"), "{error}");
    assert!(!out.exists());
}
