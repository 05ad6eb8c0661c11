//! Formats of numbers, bars and texts shared by terminal and page.
use windvane::models::Vote;
use windvane::prelude::*;
use windvane::signals::ChannelDrift;

use super::diagnosis::{CandlePeriod, CandleView, Diagnosis};

/// Characters for bars of eight heights.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Formats a share as `12.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Formats a number with about four significant digits.
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

/// Formats an optional number, with `-` for `None`.
pub(super) fn or_dash(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or("-".to_string(), show)
}

/// Draws a sparkline with one character per value, scaled from `low` to `high`.
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

/// Name of a row of a window, counted back from the newest row 0.
pub(super) fn row_name(back: usize) -> String {
    if back == 0 { "0".to_string() } else { format!("-{back}") }
}

/// Smallest and largest value.
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

/// Title of a diagnosis, such as `BTCUSDT 1h, decided at …`.
pub(super) fn title(diagnosis: &Diagnosis) -> String {
    let Diagnosis { pair, interval, candle, .. } = diagnosis;
    let CandleView { close, prediction, .. } = candle;
    let (model, at) = (&prediction.model, prediction.decided_at);
    format!("{pair} {interval}, decided at {at}, close {close}, model {model}")
}

/// Predicted direction, with the reason for NEUTRAL.
pub(super) fn direction(prediction: &Prediction) -> String {
    let reason = match prediction.neutral {
        None => String::new(),
        Some(reason) => format!(": {reason}"),
    };
    format!("{}{reason}", prediction.direction)
}

/// Vote of an ensemble's member: name, weight, direction and confidence.
pub(super) fn vote(vote: &Vote) -> [String; 4] {
    let [weight, confidence] = [vote.weight, vote.confidence].map(|v| percent(f64::from(v)));
    [vote.model.to_string(), weight, vote.direction.to_string(), confidence]
}

/// Outcome of the prediction.
pub(super) fn outcome(candle: &CandleView) -> String {
    let Some((class, outcome)) = candle.outcome else {
        return "not known yet: the candle that decides it has not closed".to_string();
    };
    let verdict = match candle.prediction.direction {
        Direction::Neutral => "the prediction was NEUTRAL",
        predicted if predicted == class => "the prediction was correct",
        _ => "the prediction was wrong",
    };
    let (change, at) = (100.0 * outcome.change, outcome.settled_at);
    format!("{class} ({change:+.3} % by {at}): {verdict}")
}

/// Period of the candle and its meaning for the prediction.
pub(super) fn period(period: CandlePeriod) -> &'static str {
    match period {
        CandlePeriod::Training => "TRAINING: this prediction is in-sample and proves nothing",
        CandlePeriod::Validation => "validation: used for early stopping and calibration",
        CandlePeriod::Later => "after the training and validation periods",
        CandlePeriod::Unknown => "unknown: the model has no training record",
    }
}

/// Population stability index in words: by the rule of thumb, if it is well above its mean by
/// chance.
pub(super) fn drift_word(drift: &ChannelDrift) -> &'static str {
    match (drift.psi, drift.by_chance) {
        (Some(psi), Some(by_chance)) if psi < 2.0 * by_chance => "by chance",
        (Some(psi), _) if psi < 0.1 => "little",
        (Some(psi), _) if psi < 0.25 => "some",
        (Some(_), _) => "much",
        (None, _) => "constant in training",
    }
}
