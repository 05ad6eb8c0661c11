//! Graph of ONNX operators under construction.
use super::protobuf::Message;

/// Version of the file format and of the operators. Operators 17 include `LayerNormalization`.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;

/// Operators of trees, and their version. Version 3 has thresholds in f64.
const TREE_DOMAIN: &str = "ai.onnx.ml";
const TREE_OPSET: i64 = 3;

/// Element types of tensors.
const FLOAT: i64 = 1;
const INT64: i64 = 7;
const DOUBLE: i64 = 11;

/// Element type of an input or output of the graph.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Element {
    Float,
    Double,
}

/// Axis of an input or output of the graph: a length, or a name for any length.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Axis {
    Len(usize),
    Any(&'static str),
}

/// Attribute of an operator: its name and value.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Attribute<'a> {
    /// Integer with its name.
    Int(&'a str, i64),
    /// Integers with their name.
    Ints(&'a str, &'a [i64]),
    /// Number in f32 with its name.
    Float(&'a str, f32),
    /// Text with its name.
    Text(&'a str, &'a str),
    /// Texts with their name.
    Texts(&'a str, &'a [&'a str]),
    /// Tensor of f64 with one axis.
    Doubles(&'a str, &'a [f64]),
}

/// Graph of ONNX operators under construction; a value is the name of its tensor.
///
/// # Examples
/// ```
/// use windvane_models::onnx::Graph;
///
/// let mut graph = Graph::default();
/// let [two, three] = [2.0, 3.0].map(|number| graph.float(number));
/// let six = graph.node("Mul", &[&two, &three], &[]);
/// assert_ne!(six, two);
/// ```
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<Message>,
    tensors: Vec<Message>,
    inputs: Vec<Message>,
    outputs: Vec<Message>,
    /// Number of generated names.
    names: usize,
    /// Number of recurrent states among the inputs.
    states: usize,
    has_trees: bool,
}

impl Graph {
    /// Declares an input and returns it.
    pub(crate) fn input(&mut self, name: &str, element: Element, axes: &[Axis]) -> String {
        self.inputs.push(value_info(name, element, axes));
        name.to_string()
    }

    /// Declares a value as an output with a name.
    pub(crate) fn output(&mut self, name: &str, value: &str, axes: &[Axis]) {
        self.outputs.push(value_info(name, Element::Float, axes));
        self.push("Identity", &[value], &[name.to_string()], &[]);
    }

    /// Returns the number of the next recurrent state, counted from 0.
    pub(crate) fn next_state(&mut self) -> usize {
        self.states += 1;
        self.states - 1
    }

    /// Adds an operator with one result.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: &[Attribute<'_>]) -> String {
        let name = self.name();
        self.push(op, inputs, std::slice::from_ref(&name), attributes);
        name
    }

    /// Adds an operator of trees.
    #[cfg(feature = "trees")]
    pub(crate) fn tree_node(
        &mut self,
        op: &str,
        input: &str,
        attributes: &[Attribute<'_>],
    ) -> String {
        let name = self.name();
        let node = node_message(self.nodes.len(), op, &[input], &[&name], attributes);
        self.nodes.push(node.text(7, TREE_DOMAIN));
        self.has_trees = true;
        name
    }

    /// Adds an operator with several results.
    pub fn node_of<const N: usize>(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: &[Attribute<'_>],
    ) -> [String; N] {
        let outputs = std::array::from_fn(|_| self.name());
        self.push(op, inputs, &outputs, attributes);
        outputs
    }

    /// Adds constant f32 numbers.
    pub fn floats(&mut self, shape: &[usize], data: &[f32]) -> String {
        let bytes: Vec<u8> = data.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(FLOAT, shape, &bytes)
    }

    /// Adds a constant f32 number.
    pub fn float(&mut self, number: f32) -> String {
        self.floats(&[], &[number])
    }

    /// Adds constant f64 numbers.
    pub fn doubles(&mut self, shape: &[usize], data: &[f64]) -> String {
        self.tensor(DOUBLE, shape, &double_bytes(data))
    }

    /// Adds constant integers, such as axes and shapes.
    pub fn ints(&mut self, data: &[i64]) -> String {
        let bytes: Vec<u8> = data.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(INT64, &[data.len()], &bytes)
    }

    /// Returns the bytes of an ONNX file with this graph.
    pub(crate) fn into_bytes(self, name: &str, metadata: &[(&str, &str)]) -> Vec<u8> {
        let graph = Message::default()
            .messages(1, &self.nodes)
            .text(2, name)
            .messages(5, &self.tensors)
            .messages(11, &self.inputs)
            .messages(12, &self.outputs);
        let entries: Vec<Message> = metadata
            .iter()
            .map(|(key, value)| Message::default().text(1, key).text(2, value))
            .collect();
        let mut operators = vec![Message::default().text(1, "").int(2, OPSET)];
        if self.has_trees {
            operators.push(Message::default().text(1, TREE_DOMAIN).int(2, TREE_OPSET));
        }
        Message::default()
            .int(1, IR_VERSION)
            .text(2, "windvane")
            .text(3, env!("CARGO_PKG_VERSION"))
            .message(7, &graph)
            .messages(8, &operators)
            .messages(14, &entries)
            .into_bytes()
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    fn tensor(&mut self, element: i64, shape: &[usize], bytes: &[u8]) -> String {
        let name = self.name();
        self.tensors.push(tensor(element, shape, bytes).text(8, &name));
        name
    }

    fn push(
        &mut self,
        op: &str,
        inputs: &[&str],
        outputs: &[String],
        attributes: &[Attribute<'_>],
    ) {
        let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
        self.nodes.push(node_message(self.nodes.len(), op, inputs, &outputs, attributes));
    }
}

fn node_message(
    index: usize,
    op: &str,
    inputs: &[&str],
    outputs: &[&str],
    attributes: &[Attribute<'_>],
) -> Message {
    let node = inputs.iter().fold(Message::default(), |own, input| own.text(1, input));
    let node = outputs.iter().fold(node, |own, output| own.text(2, output));
    let attributes: Vec<Message> = attributes.iter().map(Attribute::message).collect();
    node.text(3, &format!("n{index}")).text(4, op).messages(5, &attributes)
}

/// Tensor without a name.
fn tensor(element: i64, shape: &[usize], bytes: &[u8]) -> Message {
    let tensor = shape.iter().fold(Message::default(), |own, len| own.int(1, integer(*len)));
    tensor.int(2, element).bytes(9, bytes)
}

/// Bytes of f64 numbers in a tensor.
fn double_bytes(data: &[f64]) -> Vec<u8> {
    data.iter().flat_map(|number| number.to_le_bytes()).collect()
}

impl Attribute<'_> {
    fn message(&self) -> Message {
        // The last field is the type of the attribute.
        match *self {
            Self::Float(name, value) => Message::default().text(1, name).float(2, value).int(20, 1),
            Self::Int(name, value) => Message::default().text(1, name).int(3, value).int(20, 2),
            Self::Text(name, value) => Message::default().text(1, name).text(4, value).int(20, 3),
            Self::Ints(name, values) => {
                let message = Message::default().text(1, name);
                values.iter().fold(message, |own, value| own.int(8, *value)).int(20, 7)
            }
            Self::Texts(name, values) => {
                let message = Message::default().text(1, name);
                values.iter().fold(message, |own, value| own.text(9, value)).int(20, 8)
            }
            Self::Doubles(name, values) => {
                let tensor = tensor(DOUBLE, &[values.len()], &double_bytes(values));
                Message::default().text(1, name).message(5, &tensor).int(20, 4)
            }
        }
    }
}

/// Converts a size to the integers of ONNX.
pub(crate) fn integer(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn value_info(name: &str, element: Element, axes: &[Axis]) -> Message {
    let element = match element {
        Element::Float => FLOAT,
        Element::Double => DOUBLE,
    };
    let axes: Vec<Message> = axes
        .iter()
        .map(|axis| match axis {
            Axis::Len(len) => Message::default().int(1, integer(*len)),
            Axis::Any(name) => Message::default().text(2, name),
        })
        .collect();
    let shape = Message::default().messages(1, &axes);
    let tensor = Message::default().int(1, element).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}
