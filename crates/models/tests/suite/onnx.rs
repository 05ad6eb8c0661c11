//! ONNX files: structure of the graph, decoded by a reader of its own. The numbers are compared with
//! another runtime by the tests of the Python package.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use windvane_models::network::Network;
use windvane_models::onnx::{OnnxError, to_onnx};
use windvane_models::signals::Window;
use windvane_models::{
    DirectionModel, FittedModel, ModelId, ModelSpec, PredictError, Prediction, Scratch, load,
};

/// Fields of a protobuf message: number and content.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Int(varint(&mut bytes)),
            2 => {
                let len = usize::try_from(varint(&mut bytes)).unwrap();
                let (content, rest) = bytes.split_at(len);
                bytes = rest;
                Field::Bytes(content)
            }
            5 => {
                bytes = &bytes[4..];
                Field::Float
            }
            other => panic!("wire type {other}"),
        };
        found.push((key >> 3, field));
    }
    found
}

#[derive(Debug, Clone, Copy)]
enum Field<'a> {
    Int(u64),
    Bytes(&'a [u8]),
    Float,
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return value;
        }
    }
    unreachable!()
}

fn all(bytes: &[u8], number: u64) -> Vec<&[u8]> {
    let found = fields(bytes).into_iter().filter(|(field, _)| *field == number);
    found
        .map(|(_, field)| match field {
            Field::Bytes(bytes) => bytes,
            other => panic!("field {number} is {other:?}"),
        })
        .collect()
}

fn texts(bytes: &[u8], number: u64) -> Vec<String> {
    all(bytes, number).into_iter().map(|text| String::from_utf8(text.to_vec()).unwrap()).collect()
}

fn networks() -> BTreeMap<&'static str, Network> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    [
        "v3",
        "v31",
        "v32",
        "v32-stateful",
        "gru",
        "gru-stateful",
        "tcn",
        "transformer",
        "mlp",
        "network",
    ]
    .into_iter()
    .map(|id| (id, Network::load(data.join(format!("{id}.format1.safetensors"))).unwrap()))
    .collect()
}

/// Numbers of each operator, after a check that every value exists before its use.
fn operators(graph: &[u8]) -> BTreeMap<String, usize> {
    let mut known: BTreeSet<String> =
        [5, 11].into_iter().flat_map(|field| all(graph, field)).map(name).collect();
    known.insert(String::new());
    let mut count = BTreeMap::new();
    for node in all(graph, 1) {
        for input in texts(node, 1) {
            assert!(known.contains(&input), "{input} is used before it exists");
        }
        for output in texts(node, 2) {
            assert!(known.insert(output.clone()), "{output} exists twice");
        }
        *count.entry(texts(node, 4).remove(0)).or_default() += 1;
    }
    for output in all(graph, 12) {
        assert!(known.contains(&name(output)), "{} is not computed", name(output));
    }
    count
}

/// Name of a tensor (field 8) or of an input or output (field 1).
fn name(message: &[u8]) -> String {
    let is_tensor = fields(message).iter().any(|(number, _)| *number == 8);
    texts(message, if is_tensor { 8 } else { 1 }).remove(0)
}

#[test]
fn onnx_graph_of_every_network_is_ordered_and_complete() {
    for (id, network) in networks() {
        let file = network.to_onnx().unwrap();
        let graph = all(&file, 7)[0];
        let count = operators(graph);
        assert!(count["Softmax"] >= 1 && count["Clip"] == 1, "{id}");
        let recurrent = if id.starts_with("gru") { "GRU" } else { "LSTM" };
        let has_recurrent = !["tcn", "transformer", "mlp"].contains(&id);
        assert_eq!(count.contains_key(recurrent), has_recurrent, "{id}");

        let inputs: Vec<String> = all(graph, 11).into_iter().map(name).collect();
        let outputs: Vec<String> = all(graph, 12).into_iter().map(name).collect();
        if id == "gru-stateful" {
            assert_eq!(
                (inputs.join(" "), outputs.join(" ")),
                ("row h".into(), "h_out probabilities".into())
            );
        } else if id == "v32-stateful" {
            assert_eq!(
                (inputs.join(" "), outputs.join(" ")),
                ("row h c".into(), "h_out c_out probabilities".into())
            );
        } else {
            assert_eq!(
                (inputs.join(" "), outputs.join(" ")),
                ("window".into(), "probabilities".into())
            );
        }
        let card = all(&file, 14)[0];
        assert_eq!(texts(card, 1), ["windvane"]);
        let card: serde_json::Value = serde_json::from_str(&texts(card, 2)[0]).unwrap();
        assert_eq!(card["spec"]["lookback"], network.spec().lookback);
    }
}

#[test]
fn onnx_graph_of_other_models_is_ordered_and_complete() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for (id, operator) in [
        ("v2", "Tanh"),
        ("v2-learned", "Tanh"),
        ("logistic", "MatMul"),
        ("trees", "TreeEnsembleRegressor"),
    ] {
        let model = load(data.join(format!("{id}.format1.safetensors"))).unwrap();
        let file = to_onnx(&*model).unwrap();
        let graph = all(&file, 7)[0];
        let count = operators(graph);
        assert_eq!((count[operator], count["Softmax"]), (1, 1), "{id}");
        let names = |field| -> Vec<String> { all(graph, field).into_iter().map(name).collect() };
        assert_eq!((names(11), names(12)), (vec!["window".into()], vec!["probabilities".into()]));
        // Only trees need the operators of `ai.onnx.ml`.
        let domains: Vec<String> =
            all(&file, 8).into_iter().flat_map(|operators| texts(operators, 1)).collect();
        let expected: &[&str] = if id == "trees" { &["", "ai.onnx.ml"] } else { &[""] };
        assert_eq!(domains, expected, "{id}");
    }
}

#[test]
fn onnx_of_a_model_of_another_crate_is_an_error() {
    let own = OwnModel(Network::load(Path::new("tests/data/v32.format1.safetensors")).unwrap());
    let error = to_onnx(&own).unwrap_err();
    assert!(matches!(error, OnnxError::Kind { .. }));
    assert!(error.to_string().contains("v32 has no ONNX form"), "{error}");
}

/// Model that wraps a network.
#[derive(Debug)]
struct OwnModel(Network);

impl FittedModel for OwnModel {}

impl DirectionModel for OwnModel {
    fn id(&self) -> &ModelId {
        self.0.id()
    }

    fn spec(&self) -> &ModelSpec {
        self.0.spec()
    }

    fn scratch(&self) -> Scratch {
        self.0.scratch()
    }

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.0.predict(window, scratch)
    }
}

#[test]
fn onnx_tensors_have_the_length_of_their_shape() {
    for (id, network) in networks() {
        let file = network.to_onnx().unwrap();
        let mut numbers = 0;
        for tensor in all(all(&file, 7)[0], 5) {
            let ints = fields(tensor).into_iter().filter_map(|(number, field)| match field {
                Field::Int(value) => Some((number, value)),
                _ => None,
            });
            let (mut len, mut size) = (1, 0);
            for (number, value) in ints {
                match (number, value) {
                    (1, axis) => len *= usize::try_from(axis).unwrap(),
                    (2, 1) => size = 4,
                    (2, 7 | 11) => size = 8,
                    other => panic!("{id}: {other:?}"),
                }
            }
            assert_eq!(all(tensor, 9)[0].len(), len * size, "{id}");
            numbers += if size == 4 { len } else { 0 };
        }
        assert!(numbers > 100, "{id}: {numbers} weights");
    }
}
