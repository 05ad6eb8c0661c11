//! Markets and models for the tests.
#![allow(dead_code, reason = "some functions are used with a feature only")]
use std::collections::HashMap;

use windvane_backtest::{Backtest, Instrument, Report};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Direction, Interval, Pair, Timestamp};
use windvane_lstm_core::{Purpose, Stream};
use windvane_models::train::{Learner, Run};
use windvane_models::{
    DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction, Scratch, TrainError,
};
use windvane_signals::{TrainSet, ValidationSet, Window};

/// Class probabilities of a test model at a time of decision.
pub(crate) type Answer = fn(&Knowledge, Timestamp) -> [f32; 3];

/// Data of a test model in addition to the window.
#[derive(Debug, Clone, Default)]
pub(crate) struct Knowledge {
    /// Direction of the next candle by time of decision.
    pub(crate) future: HashMap<Timestamp, Direction>,
    pub(crate) seed: u64,
}

/// Learner without training; its model calls a function.
pub(crate) struct Fake {
    pub(crate) id: ModelId,
    pub(crate) knowledge: Knowledge,
    pub(crate) answer: Answer,
}

#[derive(Debug)]
struct FakeModel {
    id: ModelId,
    spec: ModelSpec,
    knowledge: Knowledge,
    answer: Answer,
}

impl Learner for Fake {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn fit(
        &self,
        train: &TrainSet,
        _: &ValidationSet,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let table = &train.tables()[0];
        Ok(Box::new(FakeModel {
            id: self.id.clone(),
            spec: ModelSpec {
                signals: table.spec().clone(),
                interval: table.interval(),
                lookback: train.lookback(),
                labels: train.labels(),
            },
            knowledge: self.knowledge.clone(),
            answer: self.answer,
        }))
    }
}

impl FittedModel for FakeModel {}

impl DirectionModel for FakeModel {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
        let time = window.decided_at();
        Prediction::new((self.answer)(&self.knowledge, time), time, 1, &self.id)
    }
}

/// Learner that always fails.
pub(crate) struct Failing(pub(crate) ModelId);

impl Learner for Failing {
    fn id(&self) -> &ModelId {
        &self.0
    }

    fn fit(
        &self,
        _: &TrainSet,
        _: &ValidationSet,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Err(TrainError::TooFewWindows { expected: 1_000_000, got: 1 })
    }
}

pub(crate) fn failing() -> Box<dyn Learner> {
    Box::new(Failing(ModelId::new("failing")))
}

fn classes(direction: Direction) -> [f32; 3] {
    let mut classes = [0.1; 3];
    classes[direction.index()] = 0.8;
    classes
}

/// Model with future data: the direction of the next close.
pub(crate) fn oracle(series: &CandleSeries) -> Fake {
    let next = |two: &[windvane_candles::Candle]| {
        let change = two[1].close() - two[0].close();
        (two[0].close_time(series.interval()), Direction::from_change(change))
    };
    let future = series.candles().windows(2).map(next).collect();
    let answer: Answer =
        |known, time| classes(known.future.get(&time).copied().unwrap_or(Direction::Neutral));
    Fake { id: ModelId::new("oracle"), knowledge: Knowledge { future, seed: 0 }, answer }
}

/// Model with a random direction at every time.
pub(crate) fn coin(name: &'static str, seed: u64) -> Fake {
    let answer: Answer = |known, time| {
        let index = time.millis().unsigned_abs();
        let up = Stream::new(known.seed, Purpose::Shuffle, 0, index).uniform() < 0.5;
        classes(if up { Direction::Up } else { Direction::Down })
    };
    Fake { id: ModelId::new(name), knowledge: Knowledge { seed, ..Knowledge::default() }, answer }
}

/// Model with the same probabilities at every time.
pub(crate) fn constant(name: &'static str, answer: Answer) -> Fake {
    Fake { id: ModelId::new(name), knowledge: Knowledge::default(), answer }
}

pub(crate) fn simulated(
    market: MarketModel,
    name: &str,
    interval: Interval,
    n: usize,
) -> CandleSeries {
    let seed = name.bytes().map(u64::from).sum();
    let pair = Pair::new(name).expect("a name without blanks");
    market.candles(pair, interval, n, seed).expect("a market within its ranges")
}

pub(crate) fn learned(series: CandleSeries) -> Instrument {
    Instrument { series, test_only: false }
}

/// Keeps the candles whose index satisfies a condition.
pub(crate) fn thinned(series: &CandleSeries, keep: impl Fn(usize) -> bool) -> CandleSeries {
    let candles = series.iter().enumerate().filter(|(index, _)| keep(*index));
    let candles = candles.map(|(_, candle)| *candle).collect();
    CandleSeries::new(series.pair().clone(), series.interval(), candles).expect("still in order")
}

pub(crate) fn boxed(learners: Vec<Fake>) -> Vec<Box<dyn Learner>> {
    learners.into_iter().map(|learner| Box::new(learner) as Box<dyn Learner>).collect()
}

pub(crate) fn run(instruments: &[Instrument], learners: &[Box<dyn Learner>]) -> Report {
    Backtest::default().run(instruments, learners, &|_| {}).expect("a report")
}

/// JSON without its last part, the timing, which has the date of the run.
pub(crate) fn without_timing(report: &Report) -> String {
    let text = report.to_json();
    let end = text.find("\"timing\"").expect("the last part");
    text[..end].to_string()
}
