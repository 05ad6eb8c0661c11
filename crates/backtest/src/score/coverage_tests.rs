//! Simulated coverage of the 95 % intervals, and false positives of models without skill.
//!
//! The small runs check for gross errors. The full ones, whose results are in
//! `docs/backtesting.md`, take half a minute of a core:
//! `cargo test --release -p windvane-backtest --lib coverage -- --ignored --nocapture`.
use rayon::prelude::*;
use windvane_candles::Direction::{self, Down, Up};
use windvane_lstm_core::{Purpose, Stream};

use super::bootstrap::{Bootstrap, Mean, ScoreSettings};
use super::comparison::Comparison;
use super::testing::record;
use super::{BaselinePredictions, Record};
use crate::metrics::{Bounds, holm};

/// Number of times of a simulated test.
const TIMES: i64 = 2_000;
/// Number of simulations of a process in the full run.
const SIMULATIONS: u64 = 2_000;
/// Number of models without skill in a ranking.
const MODELS: u64 = 4;
const SETTINGS: ScoreSettings<'_> = ScoreSettings { horizon: 1, seed: 7, costs: &[] };

/// Simulated values of a test whose true mean is 0.
#[derive(Debug, Clone, Copy)]
enum Process {
    /// Independent hits of ± 1/2.
    Martingale,
    /// First-order autoregression with this coefficient.
    Autoregressive(f64),
    /// Returns with the volatility of a GARCH(1, 1) process.
    VolatilityClusters,
    /// Hits of ten pairs whose moves have a correlation of about 0.7.
    CorrelatedPairs,
    /// Hits of "always up" in regimes that end with this probability per candle.
    Regimes(f64),
}

impl Process {
    fn values(self, simulation: u64) -> Vec<(i64, Mean)> {
        let mut random = Stream::new(21, Purpose::Shuffle, 0, simulation);
        let (mut level, mut variance, mut last) = (0.0, 1.0, 0.0_f64);
        let mut rising = random.uniform() < 0.5;
        let mut values = Vec::new();
        for time in -200..TIMES {
            let terms: Vec<f64> = match self {
                Self::Martingale => vec![hit(random.uniform() < 0.5)],
                Self::Autoregressive(coefficient) => {
                    level = coefficient * level + random.normal();
                    vec![level]
                }
                Self::VolatilityClusters => {
                    variance = 0.02 + 0.08 * last * last + 0.9 * variance;
                    last = f64::sqrt(variance) * random.normal();
                    vec![last]
                }
                Self::CorrelatedPairs => {
                    let market = random.normal();
                    (0..10).map(|_| hit(0.85 * market + 0.53 * random.normal() > 0.0)).collect()
                }
                Self::Regimes(end) => {
                    rising ^= random.uniform() < end;
                    vec![hit((random.uniform() < 0.67) == rising)]
                }
            };
            if time >= 0 {
                values.extend(terms.into_iter().map(|sum| (time, Mean { sum, count: 1 })));
            }
        }
        values
    }

    /// Interval of a simulated mean.
    fn interval(self, simulation: u64) -> Bounds {
        let values = self.values(simulation);
        let bootstrap =
            Bootstrap::of_times(values.into_iter(), Mean::influence, 1, simulation).unwrap();
        let all = f64::NEG_INFINITY..=f64::INFINITY;
        bootstrap.bounds(Mean::value, 0.95, all).unwrap()
    }

    fn coverage(self, simulations: u64) -> Coverage {
        let intervals: Vec<Bounds> =
            (0..simulations).into_par_iter().map(|number| self.interval(number)).collect();
        let holds = |bounds: &Bounds| bounds.low <= 0.0 && 0.0 <= bounds.high;
        let share = |chosen: fn(bool, bool) -> bool| {
            let chosen = intervals.iter().filter(|one| chosen(holds(one), one.few_blocks));
            chosen.count() as f64 / simulations as f64
        };
        Coverage {
            covered: share(|holds, _| holds),
            marked: share(|_, few_blocks| few_blocks),
            misleading: share(|holds, few_blocks| !holds && !few_blocks),
        }
    }
}

/// Shares of simulated intervals.
#[derive(Debug)]
struct Coverage {
    /// Intervals that contain the true mean.
    covered: f64,
    /// Intervals of few blocks.
    marked: f64,
    /// Intervals that do not contain the true mean and are not marked.
    misleading: f64,
}

fn hit(right: bool) -> f64 {
    if right { 0.5 } else { -0.5 }
}

fn direction(up: bool) -> Direction {
    if up { Up } else { Down }
}

/// Whether one of several models without skill beats the best baseline on a martingale, after
/// Holm's correction.
fn has_false_positive(simulation: u64) -> bool {
    let mut random = Stream::new(22, Purpose::Shuffle, 0, simulation);
    let changes: Vec<f64> = (0..TIMES).map(|_| 0.02 * hit(random.uniform() < 0.5)).collect();
    let p_values = (0..MODELS).map(|_| {
        let mut last = Up;
        let records = changes.iter().zip(0..).map(|(change, time)| {
            let predicted = direction(random.uniform() < 0.5);
            let baselines = BaselinePredictions::from_rules(last, Up);
            last = direction(*change > 0.0);
            Record { baselines, ..record(time, predicted, *change) }
        });
        let records: Vec<Record> = records.collect();
        let excess = Comparison::of(&records, SETTINGS).excess_accuracy;
        excess.and_then(|excess| excess.p_value).unwrap_or(1.0)
    });
    let p_values: Vec<f64> = p_values.collect();
    holm(&p_values).unwrap().iter().any(|p| *p <= 0.05)
}

fn false_positives(simulations: u64) -> f64 {
    let found = (0..simulations).into_par_iter().filter(|number| has_false_positive(*number));
    found.count() as f64 / simulations as f64
}

#[test]
fn coverage_of_intervals_is_near_the_nominal_level() {
    for (process, least) in [
        (Process::Martingale, 0.95),
        (Process::Autoregressive(0.5), 0.95),
        (Process::VolatilityClusters, 0.95),
        (Process::CorrelatedPairs, 0.95),
        (Process::Regimes(0.03), 0.93),
    ] {
        let (coverage, error) = (process.coverage(150), (0.95_f64 * 0.05 / 150.0).sqrt());
        assert!(coverage.covered > least - 3.0 * error, "{process:?}: {coverage:?}");
        assert!(coverage.misleading < 1.0 - least + 3.0 * error, "{process:?}: {coverage:?}");
    }
}

#[test]
fn intervals_in_long_regimes_are_marked_and_those_of_independent_hits_are_not() {
    let regimes = Process::Regimes(0.005).coverage(150);
    assert!(regimes.marked > 0.85 && regimes.misleading < 0.06, "{regimes:?}");
    let independent = Process::Martingale.coverage(150);
    assert!(independent.marked < 0.15, "{independent:?}");
}

#[test]
fn false_positives_of_models_without_skill_are_rare() {
    let (share, error) = (false_positives(60), (0.05_f64 * 0.95 / 60.0).sqrt());
    assert!(share < 0.05 + 3.0 * error, "{share}");
}

#[test]
#[ignore = "half a minute; the results are in docs/backtesting.md"]
fn full_coverage_and_false_positives() {
    for process in [
        Process::Martingale,
        Process::Autoregressive(0.5),
        Process::Autoregressive(0.9),
        Process::VolatilityClusters,
        Process::CorrelatedPairs,
    ] {
        let coverage = process.coverage(SIMULATIONS);
        println!("{process:?}: {coverage:?}");
        assert!((0.93..=0.97).contains(&coverage.covered), "{process:?}: {coverage:?}");
    }
    for end in [0.03, 0.005, 0.001] {
        println!("{:?}: {:?}", Process::Regimes(end), Process::Regimes(end).coverage(SIMULATIONS));
    }
    let share = false_positives(SIMULATIONS);
    println!("false positives of {MODELS} models: {share:.3}");
    assert!(share <= 0.05, "{share}");
}
