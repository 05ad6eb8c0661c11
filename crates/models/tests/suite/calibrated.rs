//! Calibration error and coverage on the simulated markets.
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
    training: usize,
    measure: impl FnOnce(&dyn FittedModel, &SampleSet) -> T,
) -> T {
    let series = market(kind, training + 10_002, 77);
    let tables = [table(&series)];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let at = |index: usize| series.close_time(index).unwrap();
    let split = Split::builder()
        .validate_from(at(training * 85 / 100))
        .test_from(at(training))
        .embargo(0)
        .build()
        .unwrap();
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let model = learner.fit(&train, &validation, &Run::new(1)).unwrap();
    let test = split.test(&samples);
    assert!(test.len() >= 10_000, "{}", test.len());
    measure(&*model, &test)
}

fn calibration_error(learner: &dyn Learner, kind: MarketModel, training: usize) -> f64 {
    on_later(learner, kind, training, |model, test| {
        Reliability::measure(model, test).unwrap().calibration_error().unwrap()
    })
}

#[test]
fn calibration_of_v32_is_within_two_points() {
    for kind in [MarketModel::MARTINGALE_GARCH, MarketModel::AR1, MarketModel::REGIME] {
        let error = calibration_error(&v32::learner(), kind, 20_000);
        assert!(error <= 0.02, "{}: {error}", kind.name());
    }
}

// Most candles of this market are unpredictable. Temperature and exponent cannot remove what the
// network has overfitted on them, so the calibration error stays at 2.5 to 4 points.
#[test]
fn calibration_of_v32_on_volume_lead_is_within_five_points() {
    let error = calibration_error(&v32::learner(), MarketModel::VOLUME_LEAD, 20_000);
    assert!(error <= 0.05, "{error}");
}

#[test]
fn calibration_of_learned_v2_is_within_two_points() {
    for kind in MarketModel::ALL {
        let error = calibration_error(&WeightedSignalsLearner::learned(), kind, 20_000);
        assert!(error <= 0.02, "{}: {error}", kind.name());
    }
}

// Control for the test above: v2 with manual weights is not calibrated.
#[test]
fn calibration_of_manual_v2_fails_on_reversing_market() {
    let reversing = MarketModel::Ar1 { phi: -0.25, sigma: 0.005 };
    let error = calibration_error(&WeightedSignalsLearner::default(), reversing, 3_000);
    assert!(error > 0.05, "{error}");
}

#[test]
fn selective_reaches_target_coverage_and_raises_accuracy() {
    let mut accuracies = Vec::new();
    for target in [1.0, 0.5, 0.2] {
        let learner = Selective::new(WeightedSignalsLearner::learned(), target);
        let (coverage, accuracy) = on_later(&learner, MarketModel::AR1, 12_000, |model, test| {
            let mut scratch = model.scratch();
            let (mut predictions, mut correct) = (0.0, 0.0);
            for sample in test.samples() {
                let direction = model.predict(test.window(sample), &mut scratch).unwrap().direction;
                if direction != windvane_candles::Direction::Neutral {
                    predictions += 1.0;
                    correct += f64::from(u8::from(direction == sample.label()));
                }
            }
            (predictions / test.len() as f64, correct / predictions)
        });
        assert!((coverage - target).abs() < 0.05, "{target}: {coverage}");
        accuracies.push(accuracy);
    }
    assert!(accuracies.is_sorted() && accuracies[2] > accuracies[0] + 0.04, "{accuracies:?}");
}
