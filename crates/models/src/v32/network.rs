//! v3.2 as a network that learns: forward with everything kept, and backward.
use windvane_lstm_core::{
    Init, LstmCache, LstmError, LstmGradients, LstmUpstream, Purpose, Real, Stream, TensorSpec,
    dense_backward, dense_forward, init_dense, init_lstm, lstm_backward, lstm_forward,
};

use super::Layers;
use crate::networked::Architecture;
use crate::train::Network;

/// What forward keeps for backward.
#[derive(Debug)]
pub(crate) struct Cache<R> {
    lstm: LstmCache<R>,
    logits: Vec<R>,
    d_hidden: Vec<R>,
}

impl<R: Real> Default for Cache<R> {
    fn default() -> Self {
        Self { lstm: LstmCache::default(), logits: Vec::new(), d_hidden: Vec::new() }
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
        let (lstm, head) = weights.split_at_mut(self.lstm.len());
        // One stream per layer: a wider LSTM leaves the head's draws as they are.
        let stream = |layer| Stream::new(seed, Purpose::Init, 0, layer);
        init_lstm(self.lstm, init, forget_bias, &mut stream(0), self.lstm.params_mut(lstm)?)?;
        init_dense(self.head, init, &mut stream(1), self.head.params_mut(head)?)
    }

    fn forward<'c>(
        &self,
        weights: &[R],
        x: &[R],
        batch: usize,
        cache: &'c mut Cache<R>,
    ) -> Result<&'c [R], LstmError> {
        let (lstm, head) = weights.split_at(self.lstm.len());
        lstm_forward(self.lstm, self.lstm.params(lstm)?, x, batch, None, &mut cache.lstm)?;
        cache.logits.resize(batch * self.head.output_size(), R::ZERO);
        let hidden = cache.lstm.last_hidden();
        dense_forward(self.head, self.head.params(head)?, hidden, &mut cache.logits)?;
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
        let (lstm, head) = weights.split_at(self.lstm.len());
        let (d_lstm, d_head) = d_weights.split_at_mut(self.lstm.len());
        let hidden = cache.lstm.last_hidden();
        cache.d_hidden.clear();
        cache.d_hidden.resize(hidden.len(), R::ZERO);
        dense_backward(
            self.head,
            self.head.params(head)?,
            hidden,
            d_logits,
            self.head.params_mut(d_head)?,
            Some(&mut cache.d_hidden),
        )?;
        let upstream = LstmUpstream {
            d_hidden: None,
            d_last_hidden: Some(&cache.d_hidden),
            d_last_cell: None,
        };
        let into = LstmGradients {
            d_params: self.lstm.params_mut(d_lstm)?,
            d_inputs: None,
            d_start: None,
        };
        let params = self.lstm.params(lstm)?;
        lstm_backward(self.lstm, params, x, &mut cache.lstm, upstream, into)
    }
}

#[cfg(test)]
mod tests {
    use windvane_lstm_core::CrossEntropy;

    use super::*;

    const STEPS: usize = 5;
    const BATCH: usize = 3;

    fn numbers(count: usize, phase: f64) -> Vec<f64> {
        (0..count).map(|i| (i as f64 * 1.7 + phase).sin()).collect()
    }

    #[test]
    fn gradients_of_the_whole_model_equal_finite_differences() {
        let layers = Layers::sized(4, 5, 3).unwrap();
        let mut weights: Vec<f64> =
            numbers(layers.lstm.len() + layers.head.len(), 0.3).iter().map(|w| 0.4 * w).collect();
        let (x, targets) = (numbers(STEPS * BATCH * 4, 0.0), [0, 2, 1]);
        let loss = CrossEntropy { classes: 3, weights: None, smoothing: 0.0 };
        let mut cache = Cache::default();
        let mut value = |weights: &[f64], d_weights: Option<&mut [f64]>| {
            let logits = layers.forward(weights, &x, BATCH, &mut cache).unwrap();
            let mut d_logits = vec![0.0; logits.len()];
            let value = loss.add(logits, &targets, BATCH as f64, &mut d_logits).unwrap();
            if let Some(d_weights) = d_weights {
                layers.backward(weights, &x, &d_logits, &mut cache, d_weights).unwrap();
            }
            value
        };
        let mut d_weights = vec![0.0; weights.len()];
        value(&weights, Some(&mut d_weights));
        let eps = 1e-5;
        for index in 0..weights.len() {
            let middle = weights[index];
            weights[index] = middle + eps;
            let above = value(&weights, None);
            weights[index] = middle - eps;
            let below = value(&weights, None);
            weights[index] = middle;
            let slope = (above - below) / (2.0 * eps);
            let difference = (slope - d_weights[index]).abs();
            assert!(
                difference <= 1e-6 * slope.abs().max(1e-2),
                "{index}: {slope}, {}",
                d_weights[index]
            );
        }
    }
}
