//! Encoders as ONNX operators.
use windvane_lstm_core::{LayerNormShape, Tensors, positional_encoding};

use crate::network::Encoder;
use crate::onnx::{Attribute, Graph, integer};

/// Gates of an LSTM in the order of ONNX (i, o, f, g), as indices into i, f, g, o.
const LSTM_GATES: [usize; 4] = [0, 3, 1, 2];
/// Gates of a GRU in the order of ONNX (z, r, n), as indices into r, z, n.
const GRU_GATES: [usize; 3] = [1, 0, 2];

/// Weights of a network by name, and the graph that receives them.
pub(super) struct Weights<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) tensors: &'a Tensors<f32>,
    /// Positions of the values that a flat encoder reads; `None` for all of them.
    pub(super) positions: Option<&'a [usize]>,
}

/// States of an encoder: of all rows `[B, T, H]`, or after the last row `[B, H]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum States {
    All,
    Last,
}

/// Initial state of a recurrent encoder, each `[1, B, H]`; a GRU has no cell.
pub(super) struct InitialState {
    pub(super) hidden: String,
    pub(super) cell: Option<String>,
}

/// Results of a recurrent layer.
pub(super) struct Recurrent {
    /// States `[T, D, B, H]`.
    pub(super) all: String,
    /// Last states `[D, B, H]`.
    pub(super) hidden: String,
    /// Last cells of an LSTM `[D, B, H]`.
    pub(super) cell: Option<String>,
}

impl Weights<'_> {
    /// Returns the numbers of a parameter.
    fn get(&self, name: &str) -> &[f32] {
        self.tensors.get(name).unwrap_or_default()
    }

    /// Adds the nodes of an encoder over scaled windows `[B, T, C]`.
    pub(super) fn encode(
        &mut self,
        encoder: Encoder,
        x: &str,
        steps: usize,
        states: States,
    ) -> String {
        match encoder {
            Encoder::Lstm { .. } | Encoder::Gru { .. } => {
                let by_step = self.transposed(x, &[1, 0, 2]);
                let results = self.recurrent(encoder, &by_step, None);
                self.of_recurrent(&results, states)
            }
            Encoder::Tcn { blocks, .. } => {
                let all = self.tcn(blocks, x);
                self.selected(all, states)
            }
            Encoder::Transformer { size, heads, layers, .. } => {
                let all = self.transformer(size, heads, layers, steps, x);
                self.selected(all, states)
            }
            Encoder::Flat => self.flat(x),
        }
    }

    /// Adds a recurrent layer over rows `[T, B, C]`.
    pub(super) fn recurrent(
        &mut self,
        encoder: Encoder,
        x: &str,
        start: Option<&InitialState>,
    ) -> Recurrent {
        let (is_lstm, units, both) = match encoder {
            Encoder::Lstm { units, bidirectional } => (true, units, bidirectional),
            Encoder::Gru { units, bidirectional } => (false, units, bidirectional),
            _ => return Recurrent { all: x.into(), hidden: x.into(), cell: None },
        };
        let suffixes: &[&str] = if both { &["", "_reverse"] } else { &[""] };
        let [w, r, b] = self.recurrent_weights(is_lstm, units, suffixes);
        let direction = if both { "bidirectional" } else { "forward" };
        let mut attributes = vec![
            Attribute::Int("hidden_size", integer(units)),
            Attribute::Text("direction", direction),
        ];
        let mut inputs = vec![x, &w, &r, &b];
        if let Some(start) = start {
            inputs.extend(["", &start.hidden[..]]);
            inputs.extend(start.cell.as_deref());
        }
        if is_lstm {
            let [all, hidden, cell] = self.graph.node_of("LSTM", &inputs, &attributes);
            return Recurrent { all, hidden, cell: Some(cell) };
        }
        // The reset gate is applied after the recurrent product, as in PyTorch.
        attributes.push(Attribute::Int("linear_before_reset", 1));
        let [all, hidden] = self.graph.node_of("GRU", &inputs, &attributes);
        Recurrent { all, hidden, cell: None }
    }

    /// Adds the weights W, R and B of ONNX, with the gates in its order.
    fn recurrent_weights(&mut self, is_lstm: bool, units: usize, suffixes: &[&str]) -> [String; 3] {
        let (layer, gates): (_, &[usize]) =
            if is_lstm { ("lstm", &LSTM_GATES) } else { ("gru", &GRU_GATES) };
        let (mut w, mut r, mut b) = (Vec::new(), Vec::new(), Vec::new());
        for suffix in suffixes {
            let named = |name: &str| self.get(&format!("{layer}.{name}{suffix}"));
            w.extend(reordered(named("w_ih"), gates));
            r.extend(reordered(named("w_hh"), gates));
            if is_lstm {
                // The single bias of a gate; the second one of ONNX is 0.
                b.extend(reordered(named("b"), gates));
                b.extend(std::iter::repeat_n(0.0, gates.len() * units));
            } else {
                b.extend(reordered(named("b_ih"), gates));
                b.extend(reordered(named("b_hh"), gates));
            }
        }
        let (directions, rows) = (suffixes.len(), gates.len() * units);
        let columns = w.len() / (directions * rows);
        [
            self.graph.floats(&[directions, rows, columns], &w),
            self.graph.floats(&[directions, rows, units], &r),
            self.graph.floats(&[directions, 2 * rows], &b),
        ]
    }

    /// Joins the directions of a recurrent layer's states.
    fn of_recurrent(&mut self, results: &Recurrent, states: States) -> String {
        match states {
            States::All => {
                let by_window = self.transposed(&results.all, &[2, 0, 1, 3]);
                self.reshaped(&by_window, &[0, 0, -1])
            }
            States::Last => {
                let by_window = self.transposed(&results.hidden, &[1, 0, 2]);
                self.reshaped(&by_window, &[0, -1])
            }
        }
    }

    /// Adds the values of each window in one row, or those at the positions of the lags.
    fn flat(&mut self, x: &str) -> String {
        let flat = self.reshaped(x, &[0, -1]);
        let Some(positions) = self.positions else { return flat };
        let positions: Vec<i64> = positions.iter().copied().map(integer).collect();
        let positions = self.graph.ints(&positions);
        self.graph.node("Gather", &[&flat, &positions], &[Attribute::Int("axis", 1)])
    }

    fn tcn(&mut self, blocks: usize, x: &str) -> String {
        let input = self.dense_rows("tcn.input", x);
        let mut x = self.transposed(&input, &[0, 2, 1]);
        for block in 0..blocks {
            let mut z = x.clone();
            for conv in ["conv1", "conv2"] {
                let name = format!("tcn.blocks.{block}.{conv}");
                let bias = self.get(&format!("{name}.b")).to_vec();
                let weights = self.get(&format!("{name}.w")).to_vec();
                let shape = [bias.len(), weights.len() / (3 * bias.len()), 3];
                let (w, b) =
                    (self.graph.floats(&shape, &weights), self.graph.floats(&shape[..1], &bias));
                let dilation = [1_i64 << block];
                let pads = [2 * dilation[0], 0];
                let attributes = [
                    Attribute::Ints("dilations", &dilation),
                    Attribute::Ints("kernel_shape", &[3]),
                    Attribute::Ints("pads", &pads),
                ];
                let sum = self.graph.node("Conv", &[&z, &w, &b], &attributes);
                z = self.graph.node("Relu", &[&sum], &[]);
            }
            let sum = self.graph.node("Add", &[&z, &x], &[]);
            x = self.graph.node("Relu", &[&sum], &[]);
        }
        self.transposed(&x, &[0, 2, 1])
    }

    fn transformer(
        &mut self,
        size: usize,
        heads: usize,
        layers: usize,
        steps: usize,
        x: &str,
    ) -> String {
        let input = self.dense_rows("transformer.input", x);
        let mut positions = vec![0.0_f32; steps * size];
        let filled = positional_encoding(size, &mut positions);
        debug_assert!(filled.is_ok(), "invariant: whole rows");
        let positions = self.graph.floats(&[steps, size], &positions);
        let mut x = self.graph.node("Add", &[&input, &positions], &[]);
        for layer in 0..layers {
            let name = |part: &str| format!("transformer.layers.{layer}.{part}");
            let rows = self.normalised(&name("norm1"), &x);
            let attended = self.self_attention(&name("att"), size, heads, &rows);
            x = self.graph.node("Add", &[&x, &attended], &[]);
            let rows = self.normalised(&name("norm2"), &x);
            let inner = self.dense_rows(&name("linear1"), &rows);
            let inner = self.graph.node("Relu", &[&inner], &[]);
            let outer = self.dense_rows(&name("linear2"), &inner);
            x = self.graph.node("Add", &[&x, &outer], &[]);
        }
        self.normalised("transformer.norm", &x)
    }

    fn self_attention(&mut self, name: &str, size: usize, heads: usize, x: &str) -> String {
        let joined = self.dense_rows(&format!("{name}.in"), x);
        let parts: [String; 3] =
            self.graph.node_of("Split", &[&joined], &[Attribute::Int("axis", 2)]);
        let width = size / heads;
        let [q, k, v] =
            parts.map(|part| self.reshaped(&part, &[0, 0, integer(heads), integer(width)]));
        let q = self.transposed(&q, &[0, 2, 1, 3]);
        let k = self.transposed(&k, &[0, 2, 3, 1]);
        let v = self.transposed(&v, &[0, 2, 1, 3]);
        let products = self.graph.node("MatMul", &[&q, &k], &[]);
        let root = self.graph.float((width as f32).sqrt());
        let scores = self.graph.node("Div", &[&products, &root], &[]);
        let weights = self.graph.node("Softmax", &[&scores], &[Attribute::Int("axis", -1)]);
        let sums = self.graph.node("MatMul", &[&weights, &v], &[]);
        let by_row = self.transposed(&sums, &[0, 2, 1, 3]);
        let rows = self.reshaped(&by_row, &[0, 0, -1]);
        self.dense_rows(&format!("{name}.out"), &rows)
    }

    fn normalised(&mut self, name: &str, x: &str) -> String {
        let [w, b] = ["w", "b"].map(|part| self.get(&format!("{name}.{part}")).to_vec());
        let [w, b] = [w, b].map(|data| self.graph.floats(&[data.len()], &data));
        #[expect(clippy::cast_possible_truncation, reason = "rounded to the nearest f32")]
        let epsilon = LayerNormShape::EPSILON as f32;
        let attributes = [Attribute::Int("axis", -1), Attribute::Float("epsilon", epsilon)];
        self.graph.node("LayerNormalization", &[x, &w, &b], &attributes)
    }

    /// Adds a dense layer over each row of `[B, T, N]`.
    pub(super) fn dense_rows(&mut self, name: &str, x: &str) -> String {
        let bias = self.get(&format!("{name}.b")).to_vec();
        let weights = self.get(&format!("{name}.w"));
        let (outputs, inputs) = (bias.len(), weights.len() / bias.len());
        let transposed: Vec<f32> = (0..inputs * outputs)
            .map(|index| weights[index % outputs * inputs + index / outputs])
            .collect();
        let w = self.graph.floats(&[inputs, outputs], &transposed);
        let b = self.graph.floats(&[outputs], &bias);
        let products = self.graph.node("MatMul", &[x, &w], &[]);
        self.graph.node("Add", &[&products, &b], &[])
    }

    /// Returns all states, or those after the last row.
    fn selected(&mut self, all: String, states: States) -> String {
        if states == States::All {
            return all;
        }
        let last = self.graph.ints(&[-1]);
        let rows = self.graph.node("Gather", &[&all, &last], &[Attribute::Int("axis", 1)]);
        self.reshaped(&rows, &[0, -1])
    }

    fn transposed(&mut self, x: &str, axes: &[i64]) -> String {
        self.graph.node("Transpose", &[x], &[Attribute::Ints("perm", axes)])
    }

    fn reshaped(&mut self, x: &str, shape: &[i64]) -> String {
        let shape = self.graph.ints(shape);
        self.graph.node("Reshape", &[x, &shape], &[])
    }
}

/// Returns the rows of a matrix with its gates in another order.
fn reordered(data: &[f32], gates: &[usize]) -> Vec<f32> {
    let len = data.len() / gates.len();
    gates.iter().flat_map(|gate| &data[gate * len..][..len]).copied().collect()
}
