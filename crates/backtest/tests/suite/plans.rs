//! Rolling windows and combinatorial plans.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use crate::common::{boxed, coin, learned, run, simulated, without_timing};
use windvane_backtest::{Backtest, Instrument, Plan, Report, Scope};
use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::train::Learner;
use windvane_models::v2::WeightedSignalsLearner;
use windvane_signals::{Combinatorial, WalkForward};

fn market(name: &str, n: usize) -> Instrument {
    learned(simulated(MarketModel::AR1, name, Interval::HOUR, n))
}

fn with(plan: Plan, instruments: &[Instrument]) -> Report {
    let learners: Vec<Box<dyn Learner>> =
        vec![Box::new(WeightedSignalsLearner::learned()), boxed(vec![coin("coin", 1)]).remove(0)];
    Backtest { plan, ..Backtest::default() }.run(instruments, &learners, &|_| {}).unwrap()
}

fn groups(plan: Combinatorial) -> Report {
    with(Plan::Combinatorial(plan), &[market("AAA", 3_000), market("BBB", 2_000)])
}

#[test]
fn combinatorial_plan_counts_each_candle_once() {
    let report = groups(Combinatorial::default());
    assert_eq!(report.groups[0].folds.len(), 15);
    assert_eq!(report.groups[0].folds[1].test_groups, [1, 3]);
    let row = report.results.iter().find(|row| row.scope == Scope::Interval).unwrap();
    let tested: usize = report.instruments.iter().map(|one| one.test_candles).sum();
    let windows: usize = report.groups[0].folds.iter().map(|fold| fold.test_windows).sum();
    assert_eq!((row.score.candles, 5 * row.score.candles), (tested, windows));
    assert_eq!(row.score.candles, row.confusion.total());
    // All candles are tested except those before the first window and at the edges of groups.
    assert!(tested > 5_000 - 2 * 50 - 2 * 6, "{tested}");
    let paths: Vec<usize> = row.paths.iter().map(|path| path.path).collect();
    assert_eq!(paths, [1, 2, 3, 4, 5]);
    assert!(row.paths.iter().all(|path| path.score.candles == tested));
    assert_eq!(row.paths[0].score, row.score);
    let correct: Vec<usize> = row.paths.iter().map(|path| path.score.correct).collect();
    assert!(correct.windows(2).any(|two| two[0] != two[1]), "{correct:?}");
    let folds: usize = row.folds.iter().map(|fold| fold.score.candles).sum();
    assert_eq!(folds, windows);
    // Random predictions depend on the time only, so all paths are equal.
    let coin = report.results.iter().find(|r| r.scope == Scope::Interval && r.model == "coin");
    let coin = coin.unwrap();
    assert!(coin.paths.iter().all(|path| path.score == coin.score));
}

#[test]
fn combinatorial_interval_is_that_of_a_single_path() {
    let width = |report: &Report| {
        let coin = report.results.iter().find(|r| r.scope == Scope::Interval && r.model == "coin");
        let row = coin.unwrap();
        let bounds = row.interval_95.unwrap();
        (bounds.high - bounds.low) * (row.score.scored as f64).sqrt()
    };
    let five = groups(Combinatorial::default());
    let one = groups(Combinatorial { test_groups: 1, ..Combinatorial::default() });
    assert!((width(&five) / width(&one) - 1.0).abs() < 0.1, "{} {}", width(&five), width(&one));
    assert!(one.results.iter().all(|row| row.paths.is_empty()));
}

#[test]
fn combinatorial_report_mentions_training_on_later_candles() {
    let report = groups(Combinatorial { groups: 4, test_groups: 1, ..Combinatorial::default() });
    let first = &report.training[0].record;
    assert!(first.until > report.groups[0].folds[0].test_until.unwrap());
    let text = report.to_markdown();
    assert!(text.contains("training on both sides of the test"), "{text}");
    assert!(text.contains("1 (groups 1)"), "{text}");
    let several = groups(Combinatorial::default());
    let text = several.to_markdown();
    assert!(text.contains("results are those of path 1 of 5"), "{text}");
    assert!(text.contains("trained on later candles, which is impossible in trading"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&several.to_json()).unwrap();
    assert_eq!(json["run"]["plan"]["kind"], "combinatorial");
    assert_eq!(json["run"]["plan"]["paths"], 5);
    assert_eq!(json["groups"][0]["folds"][14]["test_groups"][1], 6);
}

#[test]
fn rolling_window_trains_on_the_last_candles_only() {
    let plan = WalkForward { window: Some(500), ..WalkForward::default() };
    let report = with(Plan::WalkForward(plan), &[market("AAA", 3_000)]);
    for (training, fold) in report.training.iter().zip(&report.groups[0].folds) {
        assert_eq!(training.record.windows, fold.train_windows.unwrap());
        assert!(training.record.from.plus(Interval::HOUR, 500).unwrap() >= fold.test_from);
        assert!((410..=425).contains(&training.record.windows), "{}", training.record.windows);
    }
    assert!(report.to_markdown().contains("training on the last 500 candles"));
    let grows = run(&[market("AAA", 3_000)], &boxed(vec![coin("coin", 1)]));
    let rolls = report.results.iter().find(|row| row.model == "coin").unwrap();
    assert_eq!(rolls.score, grows.results[0].score);
    assert!(!without_timing(&grows).contains("\"paths\""));
}
