//! Simulated markets, splits and fitted models for tests.
use std::sync::Arc;

use windvane_candles::simulate::MarketModel;
use windvane_candles::{CandleSeries, Interval};
use windvane_models::FittedModel;
use windvane_models::logistic::{LogisticLearner, LogisticRegression};
use windvane_models::network::{Encoder, Network, NetworkConfig, NetworkLearner, Pooling};
use windvane_models::train::{Run, TrainConfig};
use windvane_models::trees::{BoostedTrees, BoostedTreesLearner};
use windvane_models::v2::{WeightedSignals, WeightedSignalsLearner};
use windvane_models::{gru, gru_stateful, mlp, tcn, transformer, v3, v31, v32, v32_stateful};
use windvane_signals::{
    LabelSpec, Lags, Registry, SampleSet, SignalSpec, SignalTable, Split, TrainSet, ValidationSet,
};

pub(crate) fn market(market: MarketModel, candles: usize, seed: u64) -> CandleSeries {
    market.candles("SIM".parse().unwrap(), Interval::HOUR, candles, seed).unwrap()
}

pub(crate) fn table(series: &CandleSeries) -> SignalTable {
    SignalTable::build(&SignalSpec::default(), &Registry::default(), series, &[]).unwrap()
}

/// Split with the first two thirds for training and validation (their last 15 %), and the rest for
/// the test.
pub(crate) fn split(series: &CandleSeries) -> Split {
    let at = |share: f64| series.close_time((series.len() as f64 * share) as usize).unwrap();
    Split::builder().validate_from(at(0.57)).test_from(at(0.67)).embargo(0).build().unwrap()
}

pub(crate) fn with_parts<T>(
    series: &CandleSeries,
    run: impl FnOnce(&TrainSet, &ValidationSet, &SampleSet) -> T,
) -> T {
    let tables = [table(series)];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default()).unwrap();
    let split = split(series);
    let train = split.train(&samples).unwrap();
    let validation = split.validation(&samples).unwrap();
    run(&train, &validation, &split.test(&samples))
}

/// A v3.2 fitted for two epochs, for tests that do not depend on its accuracy.
pub(crate) fn quick_v32(series: &CandleSeries) -> Network {
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    let learner = NetworkLearner { training, ..v32::learner() };
    with_parts(series, |train, validation, _| {
        learner.fit_model(train, validation, &Run::new(7)).unwrap()
    })
}

pub(crate) fn quick_v3(series: &CandleSeries) -> Network {
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    let learner = NetworkLearner { config: v3::config().with_units(12), training, ..v3::learner() };
    with_parts(series, |train, validation, _| {
        learner.fit_model(train, validation, &Run::new(7)).unwrap()
    })
}

/// The layers of v3.1 with other sizes.
pub(crate) fn small_v31(units: usize, attention: usize, dense: &[usize]) -> NetworkConfig {
    let (pooling, dense) = (Pooling::Attention { units: attention }, dense.to_vec());
    NetworkConfig { pooling, dense, ..v31::config().with_units(units) }
}

pub(crate) fn quick_v31(series: &CandleSeries) -> Network {
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    let learner = NetworkLearner { config: small_v31(12, 6, &[8, 5]), training, ..v31::learner() };
    with_parts(series, |train, validation, _| {
        learner.fit_model(train, validation, &Run::new(7)).unwrap()
    })
}

pub(crate) fn quick_stateful(series: &CandleSeries) -> Network {
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    let learner = NetworkLearner {
        config: v32_stateful::config().with_units(12),
        training,
        ..v32_stateful::learner()
    };
    with_parts(series, |train, validation, _| {
        learner.fit_model(train, validation, &Run::new(7)).unwrap()
    })
}

/// A network that is not a preset: a unidirectional LSTM with attention.
pub(crate) fn quick_network(series: &CandleSeries) -> Network {
    let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
    let (pooling, dense) = (Pooling::Attention { units: 6 }, vec![8]);
    let config = NetworkConfig { pooling, dense, ..v32::config().with_units(12) };
    let learner = NetworkLearner { training, ..NetworkLearner::new(config) };
    with_parts(series, |train, validation, _| {
        learner.fit_model(train, validation, &Run::new(7)).unwrap()
    })
}

/// Small networks of the presets `gru`, `tcn`, `transformer`, `mlp` (on lags) and `gru-stateful`.
fn quick_encoders(series: &CandleSeries) -> [Network; 5] {
    let encoder = Encoder::Transformer { size: 8, heads: 2, feed_forward: 8, layers: 1 };
    let learners = [
        NetworkLearner { config: gru::config().with_units(12), ..gru::learner() },
        NetworkLearner {
            config: NetworkConfig::new(Encoder::Tcn { channels: 8, blocks: 2 }),
            ..tcn::learner()
        },
        NetworkLearner {
            config: NetworkConfig { encoder, ..transformer::config() },
            ..transformer::learner()
        },
        small_mlp(Some(Lags::newest().with("momentum", 1..=3).with("rsi", [7]))),
        NetworkLearner { config: gru_stateful::config().with_units(12), ..gru_stateful::learner() },
    ];
    learners.map(|learner| {
        let training = TrainConfig { epochs: 2, ..TrainConfig::default() };
        with_parts(series, |train, validation, _| {
            let learner = NetworkLearner { training, ..learner };
            learner.fit_model(train, validation, &Run::new(7)).unwrap()
        })
    })
}

/// Learner of a small MLP.
pub(crate) fn small_mlp(lags: Option<Lags>) -> NetworkLearner {
    let config = NetworkConfig { dense: vec![8, 5], lags, ..mlp::config() };
    NetworkLearner { config, ..mlp::learner() }
}

/// One model of each kind and preset, fitted on an autocorrelated market.
pub(crate) fn models() -> [Arc<dyn FittedModel>; 13] {
    let series = market(MarketModel::AR1, 2_000, 1);
    let [gru, tcn, transformer, mlp, gru_stateful] = quick_encoders(&series);
    [
        Arc::new(quick_v2(&series)),
        Arc::new(quick_v32(&series)),
        Arc::new(quick_stateful(&series)),
        Arc::new(quick_v3(&series)),
        Arc::new(quick_v31(&series)),
        Arc::new(quick_network(&series)),
        Arc::new(quick_logistic(&series)),
        Arc::new(gru),
        Arc::new(tcn),
        Arc::new(transformer),
        Arc::new(mlp),
        Arc::new(gru_stateful),
        Arc::new(quick_trees(&series)),
    ]
}

pub(crate) fn quick_logistic(series: &CandleSeries) -> LogisticRegression {
    with_parts(series, |train, validation, _| {
        LogisticLearner::default().fit_model(train, validation, &Run::new(7)).unwrap()
    })
}

/// Eight small trees.
pub(crate) fn quick_trees(series: &CandleSeries) -> BoostedTrees {
    let learner = BoostedTreesLearner { rounds: 8, leaves: 7, ..BoostedTreesLearner::default() };
    with_parts(series, |train, validation, _| {
        learner.fit_model(train, validation, &Run::new(7)).unwrap()
    })
}

pub(crate) fn quick_v2(series: &CandleSeries) -> WeightedSignals {
    with_parts(series, |train, validation, _| {
        WeightedSignalsLearner::default().fit_model(train, validation, &Run::new(7)).unwrap()
    })
}

/// Names of the first saved files of format 1, one per kind and configuration: every file of
/// `tests/data`.
pub(crate) fn first_files() -> Vec<String> {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let files = std::fs::read_dir(data).unwrap().map(|file| file.unwrap().file_name());
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.to_str()?.strip_suffix(".format1.safetensors")?.to_string()))
        .collect();
    names.sort();
    names
}
