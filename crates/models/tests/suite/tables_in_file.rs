//! Fits on tables in a file: the same saved bytes as in memory.
use std::sync::Arc;

use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval};
use windvane_models::logistic::LogisticLearner;
use windvane_models::network::NetworkLearner;
use windvane_models::train::{Learner, Run, TrainConfig};
use windvane_models::trees::BoostedTreesLearner;
use windvane_models::v2::WeightedSignalsLearner;
use windvane_models::{
    AnomalyGate, FittedModel, PolicyConfig, TrainError, TrainingProfile, fit_policy, gru, mlp, v31,
    v32, v32_stateful,
};
use windvane_signals::{
    LabelSpec, Registry, SampleSet, SignalError, SignalSpec, SignalTable, Split, TableStore,
    TrainSet, ValidationSet,
};

use crate::common::small_v31;

fn series() -> [CandleSeries; 2] {
    [("A", 1), ("B", 2)].map(|(pair, seed)| {
        MarketModel::AR1.candles(pair.parse().unwrap(), Interval::HOUR, 1_200, seed).unwrap()
    })
}

/// Training and validation sets of tables in a store.
fn sets(store: &TableStore, series: &[CandleSeries]) -> (TrainSet, ValidationSet) {
    let spec = SignalSpec::default();
    let tables = SignalTable::build_all_in(store, &spec, &Registry::default(), series).unwrap();
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let split = Split::for_live(&samples, 0.25).unwrap();
    (split.train(&samples).unwrap(), split.validation(&samples).unwrap())
}

/// Learner of two epochs.
fn quick(learner: NetworkLearner) -> Arc<dyn Learner> {
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    Arc::new(NetworkLearner { training, ..learner })
}

fn learners() -> Vec<Arc<dyn Learner>> {
    let small = NetworkLearner { config: small_v31(8, 4, &[6]), ..v31::learner() };
    vec![
        Arc::new(WeightedSignalsLearner::default()),
        Arc::new(WeightedSignalsLearner::learned()),
        Arc::new(LogisticLearner::default()),
        quick(small),
        quick(v32::learner()),
        quick(v32_stateful::learner()),
        quick(gru::learner()),
        quick(mlp::learner()),
    ]
}

#[test]
fn fit_on_tables_in_a_file_saves_the_bytes_of_memory() {
    let series = series();
    let stores = [TableStore::memory(), TableStore::file(std::env::temp_dir()).unwrap()];
    let sets = stores.map(|store| sets(&store, &series));
    for learner in learners() {
        let id = learner.id().clone();
        assert!(learner.row_memory(6).is_some(), "{id}");
        let [memory, file] = sets.each_ref().map(|(train, validation)| {
            let model = learner.fit(train, validation, &Run::new(7)).unwrap();
            let policy = fit_policy(&*model, validation, PolicyConfig::every_candle()).unwrap();
            (model.to_bytes().unwrap(), policy)
        });
        assert!(memory == file, "{id}");
    }
    let [memory, file] = sets.each_ref().map(|(train, _)| {
        let gate = AnomalyGate::fit(train, &series, 1).unwrap();
        TrainingProfile::fit(train, 100).unwrap().with_anomaly_gate(gate)
    });
    assert_eq!(memory, file);
}

#[test]
fn fit_of_trees_on_tables_in_a_file_is_refused() {
    let (train, validation) = sets(&TableStore::file(std::env::temp_dir()).unwrap(), &series());
    let learner = BoostedTreesLearner::default();
    assert_eq!(learner.row_memory(6), None);
    let error = learner.fit(&train, &validation, &Run::new(1)).unwrap_err();
    assert!(matches!(error, TrainError::Signal(SignalError::InFile { .. })), "{error}");
}

/// The sets of a fit need not be of one collection: each is read from its own tables.
#[test]
fn logistic_regression_reads_each_set_from_its_own_tables() {
    let series = series();
    let store = TableStore::memory();
    let fit = |train: &TrainSet, validation: &ValidationSet| {
        let fitted = LogisticLearner::default().fit_model(train, validation, &Run::new(1));
        fitted.unwrap().to_bytes().unwrap()
    };
    let (train, validation) = sets(&store, &series);
    let (_, again) = sets(&store, &series);
    assert_eq!(fit(&train, &validation), fit(&train, &again));
    let (_, of_second) = sets(&store, &series[1..]);
    assert_ne!(fit(&train, &of_second), fit(&train, &validation));
}
