//! Logistic regression as ONNX operators.
use super::LogisticRegression;
use crate::onnx::{Graph, flat, scaled};

impl LogisticRegression {
    /// Adds the operators from a raw window to the probabilities. The sum is in f64, as here.
    pub(crate) fn nodes(&self, graph: &mut Graph, window: &str) -> String {
        let x = scaled(graph, &self.scaler, window);
        let x = flat(graph, &x, self.positions.as_deref());
        let x = graph.as_double(&x);
        let weights = graph.doubles(&[self.weights.len(), 1], &self.weights);
        let intercept = graph.doubles(&[], &[self.intercept]);
        let products = graph.node("MatMul", &[&x, &weights], &[]);
        let score = graph.node("Add", &[&products, &intercept], &[]);
        let logits = graph.score_logits(&score, self.neutral);
        graph.calibrated(self.calibration, &logits)
    }
}
