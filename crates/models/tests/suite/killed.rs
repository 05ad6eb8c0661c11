//! Killed writers: the file is complete at every moment, and abandoned temporary files are removed.
use crate::common;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval};
use windvane_models::network::{Network, NetworkLearner};
use windvane_models::train::{EpochReport, Run, TrainConfig};
use windvane_models::v32;
use windvane_models::{Calibration, FittedModel, Predictor, TrainError, load, replace_file};

const FILE: &str = "WINDVANE_TEST_WRITES_TO";
const WRITER: &str = "WINDVANE_TEST_WRITER";

/// Files that a process writes repeatedly until it is killed.
trait Writer {
    /// Writes until the process is killed.
    fn write(path: &Path);

    /// Checks that the file is complete and not older than at the last check; `seen` is the
    /// writer's own count.
    fn check(path: &Path, seen: &mut u64);
}

fn model() -> Network {
    Network::from_bytes(include_bytes!("../data/v32.format1.safetensors")).unwrap()
}

/// Two models that are written alternately.
struct Models;

impl Models {
    fn both() -> [Network; 2] {
        let mut warmer = model();
        warmer.set_calibration(Calibration::new(1.5, 0.0).unwrap()).unwrap();
        [model(), warmer]
    }
}

impl Writer for Models {
    fn write(path: &Path) {
        let models = Self::both();
        for model in models.iter().cycle() {
            model.save(path).unwrap();
        }
    }

    fn check(path: &Path, _: &mut u64) {
        let whole = Self::both().map(|model| model.to_bytes().unwrap());
        assert!(whole.contains(&std::fs::read(path).unwrap()));
        load(path).unwrap();
    }
}

/// A predictor that saves its state after every candle and resumes from it.
struct States;

impl States {
    fn predictor(path: &Path) -> Predictor {
        let mut predictor = Predictor::new(model(), Interval::HOUR).unwrap();
        predictor.restore(&std::fs::read(path).unwrap()).unwrap();
        predictor
    }
}

impl Writer for States {
    fn write(path: &Path) {
        let series = common::market(MarketModel::REGIME, 100_000, 1);
        let mut predictor = Predictor::new(model(), Interval::HOUR).unwrap();
        if path.exists() {
            predictor = Self::predictor(path);
        }
        let taken = usize::try_from(predictor.feed_stats().taken).unwrap();
        for candle in &series.candles()[taken..] {
            predictor.on_candle(candle).unwrap();
            replace_file(path, &predictor.save()).unwrap();
        }
    }

    fn check(path: &Path, seen: &mut u64) {
        let taken = Self::predictor(path).feed_stats().taken;
        assert!(taken >= *seen, "{taken} candles after {seen}");
        *seen = taken;
    }
}

/// A training that writes a checkpoint after every epoch and resumes from it.
struct Checkpoints;

impl Checkpoints {
    /// Trains until the callback stops it.
    fn train(
        path: &Path,
        series: &CandleSeries,
        on_epoch: &(dyn Fn(&EpochReport) -> ControlFlow<()> + Sync),
    ) -> TrainError {
        let training =
            TrainConfig { epochs: 1_000_000, patience: 1_000_000, ..TrainConfig::default() };
        let learner =
            NetworkLearner { config: v32::config().with_units(4), training, ..v32::learner() };
        let run = Run::new(3).checkpoints(path.parent().unwrap()).on_epoch(on_epoch);
        common::with_parts(series, |train, validation, _| {
            learner.fit_model(train, validation, &run).unwrap_err()
        })
    }
}

impl Writer for Checkpoints {
    fn write(path: &Path) {
        let error = Self::train(path, &market(), &|_| ControlFlow::Continue(()));
        panic!("{error}");
    }

    fn check(path: &Path, seen: &mut u64) {
        let error = Self::train(path, &market(), &|_| ControlFlow::Break(()));
        let TrainError::Stopped { epoch } = error else { panic!("{error}") };
        // One epoch after the checkpoint that was found.
        let epoch = epoch as u64;
        assert!(epoch > *seen, "epoch {epoch} after {seen}");
        *seen = epoch;
    }
}

/// A small market, whose epochs take milliseconds.
fn market() -> CandleSeries {
    common::market(MarketModel::AR1, 200, 4)
}

/// Process that the other tests kill, not a test of its own.
#[test]
#[ignore = "runs until it is killed"]
fn killed_child_process() {
    let (Some(path), Ok(writer)) = (std::env::var_os(FILE), std::env::var(WRITER)) else { return };
    match writer.as_str() {
        "model" => Models::write(path.as_ref()),
        "state" => States::write(path.as_ref()),
        "v32.checkpoint" => Checkpoints::write(path.as_ref()),
        other => panic!("no writer {other}"),
    }
}

/// Modification time of a file; `None` before it exists.
fn written(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Kills a writer `kills` times, each time at another moment of its work, and returns the number
/// of abandoned temporary files.
fn kill<W: Writer>(name: &str, kills: u64) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let mut seen = 0;
    for kill in 0..kills {
        let before = written(&path);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::killed_child_process", "--ignored"])
            .envs([(FILE, path.as_os_str()), (WRITER, name.as_ref())])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while written(&path) == before {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(kill * 137 % 3_000));
        child.kill().unwrap();
        child.wait().unwrap();
        W::check(&path, &mut seen);
    }
    let names = std::fs::read_dir(folder.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = names.filter(|file| file != name).collect();
    let ends = |file: &String| Path::new(file).extension().is_some_and(|end| end == "tmp");
    let temporary = |file: &String| file.starts_with(&format!(".{name}.")) && ends(file);
    assert!(left.iter().all(temporary), "{left:?}");
    assert!(left.len() as u64 <= kills, "at most one temporary file per killed writer");
    left.len() as u64
}

#[test]
fn killed_writer_leaves_complete_model() {
    kill::<Models>("model", 20);
}

#[test]
fn killed_bot_leaves_complete_state() {
    kill::<States>("state", 20);
}

#[test]
fn killed_training_leaves_complete_checkpoint() {
    kill::<Checkpoints>("v32.checkpoint", 20);
}

#[test]
#[ignore = "a thousand processes: minutes"]
fn killed_writers_leave_complete_files_a_thousand_times() {
    let models = kill::<Models>("model", 334);
    let states = kill::<States>("state", 333);
    let checkpoints = kill::<Checkpoints>("v32.checkpoint", 333);
    println!("killed in the middle of a write: {models}, {states}, {checkpoints}");
}

#[test]
fn replace_file_removes_only_stale_temporary_files() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, age: u64| {
        let file = std::fs::File::create(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    for gone in [".model.17.0.tmp", ".model.4711.12.tmp"] {
        make(gone, 3_600);
    }
    let others =
        [".model.17.1.tmp", ".model.tmp", ".model.17.x.tmp", ".model.b.1.2.tmp", "model.1.2.tmp"];
    for (index, stays) in others.iter().enumerate() {
        make(stays, if index == 0 { 5 } else { 3_600 });
    }
    model().save(&folder.path().join("model")).unwrap();
    let names = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let mut expected: Vec<String> = others.iter().map(|name| (*name).to_string()).collect();
    expected.push("model".into());
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}
