//! ONNX files of networks: from the raw window to the probabilities in one graph.
mod encoder;
mod graph;
mod protobuf;

use windvane_lstm_core::Tensors;

use super::encoder::EncoderShape;
use super::{CLASSES, Network, NetworkConfig, Pooling};
use crate::calibration::PIVOT;
use crate::{Calibration, FittedModel, LoadError};

use encoder::{InitialState, States, Weights};
use graph::{Attribute, Axis, Element, Graph};

/// Name of the first axis of all inputs and outputs.
const BATCH: Axis = Axis::Any("batch");

impl Network {
    /// Returns the network as the bytes of an ONNX file (operators 17): raw channel values in,
    /// calibrated probabilities out.
    ///
    /// The graph contains scaler, network, calibration and softmax. It does not contain the
    /// channels, so the caller computes them, and not the minimum margin of the calibration, so
    /// the caller compares `|p(UP) - p(DOWN)|` with it. The metadata `windvane` is the card of the
    /// saved model as JSON: channels, lookback, labels, calibration, record.
    ///
    /// # Shapes
    /// | | name | type and shape |
    /// |---|---|---|
    /// | input | `window` | f64 `[batch, T, C]`, oldest row first |
    /// | output | `probabilities` | f32 `[batch, 3]`: UP, DOWN, NEUTRAL |
    ///
    /// A [stateful](NetworkConfig::stateful) network reads one row and its state instead:
    ///
    /// | | name | type and shape |
    /// |---|---|---|
    /// | input | `row` | f64 `[batch, C]` |
    /// | input, output | `h` and `h_out` | f32 `[batch, H]`, zeros before the first row |
    /// | input, output | `c` and `c_out` | f32 `[batch, H]`, of an LSTM only |
    /// | output | `probabilities` | f32 `[batch, 3]` |
    ///
    /// # Errors
    /// [`LoadError::Damaged`] if the card cannot be serialised.
    ///
    /// # Examples
    /// ```
    /// use windvane_models::network::Network;
    /// # fn save(model: &Network) -> Result<(), Box<dyn std::error::Error>> {
    /// std::fs::write("model.onnx", model.to_onnx()?)?;
    /// # Ok(()) }
    /// ```
    pub fn to_onnx(&self) -> Result<Vec<u8>, LoadError> {
        let mut graph = Graph::default();
        let probabilities =
            if self.config().stateful { self.step(&mut graph) } else { self.window(&mut graph) };
        graph.output("probabilities", &probabilities, &[BATCH, Axis::Len(CLASSES)]);
        let card = self.to_artifact()?.card_text()?;
        Ok(graph.into_bytes(self.id.as_str(), &[("windvane", &card)]))
    }

    /// Adds the nodes from a raw window to the probabilities.
    fn window(&self, graph: &mut Graph) -> String {
        let (steps, channels) = (self.spec.lookback, self.spec.signals.width());
        let axes = [BATCH, Axis::Len(steps), Axis::Len(channels)];
        let window = graph.input("window", Element::Double, &axes);
        let x = self.scaled(graph, &window);
        let config = self.config();
        let mut weights = self.weights_of(graph);
        let last = config.pooling == Pooling::LastStep;
        let states = if last { States::Last } else { States::All };
        let states = weights.encode(config.encoder, &x, steps, states);
        let pooled = pooled(config.pooling, &mut weights, states);
        self.head(graph, &pooled)
    }

    fn weights_of<'a>(&'a self, graph: &'a mut Graph) -> Weights<'a> {
        let positions = match &self.layers.encoder {
            EncoderShape::Flat(window) => window.positions(),
            _ => None,
        };
        Weights { graph, tensors: &self.weights, positions }
    }

    /// Adds the nodes from a raw row and a state to the next state and the probabilities.
    fn step(&self, graph: &mut Graph) -> String {
        let (config, channels) = (self.config(), self.spec.signals.width());
        let state_axes = [BATCH, Axis::Len(config.encoder.units())];
        let row = graph.input("row", Element::Double, &[BATCH, Axis::Len(channels)]);
        let has_cell = config.encoder.is_bidirectional_lstm().is_some();
        let first = graph.ints(&[0]);
        let [hidden, cell] = ["h", "c"].map(|name| {
            let is_read = name == "h" || has_cell;
            is_read.then(|| {
                let state = graph.input(name, Element::Float, &state_axes);
                graph.node("Unsqueeze", &[&state, &first], &[])
            })
        });
        let scaled = self.scaled(graph, &row);
        let x = graph.node("Unsqueeze", &[&scaled, &first], &[]);
        let mut weights = self.weights_of(graph);
        let start = InitialState { hidden: hidden.unwrap_or_default(), cell };
        let results = weights.recurrent(config.encoder, &x, Some(&start));
        let hidden = graph.node("Squeeze", &[&results.hidden, &first], &[]);
        graph.output("h_out", &hidden, &state_axes);
        if let Some(cell) = results.cell {
            let cell = graph.node("Squeeze", &[&cell, &first], &[]);
            graph.output("c_out", &cell, &state_axes);
        }
        self.head(graph, &hidden)
    }

    /// Adds the nodes of the scaler: subtract, divide, clip, round to f32.
    fn scaled(&self, graph: &mut Graph, raw: &str) -> String {
        let width = self.scaler.width();
        let centres: Vec<f64> = (0..width).map(|channel| self.scaler.centre(channel)).collect();
        // A constant channel is scaled to 0: every finite number divided by infinity.
        let scales: Vec<f64> = (0..width)
            .map(|channel| self.scaler.scale(channel))
            .map(|scale| if scale > 0.0 { scale } else { f64::INFINITY })
            .collect();
        let centres = graph.doubles(&[width], &centres);
        let scales = graph.doubles(&[width], &scales);
        let [low, high] = [-1.0, 1.0].map(|sign| graph.doubles(&[], &[sign * self.scaler.clip()]));
        let centred = graph.node("Sub", &[raw, &centres], &[]);
        let divided = graph.node("Div", &[&centred, &scales], &[]);
        let clipped = graph.node("Clip", &[&divided, &low, &high], &[]);
        graph.node("Cast", &[&clipped], &[Attribute::Int("to", 1)])
    }

    /// Adds the dense layers, the calibration and the softmax.
    fn head(&self, graph: &mut Graph, pooled: &str) -> String {
        let (config, mut x) = (self.config(), pooled.to_string());
        let count = config.dense.len() + 1;
        for number in 1..=count {
            x = dense(graph, &self.weights, config, number, &x);
            if number < count {
                x = graph.node("Relu", &[&x], &[]);
            }
        }
        let logits = calibrated(graph, self.calibration, &x);
        graph.node("Softmax", &[&logits], &[Attribute::Int("axis", 1)])
    }
}

/// Adds a dense layer over `[B, N]`; the layers are counted from 1.
fn dense(
    graph: &mut Graph,
    weights: &Tensors<f32>,
    config: &NetworkConfig,
    number: usize,
    x: &str,
) -> String {
    let name = config.dense_name(number);
    let w = weights.get(&format!("{name}.w")).unwrap_or_default();
    let b = weights.get(&format!("{name}.b")).unwrap_or_default();
    let w = graph.floats(&[b.len(), w.len() / b.len()], w);
    let b = graph.floats(&[b.len()], b);
    graph.node("Gemm", &[x, &w, &b], &[Attribute::Int("transB", 1)])
}

/// Adds the pooling of all states `[B, T, H]`; the last state is already selected.
fn pooled(pooling: Pooling, weights: &mut Weights<'_>, states: String) -> String {
    let flat = [Attribute::Ints("axes", &[1]), Attribute::Int("keepdims", 0)];
    match pooling {
        Pooling::LastStep => states,
        Pooling::Mean => weights.graph.node("ReduceMean", &[&states], &flat),
        Pooling::Attention { units } => {
            let inner = weights.dense_rows("att", &states);
            let inner = weights.graph.node("Tanh", &[&inner], &[]);
            let v = weights.tensors.get("att.v").unwrap_or_default();
            let v = weights.graph.floats(&[units, 1], v);
            let scores = weights.graph.node("MatMul", &[&inner, &v], &[]);
            let axis = [Attribute::Int("axis", 1)];
            let shares = weights.graph.node("Softmax", &[&scores], &axis);
            let weighted = weights.graph.node("Mul", &[&states, &shares], &[]);
            let axes = weights.graph.ints(&[1]);
            weights.graph.node("ReduceSum", &[&weighted, &axes], &flat[1..])
        }
    }
}

/// Adds temperature and exponent of a calibration over logits `[B, 3]`.
///
/// With d = u - d, the log odds become `sign(d) r |d / r|^b`, which is finite at 0.
fn calibrated(graph: &mut Graph, calibration: Calibration, logits: &str) -> String {
    let temperature = graph.float(calibration.temperature());
    let logits = graph.node("Div", &[logits, &temperature], &[]);
    if calibration.exponent().to_bits() == 1.0_f32.to_bits() {
        return logits;
    }
    let [up, down, neutral] = graph.node_of("Split", &[&logits], &[Attribute::Int("axis", 1)]);
    let odds = graph.node("Sub", &[&up, &down], &[]);
    let [pivot, half] = [PIVOT, 0.5].map(|number| graph.float(number));
    let exponent = graph.float(calibration.exponent());
    let sign = graph.node("Sign", &[&odds], &[]);
    let size = graph.node("Abs", &[&odds], &[]);
    let size = graph.node("Div", &[&size, &pivot], &[]);
    let size = graph.node("Pow", &[&size, &exponent], &[]);
    let size = graph.node("Mul", &[&size, &pivot], &[]);
    let odds = graph.node("Mul", &[&sign, &size], &[]);
    let half_odds = graph.node("Mul", &[&odds, &half], &[]);
    let sum = graph.node("Add", &[&up, &down], &[]);
    let middle = graph.node("Mul", &[&sum, &half], &[]);
    let up = graph.node("Add", &[&middle, &half_odds], &[]);
    let down = graph.node("Sub", &[&middle, &half_odds], &[]);
    graph.node("Concat", &[&up, &down, &neutral], &[Attribute::Int("axis", 1)])
}
