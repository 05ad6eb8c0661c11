//! Ring buffer of the last rows, stored twice so that every window is one slice.
use windvane_candles::Timestamp;
use windvane_signals::{SignalRows, StateReader, StateWriter, Window};

use crate::PredictError;

/// Ring buffer of the last `lookback` rows.
#[derive(Debug, Clone)]
pub(super) struct RowRing {
    lookback: usize,
    width: usize,
    /// Values of `2 × lookback` rows; the second half is a copy of the first.
    values: Vec<f64>,
    next: usize,
    /// Number of consecutive complete rows, at most `lookback`.
    run: usize,
}

impl RowRing {
    pub(super) fn new(lookback: usize, width: usize) -> Self {
        Self { lookback, width, values: vec![0.0; 2 * lookback * width], next: 0, run: 0 }
    }

    pub(super) fn lookback(&self) -> usize {
        self.lookback
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Number of consecutive complete rows, at most the lookback.
    pub(super) fn run(&self) -> usize {
        self.run
    }

    /// Adds the rows of one candle.
    #[inline]
    pub(super) fn take(&mut self, rows: SignalRows<'_>) {
        if rows.restarted() {
            self.run = 0;
        }
        for index in 0..rows.len() {
            match rows.get(index) {
                Some(row) => self.push(row),
                None => self.run = 0,
            }
        }
    }

    pub(super) fn push(&mut self, row: &[f64]) {
        for half in [self.next, self.next + self.lookback] {
            self.values[half * self.width..(half + 1) * self.width].copy_from_slice(row);
        }
        self.next = (self.next + 1) % self.lookback;
        self.run = (self.run + 1).min(self.lookback);
    }

    /// Returns the window of the last `lookback` rows; `None` while there are fewer.
    pub(super) fn window(&self, decided_at: Timestamp) -> Option<Window<'_>> {
        let full = self.run == self.lookback;
        full.then(|| Window::new(self.complete(), self.width, decided_at)).flatten()
    }

    /// Returns the consecutive complete rows, oldest first, as one slice.
    pub(super) fn complete(&self) -> &[f64] {
        let end = self.next + self.lookback;
        &self.values[(end - self.run) * self.width..end * self.width]
    }

    pub(super) fn save(&self, state: &mut StateWriter) {
        state.count(self.lookback);
        state.count(self.width);
        state.floats(self.complete().iter().copied());
    }

    /// Reads the rows that [`save`](Self::save) wrote into a ring buffer of the same shape.
    pub(super) fn restored(&self, state: &mut StateReader<'_>) -> Result<Self, PredictError> {
        if state.count()? != self.lookback || state.count()? != self.width {
            return Err(PredictError::State { problem: "its windows have another shape" });
        }
        let values = state.floats(self.lookback * self.width)?;
        if !values.len().is_multiple_of(self.width) {
            return Err(PredictError::State { problem: "its last row is incomplete" });
        }
        let mut ring = Self::new(self.lookback, self.width);
        values.chunks_exact(self.width).for_each(|row| ring.push(row));
        Ok(ring)
    }
}
