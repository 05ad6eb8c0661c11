//! Plan of a run: folds, learners and tasks.
use windvane_candles::Direction;
use windvane_models::train::Learner;

use super::fold::Fold;
use super::task_result::{TaskResult, TestPrediction};
use super::{Backtest, Instrument, Task};
use crate::score::Baseline;

/// Folds, learners and settings of a run.
pub(crate) struct RunPlan<'a> {
    pub(crate) backtest: &'a Backtest,
    pub(crate) instruments: &'a [Instrument],
    /// Folds of all groups, ordered by group.
    pub(crate) folds: Vec<Fold<'a>>,
    /// Models, followed by the fitted baselines that are not among the models.
    learners: Vec<&'a dyn Learner>,
    /// Number of models among the learners.
    models: usize,
    /// Index of the learner of each fitted baseline.
    baselines: Vec<(Baseline, usize)>,
}

impl<'a> RunPlan<'a> {
    /// Adds a logistic regression to the models unless it is one of them.
    pub(crate) fn new(
        backtest: &'a Backtest,
        instruments: &'a [Instrument],
        folds: Vec<Fold<'a>>,
        models: &'a [Box<dyn Learner>],
        logistic: &'a dyn Learner,
    ) -> Self {
        let mut learners: Vec<&dyn Learner> = models.iter().map(|model| &**model).collect();
        let index = index_of(&learners, logistic).unwrap_or_else(|| {
            learners.push(logistic);
            models.len()
        });
        #[cfg_attr(not(feature = "trees"), expect(unused_mut, reason = "trees may follow"))]
        let mut baselines = vec![(Baseline::Logistic, index)];
        #[cfg(feature = "trees")]
        {
            let own = windvane_models::trees::BoostedTreesLearner::default();
            let trees =
                windvane_models::trees::BoostedTreesLearner { lags: backtest.lags.clone(), ..own };
            let index = index_of(&learners, &trees);
            baselines.extend(index.map(|index| (Baseline::BoostedTrees, index)));
        }
        Self { backtest, instruments, folds, learners, models: models.len(), baselines }
    }

    /// Tasks in the order of the report. A learner that is only a baseline has one seed.
    pub(crate) fn tasks(&self) -> Vec<Task<'a>> {
        let mut tasks = Vec::new();
        for (fold_index, fold) in self.folds.iter().enumerate() {
            for (learner, fitted) in self.learners.iter().enumerate() {
                let seeds = if self.is_model(learner) { self.backtest.seeds.max(1) } else { 1 };
                for repeat in 0..seeds {
                    tasks.push(Task {
                        index: tasks.len(),
                        model: fitted.id().as_str(),
                        interval: fold.interval(),
                        fold: fold.number,
                        folds: fold.of,
                        seed: self.backtest.seed_of(repeat),
                        fold_index,
                        learner,
                        repeat,
                    });
                }
            }
        }
        tasks
    }

    pub(crate) fn fold(&self, task: &Task<'_>) -> &Fold<'a> {
        &self.folds[task.fold_index]
    }

    pub(crate) fn learner(&self, task: &Task<'_>) -> &'a dyn Learner {
        self.learners[task.learner]
    }

    /// Whether a learner is a model, not only a baseline.
    pub(crate) fn is_model(&self, learner: usize) -> bool {
        learner < self.models
    }

    /// Names of the models, in the order of the run.
    pub(crate) fn names(&self) -> Vec<&'a str> {
        self.learners[..self.models].iter().map(|learner| learner.id().as_str()).collect()
    }

    /// Folds by group.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &[Fold<'a>]> {
        self.folds.chunk_by(|a, b| a.interval() == b.interval())
    }

    /// Directions on the test windows of a task as those of a baseline, if its learner is one.
    pub(crate) fn baseline_directions(
        &self,
        task: &Task<'_>,
        result: &TaskResult,
    ) -> Vec<BaselineDirections> {
        let own = self.baselines.iter().filter(|(_, learner)| *learner == task.learner);
        own.map(|(baseline, learner)| BaselineDirections {
            baseline: *baseline,
            learner: *learner,
            fold_index: task.fold_index,
            directions: result.predictions.iter().map(TestPrediction::margin_direction).collect(),
        })
        .collect()
    }
}

/// Directions of a fitted baseline on the test windows of a fold, at full coverage.
pub(crate) struct BaselineDirections {
    pub(crate) baseline: Baseline,
    learner: usize,
    fold_index: usize,
    pub(crate) directions: Vec<Direction>,
}

impl BaselineDirections {
    /// Whether the baseline is compared with a task: on the same fold, by another learner.
    pub(crate) fn is_compared_with(&self, task: &Task<'_>) -> bool {
        self.fold_index == task.fold_index && self.learner != task.learner
    }
}

/// Index of a learner with the same settings.
fn index_of(learners: &[&dyn Learner], wanted: &dyn Learner) -> Option<usize> {
    learners.iter().position(|one| one.settings().is_some() && one.settings() == wanted.settings())
}
