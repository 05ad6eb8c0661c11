//! Finished runs: the report and the predictions from the results of the tasks.
use std::collections::BTreeSet;
use std::time::Instant;

use super::constant_channels::constant_channels;
use super::fold::Fold;
use super::run_plan::{BaselineDirections, RunPlan};
use super::task_result::{StoredResult, TaskResult};
use super::{Backtest, PredictionRow, Predictions, Task};
use crate::error::BacktestError;
use crate::report::{Failure, Report, SCHEMA, UntestedInstrument};
use crate::score::{self, ScoreSettings, Warning};

/// Results of all tasks of a run.
pub(crate) struct FinishedRun<'a> {
    pub(crate) plan: &'a RunPlan<'a>,
    /// Names of the models, in the order of the run.
    pub(crate) names: Vec<&'a str>,
    /// Tasks of the models that did not fail, with their results.
    pub(crate) done: Vec<(Task<'a>, TaskResult)>,
    /// Predictions of the fitted baselines.
    pub(super) baselines: Vec<BaselineDirections>,
    failures: Vec<Failure>,
}

impl<'a> FinishedRun<'a> {
    /// Sorts the results; `failures` are those before the first task.
    pub(crate) fn new(
        plan: &'a RunPlan<'a>,
        tasks: Vec<Task<'a>>,
        results: Vec<StoredResult>,
        failures: Vec<Failure>,
    ) -> Self {
        let names = plan.names();
        let (done, baselines) = (Vec::new(), Vec::new());
        let mut finished = Self { plan, names, done, baselines, failures };
        for (task, result) in tasks.into_iter().zip(results) {
            match result {
                Ok(result) => finished.add(task, result),
                Err(error) => finished.fail(&task, &error),
            }
        }
        finished
    }

    fn add(&mut self, task: Task<'a>, result: TaskResult) {
        if task.repeat == 0 {
            self.baselines.extend(self.plan.baseline_directions(&task, &result));
        }
        if self.plan.is_model(task.learner) {
            self.done.push((task, result));
        }
    }

    fn fail(&mut self, task: &Task<'_>, error: &str) {
        // The models already report a fold without training windows.
        if !self.plan.is_model(task.learner) && self.plan.fold(task).training_windows.is_err() {
            return;
        }
        let message = match self.plan.backtest.seeds {
            0 | 1 => error.to_string(),
            _ => format!("seed {}: {error}", task.seed),
        };
        self.failures.push(Failure {
            model: Some(task.model.to_string()),
            instrument: None,
            interval: task.interval,
            fold: Some(task.fold),
            message,
        });
    }

    /// Checks that at least one task of a model succeeded.
    pub(crate) fn check_not_empty(&self) -> Result<(), BacktestError> {
        if !self.done.is_empty() {
            return Ok(());
        }
        let first = self.failures.first().map_or_else(String::new, ToString::to_string);
        Err(BacktestError::NothingEvaluated { failures: self.failures.len(), first })
    }

    /// Computes the report; its order does not depend on the number of threads.
    pub(crate) fn report(&self, started: Instant) -> Report {
        let mut results = self.results();
        let earlier = self.earlier(&results);
        Self::deflate(&mut results, &earlier);
        let (mut ranking, overfitting) = self.ranking(&results, &earlier);
        let (in_sample, unknown) = (self.in_sample(), self.unknown_training());
        for rank in &mut ranking {
            rank.in_sample = in_sample.iter().any(|warning| warning.model == rank.model);
            rank.significant &= !rank.in_sample;
            rank.unknown_training = unknown.iter().any(|warning| warning.model == rank.model);
        }
        let training = self.training();
        let mut warnings: Vec<Warning> = results.iter().flat_map(score::warnings_about).collect();
        warnings.extend(constant_channels(&training));
        warnings.extend(self.jumps());
        warnings.extend(in_sample);
        warnings.extend(unknown);
        let instruments = self.instrument_records();
        let untested = instruments.iter().filter(|i| i.test_candles == 0);
        let without_test_rows = untested
            .map(|i| UntestedInstrument { name: i.name.clone(), interval: i.interval })
            .collect();
        Report {
            schema: SCHEMA,
            run: self.run_record(),
            groups: self.plan.groups().map(|folds| self.group_record(folds)).collect(),
            without_test_rows,
            instruments,
            skipped: Vec::new(),
            ranking,
            overfitting,
            earlier: earlier.count(),
            results,
            training,
            importance: self.importance(),
            refits: self.refits(),
            warnings,
            timing: self.timing(started),
            failures: self.failures.clone(),
        }
    }

    /// Collects the predictions of all models on all paths and seeds.
    pub(crate) fn predictions(&self) -> Predictions {
        let instruments = self.plan.instruments.iter().map(|one| one.series.pair().to_string());
        let mut predictions =
            Predictions::new(self.names.iter().map(ToString::to_string), instruments);
        for (task, result) in &self.done {
            let fold = self.plan.fold(task);
            for (sample, prediction) in fold.test.samples().iter().zip(&result.predictions) {
                predictions.push(
                    task.learner,
                    fold.instrument_of(sample),
                    PredictionRow {
                        time: sample.decided_at,
                        instrument: "",
                        interval: task.interval,
                        model: "",
                        seed: task.seed,
                        fold: task.fold,
                        path: fold.path_of(sample),
                        probabilities: prediction.probabilities.classes(),
                        direction: prediction.direction,
                        confidence: prediction.probabilities.of(prediction.direction),
                        realised_return: sample.outcome().change,
                    },
                );
            }
        }
        predictions
    }

    fn jumps(&self) -> impl Iterator<Item = Warning> {
        self.plan.instruments.iter().enumerate().filter_map(|(index, instrument)| {
            let tested: Vec<_> = self.folds_done().filter_map(|fold| fold.tested(index)).collect();
            let first = tested.iter().map(|(first, _)| *first).min()?;
            let last = tested.iter().map(|(_, last)| *last).max()?;
            score::jump(&instrument.series, first..=last)
        })
    }

    /// Folds on which at least one model was tested.
    pub(super) fn folds_done(&self) -> impl Iterator<Item = &Fold<'a>> {
        let folds: BTreeSet<usize> = self.done.iter().map(|(task, _)| task.fold_index).collect();
        folds.into_iter().map(|index| &self.plan.folds[index])
    }

    pub(super) fn settings(&self) -> ScoreSettings<'a> {
        let Backtest { labels, seed, costs, .. } = self.plan.backtest;
        ScoreSettings { horizon: labels.horizon, seed: *seed, costs }
    }
}
