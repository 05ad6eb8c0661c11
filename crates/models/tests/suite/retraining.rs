//! Retraining while the old model predicts.
use crate::common;

use std::sync::Arc;
use std::sync::mpsc;

use common::{market, quick_v2, quick_v32, with_parts};
use windvane_candles::simulate::MarketModel;
use windvane_candles::{Candle, CandleSeries, Interval};
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Run, TrainConfig};
use windvane_models::v32;
use windvane_models::{FittedModel, Predictor, Retraining, TrainError};

fn part(series: &CandleSeries, candles: usize) -> CandleSeries {
    let candles = series.candles()[..candles].to_vec();
    CandleSeries::new(series.pair().clone(), series.interval(), candles).unwrap()
}

#[test]
fn retraining_swaps_model_without_missing_candle() {
    let series = market(MarketModel::AR1, 2_400, 1);
    let (history, feed) = series.candles().split_at(2_000);
    let known = part(&series, history.len());
    let old: Arc<dyn FittedModel> = Arc::new(quick_v2(&known));
    let new: Arc<dyn FittedModel> = Arc::new(quick_v32(&known));
    let start = |model: &Arc<dyn FittedModel>| {
        let mut predictor = Predictor::new(Arc::clone(model), Interval::HOUR).unwrap();
        predictor.warm_up(&known).unwrap();
        predictor
    };
    let (mut live, mut with_old, mut with_new) = (start(&old), start(&old), start(&new));
    // The training waits in its first epoch until the predictor has taken 100 candles.
    let (candles, arrived) = mpsc::channel::<usize>();
    let fresh = known.clone();
    let mut retraining = Retraining::start(move |stop| {
        let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
        let learner = NetworkLearner { training, ..v32::learner() };
        let arrived = std::sync::Mutex::new(arrived);
        let wait = |report: &windvane_models::train::EpochReport| {
            let enough = || arrived.lock().unwrap().iter().find(|index| *index >= 100);
            assert!(report.epoch > 1 || enough().is_some());
            stop.flow()
        };
        with_parts(&fresh, |train, validation, _| {
            let model = learner.fit_model(train, validation, &Run::new(7).on_epoch(&wait))?;
            Ok(Box::new(model) as _)
        })
    })
    .unwrap();
    let mut swapped_at = None;
    for (index, candle) in feed.iter().enumerate() {
        let got = live.on_candle(candle).unwrap();
        let old = with_old.on_candle(candle).unwrap();
        let new = with_new.on_candle(candle).unwrap();
        assert!(got.prediction().is_some());
        assert_eq!(got, if swapped_at.is_some() { new } else { old });
        let _ = candles.send(index);
        // The second half of the feed waits for the new model.
        while index == feed.len() / 2 && swapped_at.is_none() {
            std::thread::yield_now();
            if retraining.is_finished() {
                break;
            }
        }
        if let Some(outcome) = retraining.try_swap(&mut live) {
            outcome.unwrap();
            swapped_at = Some(index);
        }
    }
    let swapped_at = swapped_at.unwrap();
    assert!((100..=feed.len() / 2).contains(&swapped_at), "{swapped_at}");
    assert_eq!(live.feed_stats(), with_new.feed_stats());
    assert_eq!(live.feed_stats().taken, series.len() as u64);
    assert!(retraining.try_swap(&mut live).is_none() && retraining.finish().is_none());
}

fn wait(retraining: &mut Retraining, predictor: &mut Predictor) -> Result<(), TrainError> {
    loop {
        if let Some(outcome) = retraining.try_swap(predictor) {
            return outcome;
        }
        std::thread::yield_now();
    }
}

#[test]
fn retraining_failure_keeps_old_model() {
    let series = market(MarketModel::AR1, 1_000, 1);
    let old: Arc<dyn FittedModel> = Arc::new(quick_v2(&series));
    let mut predictor = Predictor::new(Arc::clone(&old), Interval::HOUR).unwrap();
    let mut clean = Predictor::new(old, Interval::HOUR).unwrap();
    let mut both = |candles: &[Candle], retraining: Retraining, expected: &str| {
        let mut retraining = retraining;
        let error = wait(&mut retraining, &mut predictor).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        for candle in candles {
            assert_eq!(predictor.on_candle(candle).unwrap(), clean.on_candle(candle).unwrap());
        }
    };
    let candles = series.candles();
    let worse = || TrainError::Other("the new model is no better".into());
    both(&candles[..50], Retraining::start(move |_| Err(worse())).unwrap(), "no better");
    let panics = Retraining::start(|_| panic!("out of luck")).unwrap();
    both(&candles[50..100], panics, "training panicked: out of luck");
    let daily = MarketModel::AR1.candles("SIM".parse().unwrap(), Interval::DAY, 1_000, 1).unwrap();
    let daily = Retraining::start(move |_| Ok(Box::new(quick_v2(&daily)))).unwrap();
    both(&candles[100..150], daily, "fitted on 1d candles, the feed has 1h");
}

#[test]
fn retraining_drop_cancels_training() {
    let (stopped, receiver) = mpsc::channel();
    let retraining = Retraining::start(move |stop| {
        while stop.flow().is_continue() {
            std::thread::yield_now();
        }
        stopped.send(()).unwrap();
        Err(TrainError::Stopped { epoch: 1 })
    })
    .unwrap();
    assert!(!retraining.is_finished());
    drop(retraining);
    receiver.recv().unwrap();
}

#[test]
fn retraining_model_is_shared_by_predictors() {
    let series = market(MarketModel::AR1, 1_000, 1);
    let fresh = series.clone();
    let retraining = Retraining::start(move |_| Ok(Box::new(quick_v2(&fresh)))).unwrap();
    let model: Arc<dyn FittedModel> = Arc::from(retraining.finish().unwrap().unwrap());
    let old: Arc<dyn FittedModel> = Arc::new(quick_v32(&series));
    for _ in 0..3 {
        let mut predictor = Predictor::new(Arc::clone(&old), Interval::HOUR).unwrap();
        predictor.swap(Arc::clone(&model)).unwrap();
        assert_eq!(predictor.model().id().as_str(), "v2");
    }
}
