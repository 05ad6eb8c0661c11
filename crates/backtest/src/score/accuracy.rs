//! Directional accuracy and coverage.
use std::borrow::Borrow;

use serde::Serialize;
use windvane_candles::Direction;

use crate::metrics::share;
use crate::score::Record;

/// Accuracy and coverage of predictions.
///
/// **Formula** accuracy = correct / scored. *Scored* are the candles with a prediction (UP or
/// DOWN) and a close that changed; *correct* are those of them whose prediction has the sign of
/// the change. coverage = predictions / candles. NEUTRAL is not a prediction and is never scored.
///
/// # Examples
/// ```
/// use windvane_backtest::{Accuracy, Record};
/// let nothing = Accuracy::of::<Record>([], |record| record.predicted);
/// assert_eq!((nothing.accuracy, nothing.coverage), (None, None)); // undefined, not 0
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Accuracy {
    /// Number of test candles.
    pub candles: usize,
    /// Number of candles with a prediction of UP or DOWN.
    pub predictions: usize,
    /// Number of predictions on candles whose close changed.
    pub scored: usize,
    /// Number of predictions with the sign of the change.
    pub correct: usize,
    /// correct / scored; `None` if nothing was scored.
    pub accuracy: Option<f64>,
    /// predictions / candles; `None` without candles.
    pub coverage: Option<f64>,
}

impl Accuracy {
    /// Computes the accuracy of a rule; `|record| record.predicted` gives that of the model.
    pub fn of<R: Borrow<Record>>(
        records: impl IntoIterator<Item = R>,
        prediction: impl Fn(&Record) -> Direction,
    ) -> Self {
        let (mut candles, mut predictions, mut scored, mut correct) = (0, 0, 0, 0);
        for record in records {
            let record = record.borrow();
            let prediction = prediction(record);
            let outcome = record.is_correct(prediction);
            candles += 1;
            predictions += usize::from(prediction != Direction::Neutral);
            scored += usize::from(outcome.is_some());
            correct += usize::from(outcome == Some(true));
        }
        let (accuracy, coverage) = (share(correct, scored), share(predictions, candles));
        Self { candles, predictions, scored, correct, accuracy, coverage }
    }

    /// Returns the same predictions as a share of more candles.
    pub(crate) fn among(self, candles: usize) -> Self {
        Self { candles, coverage: share(self.predictions, candles), ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::score::testing::{any_records, record};
    use Direction::{Down, Neutral, Up};

    #[test]
    fn accuracy_scores_predictions_on_changed_closes_only() {
        // Prediction, change, number scored, number correct.
        let table = [
            (Up, 0.01, 1, 1),
            (Up, -0.01, 1, 0),
            (Down, -1e-12, 1, 1),
            (Down, 0.01, 1, 0),
            (Up, 0.0, 0, 0),
            (Neutral, 0.01, 0, 0),
            (Neutral, 0.0, 0, 0),
        ];
        for (prediction, change, scored, correct) in table {
            let one = [record(0, prediction, change)];
            let got = Accuracy::of(one, |r| r.predicted);
            assert_eq!((got.scored, got.correct), (scored, correct), "{prediction} {change}");
            assert_eq!(got.predictions, usize::from(prediction != Neutral));
        }
    }

    // Defects 1 and 19: a model that always predicts NEUTRAL was printed as 0 % wrong predictions.
    #[test]
    fn accuracy_without_predictions_is_undefined() {
        let records: Vec<Record> = (0..50).map(|t| record(t, Neutral, 0.01)).collect();
        let got = Accuracy::of(&records, |r| r.predicted);
        assert_eq!((got.accuracy, got.coverage), (None, Some(0.0)));
    }

    // Defect 20: a prediction of DOWN was counted as if it were one of UP.
    #[test]
    fn accuracy_of_opposite_directions_adds_up_to_the_scored_candles() {
        let records: Vec<Record> =
            (0..9).map(|t| record(t, Down, if t % 3 == 0 { 0.02 } else { -0.02 })).collect();
        let down = Accuracy::of(&records, |r| r.predicted);
        let up = Accuracy::of(&records, |r| r.predicted.opposite());
        assert_eq!((down.correct, up.correct), (6, 3));
        assert_eq!(down.correct + up.correct, down.scored);
    }

    proptest! {
        #[test]
        fn accuracy_is_a_share_and_independent_of_order(mut records in any_records(0..60)) {
            let before = Accuracy::of(&records, |r| r.predicted);
            for value in [before.accuracy, before.coverage].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&value));
            }
            prop_assert_eq!(before.accuracy.is_none(), before.scored == 0);
            records.reverse();
            prop_assert_eq!(before, Accuracy::of(&records, |r| r.predicted));
        }

        #[test]
        fn accuracy_ignores_neutral_and_coverage_does_not(mut records in any_records(1..60)) {
            let before = Accuracy::of(&records, |r| r.predicted);
            records.push(record(1_000, Neutral, 0.01));
            let after = Accuracy::of(&records, |r| r.predicted);
            prop_assert_eq!(before.accuracy, after.accuracy);
            prop_assert!(after.coverage <= before.coverage);
            prop_assert_eq!(after.candles, before.candles + 1);
        }
    }
}
