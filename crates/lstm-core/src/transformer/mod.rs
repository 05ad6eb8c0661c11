//! Encoder of a transformer and its layer: sizes and parameters, inference, training.

mod packed;
#[cfg(feature = "train")]
mod train;

pub use packed::{PackedTransformer, TransformerScratch};
#[cfg(feature = "train")]
pub use train::{
    TransformerCache, TransformerLayerCache, transformer_backward, transformer_forward,
    transformer_layer_backward, transformer_layer_forward,
};

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

    /// Returns the dense layers in the order of the parameters.
    #[cfg(feature = "train")]
    pub(crate) fn dense_layers(&self) -> [DenseShape; 4] {
        let [input, output] = self.attention.dense_layers();
        [input, output, self.linear1, self.linear2]
    }

    /// Returns the number of parameters of each part, in the order of the specs.
    fn lens(&self) -> [usize; 5] {
        let norm = self.norm.len();
        [self.attention.len(), self.linear1.len(), self.linear2.len(), norm, norm]
    }
}

/// Splits a buffer into parts of the given lengths.
fn split<R>(lens: [usize; 5], mut flat: &[R]) -> [&[R]; 5] {
    lens.map(|len| {
        let (part, rest) = flat.split_at(len);
        flat = rest;
        part
    })
}

/// Sizes of the encoder of a transformer: a map of each step to `size` (`N`) numbers, to which the
/// positional encoding is added, then layers with [`NormOrder::Pre`], and a layer normalisation.
///
/// Every step attends to all steps of its window. This is not look-ahead: all rows of a window are
/// known when the prediction is made.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::TransformerShape;
///
/// let shape = TransformerShape::new(6, 32, 4, 64, 2)?;
/// let names: Vec<String> = shape.specs("t").into_iter().map(|spec| spec.name).collect();
/// assert_eq!(names[1..3], ["t.input.b", "t.layers.0.att.in.w"]);
/// assert_eq!(names.last().map(String::as_str), Some("t.norm.b"));
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransformerShape {
    input: DenseShape,
    layer: TransformerLayerShape,
    layers: usize,
}

impl TransformerShape {
    /// Maximum number of layers.
    pub const MAX_LAYERS: usize = 12;

    /// Creates the shape of an encoder over rows of `input_size` (`I`) numbers.
    ///
    /// `layers` is the number of layers, `heads` that of the heads of each attention, and
    /// `feed_forward` that of the units between the dense layers.
    ///
    /// # Errors
    /// Those of [`SelfAttentionShape::new`] and [`TransformerLayerShape::new`], and
    /// [`LstmError::Size`] unless `input_size` is 1 to [`MAX_SIZE`](crate::MAX_SIZE) and `layers`
    /// is 1 to [`MAX_LAYERS`](Self::MAX_LAYERS).
    pub fn new(
        input_size: usize,
        size: usize,
        heads: usize,
        feed_forward: usize,
        layers: usize,
    ) -> Result<Self, LstmError> {
        if !(1..=Self::MAX_LAYERS).contains(&layers) {
            let (what, expected) = ("layers", Self::MAX_LAYERS);
            return Err(LstmError::Size { what, expected, got: layers });
        }
        let attention = SelfAttentionShape::new(size, heads, false)?;
        let layer = TransformerLayerShape::new(attention, feed_forward, NormOrder::Pre)?;
        Ok(Self { input: DenseShape::new(input_size, size)?, layer, layers })
    }

    /// Returns the number of inputs `I` per step.
    pub fn input_size(&self) -> usize {
        self.input.input_size()
    }

    /// Returns the number of outputs `N` per step.
    pub fn output_size(&self) -> usize {
        self.input.output_size()
    }

    /// Returns the map of each step to a row.
    #[cfg(feature = "train")]
    pub(crate) fn input(&self) -> DenseShape {
        self.input
    }

    /// Returns the sizes of a layer.
    #[cfg(feature = "train")]
    pub(crate) fn layer(&self) -> TransformerLayerShape {
        self.layer
    }

    /// Returns the number of layers.
    #[cfg(feature = "train")]
    pub(crate) fn layers(&self) -> usize {
        self.layers
    }

    /// Returns names and shapes: `prefix.input.w` `[N, I]` and `prefix.input.b`, those of
    /// [`TransformerLayerShape::specs`] for `prefix.layers.0`, `prefix.layers.1` and so on, then
    /// `prefix.norm.w` and `prefix.norm.b`.
    pub fn specs(&self, prefix: &str) -> Vec<TensorSpec> {
        let mut specs = self.input.specs(&format!("{prefix}.input"));
        for number in 0..self.layers {
            specs.extend(self.layer.specs(&format!("{prefix}.layers.{number}")));
        }
        specs.extend(self.layer.norm.specs(&format!("{prefix}.norm")));
        specs
    }

    /// Returns the number of parameters.
    #[expect(clippy::len_without_is_empty, reason = "an encoder is never empty")]
    pub fn len(&self) -> usize {
        self.input.len() + self.layers * self.layer.len() + self.layer.norm.len()
    }
}
