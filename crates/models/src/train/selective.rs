//! A learner whose models call only where they are sure.
use windvane_signals::{TrainSet, ValidationSet};

use super::{Learner, Run, abstain, calibration_parts};
use crate::{FittedModel, ModelId, TrainError};

/// Fits what another learner fits, and has it abstain so that it calls on a wished share of the
/// candles.
///
/// The threshold is chosen on the last third of the validation windows, as the temperature is.
#[derive(Debug, Clone)]
pub struct Selective<L> {
    id: ModelId,
    learner: L,
    coverage: f64,
}

impl<L: Learner> Selective<L> {
    /// Models of `learner` that call on a `coverage` share of the candles; their name gets the
    /// share behind it, such as `v32@0.3`.
    pub fn new(learner: L, coverage: f64) -> Self {
        Self { id: ModelId::new(format!("{}@{coverage}", learner.id())), learner, coverage }
    }
}

impl<L: Learner> Learner for Selective<L> {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn recipe(&self) -> Option<String> {
        let Self { id, learner, coverage } = self;
        serde_json::to_string(&("selective", id.as_str(), coverage, learner.recipe()?)).ok()
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
