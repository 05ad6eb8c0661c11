//! Sweeps: however the tasks are divided, the reports are those of one process.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use windvane_backtest::metrics::holm;
use windvane_backtest::sweep::{self, MergedSweep, PlannedTask, SweepSetting};
use windvane_backtest::{Backtest, BacktestError, Event, Instrument, Report, Scope};
use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Learner, Renamed, TrainConfig};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::v32;

use crate::common::{failing, learned, simulated, without_timing};

fn markets() -> Vec<Instrument> {
    [("AAA", Interval::HOUR), ("BBB", Interval::HOUR), ("DDD", Interval::DAY)]
        .map(|(name, interval)| learned(simulated(MarketModel::AR1, name, interval, 700)))
        .to_vec()
}

fn network(name: &str, epochs: usize) -> Box<dyn Learner> {
    let training = TrainConfig { epochs, ..TrainConfig::default() };
    let config = v32::config().with_units(3);
    Box::new(Renamed::new(name, NetworkLearner { config, training, ..v32::learner() }))
}

fn setting(lookback: usize, horizon: usize) -> SweepSetting {
    let mut backtest = Backtest { lookback, seeds: 2, ..Backtest::default() };
    backtest.labels.horizon = horizon;
    let v2: Box<dyn Learner> = Box::new(WeightedSignalsLearner::learned());
    let learners = vec![v2, network("v32 one", 1), network("v32 two", 2)];
    SweepSetting { name: format!("{lookback} rows, horizon {horizon}"), backtest, learners }
}

fn settings() -> Vec<SweepSetting> {
    vec![setting(8, 1), setting(12, 1), setting(8, 3)]
}

fn tasks(settings: &[SweepSetting]) -> Vec<PlannedTask> {
    settings.iter().flat_map(|setting| setting.tasks(&markets()).unwrap()).collect()
}

/// Runs a shard of all tasks and returns the number of tasks that were not in the folder.
fn run_shard(settings: &[SweepSetting], (index, of): (usize, usize), folder: &Path) -> usize {
    let all = tasks(settings);
    let keys: BTreeSet<&String> = all.iter().skip(index).step_by(of).map(|fit| &fit.key).collect();
    let ran = AtomicUsize::new(0);
    let on_event = |event: Event<'_>| {
        if let Event::Started { .. } = event {
            ran.fetch_add(1, Ordering::SeqCst);
        }
    };
    for setting in settings {
        let own = setting.tasks(&markets()).unwrap().into_iter().map(|fit| fit.key);
        let own: BTreeSet<String> = own.filter(|key| keys.contains(key)).collect();
        setting.run(&markets(), &own, folder, &on_event).unwrap();
    }
    ran.into_inner()
}

/// All bytes of the merged reports except their timing.
fn bytes(merged: &MergedSweep) -> String {
    let json = merged.sweep.to_json();
    let end = json.rfind("\"timing\"").unwrap();
    let reports = merged.reports.iter().map(|report| without_timing(report.as_ref().unwrap()));
    [json[..end].to_string(), merged.sweep.to_markdown()].into_iter().chain(reports).collect()
}

fn result_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn sweep_of_one_setting_equals_backtest() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [setting(8, 1)];
    run_shard(&settings, (0, 1), folder.path());
    let merged = sweep::merge(&settings, &markets(), folder.path(), false).unwrap();
    let SweepSetting { backtest, learners, .. } = &settings[0];
    let whole = backtest.run(&markets(), learners, &|_| {}).unwrap();
    assert_eq!(without_timing(merged.reports[0].as_ref().unwrap()), without_timing(&whole));
    assert_eq!(merged.sweep.trials, 3);
}

#[test]
fn sweep_reports_do_not_depend_on_shards_and_order() {
    let settings = settings();
    let merged = |of: usize, order: &[usize]| {
        let folder = tempfile::tempdir().unwrap();
        for index in order {
            run_shard(&settings, (*index, of), folder.path());
        }
        // Another run of a shard tasks nothing.
        assert_eq!(run_shard(&settings, (order[0], of), folder.path()), 0);
        bytes(&sweep::merge(&settings, &markets(), folder.path(), false).unwrap())
    };
    let one = merged(1, &[0]);
    assert_eq!(merged(2, &[1, 0]), one);
    assert_eq!(merged(7, &[3, 6, 0, 5, 1, 4, 2]), one);
}

#[test]
fn sweep_with_missing_results_is_refused_unless_partial() {
    let (settings, folder) = (settings(), tempfile::tempdir().unwrap());
    run_shard(&settings, (0, 2), folder.path());
    let all = tasks(&settings);
    let error = sweep::merge(&settings, &markets(), folder.path(), false).unwrap_err();
    let BacktestError::MissingTasks { missing, tasks } = &error else { panic!("{error}") };
    let expected: Vec<&String> = all.iter().skip(1).step_by(2).map(|fit| &fit.key).collect();
    assert_eq!((missing.iter().collect::<Vec<_>>(), *tasks), (expected, all.len()));
    let partial = sweep::merge(&settings, &markets(), folder.path(), true).unwrap();
    assert_eq!(&partial.sweep.missing, missing);
    assert!(partial.sweep.results.iter().all(|trial| !trial.complete && !trial.winner));
    let failures = partial.reports.iter().flatten().map(|report| report.failures.len());
    assert!(failures.sum::<usize>() > 0);
}

#[test]
fn sweep_with_damaged_or_foreign_results_is_refused_and_repaired() {
    let (settings, folder) = (settings(), tempfile::tempdir().unwrap());
    run_shard(&settings, (0, 1), folder.path());
    let expected = bytes(&sweep::merge(&settings, &markets(), folder.path(), false).unwrap());
    let files = result_files(folder.path());
    let merge = || sweep::merge(&settings, &markets(), folder.path(), false);
    let text = std::fs::read_to_string(&files[0]).unwrap();
    let other = std::fs::read_to_string(&files[1]).unwrap();
    for damaged in ["", &text[..text.len() / 2], &text.replacen("\"UP\"", "\"DOWN\"", 1), &other] {
        std::fs::write(&files[0], damaged).unwrap();
        let error = merge().unwrap_err();
        let BacktestError::DamagedResult { path, .. } = &error else { panic!("{error}") };
        assert_eq!(path, &files[0]);
        assert!(error.to_string().contains("run the task again"), "{error}");
        assert_eq!(run_shard(&settings, (0, 1), folder.path()), 1);
        assert_eq!(bytes(&merge().unwrap()), expected);
    }
    // Files of other sweeps do not matter.
    std::fs::write(folder.path().join("notes.task"), "mine").unwrap();
    assert_eq!(bytes(&merge().unwrap()), expected);
}

#[test]
fn sweep_corrects_for_all_models_of_all_settings() {
    let (settings, folder) = (settings(), tempfile::tempdir().unwrap());
    run_shard(&settings, (0, 1), folder.path());
    let merged = sweep::merge(&settings, &markets(), folder.path(), false).unwrap();
    let reports: Vec<&Report> = merged.reports.iter().flatten().collect();
    assert_eq!(merged.sweep.trials, 9);
    let ranks = || reports.iter().flat_map(|report| &report.ranking);
    let p_values: Vec<f64> =
        ranks().map(|rank| rank.excess_accuracy.unwrap().p_value.unwrap()).collect();
    let corrected: Vec<f64> = ranks().map(|rank| rank.p_holm.unwrap()).collect();
    assert_eq!(corrected, holm(&p_values).unwrap());
    for group in &reports[0].groups {
        let pooled = || {
            let rows = reports.iter().flat_map(|report| &report.results);
            rows.filter(|row| row.scope == Scope::Interval && row.interval == Some(group.interval))
                .map(|row| &row.trading.as_ref().unwrap().net[1])
        };
        let ratios: Vec<f64> = pooled().map(|net| net.sharpe_ratio.unwrap().ratio).collect();
        assert_eq!(ratios.len(), 9);
        for net in pooled() {
            assert_eq!(net.deflated_sharpe, net.sharpe_ratio.unwrap().deflated(&ratios));
        }
    }
    let policies = reports[0].results.iter().filter_map(|row| row.economics.as_ref());
    assert!(policies.map(|economics| economics.trials).all(|trials| trials == 9 * 4));
}

#[test]
fn sweep_winner_has_the_lowest_validation_loss_of_its_label() {
    let (settings, folder) = (settings(), tempfile::tempdir().unwrap());
    run_shard(&settings, (0, 1), folder.path());
    let sweep = sweep::merge(&settings, &markets(), folder.path(), false).unwrap().sweep;
    for label in ["next", "horizon:3"] {
        let own: Vec<_> = sweep.results.iter().filter(|trial| trial.label == label).collect();
        let winners: Vec<_> = own.iter().filter(|trial| trial.winner).collect();
        assert_eq!(winners.len(), 1, "{label}");
        let lowest = own.iter().map(|trial| trial.validation_loss.unwrap());
        assert_eq!(winners[0].validation_loss, lowest.reduce(f64::min));
        // ln 2 is the loss of a model that knows nothing.
        assert!(own.iter().all(|trial| (0.6..0.8).contains(&trial.validation_loss.unwrap())));
    }
}

#[test]
fn sweep_stores_failures_and_refuses_learners_without_settings() {
    struct Unlucky(windvane_models::ModelId);
    impl Learner for Unlucky {
        fn id(&self) -> &windvane_models::ModelId {
            &self.0
        }
        fn settings(&self) -> Option<String> {
            Some("unlucky".to_string())
        }
        fn fit(
            &self,
            _: &windvane_signals::TrainSet,
            _: &windvane_signals::ValidationSet,
            _: &windvane_models::train::Run<'_>,
        ) -> Result<Box<dyn windvane_models::FittedModel>, windvane_models::TrainError> {
            Err(windvane_models::TrainError::TooFewWindows { expected: 1_000_000, got: 1 })
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let unlucky = || Box::new(Unlucky(windvane_models::ModelId::new("unlucky")));
    let mut both = setting(8, 1);
    both.learners.push(unlucky());
    let alone = SweepSetting { learners: vec![unlucky()], ..setting(9, 1) };
    let settings = [both, alone];
    run_shard(&settings, (0, 1), folder.path());
    // The failed tasks are results, so they are not repeated, and the sweep is complete.
    assert_eq!(run_shard(&settings, (0, 1), folder.path()), 0);
    let merged = sweep::merge(&settings, &markets(), folder.path(), false).unwrap();
    let whole = settings[0].backtest.run(&markets(), &settings[0].learners, &|_| {}).unwrap();
    assert_eq!(merged.reports[0].as_ref().unwrap().failures, whole.failures);
    assert!(merged.reports[1].is_none() && merged.sweep.failures[0].starts_with("9 rows"));
    let nameless = SweepSetting { learners: vec![failing()], ..setting(8, 1) };
    let error = nameless.tasks(&markets()).unwrap_err();
    assert!(matches!(&error, BacktestError::NoLearnerSettings { model } if model == "failing"));
}

#[test]
fn sweep_refuses_fits_of_other_data() {
    let folder = tempfile::tempdir().unwrap();
    let keys: BTreeSet<String> =
        tasks(&[setting(8, 1)]).into_iter().map(|fit| fit.key).take(3).collect();
    let mut other = markets();
    other.remove(0);
    other.remove(1);
    let error = setting(8, 1).run(&other, &keys, folder.path(), &|_| {}).unwrap_err();
    assert!(matches!(error, BacktestError::UnknownTasks { count: 3, .. }), "{error}");
    assert_eq!(result_files(folder.path()), Vec::<PathBuf>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn sweep_fits_are_determined_by_their_inputs(
        lookback in 2_usize..30,
        horizon in 1_usize..5,
        seed in any::<u64>(),
        threads in 1_usize..5,
        candles in 400_usize..700,
    ) {
        let series = simulated(MarketModel::AR1, "AAA", Interval::HOUR, candles);
        let instruments = [learned(series)];
        let with = |seed| {
            let mut setting = setting(lookback, horizon);
            setting.backtest.seed = seed;
            setting
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let one = with(seed).tasks(&instruments).unwrap();
        prop_assert_eq!(&pool.install(|| with(seed).tasks(&instruments).unwrap()), &one);
        let keys: BTreeSet<&str> = one.iter().map(|fit| fit.key.as_str()).collect();
        prop_assert_eq!(keys.len(), one.len());
        // Every input changes every key, except the common seed of neighbouring seeds.
        let mut other = setting(lookback + 1, horizon);
        other.backtest.seed = seed;
        for other in [with(seed.wrapping_add(2)), other] {
            let other = other.tasks(&instruments).unwrap();
            prop_assert!(other.iter().all(|fit| !keys.contains(fit.key.as_str())));
        }
    }
}
