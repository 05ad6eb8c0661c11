//! Tabular models on lags of a window.
use windvane_candles::simulate::MarketModel;
use windvane_models::logistic::{LogisticLearner, LogisticRegression};
use windvane_models::train::Run;
use windvane_models::{DirectionModel, FittedModel, TableReader, TrainError};
use windvane_signals::{Lags, SampleSet};

use crate::common::{market, with_parts};

fn lags() -> Lags {
    Lags::newest().with("momentum", 1..=3).with("rsi", [7])
}

/// Logits of UP against DOWN of all test windows.
fn probabilities(model: &dyn FittedModel, test: &SampleSet) -> Vec<f32> {
    let mut reader = TableReader::new(model, test.tables());
    let all = test.samples().iter().map(|sample| reader.predict_sample(sample).unwrap());
    all.map(|prediction| prediction.probabilities.classes()[0]).collect()
}

#[test]
fn logistic_on_lags_equals_whole_windows_with_zero_weights_elsewhere() {
    let series = market(MarketModel::AR1, 2_000, 3);
    with_parts(&series, |train, validation, test| {
        let learner = LogisticLearner { lags: Some(lags()), ..LogisticLearner::default() };
        let model = learner.fit_model(train, validation, &Run::new(7)).unwrap();
        assert_eq!(model.weights().len(), 6 + 4);
        let spec = model.spec().clone();
        let positions = lags().positions(&spec.signals, spec.lookback).unwrap();
        let mut weights = vec![0.0; spec.lookback * spec.signals.width()];
        for (position, weight) in positions.iter().zip(model.weights()) {
            weights[*position] = *weight;
        }
        let artifact = model.to_artifact().unwrap();
        let constant = artifact.tensor("constant", &[3]).unwrap();
        let intercept: f64 = constant.iter().map(|part| f64::from(*part)).sum();
        let scaler = model.scaler().unwrap().clone();
        let neutral = probabilities_of_neutral(&model, test);
        let mut whole =
            LogisticRegression::new(spec, None, scaler, &weights, intercept, neutral).unwrap();
        whole.set_calibration(model.calibration()).unwrap();
        for (a, b) in probabilities(&model, test).iter().zip(probabilities(&whole, test)) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    });
}

fn probabilities_of_neutral(model: &LogisticRegression, test: &SampleSet) -> f64 {
    let mut model = model.clone();
    model.set_calibration(windvane_models::Calibration::NONE).unwrap();
    let mut reader = TableReader::new(&model, test.tables());
    let first = reader.predict_sample(&test.samples()[0]).unwrap();
    f64::from(first.probabilities.classes()[2])
}

#[test]
fn logistic_on_lags_saves_and_loads_with_the_same_bits() {
    let series = market(MarketModel::AR1, 2_000, 3);
    with_parts(&series, |train, validation, test| {
        let learner = LogisticLearner { lags: Some(lags()), ..LogisticLearner::default() };
        let model = learner.fit_model(train, validation, &Run::new(7)).unwrap();
        let bytes = model.to_artifact().unwrap().to_bytes().unwrap();
        let loaded = LogisticRegression::from_bytes(&bytes).unwrap();
        assert_eq!(loaded.lags(), Some(&lags()));
        assert_eq!(probabilities(&loaded, test), probabilities(&model, test));
    });
}

#[test]
fn lags_longer_than_the_window_are_an_error() {
    let series = market(MarketModel::AR1, 2_000, 3);
    with_parts(&series, |train, validation, _| {
        let lags = Some(Lags::newest().with("rsi", [20]));
        let learner = LogisticLearner { lags, ..LogisticLearner::default() };
        let error = learner.fit_model(train, validation, &Run::new(7)).unwrap_err();
        assert!(matches!(error, TrainError::Signal(_)), "{error}");
    });
}
