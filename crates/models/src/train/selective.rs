//! A learner whose models abstain unless they are confident.
use windvane_signals::{TrainSet, ValidationSet};

use super::{Learner, Run, abstain, calibration_parts};
use crate::{FittedModel, ModelId, TrainError};

/// Fits the model of another learner and makes it abstain, so that it predicts UP or DOWN on a
/// target share of the candles.
///
/// The threshold is chosen on the last third of the validation windows, as the temperature is.
#[derive(Debug, Clone)]
pub struct Selective<L> {
    id: ModelId,
    learner: L,
    coverage: f64,
}

impl<L: Learner> Selective<L> {
    /// Creates a learner of models with this coverage: the share of candles with UP or DOWN. The id
    /// ends with the share, such as `v32@0.3`.
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
