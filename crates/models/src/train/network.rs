//! What the training loop asks of a network.
use windvane_lstm_core::{Init, LstmError, Purpose, Real, Stream, TensorSpec};

/// Where a chunk's dropout masks come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    pub(crate) seed: u64,
    pub(crate) epoch: u64,
    /// Number of the chunk in its epoch.
    pub(crate) index: u64,
}

impl Draw {
    /// The stream that masks are drawn from.
    pub(crate) fn dropout(self) -> Stream {
        Stream::new(self.seed, Purpose::Dropout, self.epoch, self.index)
    }
}

/// A classifier over windows whose parameters lie in one flat buffer.
///
/// **Shapes** `x` `[T, B, C]` time-major, logits `[B, classes]`.
pub(crate) trait Network<R: Real>: Sync {
    /// What `forward` keeps for `backward`; buffers are reused.
    type Cache: Default + Send;

    /// Names and shapes of the parameters, in buffer order.
    fn specs(&self) -> Vec<TensorSpec>;

    /// Number of classes.
    fn classes(&self) -> usize;

    /// Draws the starting weights.
    fn init(
        &self,
        init: Init,
        forget_bias: f64,
        seed: u64,
        weights: &mut [R],
    ) -> Result<(), LstmError>;

    /// Computes the logits of a batch; without `draw` nothing is dropped.
    fn forward<'c>(
        &self,
        weights: &[R],
        x: &[R],
        batch: usize,
        draw: Option<Draw>,
        cache: &'c mut Self::Cache,
    ) -> Result<&'c [R], LstmError>;

    /// **Adds** the gradient of the loss by the parameters to `d_weights`.
    fn backward(
        &self,
        weights: &[R],
        x: &[R],
        d_logits: &[R],
        cache: &mut Self::Cache,
        d_weights: &mut [R],
    ) -> Result<(), LstmError>;
}

/// Number of parameters.
pub(crate) fn weight_count<R: Real, N: Network<R>>(network: &N) -> usize {
    network.specs().iter().map(TensorSpec::len).sum()
}

/// Compares a network's gradients with central differences in f64.
#[cfg(test)]
pub(crate) fn check_gradients<N: Network<f64>>(network: &N, channels: usize, draw: Option<Draw>) {
    use windvane_lstm_core::CrossEntropy;

    let (steps, targets) = (5, [0, 2, 1]);
    let numbers = |count: usize, phase: f64| -> Vec<f64> {
        (0..count).map(|i| (i as f64 * 1.7 + phase).sin()).collect()
    };
    let mut weights = numbers(weight_count(network), 0.3);
    for weight in &mut weights {
        *weight *= 0.4;
    }
    let x = numbers(steps * targets.len() * channels, 0.0);
    let loss = CrossEntropy { classes: network.classes(), weights: None, smoothing: 0.0 };
    let mut cache = N::Cache::default();
    let mut value = |weights: &[f64], d_weights: Option<&mut [f64]>| {
        let logits = network.forward(weights, &x, targets.len(), draw, &mut cache).unwrap();
        let mut d_logits = vec![0.0; logits.len()];
        let value = loss.add(logits, &targets, targets.len() as f64, &mut d_logits).unwrap();
        if let Some(d_weights) = d_weights {
            network.backward(weights, &x, &d_logits, &mut cache, d_weights).unwrap();
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
        let got = d_weights[index];
        assert!(difference <= 1e-6 * slope.abs().max(1e-2), "{index}: {slope}, got {got}");
    }
}
