//! Backward pass through the layers of a network.
use windvane_lstm_core::{
    LstmError, Real, apply_dropout, attention_backward, dense_backward, relu_backward,
};

use super::forward::{DenseCache, NetworkCache, zeros};
use crate::network::training::encoder::Upstream;
use crate::network::{Layers, Pooling};

impl Layers {
    /// **Adds** the gradient of the loss with respect to the parameters to `d_weights`, after
    /// [`forward`](Self::forward).
    pub(crate) fn backward<R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        d_logits: &[R],
        cache: &mut NetworkCache<R>,
        d_weights: &mut [R],
    ) -> Result<(), LstmError> {
        let [encoder, attention, dense] = self.split(weights);
        let (d_encoder, d_rest) = d_weights.split_at_mut(self.encoder.len());
        let (d_attention, d_dense) = d_rest.split_at_mut(attention.len());
        let pooled = match (self.config.pooling, self.attention) {
            (_, Some(_)) => cache.attention.context(),
            (Pooling::Mean, None) => &cache.mean,
            (_, None) => self.encoder.last_hidden(&cache.encoder),
        };
        self.dense_backward(dense, pooled, d_logits, &mut cache.dense, d_dense)?;
        let d_pooled = &cache.dense.d_inputs[0];
        let upstream = match (self.config.pooling, self.attention) {
            (Pooling::Mean, None) => {
                let states = self.encoder.hidden(&cache.encoder);
                zeros(&mut cache.d_states, states.len());
                let steps = R::from_f64((states.len() / d_pooled.len()) as f64);
                for d_states in cache.d_states.chunks_exact_mut(d_pooled.len()) {
                    d_states
                        .iter_mut()
                        .zip(d_pooled)
                        .for_each(|(d, of_mean)| *d = *of_mean / steps);
                }
                Upstream::Every(&cache.d_states)
            }
            (_, None) => Upstream::Last(d_pooled),
            (_, Some(shape)) => {
                let states = self.encoder.hidden(&cache.encoder);
                zeros(&mut cache.d_states, states.len());
                attention_backward(
                    shape,
                    shape.params(attention)?,
                    states,
                    &mut cache.attention,
                    d_pooled,
                    shape.params_mut(d_attention)?,
                    Some(&mut cache.d_states),
                )?;
                Upstream::Every(&cache.d_states)
            }
        };
        self.encoder.backward(encoder, x, upstream, &mut cache.encoder, d_encoder)
    }

    /// **Adds** the gradient to `d_weights` after [`forward_from`](Self::forward_from).
    ///
    /// No gradient is propagated to the initial state.
    pub(crate) fn backward_from<R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        selected: &[usize],
        d_logits: &[R],
        cache: &mut NetworkCache<R>,
        d_weights: &mut [R],
    ) -> Result<(), LstmError> {
        if selected.is_empty() {
            return Ok(());
        }
        let [encoder, _, dense] = self.split(weights);
        let (d_encoder, d_dense) = d_weights.split_at_mut(self.encoder.len());
        self.dense_backward(dense, &cache.selected, d_logits, &mut cache.dense, d_dense)?;
        zeros(&mut cache.d_states, self.encoder.hidden(&cache.encoder).len());
        let width = self.encoder.output_size();
        for (place, d_selected) in selected.iter().zip(cache.dense.d_inputs[0].chunks_exact(width))
        {
            cache.d_states[place * width..][..width].copy_from_slice(d_selected);
        }
        let upstream = Upstream::Every(&cache.d_states);
        self.encoder.backward(encoder, x, upstream, &mut cache.encoder, d_encoder)
    }

    /// Runs the backward pass of the head and the hidden dense layers.
    ///
    /// The gradient with respect to the pooled states is in the first entry of `d_inputs`.
    fn dense_backward<R: Real>(
        &self,
        weights: &[R],
        pooled: &[R],
        d_logits: &[R],
        cache: &mut DenseCache<R>,
        d_weights: &mut [R],
    ) -> Result<(), LstmError> {
        let DenseCache { hidden, d_inputs, .. } = cache;
        d_inputs.resize_with(self.dense.len(), Vec::new);
        let mut end = weights.len();
        for (index, shape) in self.dense.iter().enumerate().rev() {
            let span = end - shape.len()..end;
            end = span.start;
            let input = if index == 0 { pooled } else { &hidden[index - 1].0[..] };
            let (below, above) = d_inputs.split_at_mut(index + 1);
            let d_input = &mut below[index];
            zeros(d_input, input.len());
            let d_output = above.first().map_or(d_logits, |d_output| d_output);
            let d_params = shape.params_mut(&mut d_weights[span.clone()])?;
            let params = shape.params(&weights[span])?;
            dense_backward(*shape, params, input, d_output, d_params, Some(&mut d_input[..]))?;
            if let Some((output, mask)) = index.checked_sub(1).map(|below| &hidden[below]) {
                if !mask.is_empty() {
                    apply_dropout(mask, d_input)?;
                }
                relu_backward(output, d_input)?;
            }
        }
        Ok(())
    }
}
