//! Common interface of the layers that map rows `[T, B, N]` to rows `[T, B, O]`.
use windvane_lstm_core::{
    CausalConvCache, CausalConvShape, LayerNormCache, LayerNormShape, LstmError, Real,
    SelfAttentionCache, SelfAttentionShape, TcnBlockCache, TcnBlockShape, TensorSpec,
    TransformerLayerCache, TransformerLayerShape, causal_conv_backward, causal_conv_forward,
    layer_norm_backward, layer_norm_forward, self_attention_backward, self_attention_forward,
    tcn_block_backward, tcn_block_forward, transformer_layer_backward, transformer_layer_forward,
};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Block {
    Norm(LayerNormShape),
    Conv(CausalConvShape),
    Tcn(TcnBlockShape),
    Attention(SelfAttentionShape),
    Transformer(TransformerLayerShape),
}

/// Caches of the last forward pass.
pub(crate) struct BlockCache<R> {
    norm: LayerNormCache<R>,
    conv: CausalConvCache<R>,
    tcn: TcnBlockCache<R>,
    pub(crate) attention: SelfAttentionCache<R>,
    transformer: TransformerLayerCache<R>,
}

impl<R: Real> BlockCache<R> {
    pub(crate) fn new() -> Self {
        Self {
            norm: LayerNormCache::default(),
            conv: CausalConvCache::default(),
            tcn: TcnBlockCache::default(),
            attention: SelfAttentionCache::default(),
            transformer: TransformerLayerCache::default(),
        }
    }
}

impl Block {
    pub(crate) fn specs(&self) -> Vec<TensorSpec> {
        match self {
            Self::Norm(shape) => shape.specs("layer"),
            Self::Conv(shape) => shape.specs("layer"),
            Self::Tcn(shape) => shape.specs("layer"),
            Self::Attention(shape) => shape.specs("layer"),
            Self::Transformer(shape) => shape.specs("layer"),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Norm(shape) => shape.len(),
            Self::Conv(shape) => shape.len(),
            Self::Tcn(shape) => shape.len(),
            Self::Attention(shape) => shape.len(),
            Self::Transformer(shape) => shape.len(),
        }
    }

    /// Returns the numbers of inputs and outputs per row.
    pub(crate) fn sizes(&self) -> [usize; 2] {
        match self {
            Self::Norm(shape) => [shape.size(); 2],
            Self::Conv(shape) => [shape.input_size(), shape.output_size()],
            Self::Tcn(shape) => [shape.input_size(), shape.output_size()],
            Self::Attention(shape) => [shape.size(); 2],
            Self::Transformer(shape) => [shape.size(); 2],
        }
    }

    pub(crate) fn forward<R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        batch: usize,
        cache: &mut BlockCache<R>,
    ) -> Result<Vec<R>, LstmError> {
        let [inputs, outputs] = self.sizes();
        let mut y = vec![R::ZERO; x.len() / inputs * outputs];
        match *self {
            Self::Norm(shape) => {
                layer_norm_forward(shape, weights, x, &mut y, &mut cache.norm)?;
            }
            Self::Conv(shape) => {
                causal_conv_forward(shape, weights, x, batch, &mut y, &mut cache.conv)?;
            }
            Self::Tcn(shape) => {
                tcn_block_forward(shape, weights, x, batch, &mut cache.tcn)?;
                y.copy_from_slice(cache.tcn.output());
            }
            Self::Attention(shape) => {
                self_attention_forward(shape, weights, x, batch, &mut cache.attention)?;
                y.copy_from_slice(cache.attention.output());
            }
            Self::Transformer(shape) => {
                transformer_layer_forward(shape, weights, x, batch, &mut cache.transformer)?;
                y.copy_from_slice(cache.transformer.output());
            }
        }
        Ok(y)
    }

    /// Adds the gradients with respect to weights and inputs to `d_weights` and `d_x`.
    pub(crate) fn backward<R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        cache: &mut BlockCache<R>,
        d_y: &[R],
        (d_weights, d_x): (&mut [R], &mut [R]),
    ) -> Result<(), LstmError> {
        match *self {
            Self::Norm(shape) => {
                layer_norm_backward(shape, weights, &cache.norm, d_y, d_weights, d_x)
            }
            Self::Conv(shape) => {
                causal_conv_backward(shape, x, &mut cache.conv, d_y, d_weights, d_x)
            }
            Self::Tcn(shape) => {
                tcn_block_backward(shape, weights, x, &mut cache.tcn, d_y, d_weights, d_x)
            }
            Self::Attention(shape) => {
                let cache = &mut cache.attention;
                self_attention_backward(shape, weights, x, cache, d_y, d_weights, d_x)
            }
            Self::Transformer(shape) => {
                let cache = &mut cache.transformer;
                transformer_layer_backward(shape, weights, x, cache, d_y, d_weights, d_x)
            }
        }
    }
}
