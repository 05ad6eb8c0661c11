//! Gain of refitting, from the tasks of a rolling refit.
use std::collections::HashMap;

use rayon::prelude::*;
use windvane_candles::{Direction, Timestamp};

use super::finished::FinishedRun;
use super::fold::Fold;
use crate::score::RefitGain;

impl FinishedRun<'_> {
    /// Gain of every model and interval; empty under plans without refits.
    pub(super) fn refits(&self) -> Vec<RefitGain> {
        let groups: Vec<&[Fold<'_>]> =
            self.plan.groups().filter(|folds| folds[0].later.is_some()).collect();
        let jobs: Vec<(&[Fold<'_>], usize)> = groups
            .iter()
            .flat_map(|folds| (0..self.names.len()).map(move |model| (*folds, model)))
            .collect();
        let gains: Vec<Option<RefitGain>> =
            jobs.into_par_iter().map(|(folds, model)| self.refit_gain(folds, model)).collect();
        gains.into_iter().flatten().collect()
    }

    /// Gain of a model; `None` if its first fit failed.
    fn refit_gain(&self, folds: &[Fold<'_>], model: usize) -> Option<RefitGain> {
        let first = &folds[0];
        let interval = first.interval();
        let later = first.later.as_ref()?;
        let mut done = self.done.iter().filter(|(task, _)| {
            task.learner == model && task.repeat == 0 && task.interval == interval
        });
        let refits = done.clone().filter(|(task, _)| task.fold > 1).count();
        let (_, once) = done.find(|(task, _)| task.fold == 1)?;
        let once: HashMap<(Timestamp, usize), Direction> = later
            .samples()
            .iter()
            .zip(&once.later)
            .map(|(sample, one)| ((sample.decided_at, first.instrument_of(sample)), one.direction))
            .collect();
        let records = self.each_record(model, 0, &first.group.members);
        let records = records.filter_map(|record| {
            let direction = once.get(&(record.decided_at, record.instrument))?;
            Some((record, *direction))
        });
        let name = self.names[model];
        Some(RefitGain::of(name, interval, refits, records.collect(), self.settings()))
    }
}
