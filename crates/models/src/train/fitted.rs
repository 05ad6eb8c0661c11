//! A learner for a model that is fitted already.
use std::sync::Arc;

use windvane_signals::{TrainSet, ValidationSet};

use super::{Learner, Run, record_of, spec_of};
use crate::{DirectionModel, FittedModel, ModelId, TrainError};

/// Returns a model as it is instead of fitting one: for a backtest of a saved file.
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
    /// A learner that returns `model`, under the model's id.
    pub fn new(model: impl FittedModel) -> Self {
        Self { model: Arc::new(model) }
    }

    /// The fitted model.
    pub fn model(&self) -> &dyn FittedModel {
        &*self.model
    }
}

impl Learner for Fitted {
    fn id(&self) -> &ModelId {
        self.model.id()
    }

    /// The weights are the training: the XXH3 of the model's file.
    fn settings(&self) -> Option<String> {
        let bytes = self.model.to_bytes().ok()?;
        let hash = xxhash_rust::xxh3::xxh3_64(&bytes);
        serde_json::to_string(&("fitted", self.id().as_str(), hash)).ok()
    }

    /// Returns the model.
    ///
    /// # Errors
    /// [`TrainError::OtherSpec`] when the windows differ from those the model reads, or when it
    /// was fitted on later candles than these: its score would be in-sample.
    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let (given, own) = (spec_of(train, validation)?, self.model.spec());
        let known = record_of(train, validation, run.seed()).validated_until;
        let later = self.model.record().is_some_and(|record| record.validated_until > known);
        let rules = [
            (given.signals != own.signals, "other channels or another gap policy than it reads"),
            (given.interval != own.interval, "another interval than it reads"),
            (given.lookback != own.lookback, "another number of rows than it reads"),
            (given.labels != own.labels, "another horizon or NEUTRAL band than it was fitted on"),
            (
                later,
                "later test windows needed: it was fitted on candles after this training period",
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
