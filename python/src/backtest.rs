//! Backtests and their reports.
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;
use windvane::backtest::{Backtest, Event, Instrument, Plan, Report as RustReport, Task};
use windvane::catalog::{Hyperparameters, ModelEntry};
use windvane::models::train::{EpochReport, Learner, Run};
use windvane::models::{FittedModel, ModelId, TrainError};
use windvane::signals::{SignalSpec, TrainSet, ValidationSet, WalkForward};

use crate::error::failed;
use crate::policy::config;
use crate::progress::{self, StopFlag};
use crate::series::{Series, copied};
use crate::signals::channels;

/// Report of a backtest.
#[pyclass(frozen, module = "windvane._native")]
pub(crate) struct Report(RustReport);

#[pymethods]
impl Report {
    fn json(&self) -> String {
        self.0.to_json()
    }

    fn html(&self) -> String {
        self.0.to_html()
    }

    fn markdown(&self) -> String {
        self.0.to_markdown()
    }

    fn verdict(&self) -> String {
        self.0.verdict()
    }
}

/// Backtests models on series.
#[pyfunction]
#[pyo3(signature = (
    series, *, models, policies, costs, seed, average_seeds, folds, spec, lookback, label, epochs,
    progress,
))]
#[expect(clippy::too_many_arguments, reason = "one per setting of the Python function")]
pub(crate) fn backtest(
    py: Python<'_>,
    series: Vec<PyRef<'_, Series>>,
    models: Vec<String>,
    policies: Option<Vec<String>>,
    costs: Vec<f64>,
    seed: u64,
    average_seeds: Option<usize>,
    folds: usize,
    spec: &Bound<'_, PyAny>,
    lookback: usize,
    label: &str,
    epochs: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Report> {
    let entries = models.iter().map(|name| name.parse::<ModelEntry>().map_err(failed));
    let entries = entries.collect::<PyResult<Vec<ModelEntry>>>()?;
    let (SignalSpec { channels, gaps: always_open }, fixed_gaps) = channels(spec)?;
    let gaps = fixed_gaps.then_some(always_open);
    let plan = Plan::WalkForward(WalkForward { folds, ..WalkForward::default() });
    let policies = match policies {
        Some(all) => all.iter().map(|json| config(json)).collect::<PyResult<_>>()?,
        None => Backtest::default_policies(),
    };
    let settings = Backtest {
        channels,
        gaps,
        always_open,
        lookback,
        labels: label.parse().map_err(failed)?,
        plan,
        costs,
        policies,
        seed,
        ..Backtest::default()
    };
    let instruments: Vec<Instrument> =
        copied(&series).into_iter().map(|series| Instrument { series, test_only: false }).collect();
    let training = Hyperparameters { epochs, seeds: average_seeds, ..Hyperparameters::default() };
    let report = progress::run(py, progress, |reporter| {
        let learners: Vec<Box<dyn Learner>> = entries
            .iter()
            .map(|entry| {
                let inner = entry.averaged_learner(&training);
                Box::new(Stoppable { inner, stop: reporter.stop().clone() }) as Box<dyn Learner>
            })
            .collect();
        let (planned, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        settings.run(&instruments, &learners, &|event| match event {
            Event::Planned { tasks } => planned.store(tasks, Ordering::Relaxed),
            Event::Finished { task, .. } => {
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                reporter.step(done, planned.load(Ordering::Relaxed), task_text(task));
            }
            _ => {}
        })
    })?;
    let mut report = report.map_err(failed)?;
    report.run.model_descriptions = entries
        .iter()
        .map(|entry| (entry.name.to_string(), entry.averaged_method(&training)))
        .collect();
    Ok(Report(report))
}

fn task_text(task: Task<'_>) -> String {
    let Task { model, interval, fold, folds, .. } = task;
    format!("{model} {interval} fold {fold}/{folds}")
}

/// Learner whose training ends when the user interrupts the backtest.
struct Stoppable {
    inner: Arc<dyn Learner>,
    stop: StopFlag,
}

impl Learner for Stoppable {
    fn id(&self) -> &ModelId {
        self.inner.id()
    }

    fn settings(&self) -> Option<String> {
        self.inner.settings()
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        if self.stop.flow().is_break() {
            return Err(TrainError::Stopped { epoch: 0 });
        }
        let on_epoch = |report: &EpochReport| match self.stop.flow() {
            ControlFlow::Continue(()) => run.report(report),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        };
        self.inner.fit(train, validation, &Run::new(run.seed()).on_epoch(&on_epoch))
    }
}
