//! Loss epoch by epoch.
use std::sync::Mutex;

use serde::Serialize;
use windvane_models::train::EpochReport;

/// One epoch of a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EpochLoss {
    /// Which of the networks that the model is made of, counted from 1 in the order of their
    /// training.
    pub member: usize,
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch's training windows, nats.
    pub train_loss: f64,
    /// Mean cross-entropy on the validation windows after the epoch, nats; `None` without any.
    pub validation_loss: Option<f64>,
    /// Whether these were the best weights so far.
    pub best: bool,
}

/// What a learner tells of its epochs, kept in the order of telling.
#[derive(Debug, Default)]
pub(crate) struct LossCurve(Mutex<Vec<EpochLoss>>);

impl LossCurve {
    /// An epoch that is not behind the last one begins the next member.
    pub(crate) fn add(&self, report: &EpochReport) {
        let mut epochs = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let member = match epochs.last() {
            Some(last) if report.epoch > last.epoch => last.member,
            Some(last) => last.member + 1,
            None => 1,
        };
        let EpochReport { epoch, train_loss, validation_loss, best, .. } = *report;
        epochs.push(EpochLoss { member, epoch, train_loss, validation_loss, best });
    }

    pub(crate) fn into_epochs(self) -> Vec<EpochLoss> {
        self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
