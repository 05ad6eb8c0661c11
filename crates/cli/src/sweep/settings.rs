//! Settings of a sweep: every combination of inputs, lookback and label, with its learners.
use std::collections::BTreeMap;

use windvane::backtest::Plan;
use windvane::backtest::sweep::SweepSetting;
use windvane::catalog::ModelEntry;
use windvane::models::ModelId;
use windvane::models::network::{Encoder, NetworkConfig, NetworkLearner, SuccessiveHalving};
use windvane::models::train::{Learner, Renamed, TrainConfig};
use windvane::prelude::*;
use windvane::signals::{Lags, WalkForward};

use super::cost::FitCost;
use super::file::{Bracket, Recipe, SweepFile};
use super::plan_file::PlannedInputs;
use crate::Error;
use crate::calendar::months_before;
use crate::inputs::Inputs;

/// Number of walk-forward folds by default.
const FOLDS: u16 = 4;

/// Setting with the costs and descriptions of its models, by name.
pub(super) struct Setting {
    pub(super) sweep: SweepSetting,
    pub(super) costs: BTreeMap<String, FitCost>,
    pub(super) descriptions: BTreeMap<String, String>,
}

/// Creates all settings, in the order of the lists of the sweep.
pub(super) fn settings(sweep: &SweepFile, inputs: &[PlannedInputs]) -> Result<Vec<Setting>, Error> {
    let mut all = Vec::new();
    for one in inputs {
        for lookback in &sweep.lookbacks {
            for label in sweep.labels()? {
                all.push(setting(sweep, one, *lookback, label)?);
            }
        }
    }
    Ok(all)
}

fn setting(
    sweep: &SweepFile,
    inputs: &PlannedInputs,
    lookback: usize,
    labels: LabelSpec,
) -> Result<Setting, Error> {
    let name = format!("{}, {lookback} rows, {labels}", inputs.name);
    let Inputs { channels, always_open, lags } = inputs.inputs();
    let mut models = Models::new(lags.clone(), FitShape { lookback, channels: channels.len() });
    for model in &sweep.models {
        models.add(model.parse()?, &sweep.recipes);
    }
    for bracket in &sweep.brackets {
        models.add_bracket(bracket, &sweep.recipes_of(bracket))?;
    }
    let backtest = Backtest {
        channels,
        always_open,
        lags,
        lookback,
        labels,
        plan: plan(sweep)?,
        costs: sweep.costs.clone(),
        seed: sweep.seed,
        seeds: usize::from(sweep.seeds),
        ..Backtest::default()
    };
    let Models { learners, costs, descriptions, .. } = models;
    Ok(Setting { sweep: SweepSetting { name, backtest, learners }, costs, descriptions })
}

fn plan(sweep: &SweepFile) -> Result<Plan, Error> {
    if let Some(test_from) = sweep.test_from()? {
        let validate_from = months_before(test_from, 6);
        return Ok(Plan::Holdout { validate_from, test_from, embargo: 1 });
    }
    let folds = usize::from(sweep.folds.unwrap_or(FOLDS));
    Ok(Plan::WalkForward(WalkForward { folds, window: sweep.window, ..WalkForward::default() }))
}

/// Size of the windows of a setting.
#[derive(Debug, Clone, Copy)]
pub(super) struct FitShape {
    pub(super) lookback: usize,
    pub(super) channels: usize,
}

/// Learners of a setting.
struct Models {
    lags: Option<Lags>,
    shape: FitShape,
    learners: Vec<Box<dyn Learner>>,
    costs: BTreeMap<String, FitCost>,
    descriptions: BTreeMap<String, String>,
}

impl Models {
    fn new(lags: Option<Lags>, shape: FitShape) -> Self {
        let (costs, descriptions) = (BTreeMap::new(), BTreeMap::new());
        Self { lags, shape, learners: Vec::new(), costs, descriptions }
    }

    /// Adds a model with every recipe. Recipes that do not change the model are left out, so that no
    /// model counts twice.
    fn add(&mut self, entry: ModelEntry, recipes: &BTreeMap<String, Recipe>) {
        if recipes.is_empty() {
            return self.add_recipe(&entry, "", &Recipe::default());
        }
        let own = self.settings_of(&entry, &Recipe::default());
        if recipes.values().all(|recipe| self.settings_of(&entry, recipe) == own) {
            return self.add_recipe(&entry, "", &Recipe::default());
        }
        for (name, recipe) in recipes {
            self.add_recipe(&entry, name, recipe);
        }
    }

    /// Settings of a model with a recipe, which determine its fits.
    fn settings_of(&self, entry: &ModelEntry, recipe: &Recipe) -> Option<String> {
        entry.learner(&recipe.hyperparameters(self.lags.clone())).settings()
    }

    fn add_recipe(&mut self, entry: &ModelEntry, recipe_name: &str, recipe: &Recipe) {
        let hyperparameters = recipe.hyperparameters(self.lags.clone());
        let learner = entry.learner(&hyperparameters);
        if self.learners.iter().any(|other| other.settings() == learner.settings()) {
            return;
        }
        let (mut name, mut description) = (entry.name.to_string(), entry.method().to_string());
        if !recipe_name.is_empty() {
            name = format!("{name} {recipe_name}");
            description = format!("{description}, recipe {recipe_name}");
        }
        let epochs = hyperparameters.epochs;
        self.costs.insert(name.clone(), FitCost::of_model(entry, epochs, self.shape));
        self.descriptions.insert(name.clone(), description);
        self.learners.push(Box::new(Renamed::new(name, learner)));
    }

    fn add_bracket(&mut self, bracket: &Bracket, recipes: &[(&str, &Recipe)]) -> Result<(), Error> {
        let Bracket { name, model, first_epochs, .. } = bracket;
        let entry: ModelEntry = model.parse()?;
        let candidates: Vec<NetworkLearner> =
            recipes.iter().filter_map(|one| self.candidate(&entry, one)).collect();
        let halving = SuccessiveHalving::new(name, *first_epochs, candidates);
        let cost = FitCost::of_model(&entry, Some(halving.max_epochs()), self.shape);
        self.costs.insert(name.clone(), cost);
        let count = recipes.len();
        let text =
            format!("{}, chosen among {count} recipes by successive halving", entry.method());
        self.descriptions.insert(name.clone(), text);
        self.learners.push(Box::new(halving));
        Ok(())
    }

    /// Learner of a network with the hyperparameters of a recipe, named after it.
    fn candidate(
        &self,
        entry: &ModelEntry,
        (name, recipe): &(&str, &Recipe),
    ) -> Option<NetworkLearner> {
        let own = entry.network()?;
        let given = recipe.hyperparameters(None);
        let training = TrainConfig {
            epochs: given.epochs.unwrap_or(own.training.epochs),
            patience: given.patience.unwrap_or(own.training.patience),
            learning_rate: given.learning_rate.unwrap_or(own.training.learning_rate),
            batch: given.batch.unwrap_or(own.training.batch),
            ..own.training
        };
        let lags = self.lags.clone().filter(|_| own.config.encoder == Encoder::Flat);
        let config = NetworkConfig { lags, ..own.config };
        Some(NetworkLearner { id: ModelId::new(*name), config, training })
    }
}
