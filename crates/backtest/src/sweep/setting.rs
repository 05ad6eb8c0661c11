//! Settings of a sweep: their tasks, and runs of some of them.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use rayon::prelude::*;
use windvane_candles::Interval;
use windvane_models::train::Learner;

use super::ProgramId;
use crate::error::BacktestError;
use crate::run::{
    Backtest, CacheFile, Event, Executor, Instrument, RunPlan, StoredResult, Task, TaskCache,
};

/// Setting of a sweep: a backtest with its learners.
///
/// [`Backtest::resume`] is not used.
pub struct SweepSetting {
    /// Name of the setting, such as `six, 20 rows, next`.
    pub name: String,
    /// Settings of the backtest.
    pub backtest: Backtest,
    /// Learners of the models; each needs [`settings`](Learner::settings).
    pub learners: Vec<Box<dyn Learner>>,
}

/// Formats the ids of the learners instead of the learners.
impl fmt::Debug for SweepSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let learners: Vec<&str> = self.learners.iter().map(|one| one.id().as_str()).collect();
        let mut text = f.debug_struct("SweepSetting");
        text.field("name", &self.name).field("backtest", &self.backtest);
        text.field("learners", &learners).finish()
    }
}

/// Task of a sweep: one model on one fold with one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedTask {
    /// Hash of all inputs of the task, 32 hexadecimal digits: data, settings, learner, seed, version
    /// and kernel.
    pub key: String,
    /// Name of the model, or of a fitted baseline.
    pub model: String,
    /// Interval of the candles.
    pub interval: Interval,
    /// Fold, counted from 1.
    pub fold: usize,
    /// Seed of the task.
    pub seed: u64,
    /// Number of training windows.
    pub training_windows: usize,
    /// Number of test windows.
    pub test_windows: usize,
}

/// Task of a plan with the file of its result; `None` for a fold without training windows.
pub(super) type TaskFile<'a> = (Task<'a>, Option<CacheFile>);

impl SweepSetting {
    /// Lists the tasks of the setting in the order of the report. A fold without training windows has
    /// none. The list is the same on every machine with the same data, version and kernel.
    ///
    /// # Errors
    /// Those of [`Backtest::run`] before the first task, [`BacktestError::Kernel`] and
    /// [`BacktestError::NoLearnerSettings`].
    pub fn tasks(&self, instruments: &[Instrument]) -> Result<Vec<PlannedTask>, BacktestError> {
        self.check()?;
        self.backtest.with_plan(instruments, &self.learners, |plan, _| {
            let tasks = task_files(plan, Path::new(""))?;
            Ok(tasks.iter().filter_map(|(task, file)| planned(plan, task, file.as_ref())).collect())
        })
    }

    /// Runs the tasks with the given keys in parallel on rayon's current threads, and stores each
    /// result in its own file of a folder, which is created if it does not exist.
    ///
    /// A task whose result is in the folder is not repeated; a damaged result is. Each file is
    /// written atomically, so a killed process leaves only complete results, and several processes
    /// may write to one folder. A failed fit is a result, too.
    ///
    /// # Errors
    /// Those of [`tasks`](Self::tasks), [`BacktestError::UnknownTasks`] before the first task, and
    /// [`BacktestError::Io`] if a result cannot be written.
    pub fn run(
        &self,
        instruments: &[Instrument],
        keys: &BTreeSet<String>,
        folder: &Path,
        on_event: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<(), BacktestError> {
        self.check()?;
        self.backtest.with_plan(instruments, &self.learners, |plan, _| {
            let files = task_files(plan, folder)?.into_iter();
            let known = files.filter_map(|(task, file)| Some((task, file?)));
            let mut known: BTreeMap<String, (Task<'_>, CacheFile)> =
                known.map(|(task, file)| (file.key(), (task, file))).collect();
            let mut unknown = keys.iter().filter(|key| !known.contains_key(*key));
            if let Some(first) = unknown.next() {
                let (first, count) = (first.clone(), 1 + unknown.count());
                return Err(BacktestError::UnknownTasks { count, first });
            }
            known.retain(|key, _| keys.contains(key));
            let created = std::fs::create_dir_all(folder);
            created.map_err(|source| BacktestError::Io { path: folder.to_path_buf(), source })?;
            on_event(Event::Planned { tasks: known.len() });
            let executor = Executor { plan, cache: None, on_event };
            let mut tasks: Vec<(Task<'_>, CacheFile)> = known.into_values().collect();
            tasks.sort_by_key(|(task, _)| task.index);
            tasks.par_iter().try_for_each(|(task, file)| store(&executor, *task, file))
        })
    }

    pub(super) fn check(&self) -> Result<(), BacktestError> {
        ProgramId::current()?;
        let without = self.learners.iter().find(|learner| learner.settings().is_none());
        match without {
            Some(learner) => {
                Err(BacktestError::NoLearnerSettings { model: learner.id().to_string() })
            }
            None => Ok(()),
        }
    }
}

/// Tasks of a plan with the files of their results in a folder.
pub(super) fn task_files<'a>(
    plan: &RunPlan<'a>,
    folder: &Path,
) -> Result<Vec<TaskFile<'a>>, BacktestError> {
    let cache = TaskCache::of_existing(folder, &plan.folds)?;
    let tasks = plan.tasks().into_iter().map(|task| {
        let file = cache.file(plan.fold(&task), plan.learner(&task), task.seed);
        (task, file)
    });
    Ok(tasks.collect())
}

fn planned(plan: &RunPlan<'_>, task: &Task<'_>, file: Option<&CacheFile>) -> Option<PlannedTask> {
    let fold = plan.fold(task);
    let (train, _) = fold.training_windows.as_ref().ok()?;
    Some(PlannedTask {
        key: file?.key(),
        model: task.model.to_string(),
        interval: task.interval,
        fold: task.fold,
        seed: task.seed,
        training_windows: train.len(),
        test_windows: fold.test.len(),
    })
}

/// Runs a task and stores its result, unless there is a complete one.
fn store(executor: &Executor<'_>, task: Task<'_>, file: &CacheFile) -> Result<(), BacktestError> {
    match file.read(executor.plan.fold(&task)) {
        Ok(Some(_)) => {
            (executor.on_event)(Event::Resumed { task });
            return Ok(());
        }
        Ok(None) => {}
        Err(reason) => (executor.on_event)(Event::Notice { message: &file.unusable(&reason) }),
    }
    let result: StoredResult = executor.fit(task);
    let path = file.path().to_path_buf();
    file.write(&result).map_err(|source| BacktestError::Io { path, source })
}
