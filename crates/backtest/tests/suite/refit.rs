//! Rolling refits: pooled results, comparison with the model fitted once, no look-ahead.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use std::time::Duration;

use crate::common::{boxed, coin, learned, simulated, without_timing};
use windvane_backtest::{Backtest, Instrument, Plan, PredictionRow, Report, Scope};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Timestamp};
use windvane_models::train::Learner;
use windvane_models::v2::WeightedSignalsLearner;
use windvane_signals::{RefitSchedule, RollingRefit};

/// First candle after the market has turned, and the start of the test.
const TURN: usize = 1_500;

/// Trending candles until `TURN`, then candles that reverse.
fn turning(name: &str) -> CandleSeries {
    let market = |phi| MarketModel::Ar1 { phi, sigma: 0.005 };
    let trends = simulated(market(0.4), name, Interval::HOUR, TURN);
    let reverses = simulated(market(-0.4), name, Interval::HOUR, 4_000);
    let scale = trends.get(TURN - 1).unwrap().close() / 100.0;
    let later = reverses.iter().map(|candle| {
        let v = candle.values();
        let [open, high, low, close] = [v.open, v.high, v.low, v.close].map(|p| p * scale);
        let time = candle.open_time().plus(Interval::HOUR, i64::try_from(TURN).unwrap()).unwrap();
        Candle::new(time, Ohlcv { open, high, low, close, volume: v.volume }).unwrap()
    });
    let candles = trends.iter().copied().chain(later).collect();
    CandleSeries::new(trends.pair().clone(), Interval::HOUR, candles).unwrap()
}

fn learners() -> Vec<Box<dyn Learner>> {
    vec![Box::new(WeightedSignalsLearner::learned())]
}

fn monthly(series: &CandleSeries) -> RollingRefit {
    let test_from = series.get(TURN).unwrap().open_time();
    let window = Some(Duration::from_secs(45 * 86_400));
    RollingRefit { window, ..RollingRefit::new(test_from, RefitSchedule::Monthly) }
}

fn backtest(plan: RollingRefit) -> Backtest {
    Backtest { plan: Plan::RollingRefit(plan), ..Backtest::default() }
}

fn run(plan: RollingRefit, instruments: &[Instrument]) -> Report {
    backtest(plan).run(instruments, &learners(), &|_| {}).unwrap()
}

#[test]
fn refit_pays_on_a_market_that_turns() {
    let series = turning("AAA");
    let plan = monthly(&series);
    let instruments = [learned(series)];
    let mut report = run(plan, &instruments);
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    // The market turns on 3 March 2020 and ends in August.
    let folds = &report.groups[0].folds;
    let starts: Vec<String> =
        folds.iter().map(|fold| fold.test_from.to_string()[..10].to_string()).collect();
    let months = ["2020-04-01", "2020-05-01", "2020-06-01", "2020-07-01", "2020-08-01"];
    assert_eq!(starts[0], "2020-03-03");
    assert_eq!(starts[1..], months);
    for (fold, training) in folds.iter().zip(&report.training) {
        assert!(training.record.until <= fold.validate_from && fold.validate_from < fold.test_from);
        let window = fold.test_from.millis() - training.record.from.millis();
        assert!(window <= 45 * 86_400_000, "{window}");
    }
    // One result pools the whole test.
    let pooled = report.results.iter().find(|row| row.scope == Scope::Interval).unwrap();
    assert_eq!(pooled.score.candles, folds.iter().map(|fold| fold.test_windows).sum::<usize>());

    let [gain] = &report.refits[..] else { panic!("{:?}", report.refits) };
    assert_eq!((gain.refits, gain.model.as_str()), (5, "v2-learned"));
    assert!(gain.accuracy.unwrap() > 0.55 && gain.fitted_once_accuracy.unwrap() < 0.45);
    let excess = gain.excess_accuracy.unwrap();
    assert!(excess.interval_95.unwrap().low > 0.05, "{excess:?}");
    let expected = gain.accuracy.unwrap() - gain.fitted_once_accuracy.unwrap();
    assert!((excess.value - expected).abs() < 1e-12);
    // The whole gain is from one turn, so the interval has few independent blocks.
    assert!(excess.interval_95.unwrap().few_blocks, "{excess:?}");
    let verdict = report.refit_verdict().unwrap();
    let start = "Refitting v2-learned makes no statistically significant difference (1h): +";
    assert!(verdict.starts_with(start) && verdict.contains('†'), "{verdict}");
    let text = report.to_markdown();
    assert!(text.contains("## Refits") && text.contains(&verdict), "{text}");
    assert!(text.contains("refitted monthly on the last 45.00 days"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["run"]["plan"]["kind"], "rolling_refit");
    assert_eq!(json["run"]["plan"]["schedule"], "monthly");
    assert_eq!(json["refits"][0]["refits"], 5);

    let bounds = report.refits[0].excess_accuracy.as_mut().unwrap().interval_95.as_mut().unwrap();
    bounds.few_blocks = false;
    let verdict = report.refit_verdict().unwrap();
    assert!(verdict.starts_with("Refitting v2-learned pays (1h): +"), "{verdict}");
}

#[test]
fn refit_comparison_is_that_of_the_first_model_on_the_same_candles() {
    let series = turning("AAA");
    let plan = monthly(&series);
    let instruments = [learned(series), learned(turning("BBB"))];
    let report = run(plan, &instruments);
    let folds = &report.groups[0].folds;
    let (validate_from, refit_from) = (folds[0].validate_from, folds[1].test_from);

    // The same first fit as a plan of its own, with the training window of the first fold.
    let first = RollingRefit { schedule: RefitSchedule::Candles(100_000), ..plan };
    let (once, predictions) =
        backtest(first).run_with_predictions(&instruments, &learners(), &|_| {}).unwrap();
    assert_eq!(once.groups[0].folds[0].validate_from, validate_from);
    assert!(once.refits.is_empty() && !once.to_json().contains("\"refits\""));
    let share = |rows: &[PredictionRow<'_>]| {
        let right = rows.iter().filter(|row| {
            let up = row.direction == windvane_candles::Direction::Up;
            up == (row.realised_return > 0.0)
        });
        right.count() as f64 / rows.len() as f64
    };
    let later: Vec<PredictionRow<'_>> =
        predictions.iter().filter(|row| row.time >= refit_from).collect();
    let gain = &report.refits[0];
    assert_eq!(gain.scored, later.len());
    assert!((gain.fitted_once_accuracy.unwrap() - share(&later)).abs() < 1e-12);
}

#[test]
fn refit_predictions_do_not_depend_on_later_candles() {
    let series = turning("AAA");
    let plan = monthly(&series);
    let cut: Timestamp = "2020-06-01".parse().unwrap();
    let changed = series.iter().map(|candle| {
        let v = candle.values();
        let (open, close, volume) = (v.close, v.open, 2.0 * v.volume);
        let changed = Ohlcv { open, close, volume, ..v };
        let later = candle.open_time() >= cut;
        Candle::new(candle.open_time(), if later { changed } else { v }).unwrap()
    });
    let changed =
        CandleSeries::new(series.pair().clone(), Interval::HOUR, changed.collect()).unwrap();
    let rows = |series: CandleSeries| {
        let instruments = [learned(series)];
        let run = backtest(plan).run_with_predictions(&instruments, &learners(), &|_| {});
        let (_, predictions) = run.unwrap();
        predictions
            .iter()
            .map(|row| (row.time, row.fold, row.probabilities.map(f32::to_bits)))
            .collect::<Vec<_>>()
    };
    let (before, after) = (rows(series), rows(changed));
    let early = |rows: &[(Timestamp, usize, [u32; 3])]| {
        rows.iter().filter(|row| row.0 <= cut).copied().collect::<Vec<_>>()
    };
    assert_eq!(early(&before), early(&after));
    assert!(early(&before).iter().any(|row| row.1 == 3));
    assert_ne!(before, after);
}

#[test]
fn refit_report_is_the_same_on_any_number_of_threads_and_after_resuming() {
    let series = turning("AAA");
    let plan = monthly(&series);
    let instruments = [learned(series)];
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| without_timing(&run(plan, &instruments)))
    };
    let expected = on(1);
    assert_eq!(expected, on(4));
    let folder = tempfile::tempdir().unwrap();
    let resume = Backtest { resume: Some(folder.path().to_path_buf()), ..backtest(plan) };
    for _ in 0..2 {
        let report = resume.run(&instruments, &learners(), &|_| {}).unwrap();
        assert_eq!(without_timing(&report), expected);
    }
}

#[test]
fn refit_without_effect_is_not_said_to_pay() {
    let market = MarketModel::MARTINGALE_GARCH;
    let series = simulated(market, "AAA", Interval::HOUR, 4_000);
    let plan = monthly(&series);
    let report = run(plan, &[learned(series.clone())]);
    let verdict = report.refit_verdict().unwrap();
    assert!(verdict.contains("no statistically significant difference"), "{verdict}");
    // Random predictions depend on the time only, so both models are equal.
    let report =
        backtest(plan).run(&[learned(series)], &boxed(vec![coin("coin", 1)]), &|_| {}).unwrap();
    assert!(report.refits[0].excess_accuracy.unwrap().value.abs() < 1e-12);
    assert!(report.refit_verdict().unwrap().contains("is unknown (1h)"));
}
