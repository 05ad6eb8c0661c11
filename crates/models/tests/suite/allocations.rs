//! Allocations of predictions: none after the working memory is created.
use windvane_candles::simulate::MarketModel;
use windvane_lstm_core::{
    GruShape, GruState, PackedGru, PackedTcn, PackedTransformer, TcnShape, TransformerShape,
};
use windvane_models::gru;
use windvane_models::network::{NetworkConfig, NetworkLearner};
use windvane_models::train::{Run, TrainConfig};
use windvane_models::trees::BoostedTreesLearner;
use windvane_models::{DirectionModel, FittedModel, StatefulModel};

use crate::common::{market, models, with_parts};

/// Number of allocations of a function.
fn allocations(run: impl FnOnce()) -> u64 {
    allocation_counter::measure(run).count_total
}

fn parameters(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i as f32).sin() / 3.0).collect()
}

#[test]
fn predict_allocates_nothing_for_every_model() {
    let series = market(MarketModel::AR1, 600, 2);
    with_parts(&series, |_, _, test| {
        for model in models() {
            let mut scratch = model.scratch();
            let count = allocations(|| {
                for sample in test.samples() {
                    model.predict(test.window(sample), &mut scratch).unwrap();
                }
            });
            assert_eq!(count, 0, "{}", model.id());
        }
    });
}

#[test]
fn trees_with_many_leaves_allocate_nothing() {
    let series = market(MarketModel::AR1, 2_000, 2);
    with_parts(&series, |train, validation, test| {
        // More than 32 leaves are visited node by node.
        let learner = BoostedTreesLearner {
            rounds: 5,
            leaves: 63,
            min_leaf_rows: Some(2),
            ..BoostedTreesLearner::default()
        };
        let model = learner.fit_model(train, validation, &Run::new(1)).unwrap();
        let mut scratch = model.scratch();
        let count = allocations(|| {
            for sample in test.samples() {
                model.predict(test.window(sample), &mut scratch).unwrap();
            }
        });
        assert_eq!(count, 0);
    });
}

#[test]
fn stateful_gru_allocates_nothing_per_row() {
    let series = market(MarketModel::AR1, 1_500, 2);
    let config = NetworkConfig { stateful: true, ..gru::config().with_units(12) };
    let training = TrainConfig { epochs: 1, ..TrainConfig::default() };
    let learner = NetworkLearner { config, training, ..gru::learner() };
    with_parts(&series, |train, validation, test| {
        let model = learner.fit_model(train, validation, &Run::new(1)).unwrap();
        let model: &dyn StatefulModel = model.stateful().unwrap();
        let (mut state, mut scratch) = (vec![0.0; model.state_len()], model.scratch());
        assert!(!state.is_empty());
        let count = allocations(|| {
            for sample in test.samples() {
                let window = test.window(sample);
                let row = window.row(window.steps() - 1);
                model.update_state(row, &mut state, &mut scratch).unwrap();
                model.predict_with_state(window, &state, &mut scratch).unwrap();
            }
        });
        assert_eq!(count, 0);
    });
}

#[test]
fn packed_encoders_allocate_nothing_after_construction() {
    let (inputs, steps) = (6, 20);
    let window = parameters(inputs * steps);
    let shape = GruShape::new(inputs, 8, false).unwrap();
    let gru = PackedGru::new(shape, &parameters(shape.len())).unwrap();
    let (mut state, mut scratch) = (GruState::zeros(8), gru.scratch());
    let mut out = vec![0.0; 8 * steps];
    let count = allocations(|| {
        for row in window.chunks(inputs) {
            gru.step(row, &mut state, &mut scratch).unwrap();
        }
        gru.last_hidden(&window, &mut scratch).unwrap();
        gru.sequence(&window, &mut out, &mut scratch).unwrap();
        state.reset();
    });
    assert_eq!(count, 0, "GRU");

    let shape = TcnShape::new(inputs, 8, 2).unwrap();
    let tcn = PackedTcn::new(&shape, &parameters(shape.len())).unwrap();
    let mut scratch = tcn.scratch(steps);
    let count = allocations(|| {
        tcn.last_hidden(&window, &mut scratch).unwrap();
        tcn.sequence(&window, &mut out, &mut scratch).unwrap();
    });
    assert_eq!(count, 0, "TCN");

    let shape = TransformerShape::new(inputs, 8, 2, 8, 2).unwrap();
    let transformer = PackedTransformer::new(shape, &parameters(shape.len())).unwrap();
    let mut scratch = transformer.scratch(steps);
    let count = allocations(|| transformer.sequence(&window, &mut out, &mut scratch).unwrap());
    assert_eq!(count, 0, "transformer");
}
