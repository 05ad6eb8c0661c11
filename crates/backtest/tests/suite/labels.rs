//! Backtests of every kind of label: baselines of the relative label, evaluation without overlap.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use crate::common::{boxed, coin, constant, learned, simulated, without_timing};
use windvane_backtest::{Backtest, Baseline, Instrument, Report, ResultRow, Scope};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval};
use windvane_signals::{GapPolicy, WalkForward};

const RELATIVE: [Baseline; 3] =
    [Baseline::OppositeOfLastRelative, Baseline::LowestVolatility, Baseline::OwnShare];

fn panel(names: &[&str]) -> Vec<Instrument> {
    let market = |name: &&str| simulated(MarketModel::AR1, name, Interval::HOUR, 1_500);
    names.iter().map(|name| learned(market(name))).collect()
}

fn backtest(label: &str) -> Backtest {
    let plan = WalkForward { folds: 2, ..WalkForward::default() };
    Backtest {
        labels: label.parse().unwrap(),
        gaps: Some(GapPolicy::Reset),
        plan: windvane_backtest::Plan::WalkForward(plan),
        ..Backtest::default()
    }
}

fn report(label: &str, instruments: &[Instrument]) -> Report {
    backtest(label).run(instruments, &boxed(vec![coin("coin", 1)]), &|_| {}).unwrap()
}

fn pooled(report: &Report) -> &ResultRow {
    report.results.iter().find(|row| row.scope == Scope::Interval).unwrap()
}

fn rules(row: &ResultRow) -> Vec<Baseline> {
    row.baselines.iter().map(|result| result.rule).collect()
}

#[test]
fn relative_label_is_compared_with_its_three_baselines() {
    let report = report("relative:3", &panel(&["AAA", "BBB", "CCC", "DDD"]));
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    for row in &report.results {
        assert!(RELATIVE.iter().all(|rule| rules(row).contains(rule)), "{:?}", rules(row));
    }
    // The candidates of the best baseline and of the edge include them.
    let row = pooled(&report);
    let best = row.baselines.iter().filter_map(|own| own.score.accuracy).reduce(f64::max);
    assert_eq!(row.best_baseline_result().unwrap().score.accuracy, best);
    // A trend of the closes is one of the relative moves: its opposite is worse than half.
    let opposite = row.baselines.iter().find(|own| own.rule == RELATIVE[0]).unwrap();
    assert!(opposite.score.accuracy.unwrap() < 0.5, "{opposite:?}");
    assert!(opposite.score.scored > 3_000, "{opposite:?}");
    let text = report.to_markdown();
    for name in ["Opposite of last relative move", "Lowest volatility", "Own share in the past"] {
        assert!(text.contains(name), "{name}");
    }
    assert!(text.contains("above the panel's median (relative:3)"), "{text}");
}

#[test]
fn relative_label_of_two_pairs_reports_the_size_of_the_panel() {
    let instruments = panel(&["AAA", "BBB"]);
    let learners = boxed(vec![coin("coin", 1)]);
    let error = backtest("relative:3").run(&instruments, &learners, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("at least 3 pairs"), "{error}");
}

#[test]
fn own_share_baseline_learns_a_pair_that_beats_the_panel() {
    // Two rising pairs and two falling ones, after a warm-up of noise from the simulation.
    let drifting = |name: &str, drift: f64| {
        let base = simulated(MarketModel::MARTINGALE_GARCH, name, Interval::HOUR, 1_500);
        let candles = base.iter().zip(0..).map(|(candle, hour)| {
            let factor = (drift * f64::from(hour)).exp();
            let v = candle.values();
            let values = windvane_candles::Ohlcv {
                open: v.open * factor,
                high: v.high * factor,
                low: v.low * factor,
                close: v.close * factor,
                volume: v.volume,
            };
            windvane_candles::Candle::new(candle.open_time(), values).unwrap()
        });
        let candles = candles.collect();
        learned(CandleSeries::new(base.pair().clone(), Interval::HOUR, candles).unwrap())
    };
    let instruments =
        [("AAA", 0.01), ("BBB", 0.01), ("CCC", -0.01), ("DDD", -0.01)].map(|(n, d)| drifting(n, d));
    let report = report("relative:6", &instruments);
    let row = pooled(&report);
    let own = row.baselines.iter().find(|own| own.rule == Baseline::OwnShare).unwrap();
    assert!(own.score.accuracy.unwrap() > 0.9, "{own:?}");
    assert!(row.best_baseline_result().unwrap().score.accuracy >= own.score.accuracy);
}

#[test]
fn other_labels_have_no_relative_baseline() {
    for label in ["next", "barrier:2,6", "cost:10"] {
        let report = report(label, &panel(&["AAA"]));
        assert!(report.failures.is_empty(), "{label}: {:?}", report.failures);
        assert!(rules(pooled(&report)).iter().all(|rule| !RELATIVE.contains(rule)), "{label}");
        assert!(!report.to_markdown().contains("Own share"), "{label}");
    }
}

#[test]
fn longer_horizon_is_also_evaluated_without_overlap() {
    let up = || boxed(vec![constant("up", |_, _| [0.8, 0.1, 0.1])]);
    let instruments = panel(&["AAA", "BBB"]);
    let report = backtest("horizon:4").run(&instruments, &up(), &|_| {}).unwrap();
    let row = pooled(&report);
    let own = row.non_overlapping.as_ref().unwrap();
    let expected = row.score.candles / 4;
    assert!(own.score.candles.abs_diff(expected) <= 4, "{own:?} of {expected}");
    assert!(own.interval_95.is_some() && own.best_baseline.is_some());
    let text = report.to_markdown();
    assert!(text.contains("## Non-overlapping evaluation"), "{text}");
    assert!(text.contains("Every h-th candle of each instrument (horizon h = 4)"), "{text}");
    // One candle ahead nothing overlaps: neither the text nor the file mentions it.
    let next = backtest("next").run(&instruments, &up(), &|_| {}).unwrap();
    assert!(pooled(&next).non_overlapping.is_none());
    assert!(!next.to_json().contains("non_overlapping"));
    assert!(!next.to_markdown().contains("Non-overlapping"));
}

#[test]
fn relative_backtest_is_the_same_on_one_thread() {
    let instruments = panel(&["AAA", "BBB", "CCC"]);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let alone = one.install(|| report("relative:2", &instruments));
    assert_eq!(without_timing(&report("relative:2", &instruments)), without_timing(&alone));
}
