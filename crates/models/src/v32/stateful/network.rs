//! A truncated piece of long sequences, forward from a given state and backward.
use windvane_lstm_core::{
    LstmCache, LstmError, LstmGradients, LstmStart, LstmUpstream, Real, dense_backward,
    dense_forward, lstm_backward, lstm_forward,
};

use super::Layers;

/// What forward keeps for backward.
#[derive(Debug)]
pub(super) struct Cache<R> {
    pub(super) lstm: LstmCache<R>,
    /// Hidden states at the picked steps `[N, H]`.
    hidden: Vec<R>,
    logits: Vec<R>,
    d_picked: Vec<R>,
    d_hidden: Vec<R>,
}

impl<R: Real> Default for Cache<R> {
    fn default() -> Self {
        let (hidden, logits) = (Vec::new(), Vec::new());
        let (d_picked, d_hidden) = (Vec::new(), Vec::new());
        Self { lstm: LstmCache::default(), hidden, logits, d_picked, d_hidden }
    }
}

impl Layers {
    /// Reads `x` `[T, B, C]` on from `start`. Returns the logits `[N, classes]` at the `picked`
    /// places of `[T, B]`; the states after the last step stay in the cache.
    pub(super) fn read_on<'c, R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        start: LstmStart<'_, R>,
        picked: &[usize],
        cache: &'c mut Cache<R>,
    ) -> Result<&'c [R], LstmError> {
        let (lstm, head) = weights.split_at(self.lstm.len());
        let width = self.lstm.hidden_size();
        let batch = start.hidden.len() / width;
        let params = self.lstm.params(lstm)?;
        lstm_forward(self.lstm, params, x, batch, Some(start), &mut cache.lstm)?;
        cache.hidden.clear();
        for place in picked {
            cache.hidden.extend_from_slice(&cache.lstm.hidden()[place * width..][..width]);
        }
        cache.logits.resize(picked.len() * self.head.output_size(), R::ZERO);
        if !picked.is_empty() {
            dense_forward(self.head, self.head.params(head)?, &cache.hidden, &mut cache.logits)?;
        }
        Ok(&cache.logits)
    }

    /// **Adds** the gradient of the loss by the parameters to `d_weights`; nothing goes back
    /// beyond the start.
    pub(super) fn learn_back<R: Real>(
        &self,
        weights: &[R],
        x: &[R],
        picked: &[usize],
        d_logits: &[R],
        cache: &mut Cache<R>,
        d_weights: &mut [R],
    ) -> Result<(), LstmError> {
        if picked.is_empty() {
            return Ok(());
        }
        let (lstm, head) = weights.split_at(self.lstm.len());
        let (d_lstm, d_head) = d_weights.split_at_mut(self.lstm.len());
        let Cache { lstm: states, hidden, d_picked, d_hidden, .. } = cache;
        d_picked.clear();
        d_picked.resize(hidden.len(), R::ZERO);
        let (params, into) = (self.head.params(head)?, self.head.params_mut(d_head)?);
        dense_backward(self.head, params, hidden, d_logits, into, Some(d_picked))?;
        d_hidden.clear();
        d_hidden.resize(states.hidden().len(), R::ZERO);
        let width = self.lstm.hidden_size();
        for (place, d_picked) in picked.iter().zip(d_picked.chunks_exact(width)) {
            d_hidden[place * width..][..width].copy_from_slice(d_picked);
        }
        let upstream =
            LstmUpstream { d_hidden: Some(d_hidden), d_last_hidden: None, d_last_cell: None };
        let d_params = self.lstm.params_mut(d_lstm)?;
        let into = LstmGradients { d_params, d_inputs: None, d_start: None };
        lstm_backward(self.lstm, self.lstm.params(lstm)?, x, states, upstream, into)
    }
}

#[cfg(test)]
mod tests {
    use windvane_lstm_core::CrossEntropy;

    use super::*;
    use crate::networked::Architecture;
    use crate::train::weight_count;
    use crate::v32::Config;

    const HIDDEN: usize = 5;
    const CHANNELS: usize = 4;

    fn layers() -> Layers {
        Layers::new(&Config { hidden_size: HIDDEN }, CHANNELS, 3).unwrap()
    }

    fn numbers(count: usize, phase: f64) -> Vec<f64> {
        (0..count).map(|i| 0.5 * (i as f64 * 1.7 + phase).sin()).collect()
    }

    #[test]
    fn gradients_of_a_piece_equal_finite_differences() {
        let layers = layers();
        let (batch, steps) = (3, 6);
        let mut weights = numbers(weight_count::<f64, _>(&layers), 0.3);
        let x = numbers(steps * batch * CHANNELS, 0.0);
        let (hidden, cell) = (numbers(batch * HIDDEN, 1.0), numbers(batch * HIDDEN, 2.0));
        // Several steps of one sequence, the first and last among them, none of another's end.
        let (picked, targets) = ([0, 1, 4, 5, 7, 13, 15], [0, 2, 1, 0, 1, 2, 0]);
        let loss = CrossEntropy { classes: 3, weights: None, smoothing: 0.0 };
        let mut cache = Cache::default();
        let mut value = |weights: &[f64], d_weights: Option<&mut [f64]>| {
            let start = LstmStart { hidden: &hidden, cell: &cell };
            let logits = layers.read_on(weights, &x, start, &picked, &mut cache).unwrap();
            let mut d_logits = vec![0.0; logits.len()];
            let value = loss.add(logits, &targets, 20.0, &mut d_logits).unwrap();
            if let Some(into) = d_weights {
                layers.learn_back(weights, &x, &picked, &d_logits, &mut cache, into).unwrap();
            }
            value
        };
        let mut d_weights = vec![0.0; weights.len()];
        value(&weights, Some(&mut d_weights));
        let eps = 1e-5;
        for index in 0..weights.len() {
            let middle = weights[index];
            let mut at = |weight| {
                weights[index] = weight;
                value(&weights, None)
            };
            let slope = (at(middle + eps) - at(middle - eps)) / (2.0 * eps);
            weights[index] = middle;
            let got = d_weights[index];
            let difference = (slope - got).abs();
            assert!(difference <= 1e-6 * slope.abs().max(1e-2), "{index}: {slope}, got {got}");
        }
    }

    #[test]
    fn pieces_with_the_state_carried_are_one_long_pass() {
        let layers = layers();
        let (batch, steps) = (2, 12);
        let weights = numbers(weight_count::<f64, _>(&layers), 0.3);
        let x = numbers(steps * batch * CHANNELS, 0.0);
        let zeros = vec![0.0; batch * HIDDEN];
        let places: Vec<usize> = (0..steps * batch).collect();
        let mut whole = Cache::default();
        let start = LstmStart { hidden: &zeros, cell: &zeros };
        let expected = layers.read_on(&weights, &x, start, &places, &mut whole).unwrap().to_vec();
        let (mut hidden, mut cell) = (zeros.clone(), zeros.clone());
        let (mut cache, mut got) = (Cache::default(), Vec::new());
        for piece in x.chunks(5 * batch * CHANNELS) {
            let start = LstmStart { hidden: &hidden, cell: &cell };
            let places = &places[..piece.len() / CHANNELS];
            got.extend_from_slice(
                layers.read_on(&weights, piece, start, places, &mut cache).unwrap(),
            );
            (hidden, cell) = (cache.lstm.last_hidden().to_vec(), cache.lstm.last_cell().to_vec());
        }
        assert_eq!(got, expected);
    }
}
