//! Policies of a backtest: live trades, look-ahead, files, sections of the report.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use windvane_backtest::{Backtest, BacktestError, DetailedRun, Plan, PolicyTrade, PolicyTrades};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval, Timestamp};
use windvane_models::train::{Learner, Run};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::{Policy, PolicyConfig, Position, PositionTracker, Predictor, fit_policy};
use windvane_signals::{Dataset, LabelSpec, SignalSpec, Split};

use crate::common::{boxed, coin, learned, simulated};

const CANDLES: usize = 2_400;

fn series() -> CandleSeries {
    simulated(MarketModel::AR1, "SIM", Interval::HOUR, CANDLES)
}

fn open_time(index: usize) -> Timestamp {
    series().get(index).unwrap().open_time()
}

fn holdout() -> Plan {
    Plan::Holdout { validate_from: open_time(1_000), test_from: open_time(1_500), embargo: 1 }
}

fn run(series: CandleSeries) -> DetailedRun {
    let learners: Vec<Box<dyn Learner>> = vec![Box::new(WeightedSignalsLearner::learned())];
    let backtest = Backtest { plan: holdout(), ..Backtest::default() };
    backtest.run_detailed(&[learned(series)], &learners, &|_| {}).unwrap()
}

/// Entry, exit and size of the trades of a policy.
fn of_policy(trades: &PolicyTrades, name: &str) -> Vec<(Timestamp, Timestamp, f64)> {
    let own = trades.iter().filter(|trade| trade.policy == name);
    own.map(|trade| (trade.entered_at, trade.left_at, trade.position)).collect()
}

#[test]
fn trades_of_a_live_tracker_equal_those_of_the_backtest() {
    let series = series();
    let run = run(series.clone());
    let data = Dataset::from_series(
        std::slice::from_ref(&series),
        &SignalSpec::default(),
        20,
        LabelSpec::default(),
    );
    let split = Split::builder().validate_from(open_time(1_000)).test_from(open_time(1_500));
    let parts = data.unwrap().split_with(&split.embargo(1).build().unwrap()).unwrap();
    let first = run.predictions.iter().next().unwrap().time;
    for config in Backtest::default_policies() {
        let learner = WeightedSignalsLearner::learned();
        let model = learner.fit(&parts.train, &parts.validation, &Run::new(42)).unwrap();
        let policy = fit_policy(&*model, &parts.validation, config).unwrap();
        let mut predictor = Predictor::new(model, Interval::HOUR).unwrap();
        let mut tracker = PositionTracker::new(policy, Interval::HOUR);
        let (mut trades, mut open) = (Vec::new(), Option::<(Timestamp, f64)>::None);
        // The last candle has no outcome, so the backtest does not test it.
        for candle in &series.candles()[..CANDLES - 1] {
            let outcome = predictor.on_candle(candle).unwrap();
            let now = candle.close_time(Interval::HOUR);
            if now < first {
                tracker.take(candle);
                continue;
            }
            let size = tracker.on_outcome(candle, &outcome).size();
            let before = open.map_or(0.0, |(_, size)| size);
            if size.to_bits() != before.to_bits() {
                trades.extend(open.map(|(entered, size)| (entered, now, size)));
                open = (tracker.position() != Position::NONE).then_some((now, size));
            }
        }
        let end = series.close_time(CANDLES - 1).unwrap();
        trades.extend(open.map(|(entered, size)| (entered, end, size)));
        assert!(trades.len() > 3, "{config}");
        assert_eq!(of_policy(&run.trades, &config.to_string()), trades, "{config}");
    }
}

#[test]
fn trades_do_not_depend_on_later_candles() {
    let changed_from = 2_000;
    let other = simulated(MarketModel::MARTINGALE_GARCH, "OTHER", Interval::HOUR, CANDLES);
    let mut candles = series().candles().to_vec();
    candles.splice(changed_from.., other.candles()[changed_from..].iter().copied());
    let changed = CandleSeries::new(series().pair().clone(), Interval::HOUR, candles).unwrap();
    let (before, after) = (run(series()), run(changed));
    let known = |run: &DetailedRun| -> Vec<(String, Timestamp, Timestamp, u64)> {
        let until = open_time(changed_from);
        let own = run.trades.iter().filter(|trade| trade.left_at <= until);
        own.map(|t| (t.policy.to_string(), t.entered_at, t.left_at, t.gross_return.to_bits()))
            .collect()
    };
    assert!(known(&before).len() > 100);
    assert_eq!(known(&before), known(&after));
}

#[test]
fn trades_add_up_to_the_numbers_of_the_report() {
    let run = run(series());
    let row = run.report.results.iter().find(|row| row.economics.is_some()).unwrap();
    let economics = row.economics.as_ref().unwrap();
    assert_eq!((economics.trials, economics.policies.len()), (4, 4));
    let periods = row.trading.as_ref().unwrap().periods as f64;
    for policy in &economics.policies {
        let own: Vec<PolicyTrade<'_>> =
            run.trades.iter().filter(|trade| trade.policy == policy.name).collect();
        assert_eq!(own.len(), policy.trades.trades);
        let gross: f64 = own.iter().map(|trade| trade.gross_return).sum();
        assert!((gross - policy.gross_mean * periods).abs() < 1e-9, "{}", policy.name);
        let turnover: f64 = own.iter().map(|trade| 2.0 * trade.position.abs()).sum();
        assert!((turnover - policy.turnover * periods).abs() < 1e-9, "{}", policy.name);
        assert_eq!(policy.instruments.len(), 1);
    }
    // Rarer policies trade less and, on this market, at a higher gross result per trade.
    let [exposures, gross]: [Vec<f64>; 2] = [
        economics.policies.iter().map(|policy| policy.exposure).collect(),
        economics.top_moves.iter().map(|top| top.gross.unwrap()).collect(),
    ];
    assert!(exposures[0] > exposures[1] && exposures[1] > exposures[2], "{exposures:?}");
    assert!(gross[0] > 0.0, "{gross:?}");
    assert!(economics.weighted_accuracy.accuracy > row.full_coverage.accuracy);
}

#[test]
fn trades_are_written_as_csv_with_the_documented_columns() {
    let run = run(series());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.csv");
    run.trades.write(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next().unwrap(), PolicyTrades::COLUMNS.join(","));
    for (line, trade) in lines.clone().zip(run.trades.iter()) {
        let from_end: Vec<&str> = line.rsplit(',').collect();
        assert_eq!(from_end[0].parse::<f64>().unwrap().to_bits(), trade.gross_return.to_bits());
        assert_eq!(from_end[1].parse(), Ok(trade.candles));
        assert_eq!(from_end[4].parse(), Ok(trade.entered_at));
        assert!(line.starts_with("v2-learned,"), "{line}");
    }
    assert_eq!(lines.count(), run.trades.iter().len());
    assert!(text.contains("v2-learned,\"top 5 %, leave at 0\",SIM,1h,1,"), "{text}");
}

#[cfg(feature = "columnar")]
#[test]
fn trades_are_written_as_parquet_with_the_same_rows() {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, TimestampMillisecondType, UInt32Type};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let run = run(series());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.parquet");
    run.trades.write(&path).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut rows = run.trades.iter();
    for batch in reader.map(Result::unwrap) {
        for index in 0..batch.num_rows() {
            let row = rows.next().unwrap();
            assert_eq!(batch.column(1).as_string::<i32>().value(index), row.policy);
            let entered = batch.column(5).as_primitive::<TimestampMillisecondType>();
            assert_eq!(entered.value(index), row.entered_at.millis());
            let candles = batch.column(8).as_primitive::<UInt32Type>();
            assert_eq!(candles.value(index) as usize, row.candles);
            let gross = batch.column(9).as_primitive::<Float64Type>().value(index);
            assert_eq!(gross.to_bits(), row.gross_return.to_bits());
        }
    }
    assert!(rows.next().is_none());
}

#[test]
fn report_shows_policies_beside_the_benchmark_and_says_first_if_nothing_is_left() {
    let market = learned(simulated(MarketModel::MARTINGALE_GARCH, "SIM", Interval::HOUR, 9_000));
    let report =
        Backtest::default().run(&[market], &boxed(vec![coin("coin", 5)]), &|_| {}).unwrap();
    let text = report.to_markdown();
    for part in ["## Size of moves", "## Policies", "always long", "of the interval: 4.", "1h"] {
        assert!(text.contains(part), "{part}");
    }
    // A coin loses its costs.
    let verdicts = report.verdicts();
    assert!(verdicts[0].starts_with("Nothing is left after costs: 1h candles"), "{verdicts:?}");
    assert_eq!(verdicts[0], report.policy_verdicts()[0]);
    assert_eq!(report.policy_table().rows.len(), 5);
    let benchmark = &report.results[1].economics.as_ref().unwrap().benchmark;
    assert_eq!(benchmark.policy, None);
    assert!(benchmark.last_quarters.is_some());
    assert!((benchmark.exposure - 1.0).abs() < 1e-12);
}

#[test]
fn policies_can_be_chosen_and_wrong_settings_are_errors() {
    let with = |policies: Vec<PolicyConfig>| {
        let backtest = Backtest { policies, ..Backtest::default() };
        backtest.run(&[learned(series())], &boxed(vec![coin("coin", 5)]), &|_| {})
    };
    let long = PolicyConfig { long_only: true, ..PolicyConfig::every_candle() };
    let report = with(vec![long]).unwrap();
    let economics = report.results[1].economics.as_ref().unwrap();
    assert_eq!(economics.policies[0].policy, Some(long));
    assert!((0.4..0.6).contains(&economics.policies[0].exposure));
    let none = with(Vec::new()).unwrap();
    assert!(none.policy_verdicts().is_empty());
    let wrong = PolicyConfig { exit: 2.0, ..long };
    assert!(matches!(with(vec![wrong]), Err(BacktestError::Policy(_))));
    assert!(Policy::every_candle().config().validate().is_ok());
}
