//! v3.2 as a network that learns: forward with everything kept, and backward.
use windvane_lstm_core::{
    Init, LstmCache, LstmError, LstmGradients, LstmUpstream, Purpose, Real, Stream, TensorSpec,
    dense_backward, dense_forward, init_dense, init_lstm, lstm_backward, lstm_forward,
};

use super::LstmAndHead;
use crate::inspect::{Activations, Layered, LstmTrace};
use crate::networked::Architecture;
use crate::train::{Draw, Network};

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

impl<R: Real, const STATEFUL: bool> Network<R> for LstmAndHead<STATEFUL> {
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
        _: Option<Draw>,
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

impl<const STATEFUL: bool> Layered for LstmAndHead<STATEFUL> {
    fn activations(cache: &Cache<f32>) -> Activations {
        Activations {
            lstms: vec![LstmTrace::of_lstm(&cache.lstm)],
            attention: None,
            dense: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Layers;
    use super::*;

    #[test]
    fn gradients_of_the_whole_model_equal_finite_differences() {
        let layers = Layers::new(&super::super::Config { hidden_size: 5 }, 4, 3).unwrap();
        crate::train::check_gradients(&layers, 4, None);
    }
}
