//! Hive-partitioned folders as `--data` of the commands.
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{candles, text, windvane};

/// The same candles of two pairs as a folder of files and as a folder of partitions by year.
fn folders(root: &Path) -> (String, String) {
    let (plain, divided) = (root.join("plain"), root.join("divided"));
    fs::create_dir_all(&plain).unwrap();
    for (pair, phase) in [("AAA", 0.0), ("BBB", 1.0)] {
        let whole = candles(700, phase);
        fs::write(plain.join(format!("{pair}.csv")), &whole).unwrap();
        let (header, rows) = whole.split_once('\n').unwrap();
        let rows: Vec<&str> = rows.lines().collect();
        // 2024 has 366 days.
        for (year, rows) in [(2024, &rows[..366]), (2025, &rows[366..])] {
            let folder = divided.join(format!("pair={pair}/year={year}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("part-0.csv"), format!("{header}\n{}\n", rows.join("\n")))
                .unwrap();
        }
    }
    (text(&plain).to_string(), text(&divided).to_string())
}

/// Runs a command on a folder and returns the bytes of the file that it writes.
fn written(arguments: &[&str], data: &str, out: &Path) -> Vec<u8> {
    windvane(&[arguments, &["--data", data, "--out", text(out)]].concat()).ok();
    fs::read(out).unwrap()
}

#[test]
fn partitions_give_the_bytes_of_plain_files() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, divided) = folders(folder.path());
    let model = folder.path().join("model.safetensors");
    let fit = ["fit", "--model", "v2-learned", "--lookback", "10"];
    assert_eq!(written(&fit, &plain, &model), written(&fit, &divided, &model));
    let (predict, lines) = (["predict", "--model", text(&model)], folder.path().join("lines.csv"));
    let predicted = written(&predict, &divided, &lines);
    assert_eq!(predicted, written(&predict, &plain, &lines));
    assert!(String::from_utf8(predicted).unwrap().contains(",BBB,"));
    let report = |data: &str| -> Value {
        let out = folder.path().join("report");
        let backtest = ["backtest", "--models", "v2", "--folds", "1", "--data", data];
        windvane(&[&backtest[..], &["--out", text(&out)]].concat()).ok();
        let json = fs::read(out.join("report.json")).unwrap();
        let mut report: Value = serde_json::from_slice(&json).unwrap();
        let run = report["run"].as_object_mut().unwrap();
        run.remove("command");
        run.remove("notes");
        report.as_object_mut().unwrap().remove("timing");
        report
    };
    assert_eq!(report(&plain), report(&divided));
}

#[test]
fn partitions_are_inspected_pair_by_pair() {
    let folder = tempfile::tempdir().unwrap();
    let (_, divided) = folders(folder.path());
    let inspect = ["inspect", "--json", &divided];
    let list = |arguments: &[&str]| -> Vec<Value> {
        serde_json::from_str(&windvane(&[&inspect[..], arguments].concat()).stdout).unwrap()
    };
    let all = list(&[]);
    let series: Vec<&Value> = all.iter().map(|one| &one["series"][0]).collect();
    assert_eq!((&series[0]["key"], &series[1]["key"]), (&"pair=AAA".into(), &"pair=BBB".into()));
    assert_eq!((&series[1]["pair"], &series[1]["rows"]), (&"BBB".into(), &700.into()));
    assert_eq!(list(&["--select", "pair=BBB"]).len(), 1);

    // The candles of a year again: the pair is refused, the other one read.
    let year = Path::new(&divided).join("pair=AAA/year=2024");
    fs::copy(year.join("part-0.csv"), year.join("part-1.csv")).unwrap();
    let all = list(&[]);
    let error = all[0]["error"].as_str().unwrap();
    assert!(error.contains("part-0.csv") && error.contains("part-1.csv"), "{error}");
    assert_eq!((&all[1]["error"], windvane(&inspect).code), (&Value::Null, Some(1)));
    let model = folder.path().join("model.safetensors");
    let fit = ["fit", "--model", "v2-learned", "--data", &divided, "--out", text(&model)];
    let ended = windvane(&fit);
    assert!(ended.stderr.contains("skipped: ") && ended.stderr.contains("part-1.csv"));

    fs::write(Path::new(&divided).join("more.csv"), candles(60, 0.0)).unwrap();
    assert!(windvane(&fit).error().contains("beside a folder"));
}
