//! Saved ensembles: the first file of format 1, nested ensembles, and modified files.

use std::path::{Path, PathBuf};

use crate::common::{RuleModel, follow};

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use windvane_candles::{Interval, simulate::MarketModel};
use windvane_ensemble::{Ensemble, Voting, kinds};
use windvane_models::{Calibration, DirectionModel, FittedModel, LoadError, ModelId, TableReader};
use windvane_signals::{Registry, SignalTable};
use windvane_testing::saved::{SavedParts, odd_values};

fn models_data(kind: &str) -> PathBuf {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tests/data");
    models.join(format!("{kind}.format1.safetensors"))
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ensemble.format1.safetensors")
}

fn saved() -> Vec<u8> {
    std::fs::read(fixture()).unwrap()
}

/// Hard vote as a member of a soft vote, with a value in every optional setting of a file.
fn nested() -> Ensemble {
    let load = |kind| kinds().load(models_data(kind)).unwrap();
    let inner = vec![load("v2"), load("v31")];
    let inner = Ensemble::new(ModelId::new("pair"), inner, &[1.0, 2.0], Voting::Hard).unwrap();
    let members: Vec<Box<dyn FittedModel>> = vec![load("v3"), Box::new(inner)];
    let outer = Ensemble::new(ModelId::new("ensemble"), members, &[0.7, 0.3], Voting::Soft);
    let mut outer = outer.unwrap().with_min_agreement(0.25).unwrap();
    outer.set_calibration(Calibration::new(1.5, 0.1).unwrap()).unwrap();
    outer
}

fn predictions(model: &dyn FittedModel) -> Vec<[f32; 3]> {
    let series =
        MarketModel::VOLUME_LEAD.candles("SIM".parse().unwrap(), Interval::HOUR, 300, 8).unwrap();
    let spec = &model.spec().signals;
    let table = SignalTable::build(spec, &Registry::default(), &series, &[]).unwrap();
    let mut scratch = model.scratch();
    let windows = (0..table.len()).filter_map(|row| table.window(row, model.spec().lookback));
    windows
        .map(|window| model.predict(window, &mut scratch).unwrap().probabilities.classes())
        .collect()
}

fn bits(predictions: &[[f32; 3]]) -> Vec<[u32; 3]> {
    predictions.iter().map(|classes| classes.map(f32::to_bits)).collect()
}

/// Created `tests/data` once, for the first format; the file must not be created again.
#[test]
#[ignore = "the file exists and must not change"]
fn create_first_file_of_format_1() {
    if fixture().exists() {
        return;
    }
    nested().save(&fixture()).unwrap();
    let [up, down, neutral] = predictions(&nested())[0];
    let text = format!("{up} {down} {neutral}\n");
    std::fs::write(fixture().with_extension("txt"), text).unwrap();
}

#[test]
fn ensemble_loads_first_file_of_format_1() {
    let model = Ensemble::load(fixture()).unwrap();
    let ids: Vec<String> = model.members().map(|(model, _)| model.id().to_string()).collect();
    assert_eq!((model.id().as_str(), &ids[..]), ("ensemble", &["v3".into(), "pair".into()][..]));
    assert!((model.min_agreement() - 0.25).abs() < 1e-6);
    assert!((model.calibration().temperature() - 1.5).abs() < 1e-6);
    let then = std::fs::read_to_string(fixture().with_extension("txt")).unwrap();
    let then: Vec<f32> = then.split_whitespace().map(|p| p.parse().unwrap()).collect();
    assert_eq!(then.len(), 3);
    let now = predictions(&model)[0];
    // The prediction at the time of saving; another kernel may differ in the last bits.
    assert!(now.iter().zip(&then).all(|(now, then)| (now - then).abs() < 1e-5), "{now:?}");
}

#[test]
fn ensemble_nested_loaded_predicts_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let (path, model) = (folder.path().join("model"), nested());
    model.save(&path).unwrap();
    let again = Ensemble::load(&path).unwrap();
    assert_eq!(bits(&predictions(&again)), bits(&predictions(&model)));
    assert_eq!(again.to_bytes().unwrap(), model.to_bytes().unwrap());
}

// Checks of the training period see the members of an ensemble of fitted models.
#[test]
fn ensemble_of_fitted_models_has_the_record_of_its_members() {
    let load = |kind| kinds().load(models_data(kind)).unwrap();
    let members = vec![load("v2"), load("v31")];
    let untils = members.iter().map(|member| member.record().unwrap().validated_until);
    let last = untils.max();
    let ensemble = Ensemble::new(ModelId::new("two"), members, &[1.0, 1.0], Voting::Soft).unwrap();
    assert_eq!(ensemble.record().map(|record| record.validated_until), last);
    let outer: Vec<Box<dyn FittedModel>> = vec![Box::new(ensemble)];
    let outer = Ensemble::new(ModelId::new("outer"), outer, &[1.0], Voting::Soft).unwrap();
    assert_eq!(outer.record().map(|record| record.validated_until), last);
    // The file has the ensemble's own record only, here none.
    assert_eq!(outer.to_artifact().unwrap().record(), None);
    let again = kinds().from_bytes(&outer.to_bytes().unwrap()).unwrap();
    assert_eq!(again.record(), outer.record());
}

#[test]
fn ensemble_with_a_member_without_a_record_names_it() {
    let known = || kinds().load(models_data("v2")).unwrap();
    let rule = || -> Box<dyn FittedModel> { Box::new(RuleModel::new("rule", follow)) };
    let of =
        |id, members| Ensemble::new(ModelId::new(id), members, &[1.0, 1.0], Voting::Soft).unwrap();
    let both = of("both", vec![known(), rule()]);
    assert_eq!(both.record().unwrap().unrecorded, ["rule"]);
    let outer = of("outer", vec![known(), Box::new(both)]);
    assert_eq!(outer.record().unwrap().unrecorded, ["rule"]);
    let whole = of("whole", vec![known(), known()]);
    assert_eq!(whole.record().unwrap().unrecorded, [""; 0]);
    assert_eq!(of("unknown", vec![rule(), rule()]).record(), None);
}

#[test]
fn ensemble_of_a_stateful_and_a_stateless_network_predicts() {
    let members = ["v32", "v32-stateful"].map(|kind| kinds().load(models_data(kind)).unwrap());
    let weights = [1e308, 1e308]; // whose sum is infinite
    let both = Ensemble::new(ModelId::new("both"), members.into(), &weights, Voting::Soft).unwrap();
    let series = MarketModel::AR1.candles("SIM".parse().unwrap(), Interval::HOUR, 300, 8).unwrap();
    let spec = &both.spec().signals;
    let tables = [SignalTable::build(spec, &Registry::default(), &series, &[]).unwrap()];
    let mut reader = TableReader::new(&both, &tables);
    let predicted = (0..tables[0].len()).filter(|row| reader.predict(0, *row).unwrap().is_some());
    assert!(predicted.count() > 200);
}

/// Error of loading a modified file.
fn error(change: impl FnOnce(&mut SavedParts)) -> LoadError {
    let mut parts = SavedParts::parse(&saved());
    change(&mut parts);
    kinds().from_bytes(&parts.bytes()).unwrap_err()
}

#[test]
fn ensemble_load_error_names_damaged_member() {
    let shape = error(|parts| parts.tensor("0/fc.w").shape.reverse());
    assert!(shape.to_string().contains("member 0 (v3): tensor fc.w has shape"), "{shape}");
    let deep = error(|parts| parts.tensors.retain(|tensor| tensor.name != "1/0/weights"));
    assert!(deep.to_string().contains("member 1 (pair), member 0 (v2) has no tensor"), "{deep}");
    let orphan = error(|parts| parts.tensor("0/fc.b").name = "7/fc.b".into());
    assert!(orphan.to_string().contains("tensor 7/fc.b belongs to no member"), "{orphan}");
    let foreign = error(|parts| parts.tensor("0/fc.b").name = "fc.b".into());
    assert!(matches!(foreign, LoadError::ForeignTensor { .. }), "{foreign}");
    let weights = error(|parts| parts.card["config"]["weights"] = json!([0.5, 0.9]));
    assert!(weights.to_string().contains("do not sum to 1"), "{weights}");
    let nan = error(|parts| {
        parts.tensor("1/1/att.v").bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(matches!(nan, LoadError::WeightNotFinite { .. }), "{nan}");
}

#[test]
fn ensemble_load_bounds_memory_for_deep_nesting_and_long_ids() {
    let mut parts = SavedParts::parse(&saved());
    for _ in 0..50 {
        let mut outer = parts.card.clone();
        outer["members"] = json!([parts.card]);
        outer["config"]["weights"] = json!([1.0]);
        parts.card = outer;
        parts.tensors.iter_mut().for_each(|tensor| tensor.name = format!("0/{}", tensor.name));
    }
    let bytes = parts.bytes();
    let mut error = None;
    let memory = allocation_counter::measure(|| error = kinds().from_bytes(&bytes).err());
    assert!(
        error.is_some_and(|error| error.to_string().contains("nested more than 8 levels deep"))
    );
    assert!(memory.bytes_max <= bound(bytes.len()), "{memory:?}");

    let mut parts = SavedParts::parse(&saved());
    parts.card["members"][1]["id"] = json!("x".repeat(100_000));
    let member = parts.card["members"][1]["members"][0].clone();
    parts.card["members"][1]["members"] = json!(vec![member; 500]);
    let bytes = parts.bytes();
    let memory = allocation_counter::measure(|| assert!(kinds().from_bytes(&bytes).is_err()));
    assert!(memory.bytes_max <= bound(bytes.len()), "{} bytes: {memory:?}", bytes.len());
}

/// Maximum memory for loading a file of this length.
fn bound(length: usize) -> u64 {
    32 * length as u64 + (128 << 10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn ensemble_modified_file_is_rejected_or_loads_completely(
        changes in prop::collection::vec((any::<Index>(), any::<Index>(), 0..4_u8), 1..3),
        tensor in any::<Index>(),
        shape in prop::option::weighted(0.3, prop::collection::vec(0..200_u64, 0..3)),
        flip in prop::option::weighted(0.2, (any::<Index>(), 1..=255_u8)),
    ) {
        let mut parts = SavedParts::parse(&saved());
        for (place, value, how) in changes {
            let (places, values) = (parts.places(), odd_values());
            let place = parts.card.pointer_mut(&places[place.index(places.len())]).unwrap();
            let value = values[value.index(values.len())].clone();
            match (how, place) {
                (0, Value::Object(map)) => drop(map.insert("more".into(), value)),
                (1, Value::Array(list)) => drop(list.pop()),
                (2, Value::Array(list)) => list.extend(list.clone()),
                (_, place) => *place = value,
            }
        }
        if let Some(shape) = shape {
            let tensor = tensor.index(parts.tensors.len());
            parts.tensors[tensor].shape = shape;
        }
        let mut bytes = parts.bytes();
        if let Some((at, byte)) = flip {
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
        }
        let mut loaded = None;
        let memory = allocation_counter::measure(|| loaded = kinds().from_bytes(&bytes).ok());
        prop_assert!(memory.bytes_max <= bound(bytes.len()), "{} bytes: {memory:?}", bytes.len());
        if let Some(model) = loaded {
            let again = kinds().from_bytes(&model.to_bytes().unwrap());
            prop_assert!(again.is_ok(), "{again:?}");
        }
    }
}
