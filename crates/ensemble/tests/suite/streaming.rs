//! Guarantees of a predictor for ensembles, also nested and with members of different channels
//! and lookbacks.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use windvane_ensemble::{Ensemble, Voting, kinds};
use windvane_models::{FittedModel, ModelId};
use windvane_testing::predictor::{self, feed, policies, under};
use windvane_testing::saved::SavedParts;

fn data() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The saved ensemble, and a nested one: its members have different lookbacks and orders of
/// channels, and both of its levels have a stateful member.
fn ensembles(gaps: &Value) -> [Arc<dyn FittedModel>; 2] {
    let saved = std::fs::read(data().join("ensemble.format1.safetensors")).unwrap();
    let saved = kinds().from_bytes(&under(&saved, gaps)).unwrap();
    let file = |kind: &str| {
        let file = format!("../../../models/tests/data/{kind}.format1.safetensors");
        under(&std::fs::read(data().join(file)).unwrap(), gaps)
    };
    let load = |bytes: &[u8]| kinds().from_bytes(bytes).unwrap();
    let mut other = SavedParts::parse(&file("v31"));
    other.card["spec"]["lookback"] = json!(12);
    other.card["spec"]["signals"]["channels"].as_array_mut().unwrap().reverse();
    let mut stateful = SavedParts::parse(&file("v32-stateful"));
    stateful.card["spec"]["signals"]["channels"].as_array_mut().unwrap().reverse();
    let three = vec![load(&file("v2")), load(&stateful.bytes()), load(&other.bytes())];
    let three = Ensemble::new(ModelId::new("three"), three, &[1.0, 2.0, 2.0], Voting::Soft);
    let stateful = load(&file("v32-stateful"));
    let members: Vec<Box<dyn FittedModel>> =
        vec![load(&file("v3")), stateful, Box::new(three.unwrap())];
    let nested = Ensemble::new(ModelId::new("nested"), members, &[0.5, 0.2, 0.3], Voting::Soft);
    [Arc::from(saved), Arc::new(nested.unwrap())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn ensemble_streams_like_batch_and_resumes_after_restart(
        seed in 1..1000_u64,
        gaps in prop::collection::vec((0..250_usize, 1..7_usize), 0..4),
        policy in 0..4_usize,
        cut in any::<Index>(),
    ) {
        let series = feed(250, seed, &gaps);
        let cut = cut.index(series.len() + 1);
        for ensemble in ensembles(&policies()[policy]) {
            predictor::streams_like_batch(&ensemble, &series);
            if policy > 0 {
                predictor::resumes_after(&ensemble, &series, cut);
            }
        }
    }
}

#[test]
fn ensemble_rejected_candle_changes_no_later_prediction() {
    for ensemble in ensembles(&policies()[1]) {
        predictor::ignores_rejected_candles(&ensemble, &feed(80, 3, &[]));
    }
}

#[test]
fn ensemble_after_warm_up_allocates_nothing() {
    ensembles(&policies()[1]).iter().for_each(predictor::allocates_nothing);
}
