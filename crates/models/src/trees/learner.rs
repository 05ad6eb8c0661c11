//! Learner of boosted trees.
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::Serialize;
use windvane_candles::Direction;
use windvane_signals::{Lags, Sample, SampleSet, Scaler, TrainSet, ValidationSet};

use super::KIND;
use super::bins::MAX_BINS;
use super::booster::{BoostCases, BoostSettings, Boosted, RoundReport, boost};
use super::grow::GrowSettings;
use super::histogram::MAX_ROWS;
use super::model::{BoostedTrees, positions};
use super::monotone::{Monotone, of_inputs};
use super::tree::Forest;
use crate::train::{
    EpochReport, Learner, Run, calibrate, calibration_parts, check_directions, record_of, spec_of,
};
use crate::{FittedModel, ModelId, SettingError, TrainError};

/// Minimum number of training windows labelled UP or DOWN.
const MIN_WINDOWS: usize = 50;
/// Maximum number of leaves of a tree.
const MAX_LEAVES: usize = 4_096;
/// Default minimum number of sampled windows in a leaf.
const LEAF_ROWS: usize = 500;
/// Upper limit of that default, as a share of the sampled windows.
const LEAF_SHARE: f64 = 0.2;

/// Classes that boosted trees distinguish.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum TreesObjective {
    /// UP against DOWN on windows with either label; NEUTRAL has its share of the training labels.
    #[default]
    Binary,
    /// UP, DOWN and NEUTRAL, with one tree per class in every round.
    ThreeClass,
}

/// Learner of gradient-boosted trees on all values of a window, 120 for 20 rows of six channels, or
/// on the values of [`lags`](Self::lags).
///
/// Every round adds a tree that decreases the log loss of the rounds before it. The tree is grown
/// leaf by leaf on a random share of the windows and inputs, whose values are sorted into quantile
/// bins. Early stopping selects the number of rounds by log loss on the first two thirds of the
/// validation windows. The probabilities are then calibrated on all of them, as by the other
/// learners.
///
/// The draws depend on the seed alone. Gradients are summed as integers, whose sums do not depend on
/// the order, so the fit is bit-identical for any number of threads.
///
/// The defaults are those of a study on ten hourly pairs with 379,950 windows.
///
/// **Source** Friedman 2001 and 2002; Ke et al. 2017 (LightGBM), whose names the hyperparameters
/// have in brackets.
///
/// # Examples
/// ```
/// use windvane_models::train::Learner;
/// use windvane_models::trees::{BoostedTreesLearner, Monotone};
///
/// let monotone = [("momentum".to_string(), Monotone::Increasing)].into();
/// let learner = BoostedTreesLearner { leaves: 31, monotone, ..BoostedTreesLearner::default() };
/// assert_eq!(learner.id().as_str(), "trees");
/// assert_eq!((learner.rounds, learner.learning_rate), (400, 0.06));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoostedTreesLearner {
    /// Id of the fitted models; `trees` by default.
    #[serde(serialize_with = "id_text")]
    pub id: ModelId,
    /// Values of a window that the trees read; `None`, the default, for all of them.
    pub lags: Option<Lags>,
    /// Classes: UP against DOWN by default.
    pub objective: TreesObjective,
    /// Maximum number of rounds (`num_iterations`), 1 to 10,000; 400 by default.
    pub rounds: usize,
    /// Number of rounds without a lower validation loss before training stops
    /// (`early_stopping_round`), at least 1; 50 by default. Without labelled validation windows, all
    /// rounds are run and kept.
    pub patience: usize,
    /// Factor of every tree's output (`learning_rate`), above 0 and at most 1; 0.06 by default.
    pub learning_rate: f64,
    /// Maximum number of leaves of a tree (`num_leaves`), 2 to 4,096; 15 by default.
    pub leaves: usize,
    /// Maximum number of splits on a path (`max_depth`), at least 1; `None`, the default, for no
    /// limit.
    pub depth: Option<usize>,
    /// Minimum number of sampled windows in a leaf (`min_data_in_leaf`), at least 1. `None`, the
    /// default, for 500, or a fifth of the sampled windows if that is less.
    pub min_leaf_rows: Option<usize>,
    /// Minimum sum of second derivatives in a leaf (`min_sum_hessian_in_leaf`), above 0; a window
    /// adds at most 1/4, or 3/8 with three classes. 0.001 by default.
    pub min_leaf_hessian: f64,
    /// L1 penalty on the outputs of leaves (`lambda_l1`), at least 0; 0 by default.
    pub l1: f64,
    /// L2 penalty on the outputs of leaves (`lambda_l2`), at least 0; 0 by default.
    pub l2: f64,
    /// Share of the windows that the trees of a round are grown on (`bagging_fraction`, with
    /// `bagging_freq` 1), above 0 and at most 1; 0.4 by default.
    pub row_fraction: f64,
    /// Share of the inputs that a tree reads (`feature_fraction`), above 0 and at most 1; 0.25 by
    /// default.
    pub input_fraction: f64,
    /// Maximum number of bins of an input (`max_bin`), that of missing values included, 2 to 255; 63
    /// by default.
    pub bins: usize,
    /// Monotone constraints (`monotone_constraints`, method `basic`) by the name of a channel such as
    /// `normalized_return`, or its text such as `normalized_momentum(lag=4)`; none by default. Only
    /// for the objective [`TreesObjective::Binary`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub monotone: BTreeMap<String, Monotone>,
}

fn id_text<S: serde::Serializer>(id: &ModelId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_str())
}

impl Default for BoostedTreesLearner {
    fn default() -> Self {
        Self {
            id: ModelId::new(KIND),
            lags: None,
            objective: TreesObjective::Binary,
            rounds: 400,
            patience: 50,
            learning_rate: 0.06,
            leaves: 15,
            depth: None,
            min_leaf_rows: None,
            min_leaf_hessian: 1e-3,
            l1: 0.0,
            l2: 0.0,
            row_fraction: 0.4,
            input_fraction: 0.25,
            bins: 63,
            monotone: BTreeMap::new(),
        }
    }
}

impl BoostedTreesLearner {
    /// Checks the ranges of all hyperparameters.
    fn validate(&self) -> Result<(), SettingError> {
        let fraction = |x: f64| x > 0.0 && x <= 1.0;
        let penalty = |x: f64| x >= 0.0 && x.is_finite();
        let count = |setting, expected, valid, got: usize| (setting, expected, valid, got as f64);
        let (depth, rows) = (self.depth.unwrap_or(1), self.min_leaf_rows.unwrap_or(1));
        let (part, positive, none) =
            ("above 0 and at most 1", "above 0 and finite", "at least 0 and finite");
        let hessian = self.min_leaf_hessian;
        let constraints = self.monotone.len();
        let binary = constraints == 0 || self.objective == TreesObjective::Binary;
        let settings = [
            count("number of monotone constraints", "0 with three classes", binary, constraints),
            count("rounds", "1 to 10,000", (1..=10_000).contains(&self.rounds), self.rounds),
            count("patience", "at least 1", self.patience >= 1, self.patience),
            count("leaves", "2 to 4,096", (2..=MAX_LEAVES).contains(&self.leaves), self.leaves),
            count("depth", "at least 1", depth >= 1, depth),
            count("min_leaf_rows", "at least 1", rows >= 1, rows),
            count("bins", "2 to 255", (2..=MAX_BINS).contains(&self.bins), self.bins),
            ("learning_rate", part, fraction(self.learning_rate), self.learning_rate),
            ("row_fraction", part, fraction(self.row_fraction), self.row_fraction),
            ("input_fraction", part, fraction(self.input_fraction), self.input_fraction),
            ("min_leaf_hessian", positive, hessian > 0.0 && penalty(hessian), hessian),
            ("l1", none, penalty(self.l1), self.l1),
            ("l2", none, penalty(self.l2), self.l2),
        ];
        for (setting, expected, valid, got) in settings {
            if !valid {
                return SettingError::refuse(setting, expected, got);
            }
        }
        Ok(())
    }

    /// Fits the model.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for a hyperparameter out of range and for more than 16,777,216
    /// training windows, [`TrainError::TooFewWindows`] for fewer than 50 windows labelled UP or
    /// DOWN, [`TrainError::EmptyClass`] when one of the two directions does not occur,
    /// [`TrainError::Monotone`] when a monotone constraint fits no channel or contradicts another one,
    /// [`TrainError::Signal`] when the lags do not fit the channels and the lookback,
    /// [`TrainError::Validation`] when the two sets do not belong together, and
    /// [`TrainError::Stopped`] when the callback of the run stops the training.
    pub fn fit_model(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<BoostedTrees, TrainError> {
        self.validate()?;
        let spec = spec_of(train, validation)?;
        check_directions(train, MIN_WINDOWS)?;
        for samples in [&**train, &**validation] {
            samples.require_memory("boosted trees")?;
        }
        let positions = positions(&spec, self.lags.as_ref())?;
        let positions =
            positions.unwrap_or_else(|| (0..spec.lookback * spec.signals.width()).collect());
        let monotone = of_inputs(&self.monotone, &spec, &positions)?;
        let scaler = Scaler::fit(train)?;
        let mut record = record_of(train, validation, run.seed())?.with_scaler(&scaler, &spec);
        let (choose, _) = calibration_parts(validation);
        let boosted = self.boost(train, &choose, (&positions, monotone), run)?;
        (record.epochs, record.best_epoch) = (boosted.rounds, 0);
        if let Some(best) = boosted.best {
            record.best_epoch = best.round;
            record.train_loss = Some(best.train.loss);
            record.validation_loss = best.validation.map(|validation| validation.loss);
        }
        record.notes = vec![format!("{} trees", boosted.trees.len())];
        let monotone = self.monotone.iter();
        record.notes.extend(monotone.map(|(name, order)| format!("monotone: {name} {order}")));
        let forest = Forest::new(&boosted.trees, boosted.base, positions.len());
        let forest = forest.map_err(|problem| TrainError::Other(problem.into()))?;
        let neutral = train.class_counts()[Direction::Neutral.index()] as f64;
        // Adds half a window, so that a class without training windows has a positive probability.
        let neutral = (neutral + 0.5) / (train.len() as f64 + 1.0);
        let neutral = (self.objective == TreesObjective::Binary).then_some(neutral);
        let mut model = BoostedTrees::new(spec, self.lags.clone(), forest, neutral)?;
        (model.id, model.record) = (self.id.clone(), Some(record));
        calibrate(&mut model, validation)?;
        Ok(model)
    }

    fn boost(
        &self,
        train: &TrainSet,
        choose: &ValidationSet,
        (positions, monotone): (&[usize], Vec<Option<Monotone>>),
        run: &Run<'_>,
    ) -> Result<Boosted, TrainError> {
        let (train, choose) =
            (TreeRows::new(train, self.objective), TreeRows::new(choose, self.objective));
        let rows = train.labels.len();
        if rows > MAX_ROWS {
            let (setting, expected) = ("number of training windows", "at most 16,777,216");
            return Err(SettingError { setting, expected, got: rows as f64 }.into());
        }
        let settings = BoostSettings { monotone, ..self.settings_for(rows, run.seed()) };
        let mut on_round = |round: &RoundReport| self.report(round, run);
        let classes = match self.objective {
            TreesObjective::Binary => 2,
            TreesObjective::ThreeClass => 3,
        };
        let (train, choose) = (train.cases(positions), choose.cases(positions));
        // On a worker thread, the many short parallel parts start without a handover.
        let boosted = rayon::scope(|_| {
            boost(&train, &choose, (positions.len(), classes), &settings, &mut on_round)
        });
        boosted.map_err(|epoch| TrainError::Stopped { epoch })
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of rows")]
    fn settings_for(&self, rows: usize, seed: u64) -> BoostSettings {
        let sampled = rows as f64 * self.row_fraction;
        let least = LEAF_ROWS.min((LEAF_SHARE * sampled) as usize).max(1);
        let grow = GrowSettings {
            leaves: self.leaves,
            depth: self.depth,
            min_rows: self.min_leaf_rows.unwrap_or(least),
            min_hessian: self.min_leaf_hessian,
            l1: self.l1,
            l2: self.l2,
        };
        BoostSettings {
            rounds: self.rounds,
            patience: self.patience,
            learning_rate: self.learning_rate,
            grow,
            row_fraction: self.row_fraction,
            input_fraction: self.input_fraction,
            bins: self.bins,
            monotone: Vec::new(),
            seed,
        }
    }

    fn report(&self, round: &RoundReport, run: &Run<'_>) -> ControlFlow<()> {
        run.report(&EpochReport {
            model: self.id.clone(),
            member: run.member_index(),
            epoch: round.round,
            max_epochs: self.rounds,
            train_loss: round.train.loss,
            validation_loss: round.validation.map(|validation| validation.loss),
            validation_accuracy: round.validation.map(|validation| validation.accuracy),
            best: round.best,
        })
    }
}

/// Windows of a sample set with their labels.
struct TreeRows<'a> {
    windows: Vec<&'a [f64]>,
    labels: Vec<u8>,
}

impl<'a> TreeRows<'a> {
    /// Selects the windows of an objective. The binary labels are 1 for UP, 0 for DOWN.
    fn new(samples: &'a SampleSet, objective: TreesObjective) -> Self {
        let binary = objective == TreesObjective::Binary;
        let used = |sample: &&Sample| !binary || sample.label() != Direction::Neutral;
        let used: Vec<&Sample> = samples.samples().iter().filter(used).collect();
        let windows = used.iter().map(|sample| samples.window(sample).values()).collect();
        let labels = used.iter().map(|sample| match (binary, sample.label()) {
            (true, label) => u8::from(label == Direction::Up),
            (false, label) => label.index().to_le_bytes()[0],
        });
        Self { windows, labels: labels.collect() }
    }

    fn cases(&self, positions: &[usize]) -> BoostCases<'_, impl Fn(usize, usize) -> f64 + Sync> {
        let value = move |row: usize, input: usize| self.windows[row][positions[input]];
        BoostCases { labels: &self.labels, value }
    }
}

impl Learner for BoostedTreesLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn settings(&self) -> Option<String> {
        serde_json::to_string(&(KIND, self)).ok()
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Ok(Box::new(self.fit_model(train, validation, run)?))
    }
}
