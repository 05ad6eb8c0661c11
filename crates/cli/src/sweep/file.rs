//! Sweep file: data, test dates, and the lists of models and settings to compare.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::prelude::*;
use windvane::signals::Lags;

use crate::Error;

/// Content of a sweep file, in TOML; a plan contains it as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SweepFile {
    /// File or folder of candles, relative to the folder of the sweep file or the plan; the embedded
    /// sample without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<PathBuf>,
    /// Instruments for the test only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) test_data: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interval: Option<String>,
    /// Number of candles per instrument, the last ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_candles: Option<usize>,
    /// Names of models, each fitted with every recipe.
    #[serde(default)]
    pub(super) models: Vec<String>,
    /// Sets of channels or TOML files, as for the option --inputs.
    #[serde(default = "default_inputs")]
    pub(super) inputs: Vec<String>,
    /// Leader of the set market.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) leader: Option<String>,
    #[serde(default = "default_lookbacks")]
    pub(super) lookbacks: Vec<usize>,
    #[serde(default = "default_labels")]
    pub(super) labels: Vec<String>,
    #[serde(default = "default_seed")]
    pub(super) seed: u64,
    #[serde(default = "default_seeds")]
    pub(super) seeds: u16,
    /// Number of walk-forward folds; 4 without it and without a start of the test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) folds: Option<u16>,
    /// Length of the training period in candles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<u32>,
    /// Start of the test period, with validation in the six months before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) test_from: Option<String>,
    #[serde(default = "default_costs")]
    pub(super) costs: Vec<f64>,
    /// Minimum estimated seconds of a bundle.
    #[serde(default = "default_bundle_seconds")]
    pub(super) bundle_seconds: f64,
    #[serde(default)]
    pub(super) recipes: BTreeMap<String, Recipe>,
    #[serde(default)]
    pub(super) brackets: Vec<Bracket>,
}

/// Hyperparameters that replace those of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Recipe {
    #[serde(skip_serializing_if = "Option::is_none")]
    epochs: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patience: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<usize>,
}

/// Choice among recipes of one network by successive halving, inside each task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bracket {
    pub(super) name: String,
    pub(super) model: String,
    /// Number of epochs of the first round.
    pub(super) first_epochs: usize,
    /// Names of recipes; all of them without it.
    #[serde(default)]
    pub(super) recipes: Vec<String>,
}

fn default_inputs() -> Vec<String> {
    vec!["six".to_string()]
}

fn default_lookbacks() -> Vec<usize> {
    vec![20]
}

fn default_labels() -> Vec<String> {
    vec!["next".to_string()]
}

fn default_seed() -> u64 {
    42
}

fn default_seeds() -> u16 {
    1
}

fn default_costs() -> Vec<f64> {
    vec![2.0, 5.0, 10.0]
}

fn default_bundle_seconds() -> f64 {
    30.0
}

impl Recipe {
    /// Hyperparameters of a learner that reads the given lags.
    pub(super) fn hyperparameters(&self, lags: Option<Lags>) -> Hyperparameters {
        let Self { epochs, patience, learning_rate, batch } = *self;
        Hyperparameters { epochs, patience, learning_rate, batch, lags, seeds: None }
    }
}

impl SweepFile {
    /// Reads a sweep file.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, with line and column, and invalid settings.
    pub(super) fn read(file: &Path) -> Result<Self, Error> {
        let named = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
        let sweep: Self = toml::from_str(&text).map_err(|error| named(&error))?;
        sweep.validate().map_err(|error| named(&error))?;
        Ok(sweep)
    }

    /// Checks everything that does not depend on the candles.
    pub(super) fn validate(&self) -> Result<(), Error> {
        if self.models.is_empty() && self.brackets.is_empty() {
            return Err("no models; list them, such as models = [\"v2-learned\", \"v32\"]".into());
        }
        let lists = [
            ("inputs", self.inputs.len()),
            ("lookbacks", self.lookbacks.len()),
            ("labels", self.labels.len()),
        ];
        if let Some((name, _)) = lists.iter().find(|(_, len)| *len == 0) {
            return Err(format!("{name} is empty; list at least one value, or remove it").into());
        }
        if self.seeds == 0 || self.folds == Some(0) || self.last_candles == Some(0) {
            return Err("seeds, folds and last-candles must be at least 1".into());
        }
        if !(0.0..=1e6).contains(&self.bundle_seconds) {
            return Err("bundle-seconds must be from 0 to 1000000".into());
        }
        if self.test_from.is_some() && (self.folds.is_some() || self.window.is_some()) {
            return Err("test-from excludes folds and window; remove one of them".into());
        }
        for name in &self.models {
            name.parse::<ModelEntry>()?;
        }
        self.test_from()?;
        self.interval()?;
        self.labels()?;
        self.brackets.iter().try_for_each(|bracket| self.validate_bracket(bracket))
    }

    fn validate_bracket(&self, bracket: &Bracket) -> Result<(), Error> {
        let Bracket { name, model, first_epochs, recipes } = bracket;
        let entry = model.parse::<ModelEntry>();
        let entry = entry.map_err(|error| format!("bracket {name}: {error}"))?;
        if entry.network().is_none() {
            return Err(format!(
                "bracket {name}: {model} is not a single network, so it cannot be stopped after a \
                 few epochs; choose another model, or list it in models"
            )
            .into());
        }
        if *first_epochs == 0 {
            return Err(format!("bracket {name}: first-epochs must be at least 1").into());
        }
        if let Some(unknown) = recipes.iter().find(|recipe| !self.recipes.contains_key(*recipe)) {
            let known: Vec<&str> = self.recipes.keys().map(String::as_str).collect();
            let known = known.join(", ");
            return Err(format!(
                "bracket {name}: no recipe is named {unknown}; the recipes are {known}"
            )
            .into());
        }
        if self.recipes_of(bracket).len() < 2 {
            return Err(format!("bracket {name}: a choice needs at least two recipes").into());
        }
        Ok(())
    }

    /// Recipes of a bracket with their names.
    pub(super) fn recipes_of(&self, bracket: &Bracket) -> Vec<(&str, &Recipe)> {
        let is_own = |name: &str| {
            bracket.recipes.is_empty() || bracket.recipes.iter().any(|own| own == name)
        };
        let all = self.recipes.iter().map(|(name, recipe)| (name.as_str(), recipe));
        all.filter(|(name, _)| is_own(name)).collect()
    }

    pub(super) fn interval(&self) -> Result<Option<Interval>, Error> {
        Ok(self.interval.as_deref().map(str::parse).transpose()?)
    }

    pub(super) fn test_from(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.test_from.as_deref().map(str::parse).transpose()?)
    }

    pub(super) fn labels(&self) -> Result<Vec<LabelSpec>, Error> {
        let labels = self.labels.iter().map(|label| label.parse::<LabelSpec>());
        Ok(labels.collect::<Result<Vec<_>, _>>()?)
    }
}
