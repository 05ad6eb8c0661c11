//! Parallel execution of the tasks of a run.
use std::ops::ControlFlow;
use std::time::Instant;

use rayon::prelude::*;
use windvane_models::TrainError;
use windvane_models::train::{EpochReport, Run};

use super::cache::TaskCache;
use super::loss_curve::LossCurve;
use super::run_plan::RunPlan;
use super::task;
use super::task_result::TaskResult;
use super::{Event, Task};

/// Shared context of all tasks of a run.
pub(crate) struct Executor<'a> {
    pub(crate) plan: &'a RunPlan<'a>,
    pub(crate) cache: Option<&'a TaskCache<'a>>,
    pub(crate) on_event: &'a (dyn Fn(Event<'_>) + Sync),
}

impl Executor<'_> {
    /// Runs the tasks on rayon's current threads and returns the results in the order of the tasks.
    pub(crate) fn run_all(&self, tasks: &[Task<'_>]) -> Vec<Result<TaskResult, TrainError>> {
        (self.on_event)(Event::Planned { tasks: tasks.len() });
        tasks.par_iter().map(|task| self.run(*task)).collect()
    }

    /// Runs a task, or loads its cached result.
    fn run(&self, task: Task<'_>) -> Result<TaskResult, TrainError> {
        let (fold, learner) = (self.plan.fold(&task), self.plan.learner(&task));
        let file = self.cache.and_then(|cache| cache.file(fold, learner, task.seed));
        if let Some(file) = &file {
            match file.read(fold) {
                Ok(Some(result)) => {
                    (self.on_event)(Event::Resumed { task });
                    return Ok(result);
                }
                Ok(None) => {}
                Err(message) => (self.on_event)(Event::Notice { message: &message }),
            }
        }
        let result = self.fit(task)?;
        if let Some(Err(message)) = file.map(|file| file.write(&result)) {
            (self.on_event)(Event::Notice { message: &message });
        }
        Ok(result)
    }

    fn fit(&self, task: Task<'_>) -> Result<TaskResult, TrainError> {
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
        let seconds = started.elapsed().as_secs_f64();
        let error = result.as_ref().err().map(ToString::to_string);
        (self.on_event)(Event::Finished { task, seconds, error: error.as_deref() });
        result
    }
}
