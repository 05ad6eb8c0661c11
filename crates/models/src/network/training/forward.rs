//! Initial weights, and forward pass with cached activations.
use windvane_lstm_core::{
    AttentionCache, DenseShape, Init, LstmError, LstmStart, Purpose, Real, Stream, TensorSpec,
    apply_dropout, attention_forward, dense_forward, dropout_mask, init_attention, init_dense,
    relu,
};

use crate::network::training::encoder::EncoderCache;
use crate::network::{Layers, Pooling};

/// Key of the random stream for the dropout masks of a chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DropoutSeed {
    pub(crate) seed: u64,
    pub(crate) epoch: u64,
    /// Index of the chunk in its epoch.
    pub(crate) index: u64,
}

impl DropoutSeed {
    fn stream(self) -> Stream {
        Stream::new(self.seed, Purpose::Dropout, self.epoch, self.index)
    }
}

/// Activations cached for the backward pass; the buffers are reused for all batches.
#[derive(Debug)]
pub(crate) struct NetworkCache<R> {
    pub(crate) encoder: EncoderCache<R>,
    pub(crate) attention: AttentionCache<R>,
    /// Mean states of a pooling by the mean, `[B, H]`.
    pub(super) mean: Vec<R>,
    /// States at the selected steps, `[N, H]`.
    pub(super) selected: Vec<R>,
    pub(crate) dense: DenseCache<R>,
    /// Gradients with respect to the encoder's states.
    pub(super) d_states: Vec<R>,
}

/// Activations and gradients of the dense layers and the head.
#[derive(Debug)]
pub(crate) struct DenseCache<R> {
    /// Output after ReLU and dropout, and dropout mask (empty without dropout), of each hidden
    /// layer.
    pub(crate) hidden: Vec<(Vec<R>, Vec<R>)>,
    pub(super) logits: Vec<R>,
    /// Gradients with respect to the inputs of each layer.
    pub(super) d_inputs: Vec<Vec<R>>,
}

impl<R: Real> Default for NetworkCache<R> {
    fn default() -> Self {
        Self {
            encoder: EncoderCache::default(),
            attention: AttentionCache::new(),
            mean: Vec::new(),
            selected: Vec::new(),
            dense: DenseCache { hidden: Vec::new(), logits: Vec::new(), d_inputs: Vec::new() },
            d_states: Vec::new(),
        }
    }
}

/// Fills a buffer with `len` zeros.
pub(super) fn zeros<R: Real>(buffer: &mut Vec<R>, len: usize) {
    buffer.clear();
    buffer.resize(len, R::ZERO);
}

/// Computes the mean over the steps of `[T, row]`.
fn mean<R: Real>(states: &[R], row: usize, mean: &mut Vec<R>) {
    zeros(mean, row);
    for states in states.chunks_exact(row) {
        mean.iter_mut().zip(states).for_each(|(sum, value)| *sum += *value);
    }
    let steps = R::from_f64((states.len() / row) as f64);
    for sum in mean {
        *sum /= steps;
    }
}

impl Layers {
    /// Returns the number of parameters.
    pub(crate) fn weight_count(&self) -> usize {
        self.specs().iter().map(TensorSpec::len).sum()
    }

    /// Returns the length of a state.
    pub(crate) fn state_width(&self) -> usize {
        self.encoder.output_size()
    }

    /// Returns the last hidden states and cells, each `[B, H]`.
    pub(crate) fn last_state<'c, R: Real>(&self, cache: &'c NetworkCache<R>) -> (&'c [R], &'c [R]) {
        (self.encoder.last_hidden(&cache.encoder), self.encoder.last_cell(&cache.encoder))
    }

    /// Returns the number of classes.
    pub(crate) fn classes(&self) -> usize {
        self.dense.last().map_or(0, DenseShape::output_size)
    }

    /// Draws the initial weights.
    ///
    /// Each layer and direction has its own random stream, so that the sizes of one layer do not
    /// change the initial weights of the others.
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

    /// Computes the logits `[B, classes]` of windows `x` `[T, B, C]`; `None` disables dropout.
    pub(crate) fn forward<'c, R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        batch: usize,
        dropout: Option<DropoutSeed>,
        cache: &'c mut NetworkCache<R>,
    ) -> Result<&'c [R], LstmError> {
        let [encoder, attention, dense] = self.split(weights);
        self.encoder.forward(encoder, x, batch, None, &mut cache.encoder)?;
        let pooled = match (self.config.pooling, self.attention) {
            (_, Some(shape)) => {
                let states = self.encoder.hidden(&cache.encoder);
                let params = shape.params(attention)?;
                attention_forward(shape, params, states, batch, &mut cache.attention)?;
                cache.attention.context()
            }
            (Pooling::Mean, None) => {
                let states = self.encoder.hidden(&cache.encoder);
                mean(states, batch * self.encoder.output_size(), &mut cache.mean);
                &cache.mean
            }
            (_, None) => self.encoder.last_hidden(&cache.encoder),
        };
        self.dense_forward(dense, pooled, batch, dropout, &mut cache.dense)?;
        Ok(&cache.dense.logits)
    }

    /// Computes the logits `[N, classes]` at selected steps of sequences `x` `[T, B, C]`.
    ///
    /// The sequences start from the states in `start`. `selected` has indices into `[T, B]`. The
    /// cache has the states after the last step.
    pub(crate) fn forward_from<'c, R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        start: LstmStart<'_, R>,
        selected: &[usize],
        dropout: Option<DropoutSeed>,
        cache: &'c mut NetworkCache<R>,
    ) -> Result<&'c [R], LstmError> {
        let [encoder, _, dense] = self.split(weights);
        let width = self.encoder.output_size();
        let batch = start.hidden.len() / width;
        self.encoder.forward(encoder, x, batch, Some(start), &mut cache.encoder)?;
        let states = self.encoder.hidden(&cache.encoder);
        cache.selected.clear();
        for place in selected {
            cache.selected.extend_from_slice(&states[place * width..][..width]);
        }
        if selected.is_empty() {
            cache.dense.logits.clear();
            return Ok(&cache.dense.logits);
        }
        self.dense_forward(dense, &cache.selected, selected.len(), dropout, &mut cache.dense)?;
        Ok(&cache.dense.logits)
    }

    /// Computes the logits of `count` pooled states `[N, H]` and stores them in the cache.
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
