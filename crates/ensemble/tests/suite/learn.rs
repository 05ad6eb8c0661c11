//! Fitted ensembles: saving, streaming, nesting, resuming, thread counts, and no look-ahead.
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv};
use windvane_ensemble::{
    Ensemble, EnsembleLearner, FixedShare, SecondKind, Voting, Weighting, kinds,
};
use windvane_models::network::{NetworkConfig, NetworkLearner, Pooling};
use windvane_models::train::{EpochReport, Learner, Run, TrainConfig};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::{FittedModel, ModelId, Predictor, TrainError};
use windvane_models::{v3, v31, v32};
use windvane_signals::{
    LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split, TrainSet, ValidationSet,
};

use crate::common::{self, RuleModel, follow, noise};

fn market(candles: usize) -> CandleSeries {
    MarketModel::AR1.candles("SIM".parse().unwrap(), Interval::HOUR, candles, 1).unwrap()
}

fn with_parts<T>(
    series: &CandleSeries,
    run: impl FnOnce(&TrainSet, &ValidationSet, &SampleSet) -> T,
) -> T {
    let table = SignalTable::build(&SignalSpec::default(), &Registry::default(), series, &[]);
    let tables = [table.unwrap()];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let at = |row: usize| series.close_time(row).unwrap();
    let split =
        Split::builder().validate_from(at(1_100)).test_from(at(1_500)).embargo(0).build().unwrap();
    let (train, validation) = (split.train(&samples), split.validation(&samples));
    run(&train.unwrap(), &validation.unwrap(), &split.test(&samples))
}

/// Learner with small versions of the members of `tuned`, for tests of everything except accuracy.
fn small() -> EnsembleLearner {
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    let (pooling, dense) = (Pooling::Attention { units: 4 }, vec![8, 5]);
    let attended = NetworkConfig { pooling, dense, ..v31::config().with_units(6) };
    let members: Vec<Arc<dyn Learner>> = vec![
        Arc::new(WeightedSignalsLearner::default()),
        Arc::new(NetworkLearner { config: v3::config().with_units(6), training, ..v3::learner() }),
        Arc::new(NetworkLearner { config: attended, training, ..v31::learner() }),
        Arc::new(NetworkLearner {
            config: v32::config().with_units(8),
            training,
            ..v32::learner()
        }),
    ];
    let weighting = Weighting::LogLoss;
    EnsembleLearner { weighting, ..EnsembleLearner::new(ModelId::new("small"), members) }
}

fn fitted(series: &CandleSeries) -> Ensemble {
    with_parts(series, |train, validation, _| {
        small().fit_model(train, validation, &Run::new(7)).unwrap()
    })
}

fn predictions(model: &dyn FittedModel, series: &CandleSeries) -> Vec<[u32; 3]> {
    with_parts(series, |_, _, test| {
        let mut scratch = model.scratch();
        let predict = |sample| model.predict(test.window(sample), &mut scratch).unwrap();
        let bits = |p: windvane_models::Prediction| p.probabilities.classes().map(f32::to_bits);
        test.samples().iter().map(predict).map(bits).collect()
    })
}

#[test]
fn ensemble_loaded_from_file_predicts_same_bits_and_nests() {
    let series = market(2_000);
    let folder = tempfile::tempdir().unwrap();
    let inner = fitted(&series);
    let path = folder.path().join("inner");
    inner.save(&path).unwrap();
    let again = kinds().load(&path).unwrap();
    assert_eq!(predictions(&again, &series), predictions(&inner, &series));
    assert_eq!(again.to_bytes().unwrap(), inner.to_bytes().unwrap());
    assert_eq!((again.record(), again.calibration()), (inner.record(), inner.calibration()));

    let v2 = with_parts(&series, |train, validation, _| {
        WeightedSignalsLearner::default().fit(train, validation, &Run::new(1)).unwrap()
    });
    let models = vec![again, v2];
    let voting = Voting::Soft;
    let outer = Ensemble::new(ModelId::new("outer"), models, &[2.0, 1.0], voting).unwrap();
    let loaded = Ensemble::from_bytes(&outer.to_bytes().unwrap()).unwrap();
    assert_eq!(predictions(&loaded, &series), predictions(&outer, &series));
    let members: Vec<String> = loaded.members().map(|(model, _)| model.id().to_string()).collect();
    assert_eq!(members, ["small", "v2"]);
    // Without the kinds of the ensemble crate, the error names the missing crate.
    let error = windvane_models::from_bytes(&outer.to_bytes().unwrap()).unwrap_err().to_string();
    assert!(error.contains("ensemble") && error.contains("windvane-ensemble"), "{error}");
}

#[test]
fn ensemble_streaming_equals_batch_without_allocation() {
    let series = market(2_000);
    let model = Arc::new(fitted(&series));
    let batch = predictions(&model, &series);
    let mut predictor = Predictor::new(model.clone(), Interval::HOUR).unwrap();
    let mut live = Vec::with_capacity(series.len());
    let candles = series.candles();
    for candle in &candles[..1_000] {
        predictor.on_candle(candle).unwrap();
    }
    let info = allocation_counter::measure(|| {
        for candle in &candles[1_000..] {
            let prediction = predictor.on_candle(candle).unwrap().into_prediction().unwrap();
            live.push(prediction.probabilities.classes().map(f32::to_bits));
        }
    });
    assert_eq!(info.count_total, 0);
    // The last candle has no label, so it is not in the test set of the batch.
    let from = live.len() - 1 - batch.len();
    assert_eq!(live[from..live.len() - 1], batch);
}

/// Learner that does not report its settings.
struct WithoutSettings(ModelId);

impl Learner for WithoutSettings {
    fn id(&self) -> &ModelId {
        &self.0
    }

    fn fit(
        &self,
        _: &TrainSet,
        _: &ValidationSet,
        _: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Err(TrainError::TooFewWindows { expected: 1, got: 0 })
    }
}

#[test]
fn ensemble_settings_include_settings_of_members() {
    let of = |epochs| {
        let training = TrainConfig { epochs, ..TrainConfig::default() };
        EnsembleLearner::with_seeds(NetworkLearner { training, ..v32::learner() }, 2)
    };
    assert_eq!(of(3).settings(), of(3).settings());
    assert_ne!(of(3).settings(), of(4).settings());
    assert!(of(3).settings().is_some());
    let without = EnsembleLearner::with_seeds(WithoutSettings(ModelId::new("without")), 2);
    assert_eq!(without.settings(), None);
}

#[test]
fn ensemble_settings_change_with_every_field() {
    let base = EnsembleLearner::with_seeds(v32::learner(), 2);
    // This does not compile after a field is added: change the new field below, too.
    let EnsembleLearner { id, members, voting: _, weighting: _, min_agreement } = base.clone();
    let three = vec![Arc::clone(&members[0]); 3];
    let learners = [
        base.clone(),
        EnsembleLearner { id: ModelId::new(format!("{id}-other")), ..base.clone() },
        EnsembleLearner { members: three, ..base.clone() },
        EnsembleLearner { voting: Voting::Hard, ..base.clone() },
        EnsembleLearner { weighting: Weighting::LogLoss, ..base.clone() },
        EnsembleLearner {
            weighting: Weighting::Stacked { folds: 4, second: SecondKind::Logistic },
            ..base.clone()
        },
        EnsembleLearner {
            weighting: Weighting::Stacked { folds: 5, second: SecondKind::Logistic },
            ..base.clone()
        },
        EnsembleLearner {
            weighting: Weighting::Meta { folds: 4, second: SecondKind::Logistic },
            ..base.clone()
        },
        EnsembleLearner {
            weighting: Weighting::Meta { folds: 4, second: SecondKind::Trees },
            ..base.clone()
        },
        EnsembleLearner { weighting: Weighting::FixedShare(FixedShare::default()), ..base.clone() },
        EnsembleLearner { weighting: Weighting::Fixed(vec![1.0, 0.5]), ..base.clone() },
        EnsembleLearner {
            weighting: Weighting::Fixed(vec![1.0, 0.5_f64.next_up()]),
            ..base.clone()
        },
        EnsembleLearner { min_agreement: min_agreement.next_up(), ..base.clone() },
    ];
    let texts: BTreeSet<String> = learners.iter().filter_map(Learner::settings).collect();
    assert_eq!(texts.len(), learners.len());
    assert_eq!(base.settings(), EnsembleLearner::with_seeds(v32::learner(), 2).settings());
}

#[test]
fn ensemble_fit_is_independent_of_thread_count() {
    let series = market(2_000);
    let fit = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            with_parts(&series, |train, validation, _| {
                small().fit(train, validation, &Run::new(seed)).unwrap().to_bytes().unwrap()
            })
        })
    };
    assert_eq!(fit(1, 3), fit(3, 3));
    assert_ne!(fit(2, 3), fit(2, 4));
}

#[test]
fn ensemble_members_have_different_seeds_at_every_depth() {
    let series = market(2_000);
    let training = TrainConfig { epochs: 1, ..TrainConfig::default() };
    let v32 = || NetworkLearner { config: v32::config().with_units(4), training, ..v32::learner() };
    let twins = EnsembleLearner::with_seeds(v32(), 2);
    assert_eq!(twins.id.as_str(), "v32x2");
    let members: Vec<Arc<dyn Learner>> = vec![Arc::new(twins), Arc::new(v32())];
    let learner = EnsembleLearner::new(ModelId::new("nested"), members);
    let model = with_parts(&series, |train, validation, _| {
        learner.fit_model(train, validation, &Run::new(1)).unwrap()
    });
    let artifact = model.to_artifact().unwrap().members().unwrap();
    let of =
        |artifact: &windvane_models::Artifact| artifact.tensor("fc.w", &[3, 4]).unwrap().to_vec();
    let twins = artifact[0].members().unwrap();
    let all = [of(&twins[0]), of(&twins[1]), of(&artifact[1])];
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
}

#[test]
fn ensemble_resumed_training_gives_same_bits() {
    let series = market(2_000);
    let whole = fitted(&series).to_bytes().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The members train six epochs in total; the training is stopped after each one.
    for epochs in 1..=6 {
        let reports = AtomicUsize::new(0);
        let stop = |_: &EpochReport| {
            reports.fetch_add(1, Ordering::Relaxed);
            ControlFlow::Break(())
        };
        let run = Run::new(7).checkpoints(folder.path()).on_epoch(&stop);
        let stopped = with_parts(&series, |train, validation, _| {
            small().fit_model(train, validation, &run).unwrap_err()
        });
        assert!(matches!(stopped, TrainError::Stopped { .. }), "{epochs}: {stopped}");
        assert_eq!(reports.into_inner(), 1);
    }
    let run = Run::new(7).checkpoints(folder.path());
    let resumed = with_parts(&series, |train, validation, _| {
        small().fit_model(train, validation, &run).unwrap().to_bytes().unwrap()
    });
    assert_eq!(resumed, whole);
}

#[test]
fn ensemble_fit_is_independent_of_test_candles() {
    let series = market(2_000);
    let mut candles = series.candles().to_vec();
    for candle in &mut candles[1_501..] {
        let ohlcv = Ohlcv { open: 3.0, high: 9.0, low: 1.0, close: 2.0, volume: 5.0 };
        *candle = Candle::new(candle.open_time(), ohlcv).unwrap();
    }
    let other = CandleSeries::new("SIM".parse().unwrap(), Interval::HOUR, candles).unwrap();
    assert_eq!(fitted(&other).to_bytes().unwrap(), fitted(&series).to_bytes().unwrap());
}

#[test]
fn ensemble_learner_rejects_missing_members_and_wrong_weights() {
    let series = market(2_000);
    let fit = |learner: &EnsembleLearner| {
        with_parts(&series, |train, validation, _| {
            learner.fit_model(train, validation, &Run::new(1)).unwrap_err().to_string()
        })
    };
    assert!(fit(&EnsembleLearner::default()).contains("at least one member"));
    let v2: Arc<dyn Learner> = Arc::new(WeightedSignalsLearner::default());
    let weighting = Weighting::Fixed(vec![1.0, 2.0]);
    let learner =
        EnsembleLearner { weighting, ..EnsembleLearner::new(ModelId::new("x"), vec![v2]) };
    assert!(fit(&learner).contains("got 2 weights for 1 members"));
}

#[test]
fn named_ensembles_have_documented_members() {
    let ids = |learner: EnsembleLearner| -> Vec<String> {
        learner.members.iter().map(|member| member.id().to_string()).collect()
    };
    assert_eq!(ids(EnsembleLearner::original()), ["v2", "v31"]);
    assert_eq!(ids(EnsembleLearner::tuned()), ["v2-learned", "treesx3", "v3", "v31", "v32"]);
    assert_eq!(EnsembleLearner::tuned().weighting, Weighting::LogLoss);
    assert_eq!(EnsembleLearner::original().weighting, Weighting::Equal);
}

/// The market `AR1` with every fiftieth close unchanged.
fn with_unchanged_closes() -> CandleSeries {
    let series = market(5_000);
    let mut close = series.candles()[0].close();
    let candles = series.candles().iter().enumerate().map(|(i, candle)| {
        close = if i % 50 == 0 { close } else { candle.close() };
        let (high, low) = (candle.high().max(close), candle.low().min(close));
        let values = Ohlcv { high, low, close, ..candle.values() };
        Candle::new(candle.open_time(), values).unwrap()
    });
    CandleSeries::new(series.pair().clone(), series.interval(), candles.collect()).unwrap()
}

/// Weights by log loss of a member that follows the market and one without information, which gives
/// the probability `neutral` to unchanged closes.
fn log_loss_weights(series: &CandleSeries, neutral: f32) -> Vec<f32> {
    let members: Vec<Arc<dyn Learner>> = vec![
        Arc::new(RuleModel::new("follow", follow).with_neutral(0.001)),
        Arc::new(RuleModel::new("noise", noise).with_neutral(neutral)),
    ];
    let weighting = Weighting::LogLoss;
    let learner =
        EnsembleLearner { weighting, ..EnsembleLearner::new(ModelId::new("two"), members) };
    let fitted = common::with_parts(series, |train, validation, _| {
        learner.fit_model(train, validation, &Run::new(1)).unwrap()
    });
    fitted.members().map(|(_, weight)| weight).collect()
}

#[test]
fn ensemble_log_loss_weights_ignore_the_share_of_unchanged_closes() {
    let series = with_unchanged_closes();
    // 2 % of the closes are unchanged, so the second share is right, and that of `follow` is not.
    let (equal, better) = (log_loss_weights(&series, 0.001), log_loss_weights(&series, 0.02));
    assert!(equal[0] > 0.6 && (equal[0] - better[0]).abs() < 1e-3, "{equal:?} {better:?}");
}
