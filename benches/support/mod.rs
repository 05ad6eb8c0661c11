//! Fitted models and candles to run them on.
#![allow(dead_code, unreachable_pub, reason = "each bench uses its part")]
use windvane::candles::sample;
use windvane::ensemble::{Ensemble, EnsembleLearner};
use windvane::models::train::{Recipe, Run};
use windvane::models::v2::{WeightedSignals, WeightedSignalsLearner};
use windvane::models::network::{Network, NetworkLearner};
use windvane::models::v32;
use windvane::prelude::*;
use windvane::signals::{LabelSpec, TrainSet, ValidationSet};

pub fn candles(count: usize) -> CandleSeries {
    let series = sample::load("BTCUSDT").expect("an instrument of the sample");
    let columns = series.candles()[..count].to_vec();
    CandleSeries::new(series.pair().clone(), series.interval(), columns)
        .expect("a part of a series")
}

pub fn table(series: &CandleSeries) -> SignalTable {
    SignalTable::build(&SignalSpec::default(), &Registry::default(), series, &[]).expect("a table")
}

pub fn with_train<T>(
    tables: &[SignalTable],
    run: impl FnOnce(&TrainSet<'_>, &ValidationSet<'_>) -> T,
) -> T {
    let samples = SampleSet::collect(tables, 20, LabelSpec::default()).expect("samples");
    let split = Split::for_live(&samples, 0.15).expect("a split");
    run(&split.train(&samples).expect("train"), &split.validation(&samples).expect("validation"))
}

pub fn v32(tables: &[SignalTable]) -> Network {
    let recipe = Recipe { epochs: 1, ..Recipe::default() };
    let learner = NetworkLearner { recipe, ..v32::learner() };
    with_train(tables, |t, v| learner.fit_model(t, v, &Run::new(1)).expect("a model"))
}

pub fn v2(tables: &[SignalTable]) -> WeightedSignals {
    let learner = WeightedSignalsLearner::default();
    with_train(tables, |t, v| learner.fit_model(t, v, &Run::new(1)).expect("a model"))
}

/// The four of the `tuned` ensemble, fitted.
pub fn tuned(tables: &[SignalTable]) -> Ensemble {
    let learner = EnsembleLearner::tuned();
    with_train(tables, |t, v| learner.fit_model(t, v, &Run::new(1)).expect("an ensemble"))
}
