//! Boosted trees against LightGBM, XGBoost and scikit-learn.
use std::path::PathBuf;

use windvane_candles::Interval;
use windvane_models::trees::BoostedTrees;
use windvane_models::{LoadError, ModelSpec};
use windvane_signals::{ChannelSpec, GapPolicy, LabelSpec, SignalSpec};
use windvane_testing::{TensorFile, golden_dir, golden_parts};

/// Folder of the numbers; `None` if the golden set in use has no such part.
fn folder() -> Option<PathBuf> {
    golden_parts().iter().any(|part| part == "l_trees").then(|| golden_dir("l_trees"))
}

/// A spec with twenty inputs.
fn twenty() -> ModelSpec {
    let channels = vec![ChannelSpec::new("momentum"); 1];
    let signals = SignalSpec { channels, gaps: GapPolicy::Reset };
    ModelSpec { signals, interval: Interval::HOUR, lookback: 20, labels: LabelSpec::default() }
}

#[test]
fn golden_lightgbm_models_give_the_same_scores() {
    let Some(folder) = folder() else { return };
    let file = TensorFile::read(&folder.join("small_scores.safetensors"));
    for (kind, classes, neutral) in [("binary", 1, Some(0.001)), ("multiclass", 3, None)] {
        let text = folder.join(format!("small_{kind}.lightgbm.txt"));
        let text = std::fs::read_to_string(text).unwrap();
        let model = BoostedTrees::from_lightgbm(&text, twenty(), None, neutral).unwrap();
        let expected = &file.get(&format!("{kind}_raw")).data;
        for (row, inputs) in file.get("x").data.chunks_exact(20).enumerate() {
            let got = model.scores(inputs).unwrap();
            for (class, got) in got.iter().enumerate() {
                let expected = expected[row * classes + class];
                assert!((got - expected).abs() < 1e-12, "{kind} {row}: {got}, {expected}");
            }
        }
    }
}

#[test]
fn golden_lightgbm_model_with_categories_is_rejected() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read_to_string(folder.join("small_categorical.lightgbm.txt")).unwrap();
    let error = BoostedTrees::from_lightgbm(&text, twenty(), None, Some(0.001)).unwrap_err();
    assert!(matches!(error, LoadError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("by category"), "{error}");
}
