//! ONNX files of ensembles: what is refused. The numbers are compared with another runtime by the tests
//! of the Python package.
use std::path::Path;

use windvane_ensemble::{Ensemble, Voting, kinds, to_onnx};
use windvane_models::onnx::OnnxError;
use windvane_models::{FittedModel, ModelId};

fn saved(id: &str) -> Box<dyn FittedModel> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    kinds().load(data.join(format!("{id}.format1.safetensors"))).unwrap()
}

fn has(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|bytes| bytes == text.as_bytes())
}

#[test]
fn onnx_of_an_ensemble_has_its_members_and_its_card() {
    let model = saved("ensemble");
    let file = to_onnx(&*model).unwrap();
    for text in ["LSTM", "Tanh", "window", "probabilities", "\"kind\":\"ensemble\""] {
        assert!(has(&file, text), "{text}");
    }
    // A vote of three of them has their graphs three times.
    let three = vec![saved("ensemble"), saved("ensemble"), saved("ensemble")];
    let votes = Ensemble::new(ModelId::new("three"), three, &[1.0; 3], Voting::Hard).unwrap();
    assert!(to_onnx(&votes).unwrap().len() > 5 * file.len() / 2);
}

#[test]
fn onnx_of_an_ensemble_that_reads_more_than_the_window_is_an_error() {
    for (id, problem) in [
        ("stacked", "second model reads the time"),
        ("meta", "second model reads the time"),
        ("fixed-share", "weights follow the outcomes"),
    ] {
        let error = to_onnx(&*saved(id)).unwrap_err();
        assert!(matches!(error, OnnxError::Unsupported { .. }), "{id}");
        assert!(error.to_string().contains(problem), "{error}");
        // As a member, too.
        let members = vec![saved("ensemble"), saved(id)];
        let votes = Ensemble::new(ModelId::new("votes"), members, &[1.0; 2], Voting::Soft).unwrap();
        assert!(to_onnx(&votes).unwrap_err().to_string().contains(problem), "{id}");
    }
}
