//! What a bot may count on of the public types: errors travel, models are shared between threads.
use std::error::Error;

use windvane::backtest::{Backtest, BacktestError, Report};
use windvane::candles::{self, CandleSeries};
use windvane::ensemble::{Ensemble, EnsembleError};
use windvane::models::logistic::LogisticRegression;
use windvane::models::network::Network;
use windvane::models::v2::WeightedSignals;
use windvane::models::{
    DirectionModel, FittedModel, LoadError, PredictError, Predictor, Retraining, Scratch,
    TrainError, TrainingProfile,
};
use windvane::readers;
use windvane::signals::{Registry, Scaler, SignalError, SignalPipeline, SignalTable};

fn travels<E: Error + Send + Sync + 'static>() {}
fn moves<T: Send + 'static>() {}
fn is_shared<T: Send + Sync + 'static + ?Sized>() {}

#[test]
fn every_error_travels_between_threads() {
    travels::<candles::CandleError>();
    travels::<candles::IntervalError>();
    travels::<candles::PairError>();
    travels::<candles::ResampleError>();
    travels::<candles::SeriesError>();
    travels::<candles::TimeError>();
    travels::<readers::ReadError>();
    travels::<candles::simulate::SimulateError>();
    travels::<SignalError>();
    travels::<PredictError>();
    travels::<TrainError>();
    travels::<LoadError>();
    travels::<EnsembleError>();
    travels::<BacktestError>();
}

#[test]
fn models_are_shared_and_predictors_move() {
    is_shared::<dyn DirectionModel>();
    is_shared::<WeightedSignals>();
    is_shared::<dyn FittedModel>();
    is_shared::<LogisticRegression>();
    is_shared::<Network>();
    is_shared::<Ensemble>();
    is_shared::<(CandleSeries, SignalTable, Scaler, Registry, TrainingProfile)>();
    is_shared::<(Backtest, Report)>();
    // Each thread has its own: they hold working memory.
    moves::<(Predictor, Scratch, SignalPipeline, Retraining)>();
}
