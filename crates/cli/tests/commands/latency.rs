//! `windvane latency`: latencies of a list of models and of a saved one.
use serde_json::Value;
use windvane::prelude::*;

use crate::support::{text, windvane};

#[test]
fn latency_times_catalog_and_saved_models() {
    let list = windvane(&["latency", "--models", "v2,v32", "--predictions", "50", "--json"]).ok();
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((&list[0]["model"], &list[1]["model"]), (&"v2".into(), &"v32".into()));
    for model in list.as_array().unwrap() {
        assert_eq!(model["predictions"], 50);
        let times = ["p50_ns", "p99_ns", "p99_9_ns", "max_ns"].map(|key| model[key].as_u64());
        assert!(times.is_sorted() && times[0].unwrap() > 0, "{times:?}");
        let counts = model["histogram"].as_array().unwrap().iter();
        assert_eq!(counts.map(|bar| bar["count"].as_u64().unwrap()).sum::<u64>(), 50);
    }

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    v32::pretrained().save(&file).unwrap();
    let table = windvane(&["latency", "--model", text(&file), "--predictions", "50"]).ok();
    assert!(table.contains("v32-pretrained") && table.contains("p99.9, µs"), "{table}");
    assert!(table.contains("v3.2 (LSTM, 32 units)"), "{table}");
}
