//! Encoder layer of a transformer: sizes and parameters, training.

#[cfg(feature = "train")]
mod train;

#[cfg(feature = "train")]
pub use train::{TransformerLayerCache, transformer_layer_backward, transformer_layer_forward};

use crate::{DenseShape, LayerNormShape, LstmError, SelfAttentionShape, TensorSpec};

/// Place of the layer normalisations in a [`TransformerLayerShape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NormOrder {
    /// Before the attention and before the dense layers (Xiong et al. 2020).
    Pre,
    /// After each residual connection (Vaswani et al. 2017).
    Post,
}

/// Sizes of an encoder layer of a transformer: self-attention and two dense layers, each with a
/// residual connection and a layer normalisation.
///
/// # Formula
/// ```text
/// f(x) = linear2(relu(linear1(x)))
/// pre:   s = x + att(norm1(x))      y = s + f(norm2(s))
/// post:  s = norm1(x + att(x))      y = norm2(s + f(s))
/// ```
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{NormOrder, SelfAttentionShape, TransformerLayerShape};
///
/// let attention = SelfAttentionShape::new(32, 4, false)?;
/// let shape = TransformerLayerShape::new(attention, 64, NormOrder::Pre)?;
/// assert_eq!(shape.len(), attention.len() + 64 * 33 + 32 * 65 + 2 * 64);
/// assert_eq!(shape.specs("layer")[4].name, "layer.linear1.w");
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransformerLayerShape {
    attention: SelfAttentionShape,
    linear1: DenseShape,
    linear2: DenseShape,
    norm: LayerNormShape,
    order: NormOrder,
}

impl TransformerLayerShape {
    /// Creates the shape of a layer with `feed_forward` (`F`) units between the dense layers.
    ///
    /// # Errors
    /// [`LstmError::Size`] unless `feed_forward` is 1 to [`MAX_SIZE`](crate::MAX_SIZE).
    pub fn new(
        attention: SelfAttentionShape,
        feed_forward: usize,
        order: NormOrder,
    ) -> Result<Self, LstmError> {
        let size = attention.size();
        Ok(Self {
            attention,
            linear1: DenseShape::new(size, feed_forward)?,
            linear2: DenseShape::new(feed_forward, size)?,
            norm: LayerNormShape::new(size, LayerNormShape::EPSILON)?,
            order,
        })
    }

    /// Returns the length of a row `N`.
    pub fn size(&self) -> usize {
        self.attention.size()
    }

    /// Returns names and shapes: those of the attention `prefix.att`, of the dense layers
    /// `prefix.linear1` and `prefix.linear2`, and of the normalisations `prefix.norm1` and
    /// `prefix.norm2`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let name = |layer: &str| format!("{prefix}.{layer}");
        let mut specs = self.attention.specs(&name("att"));
        specs.extend(self.linear1.specs(&name("linear1")));
        specs.extend(self.linear2.specs(&name("linear2")));
        specs.extend(self.norm.specs(&name("norm1")));
        specs.extend(self.norm.specs(&name("norm2")));
        specs
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "a layer is never empty")]
    pub fn len(&self) -> usize {
        self.lens().iter().sum()
    }

    /// Returns the number of parameters of each part, in the order of the specs.
    fn lens(&self) -> [usize; 5] {
        let norm = self.norm.len();
        [self.attention.len(), self.linear1.len(), self.linear2.len(), norm, norm]
    }
}
