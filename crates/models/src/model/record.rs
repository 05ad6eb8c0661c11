//! Training record of a model, with its accuracy on held-out candles.
use std::fmt;

use serde::{Deserialize, Serialize};
use windvane_candles::Timestamp;
use windvane_signals::Scaler;

use crate::ModelSpec;

/// Training record of a model: data, seed, epochs and losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// Version of the crate that fitted it.
    pub version: String,
    /// Pairs it was fitted on.
    pub pairs: Vec<String>,
    /// Number of training windows.
    pub windows: usize,
    /// Number of validation windows (early stopping, calibration).
    pub validation_windows: usize,
    /// Time of the first decision in the training windows.
    pub from: Timestamp,
    /// Time at which all training outcomes were known.
    pub until: Timestamp,
    /// Time at which all validation outcomes were known.
    pub validated_until: Timestamp,
    /// Seed of every random draw.
    pub seed: u64,
    /// Hash of the used pairs' rows known at `validated_until`, and of all labels.
    pub data_hash: String,
    /// Number of epochs run; 0 for a model without gradient descent.
    pub epochs: usize,
    /// Epoch whose weights were kept, counted from 1.
    pub best_epoch: usize,
    /// Mean cross-entropy on the training windows in that epoch, nats.
    pub train_loss: Option<f64>,
    /// Mean cross-entropy on the validation windows after that epoch, nats. Without a NEUTRAL band,
    /// windows whose close did not move are excluded.
    pub validation_loss: Option<f64>,
    /// Channels that were constant in training and therefore have no effect.
    pub constant_channels: Vec<String>,
    /// Members of an ensemble without a training record: their training periods are unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unrecorded: Vec<String>,
    /// Accuracy on held-out candles, if it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOut>,
    /// Notes of the author, such as purpose and limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl TrainingRecord {
    /// Sets the constant channels from the scaler.
    #[must_use]
    pub fn with_scaler(self, scaler: &Scaler, spec: &ModelSpec) -> Self {
        let constant = scaler.constant_channels();
        let names = constant.map(|channel| spec.signals.channels[channel].to_string());
        Self { constant_channels: names.collect(), ..self }
    }
}

/// Accuracy on held-out candles, all after the training and validation periods.
///
/// `Display` gives one sentence that begins with
/// `52.5 % of 2,000 predictions were correct (95 % interval 50.1 to 54.9 %)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// Pairs of the held-out candles.
    pub pairs: Vec<String>,
    /// Time of the first decision.
    pub from: Timestamp,
    /// Time at which all outcomes were known.
    pub until: Timestamp,
    /// Number of candles with a prediction, including NEUTRAL.
    pub candles: usize,
    /// Coverage: share of the candles with the prediction UP or DOWN.
    pub coverage: f64,
    /// Number of predictions UP or DOWN on candles whose close moved.
    pub scored: usize,
    /// Share of the scored predictions that were correct.
    pub accuracy: f64,
    /// Lower and upper end of the accuracy's 95 % confidence interval.
    pub interval_95: (f64, f64),
    /// Name of the best baseline on the same candles, selected in hindsight.
    #[serde(rename = "naive_rule")] // the name in files of format 1
    pub best_baseline: String,
    /// Accuracy of that baseline.
    #[serde(rename = "naive_accuracy")] // the name in files of format 1
    pub baseline_accuracy: f64,
    /// Lower and upper end of the 95 % confidence interval of the excess accuracy over that
    /// baseline. If the interval contains 0, the model is not significantly better.
    #[serde(rename = "lead_95")] // the name in files of format 1
    pub excess_accuracy_95: (f64, f64),
}

impl fmt::Display for HeldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (date(self.from), date(self.until));
        let ((low, high), excess) = (self.interval_95, self.excess_accuracy_95);
        write!(
            f,
            "{:.1} % of {} predictions were correct (95 % interval {:.1} to {:.1} %) on {} from \
             {from} to {until}, with UP or DOWN on {:.1} % of the candles; best baseline there, \
             {}: {:.1} %; edge over it {} to {} points (95 %)",
            100.0 * self.accuracy,
            thousands(self.scored),
            100.0 * low,
            100.0 * high,
            self.pairs.join(", "),
            100.0 * self.coverage,
            self.best_baseline,
            100.0 * self.baseline_accuracy,
            points(excess.0),
            points(excess.1),
        )
    }
}

/// Date of a time, such as `2024-01-31`.
fn date(time: Timestamp) -> String {
    time.to_string().split('T').next().unwrap_or_default().to_string()
}

/// Formats a share as percentage points with a sign: −0.014 as `−1.4`.
fn points(share: f64) -> String {
    format!("{:+.1}", 100.0 * share).replace('-', "−")
}

/// Formats a number with thousands separators: 12345 as `12,345`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_out_displays_one_sentence() {
        let measured = HeldOut {
            pairs: vec!["BTCUSDT".into()],
            from: "2023-08-01".parse().unwrap(),
            until: "2024-01-01".parse().unwrap(),
            candles: 2_500,
            coverage: 0.5,
            scored: 1_234,
            accuracy: 0.525,
            interval_95: (0.501, 0.549),
            best_baseline: "last sign".into(),
            baseline_accuracy: 0.51,
            excess_accuracy_95: (-0.001, 0.02),
        };
        let expected = "52.5 % of 1,234 predictions were correct (95 % interval 50.1 to 54.9 %) on \
             BTCUSDT from 2023-08-01 to 2024-01-01, with UP or DOWN on 50.0 % of the candles; best \
             baseline there, last sign: 51.0 %; edge over it −0.1 to +2.0 points (95 %)";
        assert_eq!(measured.to_string(), expected);
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands).join(" "), "0 999 1,000 1,234,567");
    }
}
