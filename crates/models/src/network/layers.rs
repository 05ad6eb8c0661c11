//! Sizes of the layers of a network, and the order of its parameters.
use windvane_lstm_core::{AttentionShape, DenseShape, LstmError, TensorSpec};

use super::encoder::EncoderShape;
use super::{NetworkConfig, Pooling, WindowShape};

/// Sizes of the layers of a network.
///
/// Their parameters are in one flat buffer in the order encoder, attention, dense layers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layers {
    pub(super) config: NetworkConfig,
    pub(crate) encoder: EncoderShape,
    pub(crate) attention: Option<AttentionShape>,
    /// Hidden dense layers, followed by the head.
    pub(super) dense: Vec<DenseShape>,
}

impl Layers {
    /// Creates the layers for windows of a shape and `classes` classes.
    pub(crate) fn new(
        config: &NetworkConfig,
        window: &WindowShape,
        classes: usize,
    ) -> Result<Self, LstmError> {
        config.validate()?;
        let encoder = EncoderShape::new(config.encoder, window)?;
        let attention = match config.pooling {
            Pooling::LastStep | Pooling::Mean => None,
            Pooling::Attention { units } => {
                Some(AttentionShape::new(encoder.output_size(), units)?)
            }
        };
        let mut width = encoder.output_size();
        let mut dense = Vec::with_capacity(config.dense.len() + 1);
        for units in config.dense.iter().copied().chain([classes]) {
            dense.push(DenseShape::new(width, units)?);
            width = units;
        }
        Ok(Self { config: config.clone(), encoder, attention, dense })
    }

    /// Returns names and shapes of the parameters, in buffer order.
    pub(crate) fn specs(&self) -> Vec<TensorSpec> {
        let mut specs = self.encoder.specs();
        specs.extend(self.attention.iter().flat_map(|attention| attention.specs("att")));
        for (number, dense) in (1..).zip(&self.dense) {
            specs.extend(dense.specs(&self.config.dense_name(number)));
        }
        specs
    }

    /// Splits the buffer of all parameters into those of the encoder, of the attention (empty
    /// without attention) and of the dense layers.
    pub(super) fn split<'w, R>(&self, weights: &'w [R]) -> [&'w [R]; 3] {
        let (encoder, rest) = weights.split_at(self.encoder.len());
        let (attention, dense) = rest.split_at(self.attention.map_or(0, |shape| shape.len()));
        [encoder, attention, dense]
    }
}

impl NetworkConfig {
    /// Returns the name of a dense layer, counted from 1.
    ///
    /// The head of a network without attention and hidden dense layers is `fc`. Otherwise the
    /// layers are numbered: `fc1`, `fc2` and so on.
    pub(super) fn dense_name(&self, number: usize) -> String {
        match self.pooling {
            Pooling::LastStep | Pooling::Mean if self.dense.is_empty() => "fc".to_string(),
            _ => format!("fc{number}"),
        }
    }
}
