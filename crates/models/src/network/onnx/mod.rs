//! ONNX files of networks: from the raw window to the probabilities in one graph.
mod encoder;

use windvane_lstm_core::Tensors;

use super::encoder::EncoderShape;
use super::{CLASSES, Network, NetworkConfig, Pooling};
use crate::onnx::{Attribute, Axis, BATCH, Element, Graph, scaled};
use crate::{FittedModel, LoadError};

use encoder::{InitialState, States, Weights};

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
        let channels = self.spec.signals.width();
        let probabilities = if self.config().stateful {
            let row = graph.input("row", Element::Double, &[BATCH, Axis::Len(channels)]);
            self.step(&mut graph, &row, "")
        } else {
            let axes = [BATCH, Axis::Len(self.spec.lookback), Axis::Len(channels)];
            let window = graph.input("window", Element::Double, &axes);
            self.window(&mut graph, &window)
        };
        graph.output("probabilities", &probabilities, &[BATCH, Axis::Len(CLASSES)]);
        let card = self.to_artifact()?.card_text()?;
        Ok(graph.into_bytes(self.id.as_str(), &[("windvane", &card)]))
    }

    /// Adds the nodes from a raw window to the probabilities.
    fn window(&self, graph: &mut Graph, window: &str) -> String {
        let x = scaled(graph, &self.scaler, window);
        let config = self.config();
        let mut weights = self.weights_of(graph);
        let last = config.pooling == Pooling::LastStep;
        let states = if last { States::Last } else { States::All };
        let states = weights.encode(config.encoder, &x, self.spec.lookback, states);
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

    /// Adds the nodes from a window of an ensemble to the probabilities. A stateful network reads
    /// the last row and a state of its own, whose names end with its number.
    pub(crate) fn member(&self, graph: &mut Graph, window: &str) -> String {
        if !self.config().stateful {
            return self.window(graph, window);
        }
        let last = graph.ints(&[-1]);
        let rows = graph.node("Gather", &[window, &last], &[Attribute::Int("axis", 1)]);
        let one = graph.ints(&[1]);
        let row = graph.node("Squeeze", &[&rows, &one], &[]);
        let suffix = format!("_{}", graph.next_state());
        self.step(graph, &row, &suffix)
    }

    /// Adds the nodes from a raw row and a state to the next state and the probabilities; the names
    /// of the state end with `suffix`.
    fn step(&self, graph: &mut Graph, row: &str, suffix: &str) -> String {
        let config = self.config();
        let state_axes = [BATCH, Axis::Len(config.encoder.units())];
        let has_cell = config.encoder.is_bidirectional_lstm().is_some();
        let first = graph.ints(&[0]);
        let [hidden, cell] = ["h", "c"].map(|name| {
            let is_read = name == "h" || has_cell;
            is_read.then(|| {
                let name = format!("{name}{suffix}");
                let state = graph.input(&name, Element::Float, &state_axes);
                graph.node("Unsqueeze", &[&state, &first], &[])
            })
        });
        let scaled = scaled(graph, &self.scaler, row);
        let x = graph.node("Unsqueeze", &[&scaled, &first], &[]);
        let mut weights = self.weights_of(graph);
        let start = InitialState { hidden: hidden.unwrap_or_default(), cell };
        let results = weights.recurrent(config.encoder, &x, Some(&start));
        let hidden = graph.node("Squeeze", &[&results.hidden, &first], &[]);
        graph.output(&format!("h{suffix}_out"), &hidden, &state_axes);
        if let Some(cell) = results.cell {
            let cell = graph.node("Squeeze", &[&cell, &first], &[]);
            graph.output(&format!("c{suffix}_out"), &cell, &state_axes);
        }
        self.head(graph, &hidden)
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
        graph.calibrated(self.calibration, &x)
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
