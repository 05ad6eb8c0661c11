//! The layers of a network as plain data.
use serde::{Deserialize, Serialize};
use windvane_lstm_core::LstmError;

use super::Encoder;

/// Largest number of hidden dense layers, since configurations come from files.
const MAX_DENSE: usize = 16;

/// The layers of a network: an encoder over the rows of a window, a pooling of its states, hidden
/// dense layers, and a head of three classes.
///
/// The presets [`v3`](crate::v3), [`v31`](crate::v31) and [`v32`](crate::v32) are such
/// configurations; any other combination fits, saves and predicts in the same way.
///
/// # Examples
/// ```
/// use windvane_models::network::{Encoder, NetworkConfig, Pooling};
///
/// let encoder = Encoder::Lstm { units: 24, bidirectional: false };
/// let config = NetworkConfig {
///     pooling: Pooling::Attention { units: 16 },
///     dense: vec![32],
///     dropout: 0.2,
///     ..NetworkConfig::new(encoder)
/// };
/// assert!(config.validate().is_ok());
/// assert!(NetworkConfig { dropout: 1.0, ..config }.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// The recurrent layer.
    pub encoder: Encoder,
    /// The step from the encoder's states to one vector.
    pub pooling: Pooling,
    /// Units of each hidden dense layer (ReLU).
    pub dense: Vec<usize>,
    /// Share of a hidden dense layer's outputs dropped in training, from 0 to below 1.
    pub dropout: f64,
    /// Whether the state is carried from candle to candle instead of starting from zero in every
    /// window. Needs an encoder of one direction and [`Pooling::LastStep`].
    pub stateful: bool,
}

/// The step from an encoder's states to one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Pooling {
    /// The state after the last row; of a bidirectional encoder the last state of each direction.
    LastStep,
    /// Attention over the states of all rows: `score_t = v · tanh(W h_t + b)`, `a =
    /// softmax(score)`, context `Σ a_t h_t` (Bahdanau et al. 2015).
    Attention {
        /// Units of the score's hidden layer.
        units: usize,
    },
}

impl NetworkConfig {
    /// An encoder, its last state, and the head.
    pub fn new(encoder: Encoder) -> Self {
        let (pooling, dense) = (Pooling::LastStep, Vec::new());
        Self { encoder, pooling, dense, dropout: 0.0, stateful: false }
    }

    /// The same layers with another number of encoder units (of each direction).
    #[must_use]
    pub fn with_units(self, units: usize) -> Self {
        Self { encoder: self.encoder.with_units(units), ..self }
    }

    /// Checks the ranges that do not depend on the channels.
    ///
    /// # Errors
    /// [`LstmError::Number`] for a dropout outside 0 to 1 or a stateful network that looks ahead in
    /// its window, [`LstmError::Size`] for more than 16 hidden dense layers.
    pub fn validate(&self) -> Result<(), LstmError> {
        if !(0.0..1.0).contains(&self.dropout) {
            let (what, expected) = ("dropout", "0 or more and less than 1");
            return Err(LstmError::Number { what, expected, got: self.dropout });
        }
        if self.dense.len() > MAX_DENSE {
            let (what, got) = ("number of hidden dense layers", self.dense.len());
            return Err(LstmError::Size { what, expected: MAX_DENSE, got });
        }
        if self.stateful && !(self.encoder.is_causal() && self.pooling == Pooling::LastStep) {
            let expected = "0 unless one direction is read and the last step is pooled";
            return Err(LstmError::Number { what: "stateful", expected, got: 1.0 });
        }
        Ok(())
    }
}
