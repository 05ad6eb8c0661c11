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
    let own = format!(".{name}.windvane.tmp");
    let left: Vec<String> = names(folder.path()).into_iter().filter(|file| file != name).collect();
    assert!(left.iter().all(|file| *file == own), "{left:?}");
    let own = folder.path().join(own);
    let left = if own.exists() { names(&own).len() as u64 } else { 0 };
    assert!(left <= kills, "at most one temporary file per killed writer");
    left
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

/// Names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn replace_file_removes_only_stale_temporary_files() {
    let folder = tempfile::tempdir().unwrap();
    let (path, own) = (folder.path().join("model"), folder.path().join(".model.windvane.tmp"));
    let make = |path: &Path, age: u64| {
        let file = std::fs::File::create(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    std::fs::create_dir(&own).unwrap();
    make(&own.join("17.0"), 3_600);
    make(&own.join("17.1"), 5);
    make(&folder.path().join(".model.17.2.tmp"), 3_600);
    model().save(&path).unwrap();
    assert_eq!(names(folder.path()), [".model.17.2.tmp", ".model.windvane.tmp", "model"]);
    assert_eq!(names(&own), ["17.1"]);
    make(&own.join("17.1"), 3_600);
    model().save(&path).unwrap();
    assert_eq!(names(folder.path()), [".model.17.2.tmp", "model"]);
}

#[cfg(unix)]
#[test]
fn replace_file_keeps_permissions_and_symbolic_links() {
    use std::fs::{Permissions, metadata, read, set_permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let (folder, links) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("state");
    replace_file(&path, b"1").unwrap();
    for mode in [0o600, 0o640, 0o444] {
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        replace_file(&path, b"2").unwrap();
        assert_eq!(metadata(&path).unwrap().permissions().mode() & 0o777, mode);
    }
    // An absolute link to a relative one, and a link to a file that does not exist yet.
    let (first, second) = (links.path().join("first"), folder.path().join("second"));
    symlink(&second, &first).unwrap();
    symlink("state", &second).unwrap();
    replace_file(&first, b"3").unwrap();
    assert_eq!(read(&path).unwrap(), b"3");
    symlink(folder.path().join("later"), links.path().join("dangling")).unwrap();
    replace_file(&links.path().join("dangling"), b"4").unwrap();
    assert_eq!(read(folder.path().join("later")).unwrap(), b"4");
    symlink("round", links.path().join("round")).unwrap();
    assert!(replace_file(&links.path().join("round"), b"5").is_err());
    assert!(first.is_symlink() && second.is_symlink());
    assert_eq!(names(folder.path()), ["later", "second", "state"]);
    assert_eq!(names(links.path()), ["dangling", "first", "round"]);
}

#[cfg(unix)]
#[test]
fn replace_file_writes_to_a_pipe_and_accepts_long_names() {
    use std::os::unix::fs::FileTypeExt as _;

    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    replace_file(&pipe, b"predictions").unwrap();
    assert_eq!(reader.join().unwrap(), b"predictions");
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());

    let long = folder.path().join("a".repeat(250));
    replace_file(&long, b"1").unwrap();
    replace_file(&long, b"2").unwrap();
    assert_eq!(std::fs::read(&long).unwrap(), b"2");
    assert_eq!(names(folder.path()).len(), 2);
}
