//! `windvane backtest` on valid folders, invalid files and invalid options.
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{START, candles, text, windvane};

/// Runs the command over `--data` and returns the report.
fn run(data: &Path, arguments: &[&str]) -> Result<Value, String> {
    let out = tempfile::tempdir().unwrap();
    let folders = ["backtest", "--quick", "--data", text(data), "--out", text(out.path())];
    let ended = windvane(&[&folders[..], arguments].concat());
    if ended.code != Some(0) {
        return Err(ended.error());
    }
    for file in ["report.md", "report.html"] {
        assert!(fs::metadata(out.path().join(file)).unwrap().len() > 500, "{file}");
    }
    Ok(serde_json::from_str(&fs::read_to_string(out.path().join("report.json")).unwrap()).unwrap())
}

fn names<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap()).collect()
}

#[test]
fn backtest_under_a_memory_budget_gives_the_same_report() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("candles"), folder.path().join("out"));
    fs::create_dir(&data).unwrap();
    for (name, phase) in [("A", 0.0), ("B", 1.0)] {
        fs::write(data.join(format!("{name}.csv")), candles(1_500, phase)).unwrap();
    }
    let run = |more: &[&str]| {
        let fixed = ["backtest", "--quick", "--data", text(&data), "--out", text(&out)];
        windvane(&[&fixed[..], more].concat())
    };
    let report = |more: &[&str]| {
        let ended = run(&[&["--models", "v32"], more].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let json = fs::read_to_string(out.join("report.json")).unwrap();
        let mut report: Value = serde_json::from_str(&json).unwrap();
        report.as_object_mut().unwrap().remove("timing");
        (report.to_string(), ended.stderr.contains("in a temporary file"))
    };
    let (expected, _) = report(&[]);
    // 3,000 candles: 96.6 MiB with the values in a file, 96.8 MiB in memory.
    for (memory, in_file) in [("96.7MiB", true), ("98MiB", false)] {
        assert_eq!(report(&["--memory", memory]), (expected.clone(), in_file), "{memory}");
    }
    let error = run(&["--models", "v32", "--memory", "96MiB"]).error();
    assert!(error.contains("3,000 candles with 6 channels need 0.10GiB"), "{error}");
    let error = run(&["--models", "v2,trees", "--memory", "96.7MiB"]).error();
    assert!(error.contains("because trees reads windows at random"), "{error}");
    let plan = ["--plan", "combinatorial", "--groups", "60", "--test-groups", "30"];
    let error = run(&[&["--models", "v2", "--memory", "8GiB"], &plan[..]].concat()).error();
    assert!(error.contains("at most 1000; test on fewer groups"), "{error}");
}

#[test]
fn backtest_lists_invalid_files_and_continues() {
    let data = tempfile::tempdir().unwrap();
    let good = candles(400, 0.0);
    let cases: [(&str, String, &[&str]); 5] = [
        ("empty.csv", String::new(), &["empty.csv"]),
        ("headeronly.csv", good.lines().next().unwrap().to_string(), &["headeronly.csv"]),
        ("column.csv", candles(300, 1.0).replacen("close", "closing", 1), &["line 1", "close"]),
        ("short.csv", candles(40, 0.0), &["40 candles are too few", "46"]),
        ("a copy.csv", good.clone(), &["a copy.csv", "the same candles as GOOD"]),
    ];
    for (name, text, _) in &cases {
        fs::write(data.path().join(name), text).unwrap();
    }
    fs::write(data.path().join("GOOD.CSV"), &good).unwrap();
    fs::write(data.path().join("GOOD.csv"), candles(400, 2.0)).unwrap();
    fs::write(data.path().join("notes.md"), "not looked at").unwrap();

    let report = run(data.path(), &["--models", "v2"]).unwrap();
    let skipped = report["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), cases.len() + 1, "{skipped:#?}");
    let reason = |name: &str| {
        let entry = skipped.iter().find(|entry| entry["name"].as_str() == Some(name));
        entry.unwrap_or_else(|| panic!("{name} is not listed"))["reason"].as_str().unwrap()
    };
    assert!(reason("GOOD.csv").contains("there is already an instrument GOOD"));
    for (name, _, wanted) in &cases {
        let reason = reason(name.strip_suffix(".csv").filter(|n| *n == "short").unwrap_or(name));
        for wanted in *wanted {
            assert!(reason.contains(wanted), "{name}: {reason:?} does not contain {wanted:?}");
        }
    }
    assert_eq!(names(&report["instruments"], "name"), ["GOOD"]);
}

#[test]
fn backtest_rejects_missing_folder_of_predictions_before_the_run() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("GOOD.csv"), candles(400, 0.0)).unwrap();
    let file = data.path().join("none").join("predictions.csv");
    let error = run(data.path(), &["--models", "v2", "--predictions", text(&file)]).unwrap_err();
    assert!(error.contains("none does not exist"), "{error}");
}

#[test]
fn backtest_joins_archives_of_one_pair() {
    let data = tempfile::tempdir().unwrap();
    let text = candles(420, 0.0);
    let lines: Vec<&str> = text.lines().collect();
    let parts = [
        (1, 151, "2024-01-01_2024-05-29"),
        (151, 301, "2024-05-30_2024-10-26"),
        (302, 421, "2024-10-28_2025-02-23"),
    ];
    for (from, until, date) in parts {
        let text = [&lines[..1], &lines[from..until]].concat().join("\n");
        fs::write(data.path().join(format!("BTCUSDT-1d-{date}.csv")), text).unwrap();
    }
    // Candles that overlap, and candles of other days than the name says.
    let others = ["BTCUSDT-1d-2024-01-01_2024-10-26.csv", "BTCUSDT-1d-2025-02-24.csv"];
    for other in others {
        fs::write(data.path().join(other), candles(300, 1.0)).unwrap();
    }
    let report = run(data.path(), &["--models", "v2"]).unwrap();
    assert_eq!(names(&report["instruments"], "name"), ["BTCUSDT-1d"]);
    let own = &report["instruments"][0];
    assert_eq!((own["candles"].as_u64(), own["missing"].as_u64()), (Some(419), Some(1)));
    let notes = report["run"]["notes"].to_string();
    assert_eq!(notes.matches("continues the candles of BTCUSDT-1d").count(), 2, "{notes}");
    assert_eq!(names(&report["skipped"], "name"), others);
    let reasons = [0, 1].map(|i| report["skipped"][i]["reason"].as_str().unwrap());
    assert!(reasons[0].contains("these candles do not continue it"), "{reasons:?}");
    assert!(reasons[1].contains("not those of the date in the name"), "{reasons:?}");
}

#[test]
fn backtest_notes_repairs_with_file_and_line() {
    let data = tempfile::tempdir().unwrap();
    // Line 9 holds the candle of day 7.
    let at = |values: &str| format!("{},{values}", START + 7 * 86_400_000);
    let broken = ["nan", "negative", "highlow", "back", "twice", "ragged", "text"];
    for (index, name) in broken.iter().enumerate() {
        let text = candles(400, 0.1 * index as f64);
        let mut lines: Vec<&str> = text.lines().collect();
        let line = match *name {
            "nan" => lines[8].replace(lines[8].split(',').nth(4).unwrap(), "NaN"),
            "negative" => at("-1,2,-3,1,5"),
            "highlow" => at("5,4,6,5,5"),
            "back" => lines[3].to_string(),
            "twice" => lines[7].to_string(),
            "ragged" => at("5"),
            _ => at("5,six,5,5,5"),
        };
        lines[8] = &line;
        fs::write(data.path().join(format!("{name}.csv")), lines.join("\n")).unwrap();
    }
    let text = candles(400, 5.0);
    let gap = text.lines().enumerate().filter(|(n, _)| *n != 200).map(|(_, line)| line);
    fs::write(data.path().join("gap.csv"), gap.collect::<Vec<_>>().join("\n")).unwrap();

    let report = run(data.path(), &["--models", "v2"]).unwrap();
    assert_eq!(report["skipped"].as_array().unwrap().len(), 0, "{}", report["skipped"]);
    assert_eq!(report["instruments"].as_array().unwrap().len(), broken.len() + 1);
    let notes = report["run"]["notes"].as_array().unwrap();
    let notes: Vec<&str> = notes.iter().map(|note| note.as_str().unwrap()).collect();
    let noted = |file: &str, what: &str| {
        notes.iter().any(|note| note.contains(file) && note.contains(what))
    };
    for name in broken {
        assert!(noted(&format!("{name}.csv"), "line 9"), "{name}: {notes:#?}");
        assert!(noted(&format!("{name}.csv"), "1 candle missing in 1 gap"), "{name}: {notes:#?}");
    }
    assert!(
        noted("gap.csv", "1 candle missing in 1 gap, the longest (1) from 2024-07-"),
        "{notes:#?}"
    );
}

#[test]
fn backtest_label_relative_shows_its_baselines() {
    let data = tempfile::tempdir().unwrap();
    for (name, phase) in [("A", 0.0), ("B", 1.0), ("C", 2.5)] {
        fs::write(data.path().join(format!("{name}.csv")), candles(400, phase)).unwrap();
    }
    let report = run(data.path(), &["--models", "v2", "--label", "relative:2"]).unwrap();
    assert_eq!(report["failures"].as_array().unwrap().len(), 0, "{}", report["failures"]);
    assert_eq!(report["run"]["labels"]["band"]["kind"], "relative");
    let command = report["run"]["command"].as_str().unwrap();
    assert!(command.contains("--label relative:2"), "{command}");
    let rules = names(&report["results"][0]["baselines"], "rule");
    for rule in ["opposite_of_last_relative", "lowest_volatility", "own_share"] {
        assert!(rules.contains(&rule), "{rules:?}");
    }
    let error = run(data.path(), &["--label", "tomorrow"]).unwrap_err();
    assert!(error.contains("unknown label") && error.contains("relative:H"), "{error}");
}

#[test]
fn backtest_without_readable_file_reports_cause() {
    let data = tempfile::tempdir().unwrap();
    let error = run(data.path(), &[]).unwrap_err();
    assert!(error.contains("no file of candles in this folder"), "{error}");
    let error = run(&data.path().join("missing"), &[]).unwrap_err();
    assert!(error.contains("missing"), "{error}");
    fs::write(data.path().join("BAD.csv"), "").unwrap();
    let error = run(data.path(), &[]).unwrap_err();
    assert!(error.contains("no instrument to train on") && error.contains("BAD.csv"), "{error}");
}

#[test]
fn backtest_same_command_gives_same_report() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("A.csv"), candles(400, 0.0)).unwrap();
    fs::write(data.path().join("B.csv"), candles(500, 1.0)).unwrap();
    let without_times = || {
        let mut report = run(data.path(), &["--seed", "7"]).unwrap();
        assert_eq!(report["schema"], 3);
        let method = "v3.2 (LSTM, 32 units), mean of 3 seeds";
        assert_eq!(report["run"]["model_descriptions"]["v32"], method);
        assert!(
            report.as_object_mut().unwrap().remove("timing").unwrap()["wall_seconds"].is_number()
        );
        report
    };
    assert_eq!(without_times(), without_times());
}

#[test]
fn backtest_test_data_is_excluded_from_training() {
    let (data, test) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(data.path().join("A.csv"), candles(600, 0.0)).unwrap();
    fs::write(data.path().join("OLD.csv"), candles(300, 0.5)).unwrap();
    fs::write(test.path().join("B.csv"), candles(600, 1.0)).unwrap();
    fs::write(test.path().join("A.csv"), candles(600, 2.0)).unwrap();
    let from = ["--test-from", "2025-03-01", "--models", "v2"];
    let report = run(data.path(), &[&["--test-data", text(test.path())], &from[..]].concat());
    let report = report.unwrap();
    let test_only: Vec<(&str, bool)> = report["instruments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| (i["name"].as_str().unwrap(), i["test_only"].as_bool().unwrap()))
        .collect();
    assert_eq!(test_only, [("A", false), ("OLD", false), ("test/A", true), ("B", true)]);
    for training in report["training"].as_array().unwrap() {
        let pairs = training["record"]["pairs"].as_array().unwrap();
        assert!(pairs.iter().all(|pair| pair == "A" || pair == "OLD"), "{pairs:?}");
    }
    assert_eq!(names(&report["without_test_rows"], "name"), ["OLD"]);
}

#[test]
fn backtest_skips_second_file_of_name() {
    let (data, test) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (folder, name, phase) in [
        (&data, "A.CSV", 0.0),
        (&data, "A.Csv", 0.2),
        (&data, "A.csv", 0.4),
        (&data, "B.csv", 1.0),
        (&test, "A.CSV", 2.0),
        (&test, "A.csv", 2.2),
        (&test, "C.csv", 3.0),
    ] {
        fs::write(folder.path().join(name), candles(500, phase)).unwrap();
    }
    if fs::read_dir(data.path()).unwrap().count() < 4 {
        return; // The file system ignores case, so these are one file.
    }
    let arguments = ["--models", "v2", "--test-data", text(test.path())];
    let report = run(data.path(), &arguments).unwrap();
    assert_eq!(names(&report["instruments"], "name"), ["A", "B", "test/A", "C"]);
    assert_eq!(names(&report["skipped"], "name"), ["A.Csv", "A.csv", "A.csv"]);
    let reasons = names(&report["skipped"], "reason");
    for (reason, name) in reasons.iter().zip(["A", "A", "test/A"]) {
        assert!(reason.contains(&format!("there is already an instrument {name}")), "{reason}");
    }
}

#[test]
fn backtest_date_outside_data_names_direction() {
    let data = tempfile::tempdir().unwrap();
    // 2024-01-01 to 2025-02-03.
    fs::write(data.path().join("A.csv"), candles(400, 0.0)).unwrap();
    let error = |date| run(data.path(), &["--models", "v2", "--test-from", date]).unwrap_err();
    let late = error("2026-01-01");
    assert!(late.contains("end at 2025-02-04T00:00:00Z"), "{late}");
    assert!(late.contains("must start earlier") && !late.contains("later"), "{late}");
    let early = error("2023-01-01");
    assert!(early.contains("begin at 2024-01-01T00:00:00Z"), "{early}");
    assert!(early.contains("must start later") && !early.contains("earlier"), "{early}");
    let nothing_left = error("2024-07-20");
    let expected = "leaves no sample to train on";
    assert!(nothing_left.contains(expected) && nothing_left.contains("later"), "{nothing_left}");
    assert!(
        nothing_left.contains("the six months before --test-from 2024-07-20"),
        "{nothing_left}"
    );
    let report = run(data.path(), &["--models", "v2", "--test-from", "2024-12-01"]).unwrap();
    let notes = report["run"]["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains("the six months before")));
}

#[test]
fn backtest_rejects_invalid_options() {
    assert!(refused(&["--models", "v9"]).contains("[possible values: v2, v2-learned, "));
    assert!(
        refused(&["--test-from", "2024-01-01", "--folds", "3"]).contains("cannot be used with")
    );
    assert!(refused(&["--test-from", "soon"]).contains("soon"));
    assert!(refused(&["--interval", "7q"]).contains("7q"));
    assert!(refused(&["--groups", "4"]).contains("--plan combinatorial"));
    assert!(refused(&["--plan", "combinatorial", "--folds", "3"]).contains("--plan walk"));
    assert!(refused(&["--plan", "sideways"]).contains("[possible values: walk, combinatorial]"));
    assert!(refused(&["--folds", "0"]).contains("not in 1..=1000"));
}

fn refused(arguments: &[&str]) -> String {
    windvane(&[&["backtest"], arguments].concat()).error()
}

#[test]
fn backtest_combinatorial_tests_every_combination() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("A.csv"), candles(500, 0.0)).unwrap();
    let plan = ["--models", "v2", "--plan", "combinatorial", "--groups", "4"];
    let report = run(data.path(), &plan).unwrap();
    assert_eq!(report["groups"][0]["folds"].as_array().unwrap().len(), 6);
    assert_eq!(report["run"]["plan"]["paths"], 3);
    let command = report["run"]["command"].as_str().unwrap();
    assert!(command.contains("--plan combinatorial --groups 4 --test-groups 2"), "{command}");
    let rolling = run(data.path(), &["--models", "v2", "--window", "150"]).unwrap();
    assert_eq!(rolling["run"]["plan"]["window"], 150);
    assert!(rolling["run"]["command"].as_str().unwrap().contains("--folds 2 --window 150"));
}

#[test]
fn backtest_keeps_finished_tasks_until_report_is_written() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(data.path().join("A.csv"), candles(400, 0.0)).unwrap();
    let folders = ["backtest", "--quick", "--data", text(data.path()), "--out", text(out.path())];
    let tasks = out.path().join("tasks");
    let report = || {
        let json = fs::read_to_string(out.path().join("report.json")).unwrap();
        json[..json.find("\"timing\"").unwrap()].to_string()
    };
    windvane(&folders).ok();
    assert!(!tasks.exists());
    let expected = report();
    // If the report cannot be written, finished tasks are kept and reused by the next run.
    fs::remove_file(out.path().join("report.json")).unwrap();
    fs::create_dir(out.path().join("report.json")).unwrap();
    windvane(&folders).error();
    // v2, v32 and the logistic regression on two folds.
    assert_eq!(fs::read_dir(&tasks).unwrap().count(), 6);
    fs::remove_dir(out.path().join("report.json")).unwrap();
    fs::write(tasks.join("mine.txt"), "").unwrap();
    windvane(&[&folders[..], &["--resume"]].concat()).ok();
    assert_eq!(fs::read_dir(&tasks).unwrap().count(), 1);
    assert_eq!(report(), expected);
}

#[test]
fn backtest_writes_predictions_as_csv_and_needs_feature_for_parquet() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("GOOD.csv"), candles(400, 0.0)).unwrap();
    let file = data.path().join("predictions.txt");
    let report = run(data.path(), &["--models", "v2", "--predictions", text(&file)]).unwrap();
    let written = fs::read_to_string(&file).unwrap();
    let mut lines = written.lines();
    assert!(
        lines.next().unwrap().starts_with("time,instrument,interval,model,seed,fold,path,p_up")
    );
    let tested = report["instruments"][0]["test_candles"].as_u64().unwrap();
    assert_eq!(lines.clone().count() as u64, tested);
    assert!(lines.all(|line| line.contains(",GOOD,1d,v2,42,")), "{written}");

    if !cfg!(feature = "columnar") {
        let parquet = data.path().join("predictions.parquet");
        let error =
            run(data.path(), &["--models", "v2", "--predictions", text(&parquet)]).unwrap_err();
        assert!(error.contains("--features columnar"), "{error}");
    }
}
