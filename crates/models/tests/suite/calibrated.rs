//! Probabilities mean what they say: calibration error on the simulated markets.
use crate::common;

use common::{market, table};
use windvane_candles::simulate::MarketModel;
use windvane_models::train::{Learner, Run, Selective};
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::v32;
use windvane_models::{FittedModel, Reliability};
use windvane_signals::{LabelSpec, SampleSet, Split};

/// Fits on the first candles and calls `measure` with the model and the 10,000 windows after them.
fn on_later<T>(
    learner: &dyn Learner,
    kind: MarketModel,
    learn: usize,
    measure: impl FnOnce(&dyn FittedModel, &SampleSet) -> T,
) -> T {
    let series = market(kind, learn + 10_002, 77);
    let tables = [table(&series)];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let at = |index: usize| series.close_time(index).unwrap();
    let split = Split::builder()
        .validate_from(at(learn * 85 / 100))
        .test_from(at(learn))
        .embargo(0)
        .build()
        .unwrap();
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let model = learner.fit(&train, &validation, &Run::new(1)).unwrap();
    let test = split.test(&samples);
    assert!(test.len() >= 10_000, "{}", test.len());
    measure(&*model, &test)
}

fn calibration_error(learner: &dyn Learner, kind: MarketModel, learn: usize) -> f64 {
    on_later(learner, kind, learn, |model, test| {
        Reliability::of_model(model, test).unwrap().calibration_error().unwrap()
    })
}

#[test]
fn v32_is_off_by_at_most_two_points() {
    for kind in [MarketModel::MARTINGALE_GARCH, MarketModel::AR1, MarketModel::REGIME] {
        let error = calibration_error(&v32::learner(), kind, 20_000);
        assert!(error <= 0.02, "{}: {error}", kind.name());
    }
}

// Most of its candles are a coin, and what the network has not unlearned of them is no matter of
// scale: two numbers do not put it right. It is as good as its training there, 2.5 to 4 points.
#[test]
fn v32_is_off_by_less_than_five_points_where_volume_leads() {
    let error = calibration_error(&v32::learner(), MarketModel::VOLUME_LEAD, 20_000);
    assert!(error <= 0.05, "{error}");
}

#[test]
fn learned_v2_is_off_by_at_most_two_points_on_every_market() {
    for kind in MarketModel::ALL {
        let error = calibration_error(&WeightedSignalsLearner::learned(), kind, 20_000);
        assert!(error <= 0.02, "{}: {error}", kind.name());
    }
}

// The test above can fail: by hand v2 is not calibrated.
#[test]
fn v2_by_hand_is_off_where_the_market_turns() {
    let turns = MarketModel::Ar1 { phi: -0.25, sigma: 0.005 };
    let error = calibration_error(&WeightedSignalsLearner::default(), turns, 3_000);
    assert!(error > 0.05, "{error}");
}

#[test]
fn a_wished_coverage_comes_out_on_later_candles_and_the_surest_are_right_more_often() {
    let mut accuracies = Vec::new();
    for wish in [1.0, 0.5, 0.2] {
        let learner = Selective::new(WeightedSignalsLearner::learned(), wish);
        let (coverage, accuracy) = on_later(&learner, MarketModel::AR1, 12_000, |model, test| {
            let mut scratch = model.scratch();
            let (mut calls, mut hits) = (0.0, 0.0);
            for sample in test.samples() {
                let called = model.predict(test.window(sample), &mut scratch).unwrap().direction;
                if called != windvane_candles::Direction::Neutral {
                    calls += 1.0;
                    hits += f64::from(u8::from(called == sample.label));
                }
            }
            (calls / test.len() as f64, hits / calls)
        });
        assert!((coverage - wish).abs() < 0.05, "{wish}: {coverage}");
        accuracies.push(accuracy);
    }
    assert!(accuracies.is_sorted() && accuracies[2] > accuracies[0] + 0.04, "{accuracies:?}");
}
