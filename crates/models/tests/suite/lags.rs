//! Models on lags of a window: logistic regression and MLP.
use windvane_candles::simulate::MarketModel;
use windvane_models::logistic::{LogisticLearner, LogisticRegression};
use windvane_models::network::{Network, NetworkConfig, NetworkLearner, Pooling};
use windvane_models::train::{Run, SequenceShape, Sequences};
use windvane_models::{DirectionModel, FittedModel, TableReader, TrainError, mlp, v32};
use windvane_signals::{Lags, SampleSet, Window};

use crate::common::{market, small_mlp, with_parts};

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

#[test]
fn mlp_reads_the_values_of_its_lags_and_no_others() {
    let series = market(MarketModel::AR1, 1_000, 3);
    with_parts(&series, |train, validation, test| {
        let model = small_mlp(Some(lags())).fit_model(train, validation, &Run::new(7)).unwrap();
        let mut scratch = model.scratch();
        let mut bits = |rows: &[f64]| {
            let window = Window::new(rows, 6, test.samples()[0].decided_at).unwrap();
            model.predict(window, &mut scratch).unwrap().probabilities.classes().map(f32::to_bits)
        };
        let rows = test.window(&test.samples()[0]).values().to_vec();
        let read = lags().positions(&model.spec().signals, 20).unwrap();
        let before = bits(&rows);
        for position in 0..rows.len() {
            let mut changed = rows.clone();
            changed[position] += 0.3 * (1.0 + changed[position].abs());
            // A channel may be constant, and its value then has no effect.
            let constant = model.record().unwrap().constant_channels.len();
            assert_eq!(constant, 0);
            assert_eq!(bits(&changed) != before, read.contains(&position), "{position}");
        }
    });
}

#[test]
fn mlp_comes_back_from_its_state_dict_with_the_same_bits() {
    let series = market(MarketModel::AR1, 1_000, 3);
    with_parts(&series, |train, validation, test| {
        for lags in [None, Some(lags())] {
            let fitted = small_mlp(lags).fit_model(train, validation, &Run::new(7)).unwrap();
            let (dict, spec) = (fitted.to_state_dict().unwrap(), fitted.spec().clone());
            let scaler = fitted.scaler().unwrap().clone();
            let mut model =
                Network::from_state_dict(&dict, fitted.config(), spec.clone(), scaler).unwrap();
            model.set_calibration(fitted.calibration()).unwrap();
            assert_eq!(model.config().dense, [8, 5]);
            assert_eq!(probabilities(&model, test), probabilities(&fitted, test));
            // Lags that the weights were not trained on have another number of inputs.
            let like = NetworkConfig { lags: Some(Lags::newest()), ..mlp::config() };
            let scaler = fitted.scaler().unwrap().clone();
            let error = Network::from_state_dict(&dict, &like, spec, scaler).unwrap_err();
            assert!(error.to_string().contains("fc1.weight"), "{error}");
        }
    });
}

#[test]
fn lags_of_other_encoders_and_pooled_flat_windows_are_errors() {
    let lagged = NetworkConfig { lags: Some(lags()), ..v32::config() };
    let error = lagged.validate().unwrap_err().to_string();
    assert!(error.contains("lags") && error.contains("Flat"), "{error}");
    let pooled = NetworkConfig { pooling: Pooling::Mean, ..mlp::config() };
    assert!(pooled.validate().unwrap_err().to_string().contains("pooling"));
    assert!(NetworkConfig { stateful: true, ..mlp::config() }.validate().is_err());
    let shape = SequenceShape { steps: 2, channels: 1, classes: 2 };
    let sequences = Sequences::new(shape, vec![0.0, 1.0, 1.0, 0.0], vec![0, 1]).unwrap();
    let learner = small_mlp(Some(Lags::newest()));
    let error = learner.fit_sequences(&sequences, &Run::new(1)).unwrap_err().to_string();
    assert!(error.contains("set lags to None"), "{error}");
    let whole = NetworkLearner { ..small_mlp(None) };
    assert!(whole.fit_sequences(&sequences, &Run::new(1)).is_ok());
}
