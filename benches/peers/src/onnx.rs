//! ONNX files of the networks, encoded as protocol buffers without a library.
//!
//! The field numbers are those of `onnx.proto` (operator set 17). A message is a list of fields; a
//! field has its number and wire type, then a varint, or a length and bytes.
use crate::data::{CLASSES, INPUTS, Kind, Lstm, Net, STEPS};

/// Protocol buffer message.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value > 0x7F {
            self.0.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn int(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value.cast_unsigned());
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u64, message: &Message) -> Self {
        self.bytes(field, &message.0)
    }
}

const FLOAT: i64 = 1;
const INT64: i64 = 7;

enum Attribute<'a> {
    Int(&'a str, i64),
    Ints(&'a str, &'a [i64]),
    Text(&'a str, &'a str),
}

impl Attribute<'_> {
    fn message(&self) -> Message {
        let start = |name| Message::default().text(1, name);
        match self {
            Self::Int(name, value) => start(name).int(3, *value).int(20, 2),
            Self::Ints(name, values) => {
                values.iter().fold(start(name), |m, v| m.int(8, *v)).int(20, 7)
            }
            Self::Text(name, text) => start(name).text(4, text).int(20, 3),
        }
    }
}

#[derive(Default)]
struct Graph(Message);

impl Graph {
    fn node(&mut self, op: &str, inputs: &[&str], outputs: &[&str], attributes: &[Attribute]) {
        let mut node = Message::default();
        node = inputs.iter().fold(node, |m, name| m.text(1, name));
        node = outputs.iter().fold(node, |m, name| m.text(2, name));
        node = node.text(4, op);
        node = attributes.iter().fold(node, |m, attribute| m.message(5, &attribute.message()));
        self.add(1, &node);
    }

    fn add(&mut self, field: u64, message: &Message) {
        self.0 = std::mem::take(&mut self.0).message(field, message);
    }

    fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, shape, FLOAT, &raw);
    }

    fn shape(&mut self, name: &str, shape: &[usize]) {
        let raw: Vec<u8> = shape.iter().flat_map(|n| (*n as i64).to_le_bytes()).collect();
        self.tensor(name, &[shape.len()], INT64, &raw);
    }

    fn tensor(&mut self, name: &str, shape: &[usize], kind: i64, raw: &[u8]) {
        let tensor = shape.iter().fold(Message::default(), |m, n| m.int(1, *n as i64));
        self.add(5, &tensor.int(2, kind).text(8, name).bytes(9, raw));
    }

    /// Declares an input (field 11) or an output (12).
    fn port(&mut self, field: u64, name: &str, shape: &[usize]) {
        let size = |n: &usize| Message::default().int(1, *n as i64);
        let dims = shape.iter().fold(Message::default(), |m, n| m.message(1, &size(n)));
        let tensor = Message::default().int(1, FLOAT).message(2, &dims);
        let kind = Message::default().message(1, &tensor);
        self.add(field, &Message::default().text(1, name).message(2, &kind));
    }

    /// Returns the bytes of the file.
    fn model(self) -> Vec<u8> {
        let operators = Message::default().text(1, "").int(2, 17);
        let graph = self.0.text(2, "graph");
        Message::default().int(1, 8).message(7, &graph).message(8, &operators).0
    }

    /// Adds the constants `W`, `R` and `B` of an LSTM node.
    fn lstm_weights(&mut self, lstms: &[Lstm]) {
        let (inputs, hidden) = (lstms[0].inputs, lstms[0].hidden);
        let all = |part: fn(&Lstm) -> Vec<f32>| lstms.iter().flat_map(part).collect::<Vec<f32>>();
        let w = all(|l| in_onnx_order(&l.w_ih, l.hidden));
        let r = all(|l| in_onnx_order(&l.w_hh, l.hidden));
        let b =
            all(|l| [in_onnx_order(&l.b_ih, l.hidden), in_onnx_order(&l.b_hh, l.hidden)].concat());
        self.constant("W", &[lstms.len(), 4 * hidden, inputs], &w);
        self.constant("R", &[lstms.len(), 4 * hidden, hidden], &r);
        self.constant("B", &[lstms.len(), 8 * hidden], &b);
    }
}

/// Reorders the gates from i, f, g, o to i, o, f, g.
fn in_onnx_order(tensor: &[f32], hidden: usize) -> Vec<f32> {
    let gate = tensor.len() / 4;
    debug_assert_eq!(gate % hidden, 0);
    [0, 3, 1, 2].iter().flat_map(|k| &tensor[k * gate..][..gate]).copied().collect()
}

/// Returns the file of a network from `x` `[batch, T, I]` to the probabilities `p` `[batch, 3]`.
pub fn network(net: &Net, batch: usize) -> Vec<u8> {
    let mut graph = Graph::default();
    let hidden = net.lstms[0].hidden as i64;
    let width = net.dense[0].inputs;
    graph.port(11, "x", &[batch, STEPS, INPUTS]);
    graph.port(12, "p", &[batch, CLASSES]);
    graph.lstm_weights(&net.lstms);
    graph.node("Transpose", &["x"], &["xt"], &[Attribute::Ints("perm", &[1, 0, 2])]);
    let direction = if net.lstms.len() == 1 { "forward" } else { "bidirectional" };
    let attributes =
        [Attribute::Int("hidden_size", hidden), Attribute::Text("direction", direction)];
    graph.node("LSTM", &["xt", "W", "R", "B"], &["Y", "Y_h"], &attributes);
    if net.kind == Kind::V31 {
        attention(&mut graph, net, batch);
    } else {
        graph.node("Transpose", &["Y_h"], &["hb"], &[Attribute::Ints("perm", &[1, 0, 2])]);
        graph.shape("flat", &[batch, width]);
        graph.node("Reshape", &["hb", "flat"], &["f0"], &[]);
    }
    for (k, dense) in net.dense.iter().enumerate() {
        let [w, b, x, sum, y] = [
            format!("w{k}"),
            format!("b{k}"),
            format!("f{k}"),
            format!("s{k}"),
            format!("f{}", k + 1),
        ];
        graph.constant(&w, &[dense.outputs, dense.inputs], &dense.w);
        graph.constant(&b, &[dense.outputs], &dense.b);
        graph.node("Gemm", &[&x, &w, &b], &[&sum], &[Attribute::Int("transB", 1)]);
        if k + 1 < net.dense.len() {
            graph.node("Relu", &[&sum], &[&y], &[]);
        } else {
            graph.node("Softmax", &[&sum], &["p"], &[Attribute::Int("axis", 1)]);
        }
    }
    graph.model()
}

/// Adds the attention from the hidden states `Y` `[T, D, batch, H]` to the context `f0`
/// `[batch, 2H]`.
fn attention(graph: &mut Graph, net: &Net, batch: usize) {
    let Some(attention) = &net.attention else { return };
    let (width, units) = (attention.inputs, attention.units);
    let transposed: Vec<f32> =
        (0..width).flat_map(|n| (0..units).map(move |a| attention.w[a * width + n])).collect();
    graph.constant("aw", &[width, units], &transposed);
    graph.constant("av", &[units, 1], &attention.v);
    graph.shape("rows", &[batch * STEPS, width]);
    graph.shape("one_row", &[batch, 1, STEPS]);
    graph.shape("windows", &[batch, STEPS, width]);
    graph.shape("flat", &[batch, width]);
    graph.node("Transpose", &["Y"], &["yb"], &[Attribute::Ints("perm", &[2, 0, 1, 3])]);
    graph.node("Reshape", &["yb", "rows"], &["h"], &[]);
    graph.node("MatMul", &["h", "aw"], &["units"], &[]);
    graph.node("Tanh", &["units"], &["tanh"], &[]);
    graph.node("MatMul", &["tanh", "av"], &["scores"], &[]);
    graph.node("Reshape", &["scores", "one_row"], &["score_rows"], &[]);
    graph.node("Softmax", &["score_rows"], &["a"], &[Attribute::Int("axis", 2)]);
    graph.node("Reshape", &["h", "windows"], &["hw"], &[]);
    graph.node("MatMul", &["a", "hw"], &["context"], &[]);
    graph.node("Reshape", &["context", "flat"], &["f0"], &[]);
}

/// Returns the file of one LSTM step from `x` `[1, 1, I]`, `h` and `c` `[1, 1, H]` to `hn` and
/// `cn`.
pub fn step(lstm: &Lstm) -> Vec<u8> {
    let mut graph = Graph::default();
    let hidden = lstm.hidden;
    graph.port(11, "x", &[1, 1, lstm.inputs]);
    for name in ["h", "c"] {
        graph.port(11, name, &[1, 1, hidden]);
    }
    for name in ["hn", "cn"] {
        graph.port(12, name, &[1, 1, hidden]);
    }
    graph.lstm_weights(std::slice::from_ref(lstm));
    let inputs = ["x", "W", "R", "B", "", "h", "c"];
    let size = [Attribute::Int("hidden_size", hidden as i64)];
    graph.node("LSTM", &inputs, &["", "hn", "cn"], &size);
    graph.model()
}
