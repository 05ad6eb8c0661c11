//! Outputs of the audited code per candle, and differences between two runs.
use windvane_candles::{Candle, CandleSeries, Timestamp};

use super::Forecast;
use crate::error::BacktestError;

/// Row of numbers per candle; `None` for a candle without a row.
#[derive(Debug, Clone)]
pub(super) struct AuditedOutputs(Vec<Option<Vec<f64>>>);

/// Difference between the outputs of two runs whose candles differ only from a cut on.
#[derive(Debug, Clone, Copy)]
pub(super) struct OutputChange {
    /// Index of the first modified candle.
    pub(super) cut: usize,
    /// Index of the earliest output that changed.
    pub(super) first: usize,
    /// Number of changed outputs before the cut.
    pub(super) changed: usize,
    /// Number of outputs before the cut.
    pub(super) compared: usize,
    /// Index of the earliest output of either run.
    pub(super) begins: usize,
}

impl OutputChange {
    /// Number of candles from the earliest changed output to the cut, a lower bound of the
    /// look-ahead of that output.
    pub(super) fn distance(&self) -> usize {
        self.cut - self.first
    }

    /// Returns whether outputs changed over more than half of the time before the cut.
    pub(super) fn is_far(&self) -> bool {
        2 * self.distance() > self.cut - self.begins
    }
}

impl AuditedOutputs {
    /// Takes the rows of a signal, one per candle.
    pub(super) fn from_rows(
        series: &CandleSeries,
        rows: Vec<Option<Vec<f64>>>,
    ) -> Result<Self, BacktestError> {
        if rows.len() != series.len() {
            return Err(BacktestError::AuditedRows { expected: series.len(), got: rows.len() });
        }
        Ok(Self(rows))
    }

    /// Assigns every forecast to the candle that closes at its decision time.
    pub(super) fn from_forecasts(
        series: &CandleSeries,
        forecasts: &[Forecast],
    ) -> Result<Self, BacktestError> {
        let mut rows = vec![None; series.len()];
        for &Forecast { decided_at, score } in forecasts {
            let problem = match closing_at(series, decided_at) {
                _ if !score.is_finite() => "the score is not a finite number",
                None => "no candle closes at this time",
                Some(index) if rows[index].is_some() => "it is the second forecast for this time",
                Some(index) => {
                    rows[index] = Some(vec![score]);
                    continue;
                }
            };
            return Err(BacktestError::AuditedForecast { decided_at, problem });
        }
        Ok(Self(rows))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns a value; `None` if it is missing or not finite.
    pub(super) fn value(&self, index: usize, column: usize) -> Option<f64> {
        let value = *self.row(index)?.get(column)?;
        value.is_finite().then_some(value)
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.0.iter().flatten().map(Vec::len).max().unwrap_or(0)
    }

    /// Index of the earliest output at or after candle `from`.
    pub(super) fn first_from(&self, from: usize) -> Option<usize> {
        (from..self.len()).find(|&index| self.0[index].is_some())
    }

    /// Counts the outputs before candle `cut`.
    pub(super) fn count_before(&self, cut: usize) -> usize {
        self.0.iter().take(cut).flatten().count()
    }

    /// Returns whether all outputs are equal bit by bit.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|index| self.is_same_at(other, index))
    }

    /// Compares the outputs before candle `cut`; `None` if all are equal bit by bit.
    pub(super) fn change(&self, other: &Self, cut: usize) -> Option<OutputChange> {
        let begins = self.first_from(0)?;
        let before = 0..cut.min(self.len());
        let mut changed = before.filter(|&index| !self.is_same_at(other, index));
        let first = changed.next()?;
        let (changed, compared) = (1 + changed.count(), self.count_before(cut));
        Some(OutputChange { cut, first, changed, compared, begins: begins.min(first) })
    }

    fn is_same_at(&self, other: &Self, index: usize) -> bool {
        match (self.row(index), other.row(index)) {
            (Some(own), Some(other)) => own
                .iter()
                .map(|value| value.to_bits())
                .eq(other.iter().map(|value| value.to_bits())),
            (own, other) => own.is_none() && other.is_none(),
        }
    }

    fn row(&self, index: usize) -> Option<&[f64]> {
        self.0.get(index)?.as_deref()
    }
}

/// Index of the candle that closes at `time`.
fn closing_at(series: &CandleSeries, time: Timestamp) -> Option<usize> {
    let session = series.interval().session_millis(series.session_close())?;
    let open_time = Timestamp::from_millis(time.millis().checked_sub(session)?);
    series.candles().binary_search_by_key(&open_time, Candle::open_time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outputs from candle 10 on, with `change` as the second column.
    fn outputs(change: impl Fn(usize) -> f64) -> AuditedOutputs {
        AuditedOutputs(
            (0..100).map(|index| (index >= 10).then(|| vec![0.5, change(index)])).collect(),
        )
    }

    #[test]
    fn change_begins_at_first_different_bit() {
        let base = outputs(|_| 0.0);
        assert!(base.change(&base, 60).is_none());
        // Outputs at the cut and after it may change.
        let after = outputs(|index| if index >= 60 { 1.0 } else { 0.0 });
        assert!(base.change(&after, 60).is_none());
        let near = base.change(&after, 63).unwrap();
        assert_eq!((near.first, near.distance()), (60, 3));
        assert_eq!((near.changed, near.compared), (3, 53));
        assert!(!near.is_far());
        let all = base.change(&outputs(|_| -0.0), 60).unwrap();
        assert_eq!((all.first, all.changed, all.compared), (10, 50, 50));
        assert!(all.is_far());
    }

    #[test]
    fn change_includes_added_and_missing_rows() {
        let base = outputs(|_| 0.0);
        let mut other = base.clone();
        other.0[5] = Some(vec![1.0]);
        assert_eq!(base.change(&other, 60).unwrap().first, 5);
        other.0.truncate(60);
        other.0[5] = None;
        assert!(base.change(&other, 60).is_none());
        assert_eq!(base.change(&other, 61).unwrap().distance(), 1);
        assert!(!base.is_same(&other));
    }
}
