//! Fitting v3.
use super::{BiLstm, Config, KIND};
use crate::train::{Recipe, network_learner};
use crate::{ModelError, ModelId};

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
    fn config(&self) -> Config {
        Config { hidden_size: self.hidden_size }
    }
}

network_learner!(BiLstmLearner, BiLstm);
