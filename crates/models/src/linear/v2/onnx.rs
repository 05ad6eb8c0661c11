//! Weighted signals as ONNX operators.
use super::WeightedSignals;
use crate::onnx::{Attribute, Graph, clipped};

impl WeightedSignals {
    /// Adds the operators from a raw window to the probabilities.
    pub(crate) fn nodes(&self, graph: &mut Graph, window: &str) -> String {
        let last = graph.ints(&[-1]);
        let rows = graph.node("Gather", &[window, &last], &[Attribute::Int("axis", 1)]);
        let one = graph.ints(&[1]);
        let row = graph.node("Squeeze", &[&rows, &one], &[]);
        let z = clipped(graph, &self.scaler, &row);
        let two = graph.doubles(&[], &[2.0]);
        let half = graph.node("Div", &[&z, &two], &[]);
        let squashed = graph.node("Tanh", &[&half], &[]);
        let weights: Vec<f64> = self.weights.iter().map(|weight| f64::from(*weight)).collect();
        let total: f64 = weights.iter().map(|weight| weight.abs()).sum();
        let total = graph.doubles(&[], &[total]);
        let weights = graph.doubles(&[weights.len(), 1], &weights);
        let sum = graph.node("MatMul", &[&squashed, &weights], &[]);
        let score = graph.node("Div", &[&sum, &total], &[]);
        let score = graph.as_float(&score);
        let half_gain = graph.float(self.gain / 2.0);
        let up = graph.node("Mul", &[&score, &half_gain], &[]);
        let down = graph.node("Neg", &[&up], &[]);
        let zero = graph.float(0.0);
        let zeros = graph.node("Mul", &[&up, &zero], &[]);
        let neutral = graph.float(self.neutral_logit);
        let neutral = graph.node("Add", &[&zeros, &neutral], &[]);
        let logits = [&up[..], &down, &neutral];
        let logits = graph.node("Concat", &logits, &[Attribute::Int("axis", 1)]);
        graph.calibrated(self.calibration, &logits)
    }
}
