//! Fitted baselines: logistic regression and boosted trees.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use crate::common::{boxed, coin, learned, run, simulated, without_timing};
use windvane_backtest::{Backtest, Baseline, Instrument, Report, Scope};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
use windvane_models::logistic::LogisticLearner;
use windvane_models::train::Learner;
use windvane_models::v2::WeightedSignalsLearner;

fn logistic() -> Box<dyn Learner> {
    Box::new(LogisticLearner::default())
}

fn v2() -> Box<dyn Learner> {
    Box::new(WeightedSignalsLearner::default())
}

fn market(market: MarketModel, name: &str) -> Instrument {
    learned(simulated(market, name, Interval::HOUR, 6_000))
}

fn accuracy_of(report: &Report, rule: Baseline) -> Option<f64> {
    let row = report.results.iter().find(|row| row.scope == Scope::Interval)?;
    row.baselines.iter().find(|result| result.rule == rule)?.score.accuracy
}

#[test]
fn logistic_baseline_finds_a_trend_and_nothing_on_a_martingale() {
    let trend = run(&[market(MarketModel::AR1, "SIM")], &boxed(vec![coin("coin", 1)]));
    let (got, best) = (
        accuracy_of(&trend, Baseline::Logistic).unwrap(),
        MarketModel::AR1.best_accuracy().unwrap(),
    );
    // About 4,800 candles: the standard error is 0.7 points.
    assert!((got - best).abs() < 0.03, "{got} of {best}");
    let nothing =
        run(&[market(MarketModel::MARTINGALE_GARCH, "SIM")], &boxed(vec![coin("coin", 1)]));
    let got = accuracy_of(&nothing, Baseline::Logistic).unwrap();
    assert!((got - 0.5).abs() < 0.03, "{got}");
}

#[test]
fn logistic_model_is_not_a_baseline_of_itself() {
    let markets = [market(MarketModel::REGIME, "AAA"), market(MarketModel::REGIME, "BBB")];
    let (alone, beside) = (run(&markets, &[logistic()]), run(&markets, &[v2(), logistic()]));
    let row = alone.results.iter().find(|row| row.scope == Scope::Interval).unwrap();
    // As a model it has the four rules as baselines; as a baseline of v2 it has the same accuracy.
    assert_eq!(accuracy_of(&alone, Baseline::Logistic), None);
    assert_eq!(accuracy_of(&beside, Baseline::Logistic), row.full_coverage.accuracy);
    assert_eq!(row.baselines.len(), 4);
    assert!(row.log_loss.unwrap() < std::f64::consts::LN_2 + 0.01, "{row:?}");
    assert!(row.calibration_error.unwrap() < 0.05, "{row:?}");
    let own = beside.results.iter().find(|r| r.scope == Scope::Interval && r.model == "logistic");
    assert_eq!(own.unwrap().score, row.score);
    let record = &alone.training[0].record;
    assert!(record.notes[0].starts_with("penalty "), "{record:?}");
    assert!(record.train_loss.unwrap() < std::f64::consts::LN_2);
}

#[test]
fn logistic_is_equal_on_any_number_of_threads() {
    let markets = [market(MarketModel::AR1, "AAA"), market(MarketModel::AR1, "BBB")];
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| without_timing(&run(&markets, &[logistic()])))
    };
    assert_eq!(on(1), on(3));
}

/// Market that rises on every candle until its last fifth.
fn rising() -> Instrument {
    let candle = |i: i64| {
        let price = |i: i64| if i < 1_200 { 100.0 + i as f64 } else { 1_300.0 + (i % 2) as f64 };
        let (open, close) = (price(i), price(i + 1));
        let (high, low) = (open.max(close), open.min(close));
        let values = Ohlcv { open, high, low, close, volume: 1.0 + (i % 7) as f64 };
        Candle::new(Timestamp::from_millis(i * Interval::HOUR.millis()), values).unwrap()
    };
    let candles = (0..1_500).map(candle).collect();
    learned(CandleSeries::new(Pair::new("SIM").unwrap(), Interval::HOUR, candles).unwrap())
}

#[test]
fn logistic_baseline_that_cannot_be_fitted_is_left_out() {
    let report = run(&[rising()], &[v2()]);
    assert!(report.results.iter().all(|row| row.model == "v2" && row.baselines.len() == 4));
    assert_eq!(accuracy_of(&report, Baseline::Logistic), None);
    let about = |f: &&windvane_backtest::report::Failure| f.model.as_deref() == Some("logistic");
    assert!(report.failures.iter().filter(about).count() > 0, "{:?}", report.failures);
    assert!(report.ranking[0].complete);
    let text = report.to_markdown();
    assert!(text.contains("Logistic") && !text.contains("NaN"), "{text}");
}

#[test]
fn logistic_baseline_is_left_out_with_neutral_labels_only() {
    let mut backtest = Backtest::default();
    backtest.labels.band = windvane_signals::Band::Fixed { width: 10.0 };
    let report = backtest.run(&[market(MarketModel::AR1, "SIM")], &[v2()], &|_| {}).unwrap();
    assert_eq!(accuracy_of(&report, Baseline::Logistic), None);
    assert_eq!(report.results.len(), 2 + 1);
}

#[cfg(feature = "trees")]
mod trees {
    use windvane_models::trees::BoostedTreesLearner;

    use super::*;

    fn trees() -> Box<dyn Learner> {
        Box::new(BoostedTreesLearner::default())
    }

    #[test]
    fn boosted_trees_among_the_models_are_a_baseline() {
        let markets = [market(MarketModel::AR1, "SIM")];
        let report = run(&markets, &[v2(), trees()]);
        let (got, best) = (
            accuracy_of(&report, Baseline::BoostedTrees).unwrap(),
            MarketModel::AR1.best_accuracy().unwrap(),
        );
        assert!((got - best).abs() < 0.03, "{got} of {best}");
        assert_eq!(report.results[0].baselines.len(), 6);
        let own = report.results.iter().find(|row| row.model == "trees").unwrap();
        assert_eq!(own.full_coverage.accuracy, Some(got));
        assert!(report.training[1].record.notes[0].ends_with(" trees"));
        let without = run(&markets, &[v2()]);
        assert_eq!(without.results[0].baselines.len(), 5);
    }

    #[test]
    fn baselines_of_a_run_on_lags_read_the_lags() {
        let lags = Some(windvane_signals::Lags::newest());
        let backtest = Backtest { lags: lags.clone(), ..Backtest::default() };
        let on_lags = BoostedTreesLearner { lags, ..BoostedTreesLearner::default() };
        let learners: [Box<dyn Learner>; 2] = [v2(), Box::new(on_lags)];
        let markets = [market(MarketModel::AR1, "SIM")];
        let report = backtest.run(&markets, &learners, &|_| {}).unwrap();
        assert_eq!(report.results[0].baselines.len(), 6);
        // The last return is among the newest values, so nothing is lost on this market.
        let (got, best) = (
            accuracy_of(&report, Baseline::BoostedTrees).unwrap(),
            MarketModel::AR1.best_accuracy().unwrap(),
        );
        assert!((got - best).abs() < 0.03, "{got} of {best}");
        // Trees on whole windows are another learner, not the baseline.
        let report = backtest.run(&markets, &[v2(), trees()], &|_| {}).unwrap();
        assert_eq!(report.results[0].baselines.len(), 5);
    }

    #[test]
    fn boosted_trees_are_equal_on_any_number_of_threads() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let markets = [market(MarketModel::REGIME, "AAA"), market(MarketModel::REGIME, "BBB")];
            pool.install(|| without_timing(&run(&markets, &[trees()])))
        };
        assert_eq!(on(1), on(3));
    }
}
