//! Training records of a finished run and the importance of channels.
use rayon::prelude::*;
use windvane_signals::Sample;

use super::finished::FinishedRun;
use super::task_result::TaskResult;
use crate::report::TrainingResult;
use crate::score::text::date;
use crate::score::{Importance, MaskingEffect, ModelChannel, Warning, WarningCode};

impl FinishedRun<'_> {
    pub(super) fn training(&self) -> Vec<TrainingResult> {
        let trained = self.done.iter().filter_map(|(task, result)| {
            Some(TrainingResult {
                model: task.model.to_string(),
                interval: task.interval,
                fold: task.fold,
                record: result.training.clone()?,
                epochs: result.epochs.clone(),
            })
        });
        trained.collect()
    }

    /// Warnings about models that were fitted on candles of a test period, one per fold: a learner
    /// that returns a fitted model need not use the training windows that it gets.
    pub(super) fn in_sample(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (task, result) in self.done.iter().filter(|(task, _)| task.repeat == 0) {
            let fold = self.plan.fold(task);
            let (Some(record), Ok((train, validation))) =
                (&result.training, &fold.training_windows)
            else {
                continue;
            };
            let settled = validation.samples().iter().map(Sample::settled_at);
            let own = (train.until(), settled.max().unwrap_or(train.until()));
            let (until, test_from) =
                (record.until.max(record.validated_until), fold.split.test_from());
            // Under a combinatorial plan the own windows end after the test, too.
            if until <= test_from || (record.until, record.validated_until) == own {
                continue;
            }
            warnings.push(Warning {
                code: WarningCode::InSample,
                model: task.model.to_string(),
                instrument: "all".to_string(),
                interval: Some(task.interval),
                message: format!(
                    "Fold {} tests from {} on, and the model was fitted on candles until {}: the \
                     result is in-sample and is not part of the verdict; choose a later test \
                     period",
                    task.fold,
                    date(test_from),
                    date(until)
                ),
            });
        }
        warnings
    }

    /// Warnings about models whose training period is unknown, one per model and interval: they may
    /// have been fitted on candles of the test.
    pub(super) fn unknown_training(&self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = Vec::new();
        for (task, result) in self.done.iter().filter(|(task, _)| task.repeat == 0) {
            let unrecorded = result.training.as_ref().map(|record| record.unrecorded.join(", "));
            let message = match unrecorded {
                None => {
                    "The training period is unknown, because the model has no training record: it \
                         may have been fitted on candles of the test; implement \
                         FittedModel::record, also in a wrapper"
                        .to_string()
                }
                Some(members) if !members.is_empty() => format!(
                    "The training period of the members {members} is unknown, because they have no \
                     training record: they may have been fitted on candles of the test"
                ),
                Some(_) => continue,
            };
            let warning = Warning {
                code: WarningCode::UnknownTraining,
                model: task.model.to_string(),
                instrument: "all".to_string(),
                interval: Some(task.interval),
                message,
            };
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }

    /// Importance of every channel to every model, by interval.
    pub(super) fn importance(&self) -> Vec<Importance> {
        let mut jobs = Vec::new();
        for folds in self.plan.groups() {
            for (learner, model) in self.names.iter().copied().enumerate() {
                let interval = folds[0].interval();
                let own = self.done.iter().filter(|(task, _)| {
                    task.interval == interval && task.learner == learner && task.repeat == 0
                });
                let own: Vec<&TaskResult> = own.map(|(_, result)| result).collect();
                let width = own.first().map_or(0, |result| result.effects.len());
                for (index, channel) in self.plan.backtest.channels.iter().enumerate().take(width) {
                    let effects = own.iter().flat_map(|result| &result.effects[index]).collect();
                    let channel = channel.to_string();
                    jobs.push((ModelChannel { model, interval, channel }, effects));
                }
            }
        }
        let jobs: Vec<(ModelChannel<'_>, Vec<&MaskingEffect>)> = jobs;
        let settings = self.settings();
        jobs.into_par_iter()
            .map(|(channel, effects)| Importance::of(channel, &effects, settings))
            .collect()
    }
}
