//! Saved models, market profiles and predictor states.

use std::sync::Arc;

use serde_json::{Value, json};
use windvane_candles::{CandleSeries, Interval};
use windvane_fuzz::models::{SavedParts, SAVED, file_of, input_of, policies, under};
use windvane_models::network::Network;
use windvane_models::{FittedModel, TrainingProfile, Predictor};
use windvane_signals::{LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split};

use crate::{Result, Seeds, series};

/// Names of the saved models, in the order of [`SAVED`].
const NAMES: [&str; 7] = ["v2", "v2-learned", "v3", "v31", "v32", "v32-stateful", "ensemble"];

/// Predictors of the target `state`, in its order: gap policy, and whether gates are set.
const SUBJECTS: [(&str, usize, bool); 4] =
    [("reset", 1, false), ("reset_gated", 1, true), ("sessions", 2, false), ("hold", 3, false)];

pub fn write(seeds: &Seeds) -> Result<()> {
    saved(seeds)?;
    states(seeds)
}

fn saved(seeds: &Seeds) -> Result<()> {
    for (name, saved) in NAMES.into_iter().zip(SAVED) {
        let input = input_of(lean(SavedParts::parse(saved)));
        windvane_fuzz::models::from_bytes(&file_of(&input))?;
        seeds.keep("model", name, &input)?;
    }
    let files = if seeds.is_large() { &[0, 1, 2, 3, 4, 5, 6][..] } else { &[0, 2] };
    for (name, saved) in files.iter().map(|index| (NAMES[*index], SAVED[*index])) {
        seeds.keep("file", &format!("{name}.safetensors"), saved)?;
    }
    let v3 = Network::from_bytes(SAVED[2])?.to_state_dict()?;
    seeds.keep("file", "v3_state_dict.safetensors", &v3)?;
    let v31 = Network::from_bytes(SAVED[3])?.to_state_dict()?;
    seeds.keep("file", "v31_state_dict.safetensors", &v31)
}

/// The model cut to two channels and three rows, without its record: small inputs run fast.
fn lean(mut parts: SavedParts) -> SavedParts {
    lean_card(&mut parts.card);
    for tensor in &mut parts.tensors {
        if tensor.name.contains(".w_ih") || tensor.name.ends_with("weights") {
            *tensor.shape.last_mut().expect("no scalars") = 2;
        }
    }
    parts
}

fn lean_card(card: &mut Value) {
    let shorten = |place: Option<&mut Value>| {
        place.and_then(Value::as_array_mut).into_iter().for_each(|list| list.truncate(2));
    };
    for place in ["/spec/signals/channels", "/scaler/centre", "/scaler/scale", "/config/importance"]
    {
        shorten(card.pointer_mut(place));
    }
    card["spec"]["lookback"] = json!(3);
    card["record"] = Value::Null;
    card.get_mut("members").and_then(Value::as_array_mut).into_iter().flatten().for_each(lean_card);
}

/// A fitted profile, and states of predictors under each gap policy.
fn states(seeds: &Seeds) -> Result<()> {
    let series = series(1_500)?;
    let profile = profile(&series)?;
    seeds.keep("profile", "fitted.json", &serde_json::to_vec(&profile)?)?;
    let profile = Arc::new(profile);
    let lengths = if seeds.is_large() { &[1, 20, 45, 70, 200][..] } else { &[70] };
    for (subject, (name, policy, gated)) in SUBJECTS.into_iter().enumerate() {
        for &candles in lengths {
            let model: Arc<dyn FittedModel> = under(SAVED[0], &policies()[policy]);
            let mut predictor = Predictor::new(model, Interval::HOUR)?;
            if gated {
                predictor.set_guard(Arc::clone(&profile))?;
            }
            for candle in series.iter().take(candles) {
                predictor.on_candle(candle)?;
            }
            let words = &predictor.save()[32..];
            let input = [&[u8::try_from(subject)?], words].concat();
            seeds.keep("state", &format!("{name}_after_{candles}_candles"), &input)?;
        }
    }
    Ok(())
}

fn profile(series: &CandleSeries) -> Result<TrainingProfile> {
    let spec = SignalSpec::default();
    let tables = [SignalTable::build(&spec, &Registry::default(), series, &[])?];
    let samples = SampleSet::collect(&tables, 20, LabelSpec::default())?;
    Ok(TrainingProfile::fit(&Split::for_live(&samples, 0.15)?.train(&samples)?, 60)?)
}
