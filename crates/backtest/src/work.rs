//! The tasks of a run, and doing one of them.
use std::ops::ControlFlow;
use std::time::Instant;

use windvane_models::ModelError;
use windvane_models::train::{EpochReport, Learner, Run};

use crate::backtest::Planned;
use crate::group::Fold;
use crate::lineup::Lineup;
use crate::loss_curve::LossCurve;
use crate::store::Store;
use crate::task::{self, Answers, Outcome};
use crate::{Event, Task};

/// One entry of the work list: indices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) group: usize,
    pub(crate) fold: usize,
    pub(crate) learner: usize,
    /// Which of the seeds, counted from 0.
    pub(crate) repeat: usize,
}

/// A task's outcome with its place.
pub(crate) struct Done {
    pub(crate) group: usize,
    pub(crate) fold: usize,
    pub(crate) learner: usize,
    /// Which of the seeds, counted from 0.
    pub(crate) repeat: usize,
    pub(crate) outcome: Outcome,
}

/// What all tasks of a run share.
pub(crate) struct Work<'a> {
    pub(crate) planned: &'a [Planned<'a>],
    pub(crate) lineup: &'a Lineup<'a>,
    pub(crate) store: Option<&'a Store<'a>>,
    pub(crate) on_event: &'a (dyn Fn(Event<'_>) + Sync),
}

impl Work<'_> {
    /// What a task comes to, taken from an earlier run where that has kept it.
    pub(crate) fn outcome(
        &self,
        index: usize,
        entry: Entry,
        seed: u64,
    ) -> Result<Outcome, ModelError> {
        let Planned { group, folds } = &self.planned[entry.group];
        let (learner, number) = (self.lineup.learners[entry.learner], entry.fold + 1);
        let (interval, model) = (group.interval, learner.id().as_str());
        let task = Task { index, model, interval, fold: number, folds: folds.len(), seed };
        let fold = &folds[entry.fold];
        let slot = self.store.and_then(|store| store.slot(entry.group, fold, learner, seed));
        let notice = |message: String| (self.on_event)(Event::Notice { message: &message });
        let kept = slot.as_ref().map_or(Ok(None), |slot| slot.read(fold.test.len()));
        if let Some(answers) = kept.unwrap_or_else(|message| {
            notice(message);
            None
        }) {
            (self.on_event)(Event::Resumed { task });
            return Ok(answers.into_outcome(group, number, fold));
        }
        let answers = self.fit(task, fold, learner)?;
        if let Some(Err(message)) = slot.map(|slot| slot.write(&answers)) {
            notice(message);
        }
        Ok(answers.into_outcome(group, number, fold))
    }

    fn fit(
        &self,
        task: Task<'_>,
        fold: &Fold,
        learner: &dyn Learner,
    ) -> Result<Answers, ModelError> {
        (self.on_event)(Event::Started { task });
        let started = Instant::now();
        let curve = LossCurve::default();
        let on_epoch = |report: &EpochReport| {
            curve.add(report);
            (self.on_event)(Event::Epoch { task, report: *report });
            ControlFlow::Continue(())
        };
        let answers = task::run(fold, learner, &Run::new(task.seed).on_epoch(&on_epoch));
        let answers = answers.map(|answers| Answers { epochs: curve.into_epochs(), ..answers });
        let seconds = started.elapsed().as_secs_f64();
        let error = answers.as_ref().err().map(ToString::to_string);
        (self.on_event)(Event::Finished { task, seconds, error: error.as_deref() });
        answers
    }
}

/// The work list, in the order of the report. What is fitted only to be compared with has one
/// seed.
pub(crate) fn entries(planned: &[Planned<'_>], lineup: &Lineup<'_>, seeds: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (group, Planned { folds, .. }) in planned.iter().enumerate() {
        for fold in 0..folds.len() {
            for learner in 0..lineup.learners.len() {
                let seeds = if learner < lineup.models { seeds } else { 1 };
                entries.extend((0..seeds).map(|repeat| Entry { group, fold, learner, repeat }));
            }
        }
    }
    entries
}
