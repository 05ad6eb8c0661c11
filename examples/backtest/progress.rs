//! A progress bar over tasks and epochs; plain lines where there is no terminal.
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};
use windvane::backtest::{Event, Task};

/// Steps of the bar per task.
const STEPS: u64 = 100;

pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    /// Steps done per task.
    done: Mutex<BTreeMap<usize, u64>>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let template = "{bar:30} {percent:>3} %  {elapsed}, {eta} left  {msg}";
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(template);
            ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
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
                self.say(&format!("{}, epoch {}: loss {loss:.4}", name(task), report.epoch));
            }
            Event::Resumed { task } => {
                self.advance(task, STEPS);
                if self.bar.is_none() {
                    eprintln!("{}: done by an earlier run", name(task));
                }
            }
            Event::Notice { message } => match &self.bar {
                Some(bar) => bar.println(format!("note: {message}")),
                None => eprintln!("note: {message}"),
            },
            Event::Finished { task, seconds, error } => {
                self.advance(task, STEPS);
                if self.bar.is_none() {
                    let outcome = error.map_or("done".to_string(), |e| format!("failed: {e}"));
                    eprintln!("{}: {outcome} in {seconds:.1} s", name(task));
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

    fn say(&self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_string());
        }
    }
}

fn name(task: Task<'_>) -> String {
    let Task { model, interval, fold, folds, seed, .. } = task;
    format!("{model} {interval} fold {fold}/{folds} seed {seed}")
}
