//! Training records of a finished run and the importance of channels.
use rayon::prelude::*;

use super::finished::FinishedRun;
use super::task_result::TaskResult;
use crate::report::TrainingResult;
use crate::score::{Importance, MaskingEffect, ModelChannel};

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
