//! Test candles affect neither the gap policy nor the training.
use crate::common::{learned, run, simulated, thinned};
use windvane_backtest::report::TrainingResult;
use windvane_backtest::{Backtest, Instrument, Plan, Report, ResultRow};
use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::train::Learner;
use windvane_models::v2::WeightedSignalsLearner;
use windvane_signals::GapPolicy;

const SESSIONS: GapPolicy = GapPolicy::Sessions { max_missing: 168 };

fn v2() -> Vec<Box<dyn Learner>> {
    vec![Box::new(WeightedSignalsLearner::default())]
}

/// Hourly market without every twentieth candle from an index on.
fn holey(name: &str, from: usize) -> Instrument {
    let whole = simulated(MarketModel::AR1, name, Interval::HOUR, 3_000);
    learned(thinned(&whole, |index| index < from || index % 20 != 0))
}

/// Hourly market with a few missing candles, far below 1 %.
fn whole(name: &str) -> Instrument {
    let series = simulated(MarketModel::AR1, name, Interval::HOUR, 3_000);
    learned(thinned(&series, |index| ![300, 1_100, 2_200].contains(&index)))
}

fn rows_of(report: &Report, name: &str) -> Vec<ResultRow> {
    report.results.iter().filter(|row| row.instrument == name).cloned().collect()
}

#[test]
fn gap_policy_ignores_test_only_instruments() {
    let (own, held_out) = (whole("AAA"), Instrument { test_only: true, ..holey("BBB", 0) });
    let alone = run(std::slice::from_ref(&own), &v2());
    let both = run(&[own, held_out], &v2());
    assert_eq!(both.groups[0].gap_policy, GapPolicy::Reset);
    // Window counts and data hashes, then results.
    assert_eq!(both.training, alone.training);
    assert!(!alone.training.is_empty());
    assert_eq!(rows_of(&both, "AAA"), rows_of(&alone, "AAA"));
    assert_eq!(rows_of(&alone, "AAA").len(), 1);
    let windows = |report: &Report| -> Vec<_> {
        report.groups[0].folds.iter().map(|f| (f.train_windows, f.validation_windows)).collect()
    };
    assert_eq!(windows(&both), windows(&alone));
}

#[test]
fn training_ignores_gaps_of_the_test_period() {
    let market = whole("AAA");
    let at = |index| market.series.close_time(index).unwrap();
    let plan = Plan::Holdout { validate_from: at(1_500), test_from: at(2_000), embargo: 1 };
    let backtest = Backtest { plan, ..Backtest::default() };
    let run =
        |market: &Instrument| backtest.run(std::slice::from_ref(market), &v2(), &|_| {}).unwrap();
    let thin = learned(thinned(&market.series, |index| !(2_200..2_260).contains(&index)));
    let (before, after) = (run(&market), run(&thin));
    let learned = |report: &Report| -> Vec<TrainingResult> { report.training.clone() };
    assert_eq!(learned(&before), learned(&after));
    assert_eq!(after.groups[0].gap_policy, GapPolicy::Reset);
    assert_ne!(before.results[0].score.candles, after.results[0].score.candles);
    assert_ne!(before.run.data_hash, after.run.data_hash);
}

#[test]
fn gap_policy_is_inferred_before_the_first_validation() {
    let policy = |from| run(&[holey("AAA", from)], &v2()).groups[0].gap_policy;
    assert_eq!(policy(0), SESSIONS);
    // The first validation begins at about a sixth of 3,000.
    assert_eq!(policy(600), GapPolicy::Reset);
}

#[test]
fn given_gap_policy_is_used_and_reported() {
    let run = |gaps| {
        let backtest = Backtest { gaps, ..Backtest::default() };
        backtest.run(&[whole("AAA")], &v2(), &|_| {}).unwrap()
    };
    for (policy, words) in [
        (SESSIONS, "up to 168 missing candles are skipped"),
        (GapPolicy::Reset, "signals restart after a gap"),
        (GapPolicy::Hold { max_missing: 5 }, "up to 5 missing candles are filled with the last"),
    ] {
        let report = run(Some(policy));
        assert_eq!((report.run.gaps, report.groups[0].gap_policy), (Some(policy), policy));
        let text = report.to_markdown();
        assert!(text.contains(words) && text.contains("(as given)"), "{text}");
    }
    let inferred = run(None);
    assert_eq!(inferred.run.gaps, None);
    assert!(inferred.to_markdown().contains("(inferred from the share of missing time steps"));
    let backtest = Backtest { gaps: Some(GapPolicy::Error), ..Backtest::default() };
    let error = backtest.run(&[whole("AAA")], &v2(), &|_| {}).unwrap_err().to_string();
    assert!(error.contains("1 candle"), "{error}");
}
