//! Numbers, bars and words that terminal and page share.
use windvane::models::{NeutralReason, Vote};
use windvane::prelude::*;
use windvane::signals::ChannelDrift;

use super::diagnosis::{CandleView, Diagnosis, Stage};

/// Bars of eight heights.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A share as `12.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Four digits that count, whatever the size.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_string()
    } else if !(1e-4..1e6).contains(&size) {
        format!("{value:.2e}")
    } else if size < 1.0 {
        format!("{value:.5}")
    } else {
        format!("{value:.2}")
    }
}

/// A number that may not be known.
pub(super) fn or_dash(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or("-".to_string(), show)
}

/// One character per value, between `low` and `high`.
pub(super) fn sparkline(values: impl Iterator<Item = f64>, low: f64, high: f64) -> String {
    let heights = values.map(|value| {
        let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of seven steps"
        )]
        let step = (share * 7.0).round() as usize;
        HEIGHTS[step]
    });
    heights.collect()
}

/// A row of a window, counted back from the newest, which is 0.
pub(super) fn row_name(back: usize) -> String {
    if back == 0 { "0".to_string() } else { format!("-{back}") }
}

/// The least and the largest value.
pub(super) fn range(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    (low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// Means over the units of `[T, H]`, one per row.
pub(super) fn means(values: &[f32], units: usize) -> Vec<f64> {
    values.chunks_exact(units.max(1)).map(mean).collect()
}

fn mean(row: &[f32]) -> f64 {
    row.iter().map(|value| f64::from(*value)).sum::<f64>() / row.len() as f64
}

/// `BTCUSDT 1h, decided at …`.
pub(super) fn title(diagnosis: &Diagnosis) -> String {
    let Diagnosis { pair, interval, candle, .. } = diagnosis;
    let CandleView { close, prediction, .. } = candle;
    let (model, at) = (&prediction.model, prediction.decided_at);
    format!("{pair} {interval}, decided at {at}, close {close}, model {model}")
}

/// What is called, or why nothing is.
pub(super) fn call(prediction: &Prediction) -> String {
    let why = match prediction.neutral {
        None => String::new(),
        Some(NeutralReason::Class) => ": the likeliest class".to_string(),
        Some(NeutralReason::Tie) => ": UP and DOWN tie".to_string(),
        Some(NeutralReason::Abstained) => ": not sure enough to call".to_string(),
        Some(NeutralReason::Disagreement) => ": the members disagree".to_string(),
        Some(NeutralReason::Expired) => ": the model is too old".to_string(),
        Some(NeutralReason::Drift) => ": the market has drifted".to_string(),
        Some(NeutralReason::Novelty) => ": the window is unlike the training".to_string(),
        Some(other) => format!(": {other:?}"),
    };
    format!("{}{why}", prediction.direction)
}

/// A member of an ensemble: its name, weight, call and confidence.
pub(super) fn vote(vote: &Vote) -> [String; 4] {
    let [weight, confidence] = [vote.weight, vote.confidence].map(|v| percent(f64::from(v)));
    [vote.model.to_string(), weight, vote.direction.to_string(), confidence]
}

/// What happened after the candle.
pub(super) fn aftermath(candle: &CandleView) -> String {
    let Some((class, outcome)) = candle.outcome else {
        return "not known yet: the candle that settles it has not closed".to_string();
    };
    let verdict = match candle.prediction.direction {
        Direction::Neutral => "there was no call",
        called if called == class => "the call came true",
        _ => "the call did not come true",
    };
    let (change, at) = (100.0 * outcome.change, outcome.settled_at);
    format!("{class} ({change:+.3} % by {at}): {verdict}")
}

/// What the candle's place in time says about the prediction.
pub(super) fn place(stage: Stage) -> &'static str {
    match stage {
        Stage::Learned => "the model LEARNED from this candle: what it says here proves nothing",
        Stage::Chosen => "this candle served for choosing the epoch and the calibration",
        Stage::Later => "this candle is later than all that the model was fitted and chosen on",
        Stage::Unknown => "the model does not say what it was fitted on",
    }
}

/// A population stability index in words: by the rule of thumb, where it is more than chance.
pub(super) fn drift_word(drift: &ChannelDrift) -> &'static str {
    match (drift.psi, drift.by_chance) {
        (Some(psi), Some(by_chance)) if psi < 2.0 * by_chance => "chance",
        (Some(psi), _) if psi < 0.1 => "little",
        (Some(psi), _) if psi < 0.25 => "some",
        (Some(_), _) => "much",
        (None, _) => "did not vary in training",
    }
}
