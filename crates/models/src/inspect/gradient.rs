//! How large the gradients of a network's weights are.
use windvane_lstm_core::{CrossEntropy, Tensors};
use windvane_signals::SampleSet;

use super::Layered;
use crate::ModelError;
use crate::networked::{Architecture, CLASSES, Networked};
use crate::train::{Examples, Network};

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

pub(super) fn norms<A: Layered>(
    model: &Networked<A>,
    samples: &SampleSet,
) -> Result<Vec<GradientNorm>, ModelError> {
    if samples.is_empty() {
        return Err(ModelError::TooFewWindows { expected: 1, got: 0 });
    }
    model.spec.check(&samples.window(&samples.samples()[0]))?;
    let examples = Examples::of_samples(samples, &model.scaler)?;
    let weights = model.weights.flat();
    let mut gradient = Tensors::new(Architecture::specs(&model.layers));
    let mut cache = <A as Network<f32>>::Cache::default();
    let (mut x, mut targets, mut d_logits) = (Vec::new(), Vec::new(), Vec::new());
    let loss = CrossEntropy { classes: CLASSES, weights: None, smoothing: 0.0 };
    let all = examples.list().len() as f32;
    for part in examples.list().chunks(TOGETHER) {
        examples.gather(part, &mut x, &mut targets);
        let logits = model.layers.forward(weights, &x, part.len(), None, &mut cache)?;
        d_logits.clear();
        d_logits.resize(logits.len(), 0.0);
        loss.add(logits, &targets, all, &mut d_logits)?;
        model.layers.backward(weights, &x, &d_logits, &mut cache, gradient.flat_mut())?;
    }
    let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    let tensors = model.weights.iter().zip(gradient.iter());
    let norms = tensors.map(|((spec, weights), (_, gradient))| GradientNorm {
        tensor: spec.name.clone(),
        weights: norm(weights),
        gradient: norm(gradient),
    });
    Ok(norms.collect())
}
