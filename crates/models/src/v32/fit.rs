//! Fitting v3.2.
use windvane_lstm_core::Tensors;
use windvane_signals::{Scaler, TrainSet, ValidationSet};

use super::{CLASSES, FastLstm, KIND, Layers};
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
        let spec = train::spec_of(train, validation)?;
        let scaler = Scaler::fit(train)?;
        let layers = Layers::new(spec.signals.width(), self.hidden_size, CLASSES)
            .map_err(|_| train::hidden_size_error(self.hidden_size))?;
        let fit =
            train::descend(&layers, train, validation, &scaler, &self.recipe, seed, on_epoch)?;
        let mut weights = Tensors::new(layers.specs());
        weights.flat_mut().copy_from_slice(&fit.weights);
        let mut record = train::record_of(train, validation, &scaler, seed);
        fit.write_to(&mut record);
        let model = FastLstm::assemble(spec, scaler, layers, weights);
        let model = model.map_err(|_| train::hidden_size_error(self.hidden_size))?;
        Ok(FastLstm { id: self.id.clone(), record: Some(record), ..model })
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
