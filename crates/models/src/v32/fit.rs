//! Fitting v3.2.
use super::{Config, FastLstm, KIND};
use crate::train::{Recipe, network_learner};
use crate::{ModelError, ModelId};

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
    fn config(&self) -> Config {
        Config { hidden_size: self.hidden_size }
    }
}

network_learner!(FastLstmLearner, FastLstm);
