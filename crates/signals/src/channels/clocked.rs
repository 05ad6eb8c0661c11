//! Values of the last candles, found by their distance in time.
use super::rolling::RollingWindow;
use crate::{SignalError, StateReader, StateWriter};

/// Mark of a place without a value: larger than every value of a candle.
const ABSENT: f64 = f64::MAX;

/// Values of the last candles, where a missing candle takes a place of its own.
///
/// A lag is therefore a time: `before(3)` is the value three intervals earlier, and `None` if that
/// candle is missing or has no value.
#[derive(Debug, Clone)]
pub(crate) struct ClockWindow {
    window: RollingWindow,
}

impl ClockWindow {
    /// Creates a window in which lags up to `lag` can be read.
    pub(crate) fn new(lag: usize) -> Self {
        Self { window: RollingWindow::new(lag + 1) }
    }

    /// Appends the value of a candle that follows after `missing` missing ones.
    #[inline]
    pub(crate) fn push(&mut self, missing: u64, value: Option<f64>) {
        for _ in 0..missing.min(self.window.size() as u64) {
            self.window.push(ABSENT);
        }
        self.window.push(value.unwrap_or(ABSENT));
    }

    /// Value `lag` intervals before the last one.
    #[inline]
    pub(crate) fn before(&self, lag: usize) -> Option<f64> {
        let values = self.window.values();
        let place = values.len().checked_sub(lag + 1)?;
        Some(values[place]).filter(|value| *value < ABSENT)
    }

    /// Sum of the last `count` values; a missing value counts as 0.
    ///
    /// `None` until a value or a gap lies `count` intervals before the last one.
    #[inline]
    pub(crate) fn sum(&self, count: usize) -> Option<f64> {
        let values = self.window.values();
        let from = values.len().checked_sub(count).filter(|from| *from > 0)?;
        Some(values[from..].iter().filter(|value| **value < ABSENT).sum())
    }

    pub(crate) fn clear(&mut self) {
        self.window.clear();
    }

    pub(crate) fn save(&self, state: &mut StateWriter) {
        self.window.save(state);
    }

    pub(crate) fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.window.restore(state)
    }
}
