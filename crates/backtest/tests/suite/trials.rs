//! Earlier experiments: the log of trials and the corrections for multiple testing.
use std::fs;
use std::path::Path;

use windvane_backtest::{Backtest, BacktestError, EarlierTrials, Instrument, Report, TrialLog};
use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;

use crate::common::{boxed, coin, learned, simulated};

fn market() -> Instrument {
    learned(simulated(MarketModel::AR1, "SIM", Interval::HOUR, 1_500))
}

/// Report of two models that guess, after the trials of a log and some unknown ones.
fn report(log: &TrialLog, unknown: usize, seed: u64) -> Report {
    let earlier_trials = EarlierTrials { unknown, logged: log.trials().to_vec() };
    let backtest = Backtest { earlier_trials, ..Backtest::default() };
    let models = boxed(vec![coin("a", seed), coin("b", seed + 100)]);
    let report = backtest.run(&[market()], &models, &|_| {});
    report.unwrap_or_else(|error| panic!("{error}"))
}

fn log(file: &Path) -> TrialLog {
    TrialLog::open(file).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn runs_count_the_trials_of_the_log_and_a_repetition_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trials.jsonl");
    let first = report(&log(&file), 0, 1);
    assert_eq!((first.earlier.models, first.earlier.policies), (0, 0));
    log(&file).append(&first).unwrap();
    assert_eq!(log(&file).trials().len(), 2);

    // The same run again: its own trials are no earlier ones.
    let again = report(&log(&file), 0, 1);
    assert_eq!(again.results, first.results);
    assert_eq!((again.earlier.models, &again.ranking), (0, &first.ranking));
    log(&file).append(&again).unwrap();

    let other = report(&log(&file), 0, 2);
    assert_eq!((other.earlier.models, other.earlier.policies), (2, 8));
    let text = other.to_markdown();
    for part in ["8 of this run + 8 before", "2 of this run + 2 before"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(other.verdict().contains("Holm-corrected for the models: 2 of this run + 2 before"));
}

#[test]
fn earlier_trials_lower_the_deflated_sharpe_ratio_and_raise_the_p_values() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trials.jsonl");
    let alone = report(&log(&file), 0, 1);
    let after = report(&log(&file), 40, 1);
    assert_eq!((after.earlier.models, after.earlier.policies), (40, 40));
    let mut compared = 0;
    for (one, other) in alone.results.iter().zip(&after.results) {
        let ratios = |row: &windvane_backtest::ResultRow| -> Vec<Option<f64>> {
            let trading = row.trading.iter().flat_map(|trading| &trading.net);
            let policies = row.economics.iter().flat_map(|economics| &economics.policies);
            let policies = policies.flat_map(|policy| &policy.net);
            let trading = trading.map(|net| net.deflated_sharpe);
            trading.chain(policies.map(|net| net.deflated_sharpe)).collect()
        };
        for (alone, after) in ratios(one).into_iter().zip(ratios(other)) {
            assert_eq!(alone.is_some(), after.is_some());
            if let (Some(alone), Some(after)) = (alone, after) {
                assert!(after <= alone, "{alone} {after}");
                compared += usize::from(after < alone);
            }
        }
    }
    assert!(compared > 20, "{compared}");
    for (alone, after) in alone.ranking.iter().zip(&after.ranking) {
        assert!(after.p_holm.unwrap() >= alone.p_holm.unwrap());
    }
}

#[test]
fn log_of_trials_names_its_damaged_line_and_mends_a_missing_line_break() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trials.jsonl");
    let report = report(&log(&file), 0, 1);
    log(&file).append(&report).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.trim_end()).unwrap();
    log(&file).append(&report).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{text}{text}"));

    fs::write(&file, format!("{text}\n{{\"model\": 1}}\n")).unwrap();
    let error = TrialLog::open(&file).unwrap_err();
    assert!(matches!(error, BacktestError::TrialLog { line: 4, .. }), "{error}");
    assert!(error.to_string().contains("repair or delete the line"), "{error}");
    let error = TrialLog::open(folder.path()).unwrap_err();
    assert!(matches!(error, BacktestError::Io { .. }), "{error}");
}
