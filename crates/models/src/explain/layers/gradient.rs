//! Gradient norms of a network's weights.
use windvane_lstm_core::{CrossEntropy, Tensors};
use windvane_signals::SampleSet;

use crate::TrainError;
use crate::network::training::NetworkCache;
use crate::network::{CLASSES, Network};
use crate::train::network::Examples;

/// Number of windows per batch.
const BATCH: usize = 64;

/// Norms of a tensor's weights and of their gradient.
///
/// **Formula** Euclidean norms `√Σ w²` and `√Σ (∂L/∂w)²`; L is the mean cross-entropy in nats.
///
/// The gradients of a fitted network are small in all layers. A gradient that is orders of
/// magnitude smaller than that of the next layer has vanished: the layer no longer learns. One that
/// is orders of magnitude larger explodes and makes the training unstable.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GradientNorm {
    /// Name of the layer and its tensor, such as `lstm.w_hh`.
    pub tensor: String,
    /// Euclidean norm of the weights.
    pub weights: f64,
    /// Euclidean norm of the gradient.
    pub gradient: f64,
}

/// Euclidean norm of a vector.
fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

impl Network {
    /// Computes the gradient norms of the mean cross-entropy over these windows, per tensor in the
    /// order of the layers, without dropout and clipping.
    ///
    /// # Errors
    /// [`TrainError::TooFewWindows`] without windows, [`TrainError::Predict`] for windows of
    /// another shape.
    pub fn gradient_norms(&self, samples: &SampleSet) -> Result<Vec<GradientNorm>, TrainError> {
        let Some(first) = samples.samples().first() else {
            return Err(TrainError::TooFewWindows { expected: 1, got: 0 });
        };
        self.spec.check(&samples.reader().window_of(first, samples.lookback())?)?;
        let examples = Examples::from_samples(samples, &self.scaler);
        let mut reader = examples.reader();
        let weights = self.weights.flat();
        let mut gradient = Tensors::new(self.layers.specs());
        let mut cache = NetworkCache::default();
        let (mut x, mut targets, mut d_logits) = (Vec::new(), Vec::new(), Vec::new());
        let loss = CrossEntropy { classes: CLASSES, weights: None, smoothing: 0.0 };
        let count = examples.len();
        for start in (0..count).step_by(BATCH) {
            let part = start..count.min(start + BATCH);
            examples.gather(part, &mut reader, &mut x, &mut targets)?;
            let logits = self.layers.forward(weights, &x, targets.len(), None, &mut cache)?;
            d_logits.clear();
            d_logits.resize(logits.len(), 0.0);
            loss.add(logits, &targets, count as f32, &mut d_logits)?;
            self.layers.backward(weights, &x, &d_logits, &mut cache, gradient.flat_mut())?;
        }
        let tensors = self.weights.iter().zip(gradient.iter());
        let norms = tensors.map(|((spec, weights), (_, gradient))| GradientNorm {
            tensor: spec.name.clone(),
            weights: norm(weights),
            gradient: norm(gradient),
        });
        Ok(norms.collect())
    }
}
