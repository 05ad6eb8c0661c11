//! Training record of a model, and its accuracy on held-out candles.
use std::fmt;

use serde::{Deserialize, Serialize};
use windvane_candles::Timestamp;
use windvane_signals::Scaler;

use crate::ModelSpec;

/// Training record of a model: enough to fit it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// Version of the crate that fitted it.
    pub version: String,
    /// Pairs it was fitted on.
    pub pairs: Vec<String>,
    /// Training windows.
    pub windows: usize,
    /// Windows used for choosing the epoch.
    pub validation_windows: usize,
    /// First decision learned from.
    pub from: Timestamp,
    /// Everything learned from was known then.
    pub until: Timestamp,
    /// Everything used for choosing was known then.
    pub validated_until: Timestamp,
    /// Seed of every random draw.
    pub seed: u64,
    /// Hash of all rows known at `validated_until` of the pairs used, and of every label.
    pub data_hash: String,
    /// Epochs run; 0 where nothing is learned by descent.
    pub epochs: usize,
    /// The epoch whose weights were kept, counted from 1.
    pub best_epoch: usize,
    /// Mean cross-entropy on the training windows in that epoch, nats.
    pub train_loss: Option<f64>,
    /// Mean cross-entropy on the validation windows after that epoch, nats; where labels have no
    /// band, on those whose close moved.
    pub validation_loss: Option<f64>,
    /// Channels without spread in training: nothing was learned from them.
    pub constant_channels: Vec<String>,
    /// Accuracy on later candles, if it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOut>,
    /// Notes of the author: purpose, limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl TrainingRecord {
    /// The same with the channels that the scaler found without spread.
    #[must_use]
    pub fn with_scaler(self, scaler: &Scaler, spec: &ModelSpec) -> Self {
        let constant = scaler.constant_channels();
        let names = constant.map(|channel| spec.signals.channels[channel].to_string());
        Self { constant_channels: names.collect(), ..self }
    }
}

/// Accuracy on held-out candles, all after those of training and validation.
///
/// In words, by `Display`:
/// `52.5 % of 2,000 calls came true (95 % interval 50.1 to 54.9 %)`, and so on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// Pairs it was measured on.
    pub pairs: Vec<String>,
    /// First moment of decision.
    pub from: Timestamp,
    /// Everything was settled then.
    pub until: Timestamp,
    /// Candles with a prediction.
    pub candles: usize,
    /// Share of them with a call (UP or DOWN).
    pub coverage: f64,
    /// Calls on closes that moved.
    pub scored: usize,
    /// Share of those that came true.
    pub accuracy: f64,
    /// Lower and upper end of the accuracy's 95 % interval.
    pub interval_95: (f64, f64),
    /// The best baseline on the same candles, chosen with hindsight.
    pub naive_rule: String,
    /// Its accuracy there.
    pub naive_accuracy: f64,
    /// Lower and upper end of the 95 % interval of the lead over that rule. With 0 inside, the
    /// model is not known to be better.
    pub lead_95: (f64, f64),
}

impl fmt::Display for HeldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (date(self.from), date(self.until));
        let ((low, high), lead) = (self.interval_95, self.lead_95);
        write!(
            f,
            "{:.1} % of {} calls came true (95 % interval {:.1} to {:.1} %) on {} from {from} to {until}, \
             calls on {:.1} % of the candles; best baseline there, {}: {:.1} %; \
             lead over it {:+.1} to {:+.1} points (95 %)",
            100.0 * self.accuracy,
            thousands(self.scored),
            100.0 * low,
            100.0 * high,
            self.pairs.join(", "),
            100.0 * self.coverage,
            self.naive_rule,
            100.0 * self.naive_accuracy,
            100.0 * lead.0,
            100.0 * lead.1,
        )
    }
}

/// Date of a time, such as `2024-01-31`.
fn date(time: Timestamp) -> String {
    time.to_string().split('T').next().unwrap_or_default().to_string()
}

/// A number with thousands separators: 12345 as `12,345`.
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
    fn a_measurement_reads_as_a_sentence() {
        let measured = HeldOut {
            pairs: vec!["BTCUSDT".into()],
            from: "2023-08-01".parse().unwrap(),
            until: "2024-01-01".parse().unwrap(),
            candles: 2_500,
            coverage: 0.5,
            scored: 1_234,
            accuracy: 0.525,
            interval_95: (0.501, 0.549),
            naive_rule: "last sign".into(),
            naive_accuracy: 0.51,
            lead_95: (-0.001, 0.02),
        };
        let expected = "52.5 % of 1,234 calls came true (95 % interval 50.1 to 54.9 %) on BTCUSDT \
             from 2023-08-01 to 2024-01-01, calls on 50.0 % of the candles; best baseline there, \
             last sign: 51.0 %; lead over it -0.1 to +2.0 points (95 %)";
        assert_eq!(measured.to_string(), expected);
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands).join(" "), "0 999 1,000 1,234,567");
    }
}
