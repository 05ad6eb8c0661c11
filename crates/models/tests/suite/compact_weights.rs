//! Compact weights: effect on predictions; saved files are unchanged.
use windvane_candles::sample;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::{Network, NetworkLearner};
use windvane_models::train::{Run, TrainConfig};
use windvane_models::{DirectionModel, FittedModel, v3, v31, v32};
use windvane_signals::{Registry, SignalTable};

use crate::common::{market, table, with_parts};

/// Compares the predictions of a table's windows; returns their number, the number with another
/// direction, and the largest difference of a probability.
fn changes(exact: &Network, table: &SignalTable) -> (usize, usize, f32) {
    let compact = exact.clone().with_compact_weights();
    assert_eq!(exact.to_bytes().unwrap(), compact.to_bytes().unwrap());
    let (mut one, mut other) = (exact.scratch(), compact.scratch());
    let (mut count, mut changed, mut largest) = (0, 0, 0.0_f32);
    for window in (0..table.len()).filter_map(|row| table.window(row, exact.spec().lookback)) {
        let expected = exact.predict(window, &mut one).unwrap();
        let got = compact.predict(window, &mut other).unwrap();
        count += 1;
        changed += usize::from(got.direction != expected.direction);
        let classes = expected.probabilities.classes();
        for (got, expected) in got.probabilities.classes().iter().zip(classes) {
            largest = largest.max((got - expected).abs());
        }
    }
    (count, changed, largest)
}

fn two_epochs(learner: NetworkLearner) -> Network {
    let series = market(MarketModel::VOLUME_LEAD, 3_000, 3);
    let training = TrainConfig { epochs: 2, ..learner.training };
    let learner = NetworkLearner { training, ..learner };
    with_parts(&series, |train, validation, _| {
        learner.fit_model(train, validation, &Run::new(7)).unwrap()
    })
}

#[test]
fn compact_weights_change_probabilities_of_the_pretrained_model_by_less_than_a_thousandth() {
    let model = v32::pretrained();
    let series = sample::load("BTCUSDT").unwrap();
    let signals = &model.spec().signals;
    let table = SignalTable::build(signals, &Registry::default(), &series, &[]).unwrap();
    let (count, changed, largest) = changes(&model, &table);
    assert!(count > 17_000 && changed * 200 < count, "{changed} of {count}");
    assert!((1e-6..1e-3).contains(&largest), "{largest}");
}

#[test]
fn compact_weights_change_probabilities_of_v3_and_v31_by_less_than_a_thousandth() {
    let table = table(&market(MarketModel::VOLUME_LEAD, 3_000, 4));
    for learner in [v3::learner(), v31::learner()] {
        let model = two_epochs(learner);
        let (count, changed, largest) = changes(&model, &table);
        assert!(count > 2_900 && changed * 200 < count, "{changed} of {count}");
        assert!((1e-6..1e-3).contains(&largest), "{}: {largest}", model.id());
    }
}
