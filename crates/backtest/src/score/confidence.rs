//! Distribution of the confidence of predictions, with the accuracy at each confidence.
use serde::Serialize;

use crate::metrics::share;
use crate::score::Record;

/// Number of bins from 0 to 1.
const BINS: usize = 20;

/// Distribution of the confidence of predictions (UP or DOWN), the probability of the predicted
/// direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Confidence {
    /// Minimum; `None` without predictions.
    pub(crate) min: Option<f64>,
    /// Median; `None` without predictions.
    pub(crate) median: Option<f64>,
    /// Maximum; `None` without predictions.
    pub(crate) max: Option<f64>,
    /// Twenty bins of width 0.05. A value on an edge belongs to the upper bin, 1 to the last bin.
    pub(crate) bins: Vec<ConfidenceBin>,
}

/// Bin of predictions of similar confidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ConfidenceBin {
    /// Lower edge of the bin.
    pub(crate) from: f64,
    /// Upper edge of the bin.
    pub(crate) to: f64,
    /// Number of predictions with a confidence in the bin.
    pub(crate) predictions: usize,
    /// Accuracy of those on a changed close; `None` without any.
    pub(crate) accuracy: Option<f64>,
}

impl Confidence {
    /// Computes the distribution over the records with a prediction.
    pub(crate) fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut values = Vec::new();
        // Numbers of predictions, scored predictions and correct predictions.
        let mut counts = [[0_usize; 3]; BINS];
        for record in records {
            let outcome = record.is_correct(record.predicted);
            if record.predicted == windvane_candles::Direction::Neutral {
                continue;
            }
            let [predictions, scored, correct] = &mut counts[bin(record.confidence())];
            *predictions += 1;
            *scored += usize::from(outcome.is_some());
            *correct += usize::from(outcome == Some(true));
            values.push(f64::from(record.confidence()));
        }
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let median = (n > 0).then(|| f64::midpoint(values[(n - 1) / 2], values[n / 2]));
        let bins =
            counts.iter().enumerate().map(|(k, &[predictions, scored, correct])| ConfidenceBin {
                from: k as f64 / BINS as f64,
                to: (k + 1) as f64 / BINS as f64,
                predictions,
                accuracy: share(correct, scored),
            });
        let (min, max) = (values.first().copied(), values.last().copied());
        Self { min, median, max, bins: bins.collect() }
    }
}

fn bin(confidence: f32) -> usize {
    // The product is computed in f32, where 0.35 × 20 is 7; in f64 it would be 6.999 999.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a probability times 20"
    )]
    let bin = (confidence * BINS as f32) as usize;
    bin.min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use windvane_candles::Direction::{self, Neutral, Up};

    use super::*;
    use crate::score::testing::{any_records, record};

    fn confident(p_up: f32, predicted: Direction) -> Record {
        let classes = [p_up, 1.0 - p_up, 0.0];
        let probabilities = windvane_models::Probabilities::new(classes).unwrap();
        Record { probabilities, ..record(0, predicted, 0.01) }
    }

    #[test]
    fn confidence_on_an_edge_is_in_the_upper_bin() {
        for (confidence, expected) in [(0.0, 0), (0.049, 0), (0.35, 7), (0.5, 10), (1.0, 19)] {
            assert_eq!(bin(confidence), expected, "{confidence}");
        }
    }

    #[test]
    fn confidence_ignores_neutral_and_median_of_two_is_their_mean() {
        let records = [confident(0.5, Up), confident(0.75, Up), confident(0.99, Neutral)];
        let got = Confidence::of(&records);
        assert_eq!((got.min, got.median, got.max), (Some(0.5), Some(0.625), Some(0.75)));
        assert_eq!((got.bins[15].predictions, got.bins[15].accuracy), (1, Some(1.0)));
        assert_eq!(got.bins[0].accuracy, None);
        assert_eq!(Confidence::of(&[confident(0.99, Neutral)]).median, None);
    }

    proptest! {
        #[test]
        fn confidence_bins_hold_every_prediction_once(records in any_records(0..60)) {
            let bins: usize = Confidence::of(&records).bins.iter().map(|bin| bin.predictions).sum();
            let score = crate::score::Accuracy::of(&records, |r| r.predicted);
            prop_assert_eq!(bins, score.predictions);
        }
    }
}
