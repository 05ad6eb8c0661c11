//! Starting weights, and forward with everything kept for backward.
use windvane_lstm_core::{
    AttentionCache, DenseShape, Init, LstmError, LstmStart, Purpose, Real, Stream, TensorSpec,
    apply_dropout, attention_forward, dense_forward, dropout_mask, init_attention, init_dense,
    relu,
};

use crate::network::Layers;
use crate::network::training::encoder::EncoderCache;

/// Source of a chunk's dropout masks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DropoutSeed {
    pub(crate) seed: u64,
    pub(crate) epoch: u64,
    /// Number of the chunk in its epoch.
    pub(crate) index: u64,
}

impl DropoutSeed {
    fn stream(self) -> Stream {
        Stream::new(self.seed, Purpose::Dropout, self.epoch, self.index)
    }
}

/// Activations kept for backward; the buffers are reused.
#[derive(Debug)]
pub(crate) struct Cache<R> {
    pub(crate) encoder: EncoderCache<R>,
    pub(crate) attention: AttentionCache<R>,
    /// States at picked steps `[N, H]`.
    pub(super) picked: Vec<R>,
    pub(crate) dense: DenseCache<R>,
    /// Gradients with respect to the encoder's states.
    pub(super) d_states: Vec<R>,
}

/// Activations and gradients of the dense layers.
#[derive(Debug)]
pub(crate) struct DenseCache<R> {
    /// Per hidden layer: its output after ReLU and mask, and the mask (empty without dropout).
    pub(crate) hidden: Vec<(Vec<R>, Vec<R>)>,
    pub(super) logits: Vec<R>,
    /// Gradients with respect to each layer's inputs.
    pub(super) d_inputs: Vec<Vec<R>>,
}

impl<R: Real> Default for Cache<R> {
    fn default() -> Self {
        Self {
            encoder: EncoderCache::default(),
            attention: AttentionCache::new(),
            picked: Vec::new(),
            dense: DenseCache { hidden: Vec::new(), logits: Vec::new(), d_inputs: Vec::new() },
            d_states: Vec::new(),
        }
    }
}

/// Fills a buffer with that many zeros.
pub(super) fn zeros<R: Real>(buffer: &mut Vec<R>, len: usize) {
    buffer.clear();
    buffer.resize(len, R::ZERO);
}

impl Layers {
    /// Number of parameters.
    pub(crate) fn weight_count(&self) -> usize {
        self.specs().iter().map(TensorSpec::len).sum()
    }

    /// Units of a state.
    pub(crate) fn state_width(&self) -> usize {
        self.encoder.output_size()
    }

    /// The last hidden states and cells `[B, H]`.
    pub(crate) fn last_state<'c, R: Real>(&self, cache: &'c Cache<R>) -> (&'c [R], &'c [R]) {
        (self.encoder.last_hidden(&cache.encoder), self.encoder.last_cell(&cache.encoder))
    }

    /// Number of classes.
    pub(crate) fn classes(&self) -> usize {
        self.dense.last().map_or(0, DenseShape::output_size)
    }

    /// Draws the starting weights, one random stream per layer and direction: the sizes of one
    /// layer leave the draws of the others as they are.
    pub(crate) fn init<R: Real>(
        &self,
        init: Init,
        forget_bias: f64,
        seed: u64,
        weights: &mut [R],
    ) -> Result<(), LstmError> {
        let (encoder, mut rest) = weights.split_at_mut(self.encoder.len());
        let mut layer = self.encoder.init(init, forget_bias, seed, encoder)?;
        if let Some(attention) = self.attention {
            let (own, after) = rest.split_at_mut(attention.len());
            let mut stream = Stream::new(seed, Purpose::Init, 0, layer);
            init_attention(attention, init, &mut stream, attention.params_mut(own)?)?;
            (layer, rest) = (layer + 1, after);
        }
        for (index, dense) in (layer..).zip(&self.dense) {
            let (own, after) = rest.split_at_mut(dense.len());
            let mut stream = Stream::new(seed, Purpose::Init, 0, index);
            init_dense(*dense, init, &mut stream, dense.params_mut(own)?)?;
            rest = after;
        }
        Ok(())
    }

    /// Logits `[B, classes]` of windows `x` `[T, B, C]`; without `dropout` nothing is dropped.
    pub(crate) fn forward<'c, R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        batch: usize,
        dropout: Option<DropoutSeed>,
        cache: &'c mut Cache<R>,
    ) -> Result<&'c [R], LstmError> {
        let [encoder, attention, dense] = self.split(weights);
        self.encoder.forward(encoder, x, batch, None, &mut cache.encoder)?;
        let pooled = match self.attention {
            None => self.encoder.last_hidden(&cache.encoder),
            Some(shape) => {
                let states = self.encoder.hidden(&cache.encoder);
                let params = shape.params(attention)?;
                attention_forward(shape, params, states, batch, &mut cache.attention)?;
                cache.attention.context()
            }
        };
        self.dense_forward(dense, pooled, batch, dropout, &mut cache.dense)?;
        Ok(&cache.dense.logits)
    }

    /// Logits `[N, classes]` at the `picked` places of `[T, B]`, of sequences `x` `[T, B, C]` read
    /// on from `start`; the states after the last step stay in the cache.
    pub(crate) fn forward_from<'c, R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        start: LstmStart<'_, R>,
        picked: &[usize],
        dropout: Option<DropoutSeed>,
        cache: &'c mut Cache<R>,
    ) -> Result<&'c [R], LstmError> {
        let [encoder, _, dense] = self.split(weights);
        let width = self.encoder.output_size();
        let batch = start.hidden.len() / width;
        self.encoder.forward(encoder, x, batch, Some(start), &mut cache.encoder)?;
        let states = self.encoder.hidden(&cache.encoder);
        cache.picked.clear();
        for place in picked {
            cache.picked.extend_from_slice(&states[place * width..][..width]);
        }
        if picked.is_empty() {
            cache.dense.logits.clear();
            return Ok(&cache.dense.logits);
        }
        self.dense_forward(dense, &cache.picked, picked.len(), dropout, &mut cache.dense)?;
        Ok(&cache.dense.logits)
    }

    /// Logits of `count` pooled states `[N, H]`, left in the cache.
    fn dense_forward<R: Real>(
        &self,
        mut weights: &[R],
        pooled: &[R],
        count: usize,
        dropout: Option<DropoutSeed>,
        cache: &mut DenseCache<R>,
    ) -> Result<(), LstmError> {
        let DenseCache { hidden, logits, .. } = cache;
        let rate = self.config.dropout;
        let mut masks = dropout.filter(|_| rate > 0.0).map(DropoutSeed::stream);
        hidden.resize_with(self.dense.len() - 1, Default::default);
        for (index, shape) in self.dense.iter().enumerate() {
            let (own, after) = weights.split_at(shape.len());
            weights = after;
            let (below, above) = hidden.split_at_mut(index);
            let input = below.last().map_or(pooled, |(output, _)| output);
            let Some((output, mask)) = above.first_mut() else {
                logits.resize(count * shape.output_size(), R::ZERO);
                return dense_forward(*shape, shape.params(own)?, input, logits);
            };
            zeros(output, count * shape.output_size());
            dense_forward(*shape, shape.params(own)?, input, output)?;
            relu(output);
            mask.clear();
            if let Some(stream) = &mut masks {
                zeros(mask, output.len());
                dropout_mask(stream, rate, mask)?;
                apply_dropout(mask, output)?;
            }
        }
        Ok(())
    }
}
