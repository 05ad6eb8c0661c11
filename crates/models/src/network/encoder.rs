//! Encoders: the layers that read the rows of a window.
//!
//! To add an encoder, add a variant to each enum here and its layer to `lstm-core`. Apart from the
//! training form of the encoders and the names of `PyTorch`, no other module of this crate depends
//! on the kind of encoder.
use serde::{Deserialize, Serialize};
use windvane_lstm_core::{
    BiLstmShape, Biases, GruShape, LstmError, LstmShape, TcnShape, TensorSpec, TransformerShape,
};

use super::WindowShape;

/// Encoder of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Encoder {
    /// Long short-term memory.
    Lstm {
        /// Number of hidden units in each direction.
        units: usize,
        /// Whether a second LSTM reads the window from its last row to its first. This is not
        /// look-ahead: all rows of the window are known when the prediction is made.
        bidirectional: bool,
    },
    /// Gated recurrent units (Cho et al. 2014).
    Gru {
        /// Number of hidden units in each direction.
        units: usize,
        /// Whether a second GRU reads the window from its last row to its first.
        bidirectional: bool,
    },
    /// Temporal convolutional network (Bai, Kolter and Koltun 2018): causal convolutions of three
    /// taps with the dilations 1, 2, 4, and so on.
    Tcn {
        /// Number of channels of every convolution.
        channels: usize,
        /// Number of residual blocks of two convolutions each. With k blocks, a state depends on
        /// the last `4 (2^k - 1) + 1` rows.
        blocks: usize,
    },
    /// Encoder of a transformer (Vaswani et al. 2017) with pre-normalisation. Every row attends to
    /// all rows of the window.
    Transformer {
        /// Length of a state.
        size: usize,
        /// Number of heads of each self-attention, a divisor of `size`.
        heads: usize,
        /// Number of units between the two dense layers of a layer.
        feed_forward: usize,
        /// Number of layers.
        layers: usize,
    },
    /// No layer: the values of a window in one vector, for the dense layers of a multilayer
    /// perceptron. The network reads all values, or those of its
    /// [`lags`](super::NetworkConfig::lags).
    Flat,
}

impl Encoder {
    /// Returns the length of a state: the number of hidden units in each direction of an LSTM or
    /// GRU, of channels of a TCN, or the size of a transformer. 0 for a flat encoder, whose length
    /// depends on the channels.
    pub fn units(&self) -> usize {
        match *self {
            Self::Lstm { units, .. } | Self::Gru { units, .. } => units,
            Self::Tcn { channels, .. } => channels,
            Self::Transformer { size, .. } => size,
            Self::Flat => 0,
        }
    }

    /// Returns the same encoder with another number of [`units`](Self::units); a flat encoder has
    /// none and does not change.
    #[must_use]
    pub fn with_units(self, units: usize) -> Self {
        match self {
            Self::Lstm { bidirectional, .. } => Self::Lstm { units, bidirectional },
            Self::Gru { bidirectional, .. } => Self::Gru { units, bidirectional },
            Self::Tcn { blocks, .. } => Self::Tcn { channels: units, blocks },
            Self::Transformer { heads, feed_forward, layers, .. } => {
                Self::Transformer { size: units, heads, feed_forward, layers }
            }
            Self::Flat => Self::Flat,
        }
    }

    /// Returns whether an LSTM is bidirectional; `None` for another kind of encoder.
    pub(super) fn is_bidirectional_lstm(self) -> Option<bool> {
        match self {
            Self::Lstm { bidirectional, .. } => Some(bidirectional),
            Self::Gru { .. } | Self::Tcn { .. } | Self::Transformer { .. } | Self::Flat => None,
        }
    }

    /// Returns whether the encoder can carry a state from row to row.
    pub(super) fn has_state(self) -> bool {
        match self {
            Self::Lstm { bidirectional, .. } | Self::Gru { bidirectional, .. } => !bidirectional,
            Self::Tcn { .. } | Self::Transformer { .. } | Self::Flat => false,
        }
    }
}

/// Sizes of an encoder's layers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EncoderShape {
    Lstm(LstmShape),
    BiLstm(BiLstmShape),
    Gru(GruShape),
    Tcn(TcnShape),
    Transformer(TransformerShape),
    Flat(WindowShape),
}

impl EncoderShape {
    /// Creates the sizes for windows of a shape.
    pub(super) fn new(encoder: Encoder, window: &WindowShape) -> Result<Self, LstmError> {
        let channels = window.channels;
        Ok(match encoder {
            Encoder::Lstm { units, bidirectional: true } => {
                Self::BiLstm(BiLstmShape::new(channels, units, Biases::One)?)
            }
            Encoder::Lstm { units, bidirectional: false } => {
                Self::Lstm(LstmShape::new(channels, units, Biases::One)?)
            }
            Encoder::Gru { units, bidirectional } => {
                Self::Gru(GruShape::new(channels, units, bidirectional)?)
            }
            Encoder::Tcn { channels: width, blocks } => {
                Self::Tcn(TcnShape::new(channels, width, blocks)?)
            }
            Encoder::Transformer { size, heads, feed_forward, layers } => {
                let shape = TransformerShape::new(channels, size, heads, feed_forward, layers)?;
                Self::Transformer(shape)
            }
            Encoder::Flat => Self::Flat(window.clone()),
        })
    }

    /// Returns the length of a state, for a flat encoder of its vector.
    pub(crate) fn output_size(&self) -> usize {
        match self {
            Self::Lstm(shape) => shape.hidden_size(),
            Self::BiLstm(shape) => shape.output_size(),
            Self::Gru(shape) => shape.output_size(),
            Self::Tcn(shape) => shape.output_size(),
            Self::Transformer(shape) => shape.output_size(),
            Self::Flat(window) => window.inputs(),
        }
    }

    /// Returns names and shapes of the parameters, in buffer order.
    pub(super) fn specs(&self) -> Vec<TensorSpec> {
        match self {
            Self::Lstm(shape) => shape.specs("lstm"),
            Self::BiLstm(shape) => shape.specs("lstm"),
            Self::Gru(shape) => shape.specs("gru"),
            Self::Tcn(shape) => shape.specs("tcn"),
            Self::Transformer(shape) => shape.specs("transformer"),
            Self::Flat(_) => Vec::new(),
        }
    }

    /// Returns the number of parameters.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Lstm(shape) => shape.len(),
            Self::BiLstm(shape) => shape.len(),
            Self::Gru(shape) => shape.len(),
            Self::Tcn(shape) => shape.len(),
            Self::Transformer(shape) => shape.len(),
            Self::Flat(_) => 0,
        }
    }
}
