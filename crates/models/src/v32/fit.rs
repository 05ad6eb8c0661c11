//! Fitting v3.2.
use windvane_signals::{TrainSet, ValidationSet};

use super::{Config, FastLstm, KIND, Layers};
use crate::train::{self, Learner, OnEpoch, Recipe};
use crate::{DirectionModel, ModelError, ModelId};

/// Fits v3.2: the scaler on the training rows, the weights by backpropagation through time.
#[derive(Debug, Clone, PartialEq)]
pub struct FastLstmLearner {
    /// Id of the models it fits; `v32` by default.
    pub id: ModelId,
    /// Hidden units; 32 by default.
    pub hidden_size: usize,
    /// How the weights are learned.
    pub recipe: Recipe,
}

impl Default for FastLstmLearner {
    fn default() -> Self {
        Self { id: ModelId::new(KIND), hidden_size: 32, recipe: Recipe::default() }
    }
}

impl FastLstmLearner {
    /// Fits the model; `on_epoch` hears of every epoch.
    ///
    /// # Errors
    /// [`ModelError::TooFewWindows`], [`ModelError::EmptyClass`], [`ModelError::Diverged`],
    /// [`ModelError::Setting`], [`ModelError::Signal`], [`ModelError::Validation`].
    pub fn fit_model(
        &self,
        train: &TrainSet<'_>,
        validation: &ValidationSet<'_>,
        seed: u64,
        on_epoch: &OnEpoch<'_>,
    ) -> Result<FastLstm, ModelError> {
        let config = Config { hidden_size: self.hidden_size };
        let mut model =
            train::fit::<Layers>(&config, train, validation, &self.recipe, seed, on_epoch)?;
        model.id = self.id.clone();
        Ok(FastLstm { model })
    }
}

impl Learner for FastLstmLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn fit(
        &self,
        train: &TrainSet<'_>,
        validation: &ValidationSet<'_>,
        seed: u64,
        on_epoch: &OnEpoch<'_>,
    ) -> Result<Box<dyn DirectionModel>, ModelError> {
        Ok(Box::new(self.fit_model(train, validation, seed, on_epoch)?))
    }
}
