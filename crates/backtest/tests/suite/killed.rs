//! A backtest whose process is killed repeatedly resumes from complete cache files.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::common::{learned, simulated, without_timing};
use windvane_backtest::{Backtest, Event, Report};
use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Learner, TrainConfig};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::v32;

const FOLDER: &str = "WINDVANE_TEST_RESUMES_IN";
/// Number of kills of the process; the variable `WINDVANE_TEST_KILLS` overrides it.
const KILLS: u64 = 8;

/// Report of a run with its notices about damaged files.
fn run(resume: Option<&Path>) -> (Report, Vec<String>) {
    let market = learned(simulated(MarketModel::AR1, "AAA", Interval::HOUR, 1_200));
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    let learners: [Box<dyn Learner>; 2] = [
        Box::new(WeightedSignalsLearner::learned()),
        Box::new(NetworkLearner {
            config: v32::config().with_units(4),
            training,
            ..v32::learner()
        }),
    ];
    let notices = Mutex::new(Vec::new());
    let on_event = |event: Event<'_>| {
        if let Event::Notice { message } = event {
            notices.lock().unwrap().push(message.to_string());
        }
    };
    let backtest = Backtest { resume: resume.map(Path::to_path_buf), ..Backtest::default() };
    let report = backtest.run(&[market], &learners, &on_event).unwrap();
    (report, notices.into_inner().unwrap())
}

/// Child process of the next test, which kills it.
#[test]
#[ignore = "runs until it is killed"]
fn child_process_runs_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    loop {
        run(Some(folder.as_ref()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn killed_backtest_resumes_from_complete_files() {
    let expected = without_timing(&run(None).0);
    let asked = std::env::var("WINDVANE_TEST_KILLS").ok();
    let kills = asked.map_or(KILLS, |kills| kills.parse().unwrap());
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("tasks");
    let written = || std::fs::metadata(&folder).and_then(|folder| folder.modified()).ok();
    for kill in 0..kills {
        let before = written();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child_process_runs_until_it_is_killed", "--ignored"])
            .env(FOLDER, &folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while written() == before {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(kill * 1_370 % 30_000));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (report, notices) = run(Some(&folder));
    assert_eq!(without_timing(&report), expected);
    assert!(notices.is_empty(), "{notices:?}");
}
