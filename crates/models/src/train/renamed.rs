//! Learner under another id.
use windvane_signals::{TrainSet, ValidationSet};

use super::{Learner, Run};
use crate::{FittedModel, ModelId, TrainError};

/// Learner under another id, so that learners of one kind with different hyperparameters can be
/// compared in one backtest. The fitted models keep the id of the inner learner.
///
/// # Examples
/// ```
/// use windvane_models::train::{Learner, Renamed};
/// use windvane_models::v32;
///
/// let learner = Renamed::new("v32 small batches", v32::learner());
/// assert_eq!(learner.id().as_str(), "v32 small batches");
/// assert_eq!(learner.settings(), v32::learner().settings()); // the same fits
/// ```
#[derive(Debug, Clone)]
pub struct Renamed<L> {
    id: ModelId,
    learner: L,
}

impl<L: Learner> Renamed<L> {
    /// Creates a learner with the id `name`.
    pub fn new(name: impl Into<String>, learner: L) -> Self {
        Self { id: ModelId::new(name.into()), learner }
    }
}

impl<L: Learner> Learner for Renamed<L> {
    fn id(&self) -> &ModelId {
        &self.id
    }

    /// Returns the settings of the inner learner: the name does not determine the fitted model.
    fn settings(&self) -> Option<String> {
        self.learner.settings()
    }

    fn row_memory(&self, width: usize) -> Option<usize> {
        self.learner.row_memory(width)
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        self.learner.fit(train, validation, run)
    }
}
