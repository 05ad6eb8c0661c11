//! Graph of ONNX operators under construction.
use super::protobuf::Message;

/// Version of the file format and of the operators. Operators 17 include `LayerNormalization`.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;

/// Element types of tensors.
const FLOAT: i64 = 1;
const INT64: i64 = 7;
const DOUBLE: i64 = 11;

/// Element type of an input or output of the graph.
#[derive(Debug, Clone, Copy)]
pub(super) enum Element {
    Float,
    Double,
}

/// Axis of an input or output of the graph: a length, or a name for any length.
#[derive(Debug, Clone, Copy)]
pub(super) enum Axis {
    Len(usize),
    Any(&'static str),
}

/// Attribute of a node.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attribute<'a> {
    Int(&'a str, i64),
    Ints(&'a str, &'a [i64]),
    Float(&'a str, f32),
    Text(&'a str, &'a str),
}

/// Graph under construction. A value is the name of its tensor.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Message>,
    tensors: Vec<Message>,
    inputs: Vec<Message>,
    outputs: Vec<Message>,
    /// Number of generated names.
    names: usize,
}

impl Graph {
    /// Declares an input and returns it.
    pub(super) fn input(&mut self, name: &str, element: Element, axes: &[Axis]) -> String {
        self.inputs.push(value_info(name, element, axes));
        name.to_string()
    }

    /// Declares a value as an output with a name.
    pub(super) fn output(&mut self, name: &str, value: &str, axes: &[Axis]) {
        self.outputs.push(value_info(name, Element::Float, axes));
        self.push("Identity", &[value], &[name.to_string()], &[]);
    }

    /// Adds a node with one result.
    pub(super) fn node(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: &[Attribute<'_>],
    ) -> String {
        let name = self.name();
        self.push(op, inputs, std::slice::from_ref(&name), attributes);
        name
    }

    /// Adds a node with several results.
    pub(super) fn node_of<const N: usize>(
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
    pub(super) fn floats(&mut self, shape: &[usize], data: &[f32]) -> String {
        let bytes: Vec<u8> = data.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(FLOAT, shape, &bytes)
    }

    /// Adds a constant f32 number.
    pub(super) fn float(&mut self, number: f32) -> String {
        self.floats(&[], &[number])
    }

    /// Adds constant f64 numbers.
    pub(super) fn doubles(&mut self, shape: &[usize], data: &[f64]) -> String {
        let bytes: Vec<u8> = data.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(DOUBLE, shape, &bytes)
    }

    /// Adds constant integers, such as axes and shapes.
    pub(super) fn ints(&mut self, data: &[i64]) -> String {
        let bytes: Vec<u8> = data.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(INT64, &[data.len()], &bytes)
    }

    /// Returns the bytes of an ONNX file with this graph.
    pub(super) fn into_bytes(self, name: &str, metadata: &[(&str, &str)]) -> Vec<u8> {
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
        Message::default()
            .int(1, IR_VERSION)
            .text(2, "windvane")
            .text(3, env!("CARGO_PKG_VERSION"))
            .message(7, &graph)
            .message(8, &Message::default().text(1, "").int(2, OPSET))
            .messages(14, &entries)
            .into_bytes()
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    fn tensor(&mut self, element: i64, shape: &[usize], bytes: &[u8]) -> String {
        let name = self.name();
        let tensor = shape.iter().fold(Message::default(), |own, len| own.int(1, integer(*len)));
        self.tensors.push(tensor.int(2, element).text(8, &name).bytes(9, bytes));
        name
    }

    fn push(
        &mut self,
        op: &str,
        inputs: &[&str],
        outputs: &[String],
        attributes: &[Attribute<'_>],
    ) {
        let node = inputs.iter().fold(Message::default(), |own, input| own.text(1, input));
        let node = outputs.iter().fold(node, |own, output| own.text(2, output));
        let attributes: Vec<Message> = attributes.iter().map(Attribute::message).collect();
        self.nodes.push(
            node.text(3, &format!("n{}", self.nodes.len())).text(4, op).messages(5, &attributes),
        );
    }
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
        }
    }
}

/// Converts a size to the integers of ONNX.
pub(super) fn integer(size: usize) -> i64 {
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
