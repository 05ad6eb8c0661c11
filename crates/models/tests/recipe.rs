//! The recipe of a learner: equal text for equal settings, and another text for any other setting.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use std::collections::BTreeSet;

use windvane_models::logistic::LogisticLearner;
use windvane_models::network::{Encoder, NetworkConfig, NetworkLearner, Pooling};
use windvane_models::train::{Clip, Fitted, Init, Learner, Optimizer, Recipe, Schedule, Selective};
use windvane_models::v2::{WeightedSignalsLearner, Weights};
use windvane_models::{ModelId, v32};

/// The next number: the smallest change of a setting.
fn next(number: f64) -> f64 {
    number.next_up()
}

/// Recipes that differ from `base` in one setting each.
fn other_recipes(base: Recipe) -> Vec<Recipe> {
    // A new field does not compile here before it is changed below.
    let Recipe {
        optimizer: _,
        learning_rate,
        schedule: _,
        batch,
        clip: _,
        init: _,
        forget_bias,
        class_shares,
        epochs,
        patience,
    } = base;
    let mut recipes = vec![
        Recipe { learning_rate: next(learning_rate), ..base },
        Recipe { batch: batch + 1, ..base },
        Recipe { init: Init::HeNormal, ..base },
        Recipe { init: Init::HeUniform, ..base },
        Recipe { init: Init::Torch, ..base },
        Recipe { forget_bias: next(forget_bias), ..base },
        Recipe { class_shares: !class_shares, ..base },
        Recipe { epochs: epochs + 1, ..base },
        Recipe { patience: patience + 1, ..base },
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
    recipes.extend(optimizers.map(|optimizer| Recipe { optimizer, ..base }));
    let schedules = [
        Schedule::Constant,
        Schedule::ExponentialDecay { rate: 0.95, every: 1.0 },
        Schedule::ExponentialDecay { rate: next(0.95), every: 1.0 },
        Schedule::ExponentialDecay { rate: 0.95, every: next(1.0) },
        Schedule::Cosine { rise: next(1.0), length: 12.0, floor: 0.02 },
        Schedule::Cosine { rise: 1.0, length: next(12.0), floor: 0.02 },
        Schedule::Cosine { rise: 1.0, length: 12.0, floor: next(0.02) },
    ];
    recipes.extend(schedules.map(|schedule| Recipe { schedule, ..base }));
    let clips = [Clip::Value(1.0), Clip::Value(next(1.0)), Clip::GlobalNorm(next(1.0))];
    recipes.extend(clips.map(|clip| Recipe { clip, ..base }));
    recipes
}

/// Configurations that differ from `base` in one setting each.
fn other_configs(base: &NetworkConfig) -> Vec<NetworkConfig> {
    let NetworkConfig { encoder, pooling: _, dense: _, dropout, stateful } = base;
    let units = encoder.units();
    vec![
        base.clone().with_units(units + 1),
        NetworkConfig { encoder: Encoder::Lstm { units, bidirectional: true }, ..base.clone() },
        NetworkConfig { pooling: Pooling::Attention { units: 8 }, ..base.clone() },
        NetworkConfig { pooling: Pooling::Attention { units: 9 }, ..base.clone() },
        NetworkConfig { dense: vec![8], ..base.clone() },
        NetworkConfig { dense: vec![9], ..base.clone() },
        NetworkConfig { dense: vec![8, 8], ..base.clone() },
        NetworkConfig { dropout: next(*dropout), ..base.clone() },
        NetworkConfig { stateful: !stateful, ..base.clone() },
    ]
}

/// Confirms that every learner has a recipe of its own.
fn assert_distinct(learners: &[Box<dyn Learner>]) {
    let mut texts = BTreeSet::new();
    for learner in learners {
        let text = learner.recipe().unwrap();
        assert_eq!(learner.recipe(), Some(text.clone()));
        assert!(texts.insert(text.clone()), "two learners share {text}");
    }
}

#[test]
fn recipe_changes_with_every_setting_of_a_network() {
    let base = v32::learner();
    let NetworkLearner { id: _, config, recipe } = base.clone();
    let mut learners: Vec<Box<dyn Learner>> = vec![
        Box::new(base.clone()),
        Box::new(NetworkLearner { id: ModelId::new("other"), ..base.clone() }),
    ];
    for recipe in other_recipes(recipe) {
        learners.push(Box::new(NetworkLearner { recipe, ..base.clone() }));
    }
    for config in other_configs(&config) {
        learners.push(Box::new(NetworkLearner { config, ..base.clone() }));
    }
    assert_distinct(&learners);
    assert_eq!(base.recipe(), v32::learner().recipe());
}

#[test]
fn recipe_changes_with_every_setting_of_other_learners() {
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
        Box::new(LogisticLearner { id: ModelId::new("v2") }),
        Box::new(Fitted::new(v32::pretrained())),
        Box::new(Selective::new(base.clone(), 0.3)),
        Box::new(Selective::new(base, 0.3_f64.next_up())),
        Box::new(Selective::new(LogisticLearner::default(), 0.3)),
    ]);
}

#[test]
fn recipe_with_an_infinite_optimizer_setting_is_rejected() {
    let endless = Optimizer::Sgd { momentum: f64::INFINITY };
    let error = Recipe { optimizer: endless, ..Recipe::default() }.check().unwrap_err();
    assert_eq!((error.setting, error.expected), ("momentum", "finite"));
}
