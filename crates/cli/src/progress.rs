//! Progress bars on standard error.
use std::ops::ControlFlow;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};
use windvane::models::train::EpochReport;

/// Creates a progress bar from a template, with the default style for an invalid template.
pub(crate) fn bar(template: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

/// Progress bar over the epochs of one training; it also collects their reports.
pub(crate) struct EpochProgress {
    bar: ProgressBar,
    reports: Mutex<Vec<EpochReport>>,
}

impl EpochProgress {
    pub(crate) fn new() -> Self {
        Self { bar: bar("{bar:30} epoch {pos}/{len}  {msg}", 1), reports: Mutex::default() }
    }

    pub(crate) fn on(&self, report: &EpochReport) -> ControlFlow<()> {
        self.bar.set_length(report.max_epochs as u64);
        self.bar.set_position(report.epoch as u64);
        let validation = report.validation_loss.map(|loss| format!(", validation {loss:.4}"));
        let validation = validation.unwrap_or_default();
        self.bar.set_message(format!("loss {:.4}{validation}", report.train_loss));
        if let Ok(mut reports) = self.reports.lock() {
            reports.push(report.clone());
        }
        ControlFlow::Continue(())
    }

    /// Removes the bar and returns the reports in the order of the epochs.
    pub(crate) fn finish(self) -> Vec<EpochReport> {
        self.bar.finish_and_clear();
        self.reports.into_inner().unwrap_or_default()
    }
}
