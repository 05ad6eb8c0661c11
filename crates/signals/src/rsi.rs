//! Relative strength index after Wilder.
use windvane_candles::Candle;

use crate::indicator::period;
use crate::{Indicator, SignalError, StateReader, StateWriter};

/// Wilder's relative strength index of the close.
///
/// **Formula** `100 · g / (g + l)`, which is `100 − 100/(1 + g/l)`; g and l are the averages of
/// gains and losses, seeded with the mean of the first n changes, then `(n−1)/n · old + x/n`
/// (Wilder 1978; equal to TA-Lib). No move at all, `g + l = 0`, gives 50: the one deliberate
/// difference, TA-Lib says 0. **Units** 0 to 100. **Warm-up** n (14 by default); with n = 14
/// within 1e-6 (of the range of 100) of endless history after about 205 candles.
#[derive(Debug, Clone)]
pub struct Rsi {
    period: usize,
    previous: Option<f64>,
    changes: usize,
    /// Sums until seeded, averages afterwards.
    gain: f64,
    loss: f64,
}

impl Rsi {
    /// Over `n` changes; the custom is 14.
    ///
    /// # Errors
    /// [`SignalError::Parameter`] unless `n` is 1 to 10,000.
    pub fn new(n: usize) -> Result<Self, SignalError> {
        let period = period("rsi", "period", n as f64)?;
        Ok(Self { period, previous: None, changes: 0, gain: 0.0, loss: 0.0 })
    }

    /// Wilder's smoothing, seeded with the mean of the first `period` changes.
    #[inline]
    fn smooth(&mut self, gain: f64, loss: f64) -> bool {
        if self.changes < self.period {
            return self.seed(gain, loss);
        }
        let n = self.period as f64;
        // Side by side, so that one instruction divides both.
        let sums = [self.gain * (n - 1.0) + gain, self.loss * (n - 1.0) + loss];
        [self.gain, self.loss] = sums.map(|sum| sum / n);
        true
    }

    #[cold]
    fn seed(&mut self, gain: f64, loss: f64) -> bool {
        let n = self.period as f64;
        self.changes += 1;
        self.gain += gain;
        self.loss += loss;
        let seeded = self.changes == self.period;
        if seeded {
            self.gain /= n;
            self.loss /= n;
        }
        seeded
    }
}

impl Indicator for Rsi {
    type Output = f64;

    #[inline]
    fn update(&mut self, candle: &Candle) -> Option<f64> {
        let close = candle.close();
        let change = close - self.previous.replace(close)?;
        if !self.smooth(change.max(0.0), (-change).max(0.0)) {
            return None;
        }
        let moves = self.gain + self.loss;
        Some(if moves > 0.0 { 100.0 * (self.gain / moves) } else { 50.0 })
    }

    fn warm_up(&self) -> usize {
        self.period
    }

    fn reset(&mut self) {
        *self = Self { previous: None, changes: 0, gain: 0.0, loss: 0.0, ..*self };
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.period);
        state.floats(self.previous.into_iter());
        state.count(self.changes);
        state.float(self.gain);
        state.float(self.loss);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.period)?;
        self.previous = state.floats(1)?.first().copied();
        let changes = state.count()?;
        if changes > self.period {
            return Err(SignalError::State { what: "an index has seen more than its period" });
        }
        self.changes = changes;
        self.gain = state.float()?;
        self.loss = state.float()?;
        Ok(())
    }
}
