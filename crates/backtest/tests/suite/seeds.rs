//! Runs with several seeds per model.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use crate::common::{failing, learned, run, simulated, without_timing};
use windvane_backtest::{Backtest, Instrument, Report};
use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Learner, TrainConfig};
use windvane_models::v32;

fn small_lstm() -> Box<dyn Learner> {
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    Box::new(NetworkLearner { config: v32::config().with_units(4), training, ..v32::learner() })
}

fn market() -> Vec<Instrument> {
    vec![learned(simulated(MarketModel::REGIME, "SIM", Interval::HOUR, 1_500))]
}

fn three(learners: &[Box<dyn Learner>]) -> Report {
    let backtest = Backtest { seeds: 3, ..Backtest::default() };
    backtest.run(&market(), learners, &|_| {}).unwrap()
}

#[test]
fn seeds_score_as_in_single_runs_and_the_first_is_reported() {
    let report = three(&[small_lstm()]);
    assert_eq!(report.training.len(), 12);
    for row in &report.results {
        let seeds: Vec<u64> = row.seeds.iter().map(|seed| seed.seed).collect();
        assert_eq!((seeds, row.seeds[0].score), (vec![42, 43, 44], row.score));
    }
    let accuracies: Vec<_> = report.results[0].seeds.iter().map(|s| s.score.accuracy).collect();
    assert!(accuracies.windows(2).any(|two| two[0] != two[1]), "{accuracies:?}");
    let alone = Backtest { seed: 43, ..Backtest::default() };
    let alone = alone.run(&market(), &[small_lstm()], &|_| {}).unwrap();
    assert_eq!(alone.results[0].score, report.results[0].seeds[1].score);
    // Apart from the list of seeds, the results are those of a run with the first seed only.
    let mut first = report.results.clone();
    for row in &mut first {
        row.seeds.clear();
    }
    assert_eq!(first, run(&market(), &[small_lstm()]).results);
    assert!(report.ranking[0].complete);
    let text = report.to_markdown();
    assert!(text.contains("Accuracy over the seeds. All other numbers are of the first seed."));
    assert!(text.contains("seeds 42 to 44"), "{text}");
    assert!(!run(&market(), &[small_lstm()]).to_json().contains("\"seeds\": ["));
}

#[test]
fn seeds_run_in_parallel_and_failures_have_the_seed() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| without_timing(&three(&[small_lstm(), failing()])))
    };
    let one = on(1);
    assert_eq!(one, on(3));
    assert!(one.contains("seed 44: 1 training windows are too few"), "{one}");
}
