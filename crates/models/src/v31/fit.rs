//! Fitting v3.1.
use super::{AttentionBiLstm, Config, KIND};
use crate::train::{Optimizer, Recipe, Schedule, network_learner};
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
            recipe: recipe(),
        }
    }
}

/// Slower and longer than the others': hidden layers of rectifiers behind dropout fall silent
/// where steps and weight decay are large beside a weak signal.
fn recipe() -> Recipe {
    Recipe {
        optimizer: Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1 },
        learning_rate: 3e-3,
        schedule: Schedule::Cosine { rise: 1.0, length: 16.0, floor: 0.02 },
        epochs: 16,
        patience: 8,
        ..Recipe::default()
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
