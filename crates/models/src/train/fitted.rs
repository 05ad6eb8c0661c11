//! Learner that returns an already fitted model.
use std::sync::Arc;

use windvane_signals::{TrainSet, ValidationSet};

use super::{Learner, Run, record_of, spec_of};
use crate::{DirectionModel, FittedModel, ModelId, TrainError};

/// Learner that returns an already fitted model, for a backtest of a saved file.
///
/// # Examples
/// ```
/// use windvane_models::train::{Fitted, Learner};
/// use windvane_models::v32;
///
/// let learner = Fitted::new(v32::pretrained());
/// assert_eq!(learner.id(), learner.model().id());
/// # use windvane_models::DirectionModel;
/// ```
#[derive(Debug, Clone)]
pub struct Fitted {
    model: Arc<dyn FittedModel>,
}

impl Fitted {
    /// Creates a learner that returns `model` and has its id.
    pub fn new(model: impl FittedModel) -> Self {
        Self { model: Arc::new(model) }
    }

    /// Returns the fitted model.
    pub fn model(&self) -> &dyn FittedModel {
        &*self.model
    }
}

impl Learner for Fitted {
    fn id(&self) -> &ModelId {
        self.model.id()
    }

    /// Returns the XXH3 hash of the saved model, which identifies its weights.
    fn settings(&self) -> Option<String> {
        let bytes = self.model.to_bytes().ok()?;
        let hash = xxhash_rust::xxh3::xxh3_64(&bytes);
        serde_json::to_string(&("fitted", self.id().as_str(), hash)).ok()
    }

    fn row_memory(&self, _: usize) -> Option<usize> {
        Some(0)
    }

    /// Returns the model.
    ///
    /// # Errors
    /// [`TrainError::OtherSpec`] if the windows do not match the model's spec, or if the model was
    /// fitted on later candles than these, so that its score would be in-sample.
    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let (given, own) = (spec_of(train, validation)?, self.model.spec());
        let known = record_of(train, validation, run.seed())?.validated_until;
        let later = self.model.record().is_some_and(|record| record.validated_until > known);
        let rules = [
            (given.signals != own.signals, "they have other channels or another gap policy"),
            (given.interval != own.interval, "they have another interval"),
            (given.lookback != own.lookback, "they have another lookback"),
            (given.labels != own.labels, "their labels have another horizon or NEUTRAL band"),
            (
                later,
                "it was fitted on candles after this training period; choose a later test period",
            ),
        ];
        match rules.into_iter().find(|(broken, _)| *broken) {
            Some((_, problem)) => {
                Err(TrainError::OtherSpec { model: self.id().to_string(), problem })
            }
            None => Ok(Box::new(Arc::clone(&self.model))),
        }
    }
}
