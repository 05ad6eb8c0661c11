//! Operators that several models share: scaler, inputs, probabilities of a score, calibration.
use windvane_signals::Scaler;

use super::graph::{Attribute, Graph};
use crate::Calibration;
use crate::calibration::PIVOT;

/// Types of ONNX for the operator `Cast`.
const FLOAT: i64 = 1;
#[cfg(any(feature = "logistic", feature = "trees"))]
const DOUBLE: i64 = 11;

/// Adds the scaler in f32: subtract, divide, clip, round.
pub(crate) fn scaled(graph: &mut Graph, scaler: &Scaler, raw: &str) -> String {
    let clipped = clipped(graph, scaler, raw);
    graph.node("Cast", &[&clipped], &[Attribute::Int("to", FLOAT)])
}

/// Adds the scaler in f64: subtract, divide, clip.
pub(crate) fn clipped(graph: &mut Graph, scaler: &Scaler, raw: &str) -> String {
    let width = scaler.width();
    let centres: Vec<f64> = (0..width).map(|channel| scaler.centre(channel)).collect();
    // A constant channel is scaled to 0: every finite number divided by infinity.
    let scales: Vec<f64> = (0..width)
        .map(|channel| scaler.scale(channel))
        .map(|scale| if scale > 0.0 { scale } else { f64::INFINITY })
        .collect();
    let centres = graph.doubles(&[width], &centres);
    let scales = graph.doubles(&[width], &scales);
    let [low, high] = [-1.0, 1.0].map(|sign| graph.doubles(&[], &[sign * scaler.clip()]));
    let centred = graph.node("Sub", &[raw, &centres], &[]);
    let divided = graph.node("Div", &[&centred, &scales], &[]);
    graph.node("Clip", &[&divided, &low, &high], &[])
}

/// Adds the values of each window in one row, or those at some positions of it.
#[cfg(any(feature = "logistic", feature = "trees"))]
pub(crate) fn flat(graph: &mut Graph, window: &str, positions: Option<&[usize]>) -> String {
    let shape = graph.ints(&[0, -1]);
    let flat = graph.node("Reshape", &[window, &shape], &[]);
    let Some(positions) = positions else { return flat };
    let positions: Vec<i64> = positions.iter().copied().map(super::graph::integer).collect();
    let positions = graph.ints(&positions);
    graph.node("Gather", &[&flat, &positions], &[Attribute::Int("axis", 1)])
}

#[cfg(any(feature = "logistic", feature = "trees"))]
impl Graph {
    /// Adds a conversion to f64.
    pub(crate) fn as_double(&mut self, value: &str) -> String {
        self.node("Cast", &[value], &[Attribute::Int("to", DOUBLE)])
    }

    /// Adds the logits of UP, DOWN and NEUTRAL, f32 `[batch, 3]`, of a score f64 `[batch, 1]`: the
    /// logarithms of the probabilities `(1 - n) / (1 + exp(-score))`, `(1 - n) / (1 + exp(score))`
    /// and n, the probability of NEUTRAL.
    pub(crate) fn score_logits(&mut self, score: &str, neutral: f64) -> String {
        let negative = self.node("Neg", &[score], &[]);
        let moved = self.doubles(&[], &[1.0 - neutral]);
        let [up, down] = [score, &negative].map(|score| {
            let share = self.node("Sigmoid", &[score], &[]);
            self.node("Mul", &[&share, &moved], &[])
        });
        let zero = self.doubles(&[], &[0.0]);
        let zeros = self.node("Mul", &[&up, &zero], &[]);
        let neutral = self.doubles(&[], &[neutral]);
        let neutral = self.node("Add", &[&zeros, &neutral], &[]);
        let joined = self.node("Concat", &[&up, &down, &neutral], &[Attribute::Int("axis", 1)]);
        let least = self.doubles(&[], &[1e-30]);
        let positive = self.node("Max", &[&joined, &least], &[]);
        let logarithms = self.node("Log", &[&positive], &[]);
        self.as_float(&logarithms)
    }
}

impl Graph {
    /// Adds a conversion to f32.
    #[cfg(any(feature = "v2", feature = "logistic", feature = "trees"))]
    pub(crate) fn as_float(&mut self, value: &str) -> String {
        self.node("Cast", &[value], &[Attribute::Int("to", FLOAT)])
    }

    /// Adds temperature and exponent of a calibration and the softmax: from logits f32 `[batch, 3]`
    /// to probabilities. Logarithms of probabilities are logits, too, also that of 0.
    pub fn calibrated(&mut self, calibration: Calibration, logits: &str) -> String {
        let temperature = self.float(calibration.temperature());
        let mut logits = self.node("Div", &[logits, &temperature], &[]);
        if calibration.exponent().to_bits() != 1.0_f32.to_bits() {
            logits = self.raised(calibration.exponent(), &logits);
        }
        self.node("Softmax", &[&logits], &[Attribute::Int("axis", 1)])
    }

    /// Adds the exponent b of a calibration: the log odds d of UP over DOWN become
    /// `sign(d) r |d / r|^b`, which is finite at 0. Infinite log odds do not change.
    fn raised(&mut self, exponent: f32, logits: &str) -> String {
        let [up, down, neutral] = self.node_of("Split", &[logits], &[Attribute::Int("axis", 1)]);
        let odds = self.node("Sub", &[&up, &down], &[]);
        let [pivot, half, low, high, infinity] =
            [PIVOT, 0.5, -1e4, 1e4, f32::INFINITY].map(|number| self.float(number));
        let exponent = self.float(exponent);
        let sign = self.node("Sign", &[&odds], &[]);
        let distance = self.node("Abs", &[&odds], &[]);
        let size = self.node("Div", &[&distance, &pivot], &[]);
        let size = self.node("Pow", &[&size, &exponent], &[]);
        let size = self.node("Mul", &[&size, &pivot], &[]);
        let odds = self.node("Mul", &[&sign, &size], &[]);
        let odds = self.node("Clip", &[&odds, &low, &high], &[]);
        let half_odds = self.node("Mul", &[&odds, &half], &[]);
        let sum = self.node("Add", &[&up, &down], &[]);
        let middle = self.node("Mul", &[&sum, &half], &[]);
        let new_up = self.node("Add", &[&middle, &half_odds], &[]);
        let new_down = self.node("Sub", &[&middle, &half_odds], &[]);
        let joined = [&new_up[..], &new_down, &neutral];
        let joined = self.node("Concat", &joined, &[Attribute::Int("axis", 1)]);
        let is_finite = self.node("Less", &[&distance, &infinity], &[]);
        self.node("Where", &[&is_finite, &joined, logits], &[])
    }
}
