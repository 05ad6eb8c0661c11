//! End-to-end tests from candles to a report, through every layer.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
use windvane::backtest::report::Report;
use windvane::backtest::{Backtest, Instrument, Plan, ResultRow, Scope};
use windvane::candles::{sample, simulate::MarketModel};
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::prelude::*;
use windvane::signals::WalkForward;

fn learners(epochs: usize) -> Vec<Box<dyn Learner>> {
    let training = Hyperparameters { epochs: Some(epochs), ..Hyperparameters::default() };
    let names = ["v2", "v32"];
    let entries = names.map(|name| name.parse::<ModelEntry>().unwrap());
    entries.map(|entry| Box::new(entry.learner(&training)) as Box<dyn Learner>).into()
}

fn instruments(names: &[&str], candles: usize) -> Vec<Instrument> {
    let last = |name: &&str| {
        let series = sample::load(name).unwrap();
        let from = series.get(series.len().saturating_sub(candles)).unwrap().open_time();
        Instrument { series: series.split_at(from).1, test_only: false }
    };
    names.iter().map(last).collect()
}

fn run(instruments: &[Instrument], epochs: usize, folds: usize, seed: u64) -> Report {
    let plan = Plan::WalkForward(WalkForward { folds, ..WalkForward::default() });
    let backtest = Backtest { plan, seed, ..Backtest::default() };
    backtest.run(instruments, &learners(epochs), &|_| {}).unwrap()
}

fn row<'a>(report: &'a Report, model: &str, scope: Scope) -> &'a ResultRow {
    report.results.iter().find(|row| row.model == model && row.scope == scope).unwrap()
}

/// Counterpart of the original system's integration test, which printed 0 of 34 for both models.
#[test]
fn backtest_of_v2_and_v32_on_real_candles_is_complete_and_plausible() {
    let instruments = instruments(&["BTCUSDT", "AAPL", "SP500"], 1_200);
    let report = run(&instruments, 2, 2, 1);
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert_eq!(report.groups.len(), 2, "hourly and daily candles are not pooled");
    assert_eq!(report.ranking.len(), 2);
    for model in ["v2", "v32"] {
        for row in report.results.iter().filter(|row| row.model == model) {
            let accuracy = row.score.accuracy.unwrap();
            assert!((0.40..0.60).contains(&accuracy), "{model} {}: {accuracy}", row.instrument);
            assert!(row.score.coverage.unwrap() > 0.9);
            assert!(row.best_baseline_result().is_some());
        }
    }
    let markdown = report.to_markdown();
    assert!(markdown.contains("BTCUSDT") && markdown.contains("opposite of last"));
    let json = report.to_json();
    assert!(
        json.trim_start_matches(['{', '\n', ' ']).starts_with("\"schema\": 2"),
        "{}",
        &json[..40]
    );
    assert!(!json.contains("NaN"));
}

#[test]
fn backtest_report_is_independent_of_thread_count() {
    let instruments = instruments(&["EURUSD"], 700);
    let json = |threads, seed| {
        let pool = rayon_pool(threads);
        let text = pool.install(|| run(&instruments, 2, 2, seed).to_json());
        text[..text.find("\"timing\"").unwrap()].to_string()
    };
    assert_eq!(json(1, 3), json(3, 3));
    assert_ne!(json(1, 3), json(1, 4));
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// The next direction of a martingale is unpredictable: any higher accuracy indicates a leak.
#[test]
fn backtest_on_martingale_has_accuracy_of_50_percent() {
    for seed in 1..=5 {
        let series = MarketModel::MARTINGALE_GARCH.candles(
            "SIM".parse().unwrap(),
            Interval::HOUR,
            13_000,
            seed,
        );
        let instruments = [Instrument { series: series.unwrap(), test_only: false }];
        let report = run(&instruments, 5, 4, seed);
        for model in ["v2", "v32"] {
            let row = row(&report, model, Scope::Instrument);
            let (n, accuracy) = (row.score.calls, row.score.accuracy.unwrap());
            assert!(n >= 10_000, "{n} calls");
            let error = (0.25 / n as f64).sqrt();
            assert!((accuracy - 0.5).abs() < 4.0 * error, "seed {seed}, {model}: {accuracy}");
        }
    }
}

#[test]
fn backtest_on_autoregression_finds_pattern() {
    let series = MarketModel::AR1.candles("SIM".parse().unwrap(), Interval::HOUR, 10_000, 1);
    let instruments = [Instrument { series: series.unwrap(), test_only: false }];
    let report = run(&instruments, 8, 2, 1);
    let row = row(&report, "v32", Scope::Instrument);
    let bounds = row.interval_95.unwrap();
    assert!(bounds.low > 0.53, "{bounds:?}");
    assert!(bounds.low < MarketModel::AR1.best_accuracy().unwrap(), "above the best: a leak");
}
