//! Parallel execution of the tasks of a run.
use std::ops::ControlFlow;
use std::time::Instant;

use rayon::prelude::*;
use windvane_models::train::{EpochReport, Run};

use super::cache::TaskCache;
use super::loss_curve::LossCurve;
use super::run_plan::RunPlan;
use super::task;
use super::task_result::{StoredResult, TaskResult};
use super::{Event, Task};

/// Shared context of all tasks of a run.
pub(crate) struct Executor<'a> {
    pub(crate) plan: &'a RunPlan<'a>,
    pub(crate) cache: Option<&'a TaskCache<'a>>,
    pub(crate) on_event: &'a (dyn Fn(Event<'_>) + Sync),
}

impl Executor<'_> {
    /// Runs the tasks on rayon's current threads and returns the results in the order of the tasks.
    pub(crate) fn run_all(&self, tasks: &[Task<'_>]) -> Vec<StoredResult> {
        (self.on_event)(Event::Planned { tasks: tasks.len() });
        tasks.par_iter().map(|task| self.run(*task)).collect()
    }

    /// Runs a task, or loads its cached result.
    fn run(&self, task: Task<'_>) -> StoredResult {
        let (fold, learner) = (self.plan.fold(&task), self.plan.learner(&task));
        let file = self.cache.and_then(|cache| cache.file(fold, learner, task.seed));
        if let Some(file) = &file {
            match file.read(fold) {
                Ok(Some(result)) => {
                    (self.on_event)(Event::Resumed { task });
                    return result;
                }
                Ok(None) => {}
                Err(reason) => {
                    (self.on_event)(Event::Notice { message: &file.unusable(&reason) });
                }
            }
        }
        let result = self.fit(task);
        if let (Ok(_), Some(file)) = (&result, &file)
            && let Err(error) = file.write(&result)
        {
            (self.on_event)(Event::Notice { message: &file.not_written(&error) });
        }
        result
    }

    /// Fits and tests the model of a task.
    pub(crate) fn fit(&self, task: Task<'_>) -> StoredResult {
        (self.on_event)(Event::Started { task });
        let started = Instant::now();
        let curve = LossCurve::default();
        let on_epoch = |report: &EpochReport| {
            curve.add(report);
            (self.on_event)(Event::Epoch { task, report });
            ControlFlow::Continue(())
        };
        let run = Run::new(task.seed).on_epoch(&on_epoch);
        let result = task::run(self.plan.fold(&task), self.plan.learner(&task), &run);
        let result = result.map(|result| TaskResult { epochs: curve.into_epochs(), ..result });
        let result = result.map_err(|error| error.to_string());
        let seconds = started.elapsed().as_secs_f64();
        let error = result.as_ref().err().map(String::as_str);
        (self.on_event)(Event::Finished { task, seconds, error });
        result
    }
}
