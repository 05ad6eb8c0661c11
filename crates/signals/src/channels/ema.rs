//! Exponential moving average, seeded as in TA-Lib.
use crate::{SignalError, StateReader, StateWriter};

/// Exponential moving average of a series of numbers.
///
/// **Formula** `E_t = E_{t−1} + 2/(n+1) · (x_t − E_{t−1})`, seeded with the mean of the first n
/// numbers (as in TA-Lib; charts that start at the first number differ in the early rows).
/// **Warm-up** n − 1; after about 7n numbers within 1e-6 of the value with unlimited history.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ema {
    period: usize,
    /// Smoothing factor 2/(n+1).
    alpha: f64,
    seen: usize,
    /// Sum of the first numbers until seeded, then the average.
    value: f64,
}

impl Ema {
    pub(crate) fn new(period: usize) -> Self {
        Self { period, alpha: 2.0 / (period as f64 + 1.0), seen: 0, value: 0.0 }
    }

    #[inline]
    pub(crate) fn update(&mut self, x: f64) -> Option<f64> {
        if self.seen == self.period { Some(self.next(x)) } else { self.seed(x) }
    }

    /// Returns the next value; the average must be seeded.
    #[inline]
    pub(crate) fn next(&mut self, x: f64) -> f64 {
        self.value += self.alpha * (x - self.value);
        self.value
    }

    #[cold]
    fn seed(&mut self, x: f64) -> Option<f64> {
        self.seen += 1;
        self.value += x;
        if self.seen < self.period {
            return None;
        }
        self.value /= self.period as f64;
        Some(self.value)
    }

    pub(crate) fn save(&self, state: &mut StateWriter) {
        state.count(self.period);
        state.count(self.seen);
        state.float(self.value);
    }

    pub(crate) fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.period)?;
        let seen = state.count()?;
        if seen > self.period {
            return Err(SignalError::State { what: "the count of an average exceeds its period" });
        }
        (self.seen, self.value) = (seen, state.float()?);
        Ok(())
    }
}
