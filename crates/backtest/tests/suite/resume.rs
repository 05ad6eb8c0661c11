//! Interrupted runs resume from the cache and give the same report.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::{coin, learned, simulated, without_timing};
use windvane_backtest::{Backtest, Event, Instrument, Plan, Report};
use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Learner, Run, TrainConfig};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::v32;
use windvane_models::{FittedModel, ModelId, TrainError};
use windvane_signals::{Combinatorial, TableStore, TrainSet, ValidationSet, WalkForward};

/// Learner that counts its fits and panics at one of them, like a process that is killed.
struct Mortal<L> {
    learner: L,
    fits: Arc<AtomicUsize>,
    dies_at: usize,
}

impl<L: Learner> Learner for Mortal<L> {
    fn id(&self) -> &ModelId {
        self.learner.id()
    }

    fn settings(&self) -> Option<String> {
        self.learner.settings()
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let fit = self.fits.fetch_add(1, Ordering::SeqCst) + 1;
        assert_ne!(fit, self.dies_at, "killed");
        self.learner.fit(train, validation, run)
    }
}

fn markets() -> Vec<Instrument> {
    let hour = |name, n| learned(simulated(MarketModel::AR1, name, Interval::HOUR, n));
    let day = learned(simulated(MarketModel::REGIME, "DAYS", Interval::DAY, 900));
    vec![hour("AAA", 1_500), day, hour("BBB", 1_200)]
}

/// Learners of v2 and a small LSTM with a shared counter of fits.
fn learners(dies_at: usize) -> (Vec<Box<dyn Learner>>, Arc<AtomicUsize>) {
    let fits = Arc::new(AtomicUsize::new(0));
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    let lstm = NetworkLearner { config: v32::config().with_units(4), training, ..v32::learner() };
    let v2 = WeightedSignalsLearner::learned();
    let learners: Vec<Box<dyn Learner>> = vec![
        Box::new(Mortal { learner: v2, fits: fits.clone(), dies_at }),
        Box::new(Mortal { learner: lstm, fits: fits.clone(), dies_at }),
    ];
    (learners, fits)
}

/// Report of a run with the number of resumed tasks and the notices.
fn run(backtest: &Backtest, learners: &[Box<dyn Learner>]) -> (Report, usize, Vec<String>) {
    let (resumed, notices) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let on_event = |event: Event<'_>| match event {
        Event::Resumed { .. } => _ = resumed.fetch_add(1, Ordering::SeqCst),
        Event::Notice { message } => notices.lock().unwrap().push(message.to_string()),
        _ => {}
    };
    let report = backtest.run(&markets(), learners, &on_event).unwrap();
    (report, resumed.into_inner(), notices.into_inner().unwrap())
}

fn within(folder: &Path) -> Backtest {
    Backtest { resume: Some(folder.to_path_buf()), ..Backtest::default() }
}

fn on<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn report_after_kill_and_resume_is_equal() {
    let expected = without_timing(&run(&Backtest::default(), &learners(0).0).0);
    for (dies_at, first, then) in [(1, 1, 2), (6, 1, 3), (15, 2, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let backtest = within(folder.path());
        let (mortal, _) = learners(dies_at);
        let dead = catch_unwind(AssertUnwindSafe(|| on(first, || run(&backtest, &mortal))));
        assert!(dead.is_err());
        let kept = files(folder.path()).len();
        let (immortal, fits) = learners(0);
        let (report, resumed, notices) = on(then, || run(&backtest, &immortal));
        assert_eq!(without_timing(&report), expected, "{dies_at}");
        // Two learners and the logistic regression, four folds, two groups.
        assert_eq!((resumed, files(folder.path()).len()), (kept, 24));
        assert!(dies_at == 1 || kept > 0);
        assert!(fits.load(Ordering::SeqCst) + kept >= 16 && notices.is_empty(), "{notices:?}");
        // All results are cached now, so nothing is fitted.
        let (immortal, fits) = learners(0);
        let (report, resumed, _) = run(&backtest, &immortal);
        assert_eq!((without_timing(&report), resumed), (expected.clone(), 24));
        assert_eq!(fits.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn report_of_tables_in_a_file_is_equal() {
    for plan in
        [Plan::WalkForward(WalkForward::default()), Plan::Combinatorial(Combinatorial::default())]
    {
        let in_memory = Backtest { plan: plan.clone(), ..Backtest::default() };
        let expected = without_timing(&run(&in_memory, &learners(0).0).0);
        let folder = tempfile::tempdir().unwrap();
        let store = TableStore::file(folder.path()).unwrap();
        let in_file = Backtest { plan, store, ..within(folder.path()) };
        let (report, resumed, _) = on(3, || run(&in_file, &learners(0).0));
        assert_eq!((without_timing(&report), resumed), (expected.clone(), 0));
        // The place of the values is no part of the names of the cache.
        let in_memory = Backtest { resume: in_file.resume, ..in_memory };
        let (report, resumed, _) = on(1, || run(&in_memory, &learners(0).0));
        assert_eq!((without_timing(&report), resumed), (expected, files(folder.path()).len()));
    }
}

#[cfg(feature = "trees")]
#[test]
fn backtest_of_tables_in_a_file_reports_trees_as_failure() {
    use windvane_models::trees::BoostedTreesLearner;

    let store = TableStore::file(std::env::temp_dir()).unwrap();
    let backtest = Backtest { store, ..Backtest::default() };
    let learners: [Box<dyn Learner>; 1] = [Box::new(BoostedTreesLearner::default())];
    let error = backtest.run(&markets(), &learners, &|_| {}).unwrap_err().to_string();
    assert!(error.contains("needs the values of the tables in memory"), "{error}");
}

#[test]
fn damaged_cache_files_are_reported_and_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let backtest = within(folder.path());
    let expected = without_timing(&run(&backtest, &learners(0).0).0);
    let all = files(folder.path());
    std::fs::write(&all[0], "").unwrap();
    let text = std::fs::read_to_string(&all[1]).unwrap();
    // One prediction is changed; the text is still well-formed.
    let flipped = text.replacen("[\"UP\",", "[\"DOWN\",", 1);
    assert!(flipped != text, "no prediction of UP");
    std::fs::write(&all[1], flipped).unwrap();
    // The file of a task gets the name of another task.
    std::fs::copy(&all[3], &all[2]).unwrap();
    let cut = std::fs::read(&all[4]).unwrap();
    std::fs::write(&all[4], &cut[..cut.len() / 2]).unwrap();
    std::fs::write(&all[5], [0xff, 0xfe, 0x00]).unwrap();
    std::fs::write(folder.path().join("notes.task"), "mine").unwrap();
    let (report, resumed, notices) = run(&backtest, &learners(0).0);
    assert_eq!((without_timing(&report), resumed, notices.len()), (expected.clone(), 19, 5));
    for file in [&all[0], &all[1], &all[2], &all[4], &all[5]] {
        let name = file.display().to_string();
        assert!(notices.iter().any(|notice| notice.contains(&name)), "{notices:?}");
    }
    // The tasks have run again and have been cached.
    let (report, resumed, notices) = run(&backtest, &learners(0).0);
    assert_eq!((without_timing(&report), resumed, notices.len()), (expected, 24, 0));
    assert_eq!(std::fs::read_to_string(folder.path().join("notes.task")).unwrap(), "mine");
}

#[test]
fn cache_is_not_used_for_other_settings_learners_or_data() {
    let folder = tempfile::tempdir().unwrap();
    let backtest = within(folder.path());
    run(&backtest, &learners(0).0);
    let resumed = |backtest: &Backtest, learners: &[Box<dyn Learner>]| run(backtest, learners).1;
    assert_eq!(resumed(&backtest, &learners(0).0), 24);
    assert_eq!(resumed(&Backtest { seed: 43, ..backtest.clone() }, &learners(0).0), 0);
    assert_eq!(resumed(&Backtest { lookback: 19, ..backtest.clone() }, &learners(0).0), 0);
    let mut labels = backtest.clone();
    labels.labels.horizon = 2;
    assert_eq!(resumed(&labels, &learners(0).0), 0);
    let other: Vec<Box<dyn Learner>> = vec![Box::new(NetworkLearner {
        config: v32::config().with_units(5),
        training: TrainConfig { epochs: 1, ..TrainConfig::default() },
        ..v32::learner()
    })];
    // The logistic regression is the same on the same windows.
    assert_eq!(resumed(&backtest, &other), 8);
    // A learner without settings is always fitted again.
    let silent: Vec<Box<dyn Learner>> = vec![Box::new(coin("coin", 1))];
    assert_eq!((resumed(&backtest, &silent), resumed(&backtest, &silent)), (8, 8));
    let mut later = markets();
    later.remove(2);
    let count = AtomicUsize::new(0);
    let on_event = |event: Event<'_>| {
        if let Event::Resumed { .. } = event {
            count.fetch_add(1, Ordering::SeqCst);
        }
    };
    backtest.run(&later, &learners(0).0, &on_event).unwrap();
    // The daily group is unchanged; the hourly group has other windows.
    assert_eq!(count.load(Ordering::SeqCst), 12);
}

#[test]
fn cache_folder_that_cannot_be_created_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = within(&file).run(&markets(), &learners(0).0, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}
