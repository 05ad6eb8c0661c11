//! Directional accuracy and coverage.
use serde::Serialize;
use windvane_candles::Direction;

use crate::metrics::share;
use crate::score::Record;

/// Accuracy and coverage of calls.
///
/// **Formula** accuracy = hits / scored, where *scored* are the candles with a call (UP or DOWN)
/// and a close that moved, and *hits* those of them whose call has the sign of the change.
/// coverage = calls / candles. NEUTRAL is no call: neither hit nor miss.
///
/// # Examples
/// ```
/// use windvane_backtest::Accuracy;
/// let nothing = Accuracy::of([], |record| record.called);
/// assert_eq!((nothing.accuracy, nothing.coverage), (None, None)); // undefined, not 0
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Accuracy {
    /// Test candles.
    pub candles: usize,
    /// Candles with a call.
    pub calls: usize,
    /// Candles with a call and a close that moved.
    pub scored: usize,
    /// Calls that came true.
    pub hits: usize,
    /// hits / scored; `None` without any.
    pub accuracy: Option<f64>,
    /// calls / candles; `None` without any.
    pub coverage: Option<f64>,
}

impl Accuracy {
    /// The accuracy of a rule: of the model's own calls with `|record| record.called`.
    pub fn of<'a>(
        records: impl IntoIterator<Item = &'a Record>,
        call: impl Fn(&Record) -> Direction,
    ) -> Self {
        let (mut candles, mut calls, mut scored, mut hits) = (0, 0, 0, 0);
        for record in records {
            let call = call(record);
            let hit = record.hit(call);
            candles += 1;
            calls += usize::from(call != Direction::Neutral);
            scored += usize::from(hit.is_some());
            hits += usize::from(hit == Some(true));
        }
        let (accuracy, coverage) = (share(hits, scored), share(calls, candles));
        Self { candles, calls, scored, hits, accuracy, coverage }
    }

    /// The same calls as a share of more candles.
    pub(crate) fn among(self, candles: usize) -> Self {
        Self { candles, coverage: share(self.calls, candles), ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::score::testing::{any_records, record};
    use Direction::{Down, Neutral, Up};

    #[test]
    fn only_calls_on_moving_closes_are_scored() {
        // Call, change, whether it is scored, whether it is a hit.
        let table = [
            (Up, 0.01, 1, 1),
            (Up, -0.01, 1, 0),
            (Down, -1e-12, 1, 1),
            (Down, 0.01, 1, 0),
            (Up, 0.0, 0, 0),
            (Neutral, 0.01, 0, 0),
            (Neutral, 0.0, 0, 0),
        ];
        for (call, change, scored, hits) in table {
            let one = [record(0, call, change)];
            let got = Accuracy::of(&one, |r| r.called);
            assert_eq!((got.scored, got.hits), (scored, hits), "{call} {change}");
            assert_eq!(got.calls, usize::from(call != Neutral));
        }
    }

    // Defects 1 and 19: a model that always says NEUTRAL was printed as 0 % wrong calls.
    #[test]
    fn neutral_everywhere_is_undefined_and_not_zero() {
        let records: Vec<Record> = (0..50).map(|t| record(t, Neutral, 0.01)).collect();
        let got = Accuracy::of(&records, |r| r.called);
        assert_eq!((got.accuracy, got.coverage), (None, Some(0.0)));
    }

    // Defect 20: a call of DOWN was counted as if it were one of UP.
    #[test]
    fn opposite_calls_share_the_candles_between_them() {
        let records: Vec<Record> =
            (0..9).map(|t| record(t, Down, if t % 3 == 0 { 0.02 } else { -0.02 })).collect();
        let down = Accuracy::of(&records, |r| r.called);
        let up = Accuracy::of(&records, |r| r.called.opposite());
        assert_eq!((down.hits, up.hits), (6, 3));
        assert_eq!(down.hits + up.hits, down.scored);
    }

    proptest! {
        #[test]
        fn shares_are_shares_and_the_order_does_not_matter(mut records in any_records(0..60)) {
            let before = Accuracy::of(&records, |r| r.called);
            for value in [before.accuracy, before.coverage].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&value));
            }
            prop_assert_eq!(before.accuracy.is_none(), before.scored == 0);
            records.reverse();
            prop_assert_eq!(before, Accuracy::of(&records, |r| r.called));
        }

        #[test]
        fn a_neutral_prediction_lowers_coverage_but_not_accuracy(mut records in any_records(1..60)) {
            let before = Accuracy::of(&records, |r| r.called);
            records.push(record(1_000, Neutral, 0.01));
            let after = Accuracy::of(&records, |r| r.called);
            prop_assert_eq!(before.accuracy, after.accuracy);
            prop_assert!(after.coverage <= before.coverage);
            prop_assert_eq!(after.candles, before.candles + 1);
        }
    }
}
