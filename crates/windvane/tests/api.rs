//! Thread safety of the public types: errors and models can be sent and shared between threads. Lags
//! of the catalog's learners.
use std::error::Error;

use windvane::backtest::{Backtest, BacktestError, Report};
use windvane::candles::{self, CandleSeries};
use windvane::catalog::{Hyperparameters, MODELS};
use windvane::ensemble::{Ensemble, EnsembleError};
use windvane::models::logistic::LogisticRegression;
use windvane::models::network::Network;
use windvane::models::v2::WeightedSignals;
use windvane::models::{
    CandleOutcome, DirectionModel, FittedModel, LoadError, PredictError, Predictor, Retraining,
    Scratch, TrainError, TrainingProfile,
};
use windvane::readers;
use windvane::signals::{Lags, Registry, Scaler, SignalError, SignalPipeline, SignalTable};

fn is_thread_safe_error<E: Error + Send + Sync + 'static>() {}
fn is_send<T: Send + 'static>() {}
fn is_clone<T: Clone>() {}
fn is_send_and_sync<T: Send + Sync + 'static + ?Sized>() {}

#[test]
fn errors_are_send_and_sync() {
    is_thread_safe_error::<candles::CandleError>();
    is_thread_safe_error::<candles::FeedError>();
    is_thread_safe_error::<candles::IntervalError>();
    is_thread_safe_error::<candles::PairError>();
    is_thread_safe_error::<candles::ResampleError>();
    is_thread_safe_error::<candles::SeriesError>();
    is_thread_safe_error::<candles::TimeError>();
    is_thread_safe_error::<readers::ReadError>();
    is_thread_safe_error::<candles::simulate::SimulateError>();
    is_thread_safe_error::<SignalError>();
    is_thread_safe_error::<PredictError>();
    is_thread_safe_error::<TrainError>();
    is_thread_safe_error::<LoadError>();
    is_thread_safe_error::<EnsembleError>();
    is_thread_safe_error::<BacktestError>();
}

#[test]
fn models_and_predictors_are_send_and_sync() {
    is_send_and_sync::<dyn DirectionModel>();
    is_send_and_sync::<WeightedSignals>();
    is_send_and_sync::<dyn FittedModel>();
    is_send_and_sync::<LogisticRegression>();
    is_send_and_sync::<Network>();
    is_send_and_sync::<Ensemble>();
    is_send_and_sync::<(CandleSeries, SignalTable, Scaler, Registry, TrainingProfile)>();
    is_send_and_sync::<(Backtest, Report)>();
    is_send_and_sync::<(candles::CandleBuilder, candles::Feed)>();
    is_send_and_sync::<(Predictor, CandleOutcome, Scratch, SignalPipeline)>();
    is_clone::<Predictor>();
    is_send::<Retraining>();
}

#[test]
fn catalog_averages_three_seeds_of_the_models_that_fit_in_seconds() {
    let default = Hyperparameters::default();
    let means: Vec<&str> = MODELS
        .iter()
        .filter(|entry| entry.averaged_seeds(&default) == 3)
        .map(|entry| entry.name)
        .collect();
    assert_eq!(means, ["trees", "v32", "mlp"]);
    let five = Hyperparameters { seeds: Some(5), ..Hyperparameters::default() };
    for entry in MODELS {
        let learner = entry.averaged_learner(&default);
        assert_eq!(learner.id().as_str(), entry.name);
        let is_mean = means.contains(&entry.name);
        assert_eq!(learner.settings() != entry.learner(&default).settings(), is_mean);
        let random = !["v2", "v2-learned", "logistic"].contains(&entry.name);
        let changes = entry.averaged_learner(&five).settings() != learner.settings();
        assert_eq!(changes, random, "{}", entry.name);
    }
    let v32: windvane::catalog::ModelEntry = "v32".parse().unwrap();
    assert_eq!(v32.averaged_method(&default), "v3.2 (LSTM, 32 units), mean of 3 seeds");
    let memory = |training| v32.averaged_learner(training).row_memory(6);
    let one = Hyperparameters { seeds: Some(1), ..Hyperparameters::default() };
    assert_eq!(memory(&default), memory(&one));
}

#[test]
fn catalog_passes_lags_to_tabular_models_and_ensembles_of_them() {
    let lags = Some(Lags::newest().with("rsi", [7]));
    let lagged = Hyperparameters { lags, ..Hyperparameters::default() };
    let reads = |entry: &&windvane::catalog::ModelEntry| {
        let (with, without) = (entry.learner(&lagged), entry.learner(&Hyperparameters::default()));
        with.settings() != without.settings()
    };
    let names: Vec<&str> = MODELS.iter().filter(reads).map(|entry| entry.name).collect();
    assert_eq!(
        names,
        ["logistic", "trees", "mlp", "tuned", "mixed", "stacked", "meta", "online", "regimes"]
    );
}
