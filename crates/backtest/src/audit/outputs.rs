//! Outputs of the audited code by candle, and their changes.
use windvane_candles::{CandleSeries, Timestamp};

use super::Forecast;
use crate::error::BacktestError;

/// A row of numbers per candle, known at its close; `None` where there is none.
#[derive(Debug, Clone)]
pub(super) struct Outputs(Vec<Option<Vec<f64>>>);

/// Change of outputs before a cut when only what follows the cut has changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    /// The first candle that was another.
    pub(super) cut: usize,
    /// The earliest output that changed.
    pub(super) first: usize,
    /// Number of changed outputs before the cut.
    pub(super) count: usize,
    pub(super) of: usize,
    /// The earliest output there is.
    pub(super) begins: usize,
}

impl Change {
    /// Number of candles that the earliest changed output looks ahead, at least.
    pub(super) fn reach(&self) -> usize {
        self.cut - self.first
    }

    /// Whether the change reached over more than half of the outputs before it.
    pub(super) fn is_far(&self) -> bool {
        2 * self.reach() > self.cut - self.begins
    }
}

impl Outputs {
    /// Rows of a signal, one per candle.
    pub(super) fn of_rows(
        series: &CandleSeries,
        rows: Vec<Option<Vec<f64>>>,
    ) -> Result<Self, BacktestError> {
        if rows.len() != series.len() {
            return Err(BacktestError::AuditedRows { expected: series.len(), got: rows.len() });
        }
        Ok(Self(rows))
    }

    /// Forecasts, each at the candle that closes when it is decided.
    pub(super) fn of_forecasts(
        series: &CandleSeries,
        forecasts: &[Forecast],
    ) -> Result<Self, BacktestError> {
        let mut rows = vec![None; series.len()];
        for &Forecast { decided_at, score } in forecasts {
            let problem = match closing_at(series, decided_at) {
                _ if !score.is_finite() => "its score is no finite number",
                None => "no candle closes then",
                Some(index) if rows[index].is_some() => "there are two",
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

    /// The value of a column, where it is a finite number.
    pub(super) fn value(&self, index: usize, column: usize) -> Option<f64> {
        let value = *self.row(index)?.get(column)?;
        value.is_finite().then_some(value)
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.0.iter().flatten().map(Vec::len).max().unwrap_or(0)
    }

    /// The earliest output at or after a candle.
    pub(super) fn first_from(&self, from: usize) -> Option<usize> {
        (from..self.len()).find(|&index| self.0[index].is_some())
    }

    /// Counts the outputs before a candle.
    pub(super) fn count_before(&self, cut: usize) -> usize {
        self.0.iter().take(cut).flatten().count()
    }

    /// Whether all bits are the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|index| self.is_same_at(other, index))
    }

    /// Compares the outputs before `cut`; `None` where nothing changed.
    pub(super) fn change(&self, other: &Self, cut: usize) -> Option<Change> {
        let begins = self.first_from(0)?;
        let before = 0..cut.min(self.len());
        let mut changed = before.filter(|&index| !self.is_same_at(other, index));
        let first = changed.next()?;
        let count = 1 + changed.count();
        Some(Change { cut, first, count, of: self.count_before(cut), begins: begins.min(first) })
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

/// The candle that closes at a moment.
fn closing_at(series: &CandleSeries, time: Timestamp) -> Option<usize> {
    let interval = series.interval();
    let index = series.candles().partition_point(|candle| candle.close_time(interval) < time);
    series.get(index).filter(|candle| candle.close_time(interval) == time).map(|_| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outputs with nothing before candle 10.
    fn outputs(change: impl Fn(usize) -> f64) -> Outputs {
        Outputs((0..100).map(|index| (index >= 10).then(|| vec![0.5, change(index)])).collect())
    }

    #[test]
    fn a_change_reaches_back_to_the_first_other_bit() {
        let base = outputs(|_| 0.0);
        assert!(base.change(&base, 60).is_none());
        // What changes at the cut or after it may.
        let behind = outputs(|index| if index >= 60 { 1.0 } else { 0.0 });
        assert!(base.change(&behind, 60).is_none());
        let near = base.change(&behind, 63).unwrap();
        assert_eq!((near.first, near.reach(), near.count, near.of), (60, 3, 3, 53));
        assert!(!near.is_far());
        let all = base.change(&outputs(|_| -0.0), 60).unwrap();
        assert_eq!((all.first, all.count, all.of), (10, 50, 50));
        assert!(all.is_far());
    }

    #[test]
    fn a_row_that_comes_or_goes_is_a_change() {
        let base = outputs(|_| 0.0);
        let mut other = base.clone();
        other.0[5] = Some(vec![1.0]);
        assert_eq!(base.change(&other, 60).unwrap().first, 5);
        other.0.truncate(60);
        other.0[5] = None;
        assert!(base.change(&other, 60).is_none());
        assert_eq!(base.change(&other, 61).unwrap().reach(), 1);
        assert!(!base.is_same(&other));
    }
}
