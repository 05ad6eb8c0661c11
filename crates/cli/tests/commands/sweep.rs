//! `windvane plan`, `run` and `merge`: shards in any order, kills, and refused inputs.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{candles, command, text, windvane};

/// Folder with a sweep over two daily instruments.
struct Sweep {
    folder: tempfile::TempDir,
}

const SETTINGS: &str = "data = 'data'\nfolds = 2\nlookbacks = [8, 12]\nmodels = ['v2-learned', \
                        'v32']\nseeds = 2\nbundle-seconds = 0\n[recipes.one]\nepochs = 1\n\
                        [recipes.two]\nepochs = 2\n[[brackets]]\nname = 'chosen'\n\
                        model = 'v32'\nfirst-epochs = 1\n";

impl Sweep {
    fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        for (name, phase) in [("AAA", 0.0), ("BBB", 2.0)] {
            let file = folder.path().join("data").join(format!("{name}.csv"));
            fs::write(file, candles(420, phase)).unwrap();
        }
        fs::write(folder.path().join("sweep.toml"), settings).unwrap();
        Self { folder }
    }

    fn planned(settings: &str) -> Self {
        let sweep = Self::new(settings);
        windvane(&["plan", text(&sweep.path("sweep.toml"))]).ok();
        sweep
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn plan(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path("plan.json")).unwrap()).unwrap()
    }

    fn bundles(&self) -> usize {
        self.plan()["bundles"].as_array().unwrap().len()
    }

    fn run(&self, index: usize, of: usize, results: &str) -> crate::support::Ended {
        let (index, of) = (index.to_string(), of.to_string());
        let results = self.path(results);
        let plan = self.path("plan.json");
        let shard = ["--index", &index, "--of", &of, "--results", text(&results)];
        windvane(&[&["run", text(&plan)][..], &shard].concat())
    }

    /// Bytes of all reports except their timing.
    fn merged(&self, results: &str) -> String {
        let out = self.path(&format!("{results}-report"));
        let (plan, results) = (self.path("plan.json"), self.path(results));
        windvane(&["merge", text(&plan), "--results", text(&results), "--out", text(&out)]).ok();
        ["report.json", "1/report.json", "2/report.json"]
            .map(|name| without_timing(&out.join(name)))
            .concat()
    }
}

/// Report without the timing at its end.
fn without_timing(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let (before, timing) = text.rsplit_once("\n  \"timing\": {").unwrap();
    assert!(timing.ends_with("\n  }\n}\n"), "{timing}");
    before.to_string()
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, |entries| {
        let names = entries.map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|end| end == "task")).count()
    })
}

#[test]
fn sweep_merges_to_the_same_bytes_from_any_shards() {
    let sweep = Sweep::planned(SETTINGS);
    let plan = fs::read(sweep.path("plan.json")).unwrap();
    windvane(&["plan", text(&sweep.path("sweep.toml"))]).ok();
    assert_eq!(fs::read(sweep.path("plan.json")).unwrap(), plan);
    // 2 lookbacks × 2 folds × ((v2, 2 recipes, the bracket) × 2 seeds + the baseline).
    assert_eq!(sweep.bundles(), 2 * 2 * (4 * 2 + 1));
    sweep.run(0, 1, "one").ok();
    let one = sweep.merged("one");
    for index in [4, 2, 0, 6, 1, 3, 5] {
        sweep.run(index, 7, "seven").ok();
    }
    assert_eq!(sweep.merged("seven"), one);
    let again = sweep.run(3, 7, "seven");
    assert!(again.stderr.contains("result of an earlier run"), "{}", again.stderr);
}

#[test]
fn sweep_report_of_a_setting_equals_backtest() {
    let settings = "data = 'data'\nfolds = 3\nmodels = ['v2', 'v2-learned']\nseed = 7\n";
    let sweep = Sweep::planned(settings);
    windvane(&["run", text(&sweep.path("plan.json"))]).ok();
    windvane(&["merge", text(&sweep.path("plan.json"))]).ok();
    let (out, data) = (sweep.path("backtest"), sweep.path("data"));
    let models = ["--models", "v2,v2-learned", "--folds", "3", "--seed", "7"];
    let folders = ["backtest", "--data", text(&data), "--out", text(&out)];
    windvane(&[&folders[..], &models].concat()).ok();
    let [mut own, mut other] = ["report/1", "backtest"].map(|folder| {
        let text = fs::read_to_string(sweep.path(folder).join("report.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    });
    for report in [&mut own, &mut other] {
        report["timing"] = Value::Null;
        report["run"]["command"] = Value::Null;
    }
    assert_eq!(own, other);
}

#[test]
fn sweep_continues_after_kills() {
    let sweep = Sweep::planned(SETTINGS);
    sweep.run(0, 1, "whole").ok();
    let results = sweep.path("killed");
    let all = files(&sweep.path("whole"));
    let mut kills = 0;
    while files(&results) < all && kills < 6 {
        let before = files(&results);
        let plan = sweep.path("plan.json");
        let mut child = command(&["run", text(&plan), "--results", text(&results)])
            .env("RAYON_NUM_THREADS", "2")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while files(&results) == before && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(500));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(files(&results) > before, "nothing is lost");
        kills += 1;
    }
    assert!(kills > 1);
    sweep.run(0, 1, "killed").ok();
    assert_eq!(sweep.merged("killed"), sweep.merged("whole"));
}

#[test]
fn sweep_refuses_missing_and_damaged_results() {
    let sweep = Sweep::planned(SETTINGS);
    sweep.run(1, 2, "half").ok();
    let (plan, half, out) = (sweep.path("plan.json"), sweep.path("half"), sweep.path("out"));
    let merge = ["merge", text(&plan), "--results", text(&half), "--out", text(&out)];
    let error = windvane(&merge).error();
    let bundles = sweep.bundles();
    let wanted = [
        format!("{} of {bundles} tasks have no result", bundles / 2),
        "--partial".to_string(),
        "bundle 0 (six, 8 rows, next)".to_string(),
        format!("windvane run … --index 2 --of {bundles}"),
    ];
    for wanted in wanted {
        assert!(error.contains(&wanted), "{error} does not contain {wanted}");
    }
    assert!(!error.contains("bundle 1 ("), "{error}");
    let partial = windvane(&[&merge[..], &["--partial"]].concat()).ok();
    assert!(partial.contains("the report is partial"), "{partial}");
    let key = sweep.plan()["bundles"][1]["tasks"][0].as_str().unwrap().to_string();
    fs::write(half.join(format!("{key}.task")), "cut").unwrap();
    let error = windvane(&[&merge[..], &["--partial"]].concat()).error();
    assert!(error.contains(&key) && error.contains("run the task again"), "{error}");
}

#[test]
fn sweep_refuses_other_data_kernels_and_plans() {
    let sweep = Sweep::planned(SETTINGS);
    let (plan, data) = (sweep.path("plan.json"), sweep.path("data"));
    let other = command(&["run", text(&plan)]).env("WINDVANE_KERNEL", "portable").output().unwrap();
    let error = String::from_utf8(other.stderr).unwrap();
    if windvane_kernel(&sweep) != "portable" {
        assert!(error.contains("kernel portable") && error.contains("plan again"), "{error}");
    }
    let aaa = fs::read_to_string(data.join("AAA.csv")).unwrap();
    fs::write(data.join("AAA.csv"), aaa.replacen("100.", "101.", 1)).unwrap();
    let error = sweep.run(0, 1, "results").error();
    assert!(error.contains("AAA.csv: the file has changed since the plan"), "{error}");
    fs::remove_file(data.join("AAA.csv")).unwrap();
    let error = windvane(&["merge", text(&plan)]).error();
    assert!(error.contains("AAA.csv: the file is missing"), "{error}");
    fs::write(data.join("AAA.csv"), aaa).unwrap();
    fs::write(data.join("CCC.csv"), candles(420, 1.0)).unwrap();
    let error = sweep.run(0, 1, "results").error();
    assert!(error.contains("CCC.csv: the file is not part of the plan"), "{error}");
    fs::remove_file(data.join("CCC.csv")).unwrap();
    assert!(sweep.run(2, 2, "results").error().contains("counted from 0"));
    assert_eq!(files(&sweep.path("results")), 0);
    let written = fs::read_to_string(&plan).unwrap();
    for (from, to, wanted) in [
        ("\"format\": 1", "\"format\": 2", "format 2, expected 1"),
        ("\"version\": \"", "\"version\": \"9", "the plan needs windvane 9"),
        ("\"lookbacks\"", "\"lookback\"", "not a plan"),
        ("\"seed\": 42", "\"seed\": 43", "are not tasks of these data and settings"),
    ] {
        fs::write(&plan, written.replacen(from, to, 1)).unwrap();
        let error = sweep.run(0, 1, "results").error();
        assert!(error.contains(wanted), "{error} does not contain {wanted}");
    }
}

/// Kernel of a plan.
fn windvane_kernel(sweep: &Sweep) -> String {
    sweep.plan()["program"]["kernel"].as_str().unwrap().to_string()
}

#[test]
fn sweep_file_with_invalid_settings_is_refused() {
    for (settings, wanted) in [
        ("models = []", "no models"),
        ("models = ['v9']", "unknown model"),
        ("models = ['v2']\nlookbacks = []", "lookbacks is empty"),
        ("models = ['v2']\nlabels = ['tomorrow']", "unknown label"),
        ("models = ['v2']\ntest-from = '2024-09-01'\nfolds = 2", "test-from excludes folds"),
        ("models = ['v2']\nepochs = 3", "unknown field `epochs`"),
        ("models = ['v2']\ndata = 'none'", "none"),
        ("[[brackets]]\nname = 'b'\nmodel = 'trees'\nfirst-epochs = 1", "not a single network"),
        ("[[brackets]]\nname = 'b'\nmodel = 'v32'\nfirst-epochs = 1", "at least two recipes"),
        (
            "[[brackets]]\nname = 'b'\nmodel = 'v32'\nfirst-epochs = 1\nrecipes = ['x', 'y']",
            "no recipe is named x",
        ),
    ] {
        let sweep = Sweep::new(settings);
        let error = windvane(&["plan", text(&sweep.path("sweep.toml"))]).error();
        assert!(error.contains(wanted), "{error} does not contain {wanted}");
        assert!(!sweep.path("plan.json").exists());
    }
}

#[test]
fn sweep_plan_in_another_folder_finds_its_data() {
    let sweep = Sweep::new("data = 'data'\nfolds = 2\nmodels = ['v2-learned']\n");
    let other = tempfile::tempdir().unwrap();
    let plan = other.path().join("plan.json");
    windvane(&["plan", text(&sweep.path("sweep.toml")), "--output", text(&plan)]).ok();
    windvane(&["run", text(&plan)]).ok();
    windvane(&["merge", text(&plan)]).ok();
    assert!(other.path().join("report/1/report.html").is_file());
}

#[test]
fn sweep_example_has_several_bundles() {
    let example = format!("{}/../../deploy/sweep.toml", env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json");
    windvane(&["plan", &example, "--output", text(&plan)]).ok();
    let plan: Value = serde_json::from_str(&fs::read_to_string(plan).unwrap()).unwrap();
    let bundles = plan["bundles"].as_array().unwrap();
    // Four settings; the logistic regression counts as its own baseline.
    let tasks: usize = bundles.iter().map(|bundle| bundle["tasks"].as_array().unwrap().len()).sum();
    assert_eq!(tasks, 4 * 2 * 5);
    assert!(bundles.len() >= 7, "{}", bundles.len());
}
