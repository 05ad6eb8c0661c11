//! Settings text of learners: the same for equal settings, different for any changed setting.
use std::collections::BTreeSet;

use windvane_models::logistic::LogisticLearner;
use windvane_models::network::{Encoder, NetworkConfig, NetworkLearner, Pooling};
use windvane_models::train::{
    Clip, Fitted, Init, Learner, Optimizer, Schedule, Selective, TrainConfig,
};
use windvane_models::v2::{WeightedSignalsLearner, Weights};
use windvane_models::{ModelId, v32};
use windvane_signals::Lags;

/// Next larger number, the smallest change of a setting.
fn next(number: f64) -> f64 {
    number.next_up()
}

/// Configurations that differ from `base` in one setting each.
fn other_trainings(base: TrainConfig) -> Vec<TrainConfig> {
    // A new field is a compile error here until it is added below.
    let TrainConfig {
        optimizer: _,
        learning_rate,
        schedule: _,
        batch,
        clip: _,
        init: _,
        forget_bias,
        class_priors,
        epochs,
        patience,
    } = base;
    let mut trainings = vec![
        TrainConfig { learning_rate: next(learning_rate), ..base },
        TrainConfig { batch: batch + 1, ..base },
        TrainConfig { init: Init::HeNormal, ..base },
        TrainConfig { init: Init::HeUniform, ..base },
        TrainConfig { init: Init::Torch, ..base },
        TrainConfig { forget_bias: next(forget_bias), ..base },
        TrainConfig { class_priors: !class_priors, ..base },
        TrainConfig { epochs: epochs + 1, ..base },
        TrainConfig { patience: patience + 1, ..base },
    ];
    let adam = |beta1, beta2, epsilon, weight_decay| Optimizer::AdamW {
        beta1,
        beta2,
        epsilon,
        weight_decay,
    };
    let optimizers = [
        Optimizer::Sgd { momentum: 0.9 },
        Optimizer::Sgd { momentum: next(0.9) },
        adam(next(0.9), 0.999, 1e-8, 0.3),
        adam(0.9, next(0.999), 1e-8, 0.3),
        adam(0.9, 0.999, next(1e-8), 0.3),
        adam(0.9, 0.999, 1e-8, next(0.3)),
    ];
    trainings.extend(optimizers.map(|optimizer| TrainConfig { optimizer, ..base }));
    let schedules = [
        Schedule::Constant,
        Schedule::ExponentialDecay { rate: 0.95, every: 1.0 },
        Schedule::ExponentialDecay { rate: next(0.95), every: 1.0 },
        Schedule::ExponentialDecay { rate: 0.95, every: next(1.0) },
        Schedule::Cosine { warm_up_epochs: next(1.0), length: 12.0, floor: 0.02 },
        Schedule::Cosine { warm_up_epochs: 1.0, length: next(12.0), floor: 0.02 },
        Schedule::Cosine { warm_up_epochs: 1.0, length: 12.0, floor: next(0.02) },
    ];
    trainings.extend(schedules.map(|schedule| TrainConfig { schedule, ..base }));
    let clips = [Clip::Value(1.0), Clip::Value(next(1.0)), Clip::GlobalNorm(next(1.0))];
    trainings.extend(clips.map(|clip| TrainConfig { clip, ..base }));
    trainings
}

/// Configurations that differ from `base` in one setting each.
fn other_configs(base: &NetworkConfig) -> Vec<NetworkConfig> {
    let NetworkConfig { encoder, pooling: _, dense: _, dropout, stateful, lags: _ } = base;
    let units = encoder.units();
    vec![
        base.clone().with_units(units + 1),
        NetworkConfig { encoder: Encoder::Lstm { units, bidirectional: true }, ..base.clone() },
        NetworkConfig { encoder: Encoder::Gru { units, bidirectional: false }, ..base.clone() },
        NetworkConfig { encoder: Encoder::Gru { units, bidirectional: true }, ..base.clone() },
        NetworkConfig { encoder: Encoder::Tcn { channels: units, blocks: 2 }, ..base.clone() },
        NetworkConfig { encoder: Encoder::Tcn { channels: units, blocks: 3 }, ..base.clone() },
        NetworkConfig { encoder: transformer(units, 1), ..base.clone() },
        NetworkConfig { encoder: transformer(units, 2), ..base.clone() },
        NetworkConfig { pooling: Pooling::Mean, ..base.clone() },
        NetworkConfig { pooling: Pooling::Attention { units: 8 }, ..base.clone() },
        NetworkConfig { pooling: Pooling::Attention { units: 9 }, ..base.clone() },
        NetworkConfig { dense: vec![8], ..base.clone() },
        NetworkConfig { dense: vec![9], ..base.clone() },
        NetworkConfig { dense: vec![8, 8], ..base.clone() },
        NetworkConfig { dropout: next(*dropout), ..base.clone() },
        NetworkConfig { stateful: !stateful, ..base.clone() },
        NetworkConfig { encoder: Encoder::Flat, ..base.clone() },
        NetworkConfig { lags: Some(Lags::newest()), ..base.clone() },
        NetworkConfig { lags: Some(Lags::newest().with("rsi", [1])), ..base.clone() },
    ]
}

fn transformer(size: usize, layers: usize) -> Encoder {
    Encoder::Transformer { size, heads: 1, feed_forward: 8, layers }
}

/// Checks that all learners have different settings texts.
fn assert_distinct(learners: &[Box<dyn Learner>]) {
    let mut texts = BTreeSet::new();
    for learner in learners {
        let text = learner.settings().unwrap();
        assert_eq!(learner.settings(), Some(text.clone()));
        assert!(texts.insert(text.clone()), "two learners share {text}");
    }
}

#[test]
fn settings_text_changes_with_every_network_setting() {
    let base = v32::learner();
    let NetworkLearner { id: _, config, training } = base.clone();
    let mut learners: Vec<Box<dyn Learner>> = vec![
        Box::new(base.clone()),
        Box::new(NetworkLearner { id: ModelId::new("other"), ..base.clone() }),
    ];
    for training in other_trainings(training) {
        learners.push(Box::new(NetworkLearner { training, ..base.clone() }));
    }
    for config in other_configs(&config) {
        learners.push(Box::new(NetworkLearner { config, ..base.clone() }));
    }
    assert_distinct(&learners);
    assert_eq!(base.settings(), v32::learner().settings());
}

#[test]
fn settings_text_changes_with_every_learner_setting() {
    let base = WeightedSignalsLearner::default();
    let given = |weight| WeightedSignalsLearner {
        weights: Weights::Given(vec![weight; 6]),
        ..WeightedSignalsLearner::default()
    };
    assert_distinct(&[
        Box::new(base.clone()),
        Box::new(WeightedSignalsLearner { id: ModelId::new("other"), ..base.clone() }),
        Box::new(WeightedSignalsLearner { weights: Weights::Learned, ..base.clone() }),
        Box::new(given(0.1)),
        Box::new(given(0.1_f32.next_up())),
        Box::new(LogisticLearner::default()),
        Box::new(LogisticLearner { id: ModelId::new("v2"), ..LogisticLearner::default() }),
        Box::new(Fitted::new(v32::pretrained())),
        Box::new(Selective::new(base.clone(), 0.3)),
        Box::new(Selective::new(base, 0.3_f64.next_up())),
        Box::new(Selective::new(LogisticLearner::default(), 0.3)),
    ]);
}

#[test]
fn train_config_rejects_infinite_optimizer_setting() {
    let endless = Optimizer::Sgd { momentum: f64::INFINITY };
    let error =
        TrainConfig { optimizer: endless, ..TrainConfig::default() }.validate().unwrap_err();
    assert_eq!((error.setting, error.expected), ("momentum", "finite"));
}
