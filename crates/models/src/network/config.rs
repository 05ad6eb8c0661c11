//! Configuration of the layers of a network.
use serde::{Deserialize, Serialize};
use windvane_lstm_core::LstmError;
use windvane_signals::Lags;

use super::Encoder;

/// Maximum number of hidden dense layers, which limits the configurations that files can have.
const MAX_DENSE: usize = 16;

/// Layers of a network: an encoder over the rows of a window, a pooling of its states, hidden dense
/// layers, and a head of three classes.
///
/// The presets [`v3`](crate::v3), [`v31`](crate::v31), [`v32`](crate::v32), [`gru`](crate::gru),
/// [`tcn`](crate::tcn), [`transformer`](crate::transformer) and [`mlp`](crate::mlp) are such
/// configurations. Any other combination is fitted, saved and used in the same way.
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
    /// Layers that read the rows of a window.
    pub encoder: Encoder,
    /// Reduction of the encoder's states to one vector.
    pub pooling: Pooling,
    /// Units of each hidden dense layer (ReLU).
    pub dense: Vec<usize>,
    /// Dropout rate of the hidden dense layers in training, at least 0 and less than 1.
    pub dropout: f64,
    /// Whether the state is carried from candle to candle instead of starting from zero in every
    /// window. This requires a unidirectional LSTM or GRU and [`Pooling::LastStep`].
    pub stateful: bool,
    /// Values of a window that [`Encoder::Flat`] reads; `None`, the default, for all of them. The
    /// other encoders read whole windows and require `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lags: Option<Lags>,
}

/// Reduction of an encoder's states to one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Pooling {
    /// State after the last row; for a bidirectional encoder the last state of each direction.
    LastStep,
    /// Mean of the states of all rows.
    Mean,
    /// Attention over the states of all rows: `score_t = v · tanh(W h_t + b)`, `a =
    /// softmax(score)`, context `Σ a_t h_t` (Bahdanau et al. 2015).
    Attention {
        /// Number of units in the hidden layer of the score.
        units: usize,
    },
}

impl NetworkConfig {
    /// Creates the configuration of an encoder, its last state and the head.
    pub fn new(encoder: Encoder) -> Self {
        let (pooling, dense) = (Pooling::LastStep, Vec::new());
        Self { encoder, pooling, dense, dropout: 0.0, stateful: false, lags: None }
    }

    /// Returns the same layers with another number of encoder units (in each direction). A flat
    /// encoder has none and does not change.
    #[must_use]
    pub fn with_units(self, units: usize) -> Self {
        Self { encoder: self.encoder.with_units(units), ..self }
    }

    /// Checks the settings that do not depend on the channels.
    ///
    /// # Errors
    /// [`LstmError::Number`] for a dropout below 0 or of at least 1, and for a stateful network
    /// with another pooling or an encoder that carries no state. The same for lags of an encoder
    /// that is not flat, and for a pooling of a flat one. [`LstmError::Size`] for more than 16 hidden
    /// dense layers.
    pub fn validate(&self) -> Result<(), LstmError> {
        if !(0.0..1.0).contains(&self.dropout) {
            let (what, expected) = ("dropout", "0 or more and less than 1");
            return Err(LstmError::Number { what, expected, got: self.dropout });
        }
        if self.dense.len() > MAX_DENSE {
            let (what, got) = ("number of hidden dense layers", self.dense.len());
            return Err(LstmError::Size { what, expected: MAX_DENSE, got });
        }
        if self.stateful && !(self.encoder.has_state() && self.pooling == Pooling::LastStep) {
            let expected = "0 (false), or a unidirectional LSTM or GRU with Pooling::LastStep";
            return Err(LstmError::Number { what: "stateful", expected, got: 1.0 });
        }
        let flat = self.encoder == Encoder::Flat;
        if flat && self.pooling != Pooling::LastStep {
            let (what, expected) = ("number of poolings of a flat window", "0 (Pooling::LastStep)");
            return Err(LstmError::Number { what, expected, got: 1.0 });
        }
        if let Some(lags) = self.lags.as_ref().filter(|_| !flat) {
            let (what, got) = ("number of rows of the lags", lags.rows() as f64);
            let expected = "0 (no lags), or the encoder Flat; other encoders read whole windows";
            return Err(LstmError::Number { what, expected, got });
        }
        Ok(())
    }
}
