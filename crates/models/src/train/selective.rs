//! Learner of models that abstain at low confidence.
use windvane_signals::{TrainSet, ValidationSet};

use super::{Learner, Run, abstain, calibration_parts};
use crate::{FittedModel, ModelId, TrainError};

/// Learner that fits the model of another learner and sets its minimum margin for a target
/// coverage.
///
/// Coverage is the share of candles with the prediction UP or DOWN. The minimum margin is set on
/// the last third of the validation windows.
#[derive(Debug, Clone)]
pub struct Selective<L> {
    id: ModelId,
    learner: L,
    coverage: f64,
}

impl<L: Learner> Selective<L> {
    /// Creates a learner of models with a target coverage. The coverage is part of the id, such as
    /// `v32@0.3`.
    pub fn new(learner: L, coverage: f64) -> Self {
        Self { id: ModelId::new(format!("{}@{coverage}", learner.id())), learner, coverage }
    }
}

impl<L: Learner> Learner for Selective<L> {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn settings(&self) -> Option<String> {
        let Self { id, learner, coverage } = self;
        serde_json::to_string(&("selective", id.as_str(), coverage, learner.settings()?)).ok()
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
        let mut model = self.learner.fit(train, validation, run)?;
        abstain(&mut *model, &calibration_parts(validation).1, self.coverage)?;
        Ok(model)
    }
}
