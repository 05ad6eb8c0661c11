//! Progress of a backtest: a bar, or plain lines if standard error is not a terminal.
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Mutex;

use indicatif::ProgressBar;
use windvane::backtest::{Event, Task};

use crate::output::note;
use crate::progress::bar;

/// Number of steps of the bar per task.
const STEPS: u64 = 100;

/// Progress over the tasks and epochs of a backtest.
pub(crate) struct BacktestProgress {
    bar: Option<ProgressBar>,
    /// Number of finished steps per task.
    done: Mutex<BTreeMap<usize, u64>>,
}

impl BacktestProgress {
    pub(crate) fn new() -> Self {
        let template = "{bar:30} {percent:>3} %  {elapsed}, {eta} left  {msg}";
        let bar = std::io::stderr().is_terminal().then(|| bar(template, 1));
        Self { bar, done: Mutex::default() }
    }

    pub(crate) fn on(&self, event: &Event<'_>) {
        match *event {
            Event::Planned { tasks } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(tasks as u64 * STEPS);
                }
            }
            Event::Epoch { task, report } => {
                self.advance(task, STEPS * report.epoch as u64 / report.max_epochs as u64);
                let loss = report.validation_loss.unwrap_or(report.train_loss);
                self.set_message(format!("{}, epoch {}: loss {loss:.4}", name(task), report.epoch));
            }
            Event::Resumed { task } => {
                self.advance(task, STEPS);
                if self.bar.is_none() {
                    note(format_args!("{}: result of an earlier run", name(task)));
                }
            }
            Event::Notice { message } => match &self.bar {
                Some(bar) => bar.println(format!("note: {message}")),
                None => note(format_args!("note: {message}")),
            },
            Event::Finished { task, seconds, error } => {
                self.advance(task, STEPS);
                if self.bar.is_none() {
                    let outcome = error.map_or("done".to_string(), |e| format!("failed: {e}"));
                    note(format_args!("{}: {outcome} in {seconds:.1} s", name(task)));
                }
            }
            _ => {}
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn advance(&self, task: Task<'_>, steps: u64) {
        let (Some(bar), Ok(mut done)) = (&self.bar, self.done.lock()) else { return };
        done.insert(task.index, steps);
        bar.set_position(done.values().sum());
    }

    fn set_message(&self, message: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(message);
        }
    }
}

fn name(task: Task<'_>) -> String {
    let Task { model, interval, fold, folds, seed, .. } = task;
    format!("{model} {interval} fold {fold}/{folds} seed {seed}")
}
