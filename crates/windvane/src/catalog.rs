//! Catalog of all models: names, descriptions and learners.
//!
//! Commands, examples, benches and tests use this catalog, so a new model needs only an entry here.
//! The enabled features determine the entries.
#[cfg(feature = "train")]
use std::sync::Arc;

#[cfg(all(feature = "ensemble", feature = "train"))]
use windvane_ensemble::EnsembleLearner;
#[cfg(all(feature = "ensemble", feature = "trees", feature = "train"))]
use windvane_ensemble::RegimeLearner;
#[cfg(feature = "mixed")]
use windvane_ensemble::{FixedShare, SecondKind, Weighting};
#[cfg(all(feature = "ensemble", feature = "train"))]
use windvane_models::ModelId;
#[cfg(all(feature = "network", feature = "train"))]
use windvane_models::network::{Encoder, NetworkConfig, NetworkLearner};
#[cfg(feature = "train")]
use windvane_models::train::Learner;

/// Entry of the catalog: one model.
///
/// # Examples
/// ```
/// use windvane::catalog::{Hyperparameters, ModelEntry};
///
/// let entry: ModelEntry = "v32".parse()?;
/// assert_eq!(entry.description, "v3.2 (LSTM, 32 units)");
/// let quick = Hyperparameters { epochs: Some(2), ..Hyperparameters::default() };
/// assert_eq!(entry.learner(&quick).id().as_str(), "v32");
/// assert!("v9".parse::<ModelEntry>().unwrap_err().to_string().contains("v32-stateful"));
/// # Ok::<(), windvane::catalog::UnknownModel>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ModelEntry {
    /// Name on command lines and in reports.
    pub name: &'static str,
    /// Label and method, such as `v3.2 (LSTM, 32 units)`.
    pub description: &'static str,
    /// Kind of its saved files; `None` for a model that cannot be saved.
    pub kind: Option<&'static str>,
    #[cfg(feature = "train")]
    source: LearnerSource,
}

/// Constructor of a model's learner.
#[cfg(feature = "train")]
#[derive(Debug, Clone, Copy)]
#[allow(dead_code, reason = "the features determine the models")]
enum LearnerSource {
    /// A preset of the network.
    #[cfg(feature = "network")]
    Network(fn() -> NetworkLearner),
    /// An ensemble, which passes the hyperparameters to its members.
    Ensemble(fn(&Hyperparameters) -> Arc<dyn Learner>),
    /// A model without gradient descent.
    Direct(fn(&Hyperparameters) -> Arc<dyn Learner>),
}

impl ModelEntry {
    /// Creates the learner of the model, with the given hyperparameters in place of its defaults.
    #[cfg(feature = "train")]
    pub fn learner(&self, training: &Hyperparameters) -> Arc<dyn Learner> {
        match self.source {
            #[cfg(feature = "network")]
            LearnerSource::Network(learner) => network(learner, training),
            LearnerSource::Ensemble(learner) | LearnerSource::Direct(learner) => learner(training),
        }
    }

    /// Creates the learner of `windvane fit`, `windvane backtest` and the Python package: that of the
    /// mean of [`averaged_seeds`](Self::averaged_seeds), with the name of the entry as its id.
    ///
    /// # Examples
    /// ```
    /// use windvane::catalog::{Hyperparameters, ModelEntry};
    ///
    /// let (entry, training) = ("v32".parse::<ModelEntry>()?, Hyperparameters::default());
    /// assert_eq!(entry.averaged_seeds(&training), 3);
    /// assert_eq!(entry.averaged_learner(&training).id().as_str(), "v32");
    /// # Ok::<(), windvane::catalog::UnknownModel>(())
    /// ```
    #[cfg(all(feature = "ensemble", feature = "train"))]
    pub fn averaged_learner(&self, training: &Hyperparameters) -> Arc<dyn Learner> {
        let seeds = self.averaged_seeds(training);
        if seeds == 1 {
            return self.learner(training);
        }
        let one = self.learner(&Hyperparameters { seeds: Some(1), ..training.clone() });
        let id = ModelId::new(self.name);
        Arc::new(EnsembleLearner { id, ..EnsembleLearner::with_seeds(one, seeds) })
    }

    /// Returns the number of seeds whose predictions [`averaged_learner`](Self::averaged_learner)
    /// averages: `training.seeds`, by default 3 for `trees`, `v32` and `mlp`, whose fit takes
    /// seconds, and 1 for the others. It is 1 for a model without random draws, and for an
    /// ensemble, which passes `training.seeds` to its members.
    #[cfg(all(feature = "ensemble", feature = "train"))]
    pub fn averaged_seeds(&self, training: &Hyperparameters) -> usize {
        let is_random = match self.source {
            #[cfg(feature = "network")]
            LearnerSource::Network(_) => true,
            LearnerSource::Direct(_) => self.name == "trees",
            LearnerSource::Ensemble(_) => false,
        };
        let default = if matches!(self.name, "trees" | "v32" | "mlp") { 3 } else { 1 };
        if is_random { training.seeds.unwrap_or(default) } else { 1 }
    }

    /// Returns label and method without the remark on the time of a fit.
    pub fn method(&self) -> &'static str {
        self.description.split(';').next().unwrap_or(self.description)
    }

    /// Returns label and method of the averaged learner, such as `v3.2 (LSTM, 32 units), mean of 3
    /// seeds`.
    #[cfg(all(feature = "ensemble", feature = "train"))]
    pub fn averaged_method(&self, training: &Hyperparameters) -> String {
        let method = self.method();
        match self.averaged_seeds(training) {
            1 => method.to_string(),
            seeds => format!("{method}, mean of {seeds} seeds"),
        }
    }

    /// Creates the learner of a network with its default hyperparameters; `None` for other models.
    #[cfg(all(feature = "network", feature = "train"))]
    pub fn network(&self) -> Option<NetworkLearner> {
        match self.source {
            LearnerSource::Network(learner) => Some(learner()),
            LearnerSource::Ensemble(_) | LearnerSource::Direct(_) => None,
        }
    }
}

/// Hyperparameters that replace those of a learner; `None` keeps the learner's own.
///
/// Models without gradient descent read only the lags. An ensemble passes them to its members.
#[cfg(feature = "train")]
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hyperparameters {
    /// Maximum number of epochs.
    pub epochs: Option<usize>,
    /// Number of epochs without an improvement of the validation loss before training stops.
    pub patience: Option<usize>,
    /// Initial learning rate, which the schedule multiplies.
    pub learning_rate: Option<f64>,
    /// Number of windows per optimiser step.
    pub batch: Option<usize>,
    /// Values of a window that the tabular models, `logistic`, `trees` and `mlp`, read; by default
    /// `mlp` reads the newest row, the others whole windows. The other networks read whole windows.
    pub lags: Option<windvane_signals::Lags>,
    /// Number of seeds whose predictions are averaged with equal weights, for a model with random
    /// draws: trees, networks, and each such member of an ensemble. The learner of the mean of three
    /// seeds of `v32` has the id `v32x3`. By default one seed, and three of each member of `mixed`
    /// and of the trees of `tuned`; `windvane fit` and `backtest` have [another default](ModelEntry::averaged_seeds).
    #[cfg(feature = "ensemble")]
    pub seeds: Option<usize>,
}

#[cfg(all(feature = "network", feature = "train"))]
impl Hyperparameters {
    fn replace_in(
        &self,
        own: windvane_models::train::TrainConfig,
    ) -> windvane_models::train::TrainConfig {
        windvane_models::train::TrainConfig {
            epochs: self.epochs.unwrap_or(own.epochs),
            patience: self.patience.unwrap_or(own.patience),
            learning_rate: self.learning_rate.unwrap_or(own.learning_rate),
            batch: self.batch.unwrap_or(own.batch),
            ..own
        }
    }
}

/// All models whose features are enabled, in the order of reports.
pub const MODELS: &[ModelEntry] = &[
    #[cfg(feature = "v2")]
    ModelEntry {
        name: "v2",
        description: "v2 (weighted signals, weights set by hand)",
        kind: Some(windvane_models::v2::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Direct(weighted_signals),
    },
    #[cfg(feature = "v2")]
    ModelEntry {
        name: "v2-learned",
        description: "v2 (weighted signals, maximum-likelihood weights)",
        kind: Some(windvane_models::v2::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Direct(learned_signals),
    },
    #[cfg(feature = "logistic")]
    ModelEntry {
        name: "logistic",
        description: "logistic regression; a baseline of every report",
        kind: Some(windvane_models::logistic::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Direct(logistic),
    },
    #[cfg(feature = "trees")]
    ModelEntry {
        name: "trees",
        description: "gradient-boosted trees",
        kind: Some(windvane_models::trees::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Direct(trees),
    },
    #[cfg(feature = "v3")]
    ModelEntry {
        name: "v3",
        description: "v3 (bidirectional LSTM, 64 units in each direction); trains about six times as long as one seed of v32",
        kind: Some(windvane_models::v3::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Network(windvane_models::v3::learner),
    },
    #[cfg(feature = "v31")]
    ModelEntry {
        name: "v31",
        description: "v3.1 (bidirectional LSTM with attention); trains about seven times as long as one seed of v32",
        kind: Some(windvane_models::v31::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Network(windvane_models::v31::learner),
    },
    #[cfg(feature = "v32")]
    ModelEntry {
        name: "v32",
        description: "v3.2 (LSTM, 32 units)",
        kind: Some(windvane_models::v32::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Network(windvane_models::v32::learner),
    },
    #[cfg(feature = "v32")]
    ModelEntry {
        name: "v32-stateful",
        description: "v3.2 stateful (LSTM, 32 units, recurrent state carried over all candles)",
        kind: Some(windvane_models::v32_stateful::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Network(windvane_models::v32_stateful::learner),
    },
    #[cfg(feature = "network")]
    ModelEntry {
        name: "gru",
        description: "GRU (gated recurrent units, 32 units)",
        kind: Some(windvane_models::gru::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Network(windvane_models::gru::learner),
    },
    #[cfg(feature = "network")]
    ModelEntry {
        name: "gru-stateful",
        description: "GRU stateful (32 units, recurrent state carried over all candles)",
        kind: Some(windvane_models::gru_stateful::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Network(windvane_models::gru_stateful::learner),
    },
    #[cfg(feature = "network")]
    ModelEntry {
        name: "tcn",
        description: "TCN (temporal convolutional network, 4 blocks of 32 channels); trains about four times as long as one seed of v32",
        kind: Some(windvane_models::tcn::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Network(windvane_models::tcn::learner),
    },
    #[cfg(feature = "network")]
    ModelEntry {
        name: "transformer",
        description: "transformer (2 layers of self-attention, size 32); trains about twelve times as long as one seed of v32",
        kind: Some(windvane_models::transformer::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Network(windvane_models::transformer::learner),
    },
    #[cfg(feature = "network")]
    ModelEntry {
        name: "mlp",
        description: "MLP (multilayer perceptron, dense layers of 64 and 32 units)",
        kind: Some(windvane_models::mlp::KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Network(windvane_models::mlp::learner),
    },
    #[cfg(feature = "original")]
    ModelEntry {
        name: "original",
        description: "original ensemble (v2 and v3.1 with equal weights)",
        kind: Some(windvane_ensemble::KIND),
        source: LearnerSource::Ensemble(original),
    },
    #[cfg(feature = "tuned")]
    ModelEntry {
        name: "tuned",
        description: "tuned ensemble (learned v2, trees, v3, v3.1 and v3.2, weighted by validation log loss)",
        kind: Some(windvane_ensemble::KIND),
        source: LearnerSource::Ensemble(tuned),
    },
    #[cfg(feature = "mixed")]
    ModelEntry {
        name: "mixed",
        description: "mixed ensemble (trees, v3.2 and MLP, several seeds of each, weighted by validation log loss)",
        kind: Some(windvane_ensemble::KIND),
        source: LearnerSource::Ensemble(mixed),
    },
    #[cfg(feature = "mixed")]
    ModelEntry {
        name: "stacked",
        description: "stacking (trees, v3.2 and MLP under a logistic regression); fits each member five times",
        kind: Some(windvane_ensemble::KIND),
        source: LearnerSource::Ensemble(stacked),
    },
    #[cfg(feature = "mixed")]
    ModelEntry {
        name: "meta",
        description: "meta-labels (mean of trees, v3.2 and MLP; a second model sets the confidence); fits each member five times",
        kind: Some(windvane_ensemble::KIND),
        source: LearnerSource::Ensemble(meta),
    },
    #[cfg(feature = "mixed")]
    ModelEntry {
        name: "online",
        description: "online weights (trees, v3.2 and MLP, weights follow the outcomes)",
        kind: Some(windvane_ensemble::KIND),
        source: LearnerSource::Ensemble(online),
    },
    #[cfg(all(feature = "ensemble", feature = "trees"))]
    ModelEntry {
        name: "regimes",
        description: "regimes (trees, one model per regime of volatility and trend)",
        kind: Some(windvane_ensemble::REGIMES_KIND),
        #[cfg(feature = "train")]
        source: LearnerSource::Ensemble(regimes),
    },
];

impl std::str::FromStr for ModelEntry {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        let found = MODELS.iter().find(|entry| entry.name == name);
        found.copied().ok_or_else(|| UnknownModel { name: name.to_string() })
    }
}

/// Entries are equal if their names are equal.
impl PartialEq for ModelEntry {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ModelEntry {}

/// Error of a name that is not in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownModel {
    name: String,
}

impl std::fmt::Display for UnknownModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known: Vec<&str> = MODELS.iter().map(|entry| entry.name).collect();
        write!(f, "unknown model {:?}; choose one of {}", self.name, known.join(", "))
    }
}

impl std::error::Error for UnknownModel {}

#[cfg(all(feature = "network", feature = "train"))]
fn network(learner: fn() -> NetworkLearner, training: &Hyperparameters) -> Arc<dyn Learner> {
    let own = learner();
    let lags = training.lags.clone().filter(|_| own.config.encoder == Encoder::Flat);
    let config = NetworkConfig { lags: lags.or(own.config.lags), ..own.config };
    let learner = NetworkLearner { config, training: training.replace_in(own.training), ..own };
    over_seeds(learner, training)
}

/// Returns the learner of the mean of several seeds of a model, if that is asked for.
#[cfg(all(any(feature = "network", feature = "trees"), feature = "train"))]
#[cfg_attr(not(feature = "ensemble"), expect(unused_variables, reason = "no mean of seeds"))]
fn over_seeds(learner: impl Learner + 'static, training: &Hyperparameters) -> Arc<dyn Learner> {
    #[cfg(feature = "ensemble")]
    if let Some(seeds) = training.seeds.filter(|seeds| *seeds != 1) {
        return Arc::new(EnsembleLearner::with_seeds(learner, seeds));
    }
    Arc::new(learner)
}

#[cfg(all(feature = "v2", feature = "train"))]
fn weighted_signals(_: &Hyperparameters) -> Arc<dyn Learner> {
    Arc::new(windvane_models::v2::WeightedSignalsLearner::default())
}

#[cfg(all(feature = "v2", feature = "train"))]
fn learned_signals(_: &Hyperparameters) -> Arc<dyn Learner> {
    Arc::new(windvane_models::v2::WeightedSignalsLearner::learned())
}

#[cfg(all(feature = "logistic", feature = "train"))]
fn logistic(training: &Hyperparameters) -> Arc<dyn Learner> {
    let (lags, own) =
        (training.lags.clone(), windvane_models::logistic::LogisticLearner::default());
    Arc::new(windvane_models::logistic::LogisticLearner { lags, ..own })
}

#[cfg(all(feature = "trees", feature = "train"))]
fn trees(training: &Hyperparameters) -> Arc<dyn Learner> {
    let (lags, own) =
        (training.lags.clone(), windvane_models::trees::BoostedTreesLearner::default());
    over_seeds(windvane_models::trees::BoostedTreesLearner { lags, ..own }, training)
}

#[cfg(feature = "original")]
fn original(training: &Hyperparameters) -> Arc<dyn Learner> {
    let members =
        vec![weighted_signals(training), network(windvane_models::v31::learner, training)];
    Arc::new(EnsembleLearner { members, ..EnsembleLearner::original() })
}

#[cfg(feature = "tuned")]
fn tuned(training: &Hyperparameters) -> Arc<dyn Learner> {
    let presets: [fn() -> NetworkLearner; 3] = [
        windvane_models::v3::learner,
        windvane_models::v31::learner,
        windvane_models::v32::learner,
    ];
    let networks = presets.map(|preset| network(preset, training));
    let seeds = training.seeds.or(Some(EnsembleLearner::SEEDS));
    let trees = trees(&Hyperparameters { seeds, ..training.clone() });
    let members = [learned_signals(training), trees].into_iter().chain(networks).collect();
    Arc::new(EnsembleLearner { members, ..EnsembleLearner::tuned() })
}

/// Members of `mixed` and of the ensembles with the same members and another rule.
#[cfg(feature = "mixed")]
fn mixed_members(training: &Hyperparameters) -> Vec<Arc<dyn Learner>> {
    let networks = [windvane_models::v32::learner, windvane_models::mlp::learner];
    let networks = networks.map(|preset| network(preset, training));
    [trees(training)].into_iter().chain(networks).collect()
}

#[cfg(feature = "mixed")]
fn mixed(training: &Hyperparameters) -> Arc<dyn Learner> {
    let seeds = training.seeds.or(Some(EnsembleLearner::SEEDS));
    let members = mixed_members(&Hyperparameters { seeds, ..training.clone() });
    Arc::new(EnsembleLearner { members, ..EnsembleLearner::mixed() })
}

/// Learner of an ensemble of the members of `mixed`, one seed of each unless more are asked for.
#[cfg(feature = "mixed")]
fn combined(name: &str, weighting: Weighting, training: &Hyperparameters) -> Arc<dyn Learner> {
    let own = EnsembleLearner::new(ModelId::new(name), mixed_members(training));
    Arc::new(EnsembleLearner { weighting, ..own })
}

#[cfg(feature = "mixed")]
fn stacked(training: &Hyperparameters) -> Arc<dyn Learner> {
    let folds = EnsembleLearner::STACKING_FOLDS;
    combined("stacked", Weighting::Stacked { folds, second: SecondKind::Logistic }, training)
}

#[cfg(feature = "mixed")]
fn meta(training: &Hyperparameters) -> Arc<dyn Learner> {
    let folds = EnsembleLearner::STACKING_FOLDS;
    combined("meta", Weighting::Meta { folds, second: SecondKind::Logistic }, training)
}

#[cfg(feature = "mixed")]
fn online(training: &Hyperparameters) -> Arc<dyn Learner> {
    combined("online", Weighting::FixedShare(FixedShare::default()), training)
}

#[cfg(all(feature = "ensemble", feature = "trees", feature = "train"))]
fn regimes(training: &Hyperparameters) -> Arc<dyn Learner> {
    let id = ModelId::new("regimes");
    Arc::new(RegimeLearner { id, ..RegimeLearner::new(trees(training)) })
}
