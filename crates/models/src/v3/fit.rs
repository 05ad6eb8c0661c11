//! Fitting v3.
use windvane_signals::{TrainSet, ValidationSet};

use super::{BiLstm, Config, KIND, Layers};
use crate::train::{self, Learner, OnEpoch, Recipe};
use crate::{DirectionModel, ModelError, ModelId};

/// Fits v3: the scaler on the training rows, the weights by backpropagation through time.
#[derive(Debug, Clone, PartialEq)]
pub struct BiLstmLearner {
    /// Id of the models it fits; `v3` by default.
    pub id: ModelId,
    /// Hidden units each way; 64 by default.
    pub hidden_size: usize,
    /// How the weights are learned.
    pub recipe: Recipe,
}

impl Default for BiLstmLearner {
    fn default() -> Self {
        Self { id: ModelId::new(KIND), hidden_size: 64, recipe: Recipe::default() }
    }
}

impl BiLstmLearner {
    /// Fits the model; `on_epoch` hears of every epoch.
    ///
    /// # Errors
    /// [`ModelError::TooFewWindows`], [`ModelError::EmptyClass`], [`ModelError::Diverged`],
    /// [`ModelError::Setting`], [`ModelError::Layer`], [`ModelError::Signal`],
    /// [`ModelError::Validation`].
    pub fn fit_model(
        &self,
        train: &TrainSet<'_>,
        validation: &ValidationSet<'_>,
        seed: u64,
        on_epoch: &OnEpoch<'_>,
    ) -> Result<BiLstm, ModelError> {
        let config = Config { hidden_size: self.hidden_size };
        let mut model =
            train::fit::<Layers>(&config, train, validation, &self.recipe, seed, on_epoch)?;
        model.id = self.id.clone();
        Ok(BiLstm { model })
    }
}

impl Learner for BiLstmLearner {
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
