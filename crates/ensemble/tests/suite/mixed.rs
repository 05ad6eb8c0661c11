//! The mixed ensemble: members of three kinds on one spec.
use std::sync::Arc;

use windvane_candles::Interval;
use windvane_ensemble::{Ensemble, EnsembleLearner, Weighting};
use windvane_models::network::{NetworkConfig, NetworkLearner};
use windvane_models::train::{Learner, Run, TrainConfig};
use windvane_models::trees::BoostedTreesLearner;
use windvane_models::{DirectionModel, FittedModel, Predictor, mlp, v32};
use windvane_signals::Lags;

use crate::common::{bits, losses, market, mean, predictions, with_parts};

/// Small members of the same kinds: trees and MLP on lags, v3.2 on whole windows.
fn small(epochs: usize) -> EnsembleLearner {
    let lags = Some(Lags::newest().with("momentum", 1..=3));
    let training = |own: TrainConfig| TrainConfig { epochs, batch: 64, ..own };
    let (lstm, dense) = (v32::learner(), mlp::learner());
    let config = NetworkConfig { dense: vec![16, 8], lags: lags.clone(), ..mlp::config() };
    EnsembleLearner::mixed_of(vec![
        Arc::new(BoostedTreesLearner { lags, rounds: 60, ..BoostedTreesLearner::default() }),
        Arc::new(NetworkLearner {
            config: v32::config().with_units(8),
            training: training(lstm.training),
            ..lstm
        }),
        Arc::new(NetworkLearner { config, training: training(dense.training), ..dense }),
    ])
}

#[test]
fn mixed_has_three_seeds_of_each_documented_member() {
    let learner = EnsembleLearner::mixed();
    let ids: Vec<String> = learner.members.iter().map(|member| member.id().to_string()).collect();
    assert_eq!(ids, ["treesx3", "v32x3", "mlpx3"]);
    assert_eq!((learner.id.as_str(), learner.weighting), ("mixed", Weighting::LogLoss));
}

#[test]
fn mixed_on_lags_and_windows_loads_and_streams_with_the_same_bits() {
    let series = market(1_000, 3);
    with_parts(&series, |train, validation, test| {
        let model = small(1).fit_model(train, validation, &Run::new(7)).unwrap();
        assert_eq!(model.spec().lookback, 20);
        let loaded = Ensemble::from_bytes(&model.to_bytes().unwrap()).unwrap();
        let batch = bits(&predictions(&model, test));
        assert_eq!(bits(&predictions(&loaded, test)), batch);
        let mut predictor = Predictor::new(loaded, Interval::HOUR).unwrap();
        let live = series.candles().iter().filter_map(|candle| {
            let prediction = predictor.on_candle(candle).unwrap().into_prediction()?;
            Some(prediction.probabilities.classes().map(f32::to_bits))
        });
        let live: Vec<_> = live.collect();
        // The last candle has no label, so it is not in the test set of the batch.
        assert_eq!(live[live.len() - 1 - batch.len()..live.len() - 1], batch);
    });
}

#[test]
fn mixed_fit_is_independent_of_thread_count() {
    let series = market(1_000, 3);
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run::new(3);
        pool.install(|| {
            with_parts(&series, |train, validation, _| {
                small(1).fit_model(train, validation, &run).unwrap().to_bytes().unwrap()
            })
        })
    };
    assert_eq!(fit(1), fit(4));
}

#[test]
fn mixed_is_not_worse_than_its_best_member_by_more_than_noise() {
    let series = market(6_000, 5);
    with_parts(&series, |train, validation, test| {
        let model = small(4).fit_model(train, validation, &Run::new(1)).unwrap();
        let own = losses(&predictions(&model, test), test);
        assert!(mean(&own).0 < std::f64::consts::LN_2, "{:?}", mean(&own));
        for (member, weight) in model.members() {
            let other = losses(&predictions(member, test), test);
            let differences: Vec<f64> = own.iter().zip(&other).map(|(a, b)| a - b).collect();
            let (excess, error) = mean(&differences);
            assert!(excess < 2.0 * error, "{} ({weight}): {excess} ± {error}", member.id());
        }
    });
}
