//! Fitting v3.1.
use super::{AttentionBiLstm, Config, KIND};
use crate::train::{Recipe, network_learner};
use crate::{ModelError, ModelId};

/// Fits v3.1: the scaler on the training rows, the weights by backpropagation through time.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionBiLstmLearner {
    /// Id of the models it fits; `v31` by default.
    pub id: ModelId,
    /// Hidden units each way; 64 by default.
    pub hidden_size: usize,
    /// Units of the attention; 64 by default.
    pub attention_size: usize,
    /// Units of each hidden dense layer; 64 and 32 by default.
    pub dense: Vec<usize>,
    /// Share of a hidden dense layer's outputs dropped in training; 0.3 by default.
    pub dropout: f64,
    /// How the weights are learned.
    pub recipe: Recipe,
}

impl Default for AttentionBiLstmLearner {
    fn default() -> Self {
        Self {
            id: ModelId::new(KIND),
            hidden_size: 64,
            attention_size: 64,
            dense: vec![64, 32],
            dropout: 0.3,
            recipe: Recipe::default(),
        }
    }
}

impl AttentionBiLstmLearner {
    fn config(&self) -> Config {
        Config {
            hidden_size: self.hidden_size,
            attention_size: self.attention_size,
            dense: self.dense.clone(),
            dropout: self.dropout,
        }
    }
}

network_learner!(AttentionBiLstmLearner, AttentionBiLstm);
