//! Norms of the gradients of a network's weights.
use windvane_lstm_core::{CrossEntropy, Tensors};
use windvane_signals::SampleSet;

use crate::TrainError;
use crate::network::training::NetworkCache;
use crate::network::{CLASSES, Network};
use crate::train::network::Examples;

/// Windows at a time.
const TOGETHER: usize = 64;

/// The size of a tensor's weights and of their gradient.
///
/// **Formula** Euclidean norms `√Σ w²` and `√Σ (∂L/∂w)²`, L the mean cross-entropy in nats.
///
/// A fitted network has small gradients everywhere. One layer whose gradient is orders of
/// magnitude below the next one's learns no more; one that is orders above it makes steps jump.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GradientNorm {
    /// The layer and its tensor, such as `lstm.w_hh`.
    pub tensor: String,
    /// Norm of the weights.
    pub weights: f64,
    /// Norm of the gradient.
    pub gradient: f64,
}

/// Euclidean norm.
fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

impl Network {
    /// Size of the gradient of the mean cross-entropy over these windows, per tensor in the order
    /// of the layers. Nothing is dropped and nothing clipped.
    ///
    /// # Errors
    /// [`TrainError::TooFewWindows`] without any, [`TrainError::Predict`] for windows of another
    /// shape.
    pub fn gradient_norms(&self, samples: &SampleSet) -> Result<Vec<GradientNorm>, TrainError> {
        let Some(first) = samples.samples().first() else {
            return Err(TrainError::TooFewWindows { expected: 1, got: 0 });
        };
        self.spec.check(&samples.window(first))?;
        let examples = Examples::of_samples(samples, &self.scaler)?;
        let weights = self.weights.flat();
        let mut gradient = Tensors::new(self.layers.specs());
        let mut cache = NetworkCache::default();
        let (mut x, mut targets, mut d_logits) = (Vec::new(), Vec::new(), Vec::new());
        let loss = CrossEntropy { classes: CLASSES, weights: None, smoothing: 0.0 };
        let all = examples.list().len() as f32;
        for part in examples.list().chunks(TOGETHER) {
            examples.gather(part, &mut x, &mut targets);
            let logits = self.layers.forward(weights, &x, part.len(), None, &mut cache)?;
            d_logits.clear();
            d_logits.resize(logits.len(), 0.0);
            loss.add(logits, &targets, all, &mut d_logits)?;
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
