//! v3.1 as a network that learns: forward with everything kept, and backward.
use windvane_lstm_core::{
    AttentionCache, BiLstmCache, BiLstmGradients, BiLstmUpstream, Init, LstmError, Purpose, Real,
    Stream, TensorSpec, apply_dropout, attention_backward, attention_forward, bilstm_backward,
    bilstm_forward, dense_backward, dense_forward, dropout_mask, init_attention, init_dense,
    init_lstm, relu, relu_backward,
};

use super::Layers;
use crate::inspect::{Activations, DenseTrace, Layered, LstmTrace};
use crate::networked::Architecture;
use crate::train::{Draw, Network};

/// What forward keeps for backward.
#[derive(Debug)]
pub(crate) struct Cache<R> {
    lstm: BiLstmCache<R>,
    attention: AttentionCache<R>,
    /// Per hidden dense layer: its output after ReLU and mask, and the mask (empty without
    /// dropout).
    hidden: Vec<(Vec<R>, Vec<R>)>,
    logits: Vec<R>,
    /// Gradients on the way down, one buffer per layer boundary.
    d_outputs: Vec<Vec<R>>,
    d_states: Vec<R>,
}

impl<R: Real> Default for Cache<R> {
    fn default() -> Self {
        Self {
            lstm: BiLstmCache::new(),
            attention: AttentionCache::new(),
            hidden: Vec::new(),
            logits: Vec::new(),
            d_outputs: Vec::new(),
            d_states: Vec::new(),
        }
    }
}

/// Fills with zeros, as long as need be.
fn zeros<R: Real>(buffer: &mut Vec<R>, len: usize) {
    buffer.clear();
    buffer.resize(len, R::ZERO);
}

impl Layers {
    /// Where the dense layers' parameters begin.
    fn dense_start(&self) -> usize {
        self.lstm.len() + self.attention.len()
    }
}

impl<R: Real> Network<R> for Layers {
    type Cache = Cache<R>;

    fn specs(&self) -> Vec<TensorSpec> {
        Architecture::specs(self)
    }

    fn classes(&self) -> usize {
        self.head.output_size()
    }

    fn init(
        &self,
        init: Init,
        forget_bias: f64,
        seed: u64,
        weights: &mut [R],
    ) -> Result<(), LstmError> {
        let (lstm, rest) = weights.split_at_mut(self.lstm.len());
        let (attention, mut rest) = rest.split_at_mut(self.attention.len());
        let stream = |layer| Stream::new(seed, Purpose::Init, 0, layer);
        let (direction, lstm) = (self.lstm.direction(), self.lstm.params_mut(lstm)?);
        init_lstm(direction, init, forget_bias, &mut stream(0), lstm.forward)?;
        init_lstm(direction, init, forget_bias, &mut stream(1), lstm.reverse)?;
        let params = self.attention.params_mut(attention)?;
        init_attention(self.attention, init, &mut stream(2), params)?;
        for (index, dense) in (3..).zip(self.dense()) {
            let (own, after) = rest.split_at_mut(dense.len());
            init_dense(dense, init, &mut stream(index), dense.params_mut(own)?)?;
            rest = after;
        }
        Ok(())
    }

    fn forward<'c>(
        &self,
        weights: &[R],
        x: &[R],
        batch: usize,
        draw: Option<Draw>,
        cache: &'c mut Cache<R>,
    ) -> Result<&'c [R], LstmError> {
        let (lstm, rest) = weights.split_at(self.lstm.len());
        let (attention, mut rest) = rest.split_at(self.attention.len());
        bilstm_forward(self.lstm, self.lstm.params(lstm)?, x, batch, None, &mut cache.lstm)?;
        let states = cache.lstm.hidden();
        let params = self.attention.params(attention)?;
        attention_forward(self.attention, params, states, batch, &mut cache.attention)?;
        cache.hidden.resize_with(self.hidden.len(), Default::default);
        let mut masks = draw.filter(|_| self.dropout > 0.0).map(Draw::dropout);
        for (index, shape) in self.hidden.iter().enumerate() {
            let (own, after) = rest.split_at(shape.len());
            rest = after;
            let (below, above) = cache.hidden.split_at_mut(index);
            let input = below.last().map_or(cache.attention.context(), |(output, _)| output);
            let (output, mask) = &mut above[0];
            zeros(output, batch * shape.output_size());
            dense_forward(*shape, shape.params(own)?, input, output)?;
            relu(output);
            mask.clear();
            if let Some(stream) = &mut masks {
                zeros(mask, output.len());
                dropout_mask(stream, self.dropout, mask)?;
                apply_dropout(mask, output)?;
            }
        }
        let input = cache.hidden.last().map_or(cache.attention.context(), |(output, _)| output);
        zeros(&mut cache.logits, batch * self.head.output_size());
        dense_forward(self.head, self.head.params(rest)?, input, &mut cache.logits)?;
        Ok(&cache.logits)
    }

    fn backward(
        &self,
        weights: &[R],
        x: &[R],
        d_logits: &[R],
        cache: &mut Cache<R>,
        d_weights: &mut [R],
    ) -> Result<(), LstmError> {
        self.dense_backward(weights, d_logits, cache, d_weights)?;
        let (lstm, rest) = weights.split_at(self.lstm.len());
        let attention = self.attention.params(&rest[..self.attention.len()])?;
        let (d_lstm, d_rest) = d_weights.split_at_mut(self.lstm.len());
        let d_attention = self.attention.params_mut(&mut d_rest[..self.attention.len()])?;
        let states = cache.lstm.hidden();
        zeros(&mut cache.d_states, states.len());
        attention_backward(
            self.attention,
            attention,
            states,
            &mut cache.attention,
            &cache.d_outputs[0],
            d_attention,
            Some(&mut cache.d_states),
        )?;
        let upstream = BiLstmUpstream {
            d_hidden: Some(&cache.d_states),
            d_last_hidden: None,
            d_last_cell: None,
        };
        let d_params = self.lstm.params_mut(d_lstm)?;
        let into = BiLstmGradients { d_params, d_inputs: None, d_start: None };
        let params = self.lstm.params(lstm)?;
        bilstm_backward(self.lstm, params, x, &mut cache.lstm, upstream, into)
    }
}

impl Layers {
    /// Through the head and the hidden dense layers, down to the context; its gradient is left
    /// in the first of `cache.d_outputs`.
    fn dense_backward<R: Real>(
        &self,
        weights: &[R],
        d_logits: &[R],
        cache: &mut Cache<R>,
        d_weights: &mut [R],
    ) -> Result<(), LstmError> {
        let Cache { attention, hidden, d_outputs, .. } = cache;
        d_outputs.resize_with(self.hidden.len() + 1, Vec::new);
        let mut end = weights.len();
        for (index, shape) in self.dense().enumerate().collect::<Vec<_>>().into_iter().rev() {
            let span = end - shape.len()..end;
            end = span.start;
            let input = if index == 0 { attention.context() } else { &hidden[index - 1].0[..] };
            let (below, above) = d_outputs.split_at_mut(index + 1);
            let d_input = &mut below[index];
            zeros(d_input, input.len());
            let d_output = above.first().map_or(d_logits, |d| d);
            let d_params = shape.params_mut(&mut d_weights[span.clone()])?;
            let params = shape.params(&weights[span])?;
            dense_backward(shape, params, input, d_output, d_params, Some(&mut d_input[..]))?;
            if let Some((output, mask)) = index.checked_sub(1).map(|below| &hidden[below]) {
                if !mask.is_empty() {
                    apply_dropout(mask, d_input)?;
                }
                relu_backward(output, d_input)?;
            }
        }
        debug_assert_eq!(end, self.dense_start());
        Ok(())
    }
}

impl Layered for Layers {
    fn activations(cache: &Cache<f32>) -> Activations {
        let layers = (1..).zip(&cache.hidden).map(|(number, (outputs, _))| DenseTrace {
            layer: format!("fc{number}"),
            outputs: outputs.clone(),
        });
        Activations {
            lstms: LstmTrace::of_bilstm(&cache.lstm),
            attention: Some(cache.attention.weights().to_vec()),
            dense: layers.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn layers(dense: &[usize], dropout: f64) -> Layers {
        let config = Config { hidden_size: 5, attention_size: 3, dense: dense.to_vec(), dropout };
        Layers::new(&config, 4, 3).unwrap()
    }

    #[test]
    fn gradients_of_the_whole_model_equal_finite_differences() {
        for dense in [&[][..], &[6], &[6, 4]] {
            crate::train::check_gradients(&layers(dense, 0.0), 4, None);
        }
    }

    #[test]
    fn gradients_with_dropout_equal_finite_differences() {
        let draw = Draw { seed: 1, epoch: 2, index: 3 };
        crate::train::check_gradients(&layers(&[6, 4], 0.3), 4, Some(draw));
    }

    #[test]
    fn dropout_acts_in_training_only() {
        let layers = layers(&[6, 4], 0.5);
        let mut weights = vec![0.0; crate::train::weight_count::<f64, _>(&layers)];
        layers.init(Init::XavierUniform, 1.0, 1, &mut weights).unwrap();
        let x: Vec<f64> = (0..40).map(|i| f64::from(i).sin()).collect();
        let logits = |draw| {
            let mut cache = Cache::default();
            layers.forward(&weights, &x, 2, draw, &mut cache).unwrap().to_vec()
        };
        let draw = |index| Some(Draw { seed: 1, epoch: 0, index });
        assert_eq!(logits(None), logits(None));
        assert_eq!(logits(draw(1)), logits(draw(1)));
        assert_ne!(logits(draw(1)), logits(draw(2)));
        assert_ne!(logits(draw(1)), logits(None));
    }
}
