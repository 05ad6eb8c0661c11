//! Relative change of the close over a number of candles: momentum (1) and trend (20).
use std::collections::VecDeque;

use windvane_candles::Candle;

use crate::indicator::period;
use crate::{Indicator, SignalError, StateReader, StateWriter};

/// Relative change of the close over `lag` candles; lag 1 is momentum, lag 20 is trend.
///
/// **Formula** `(P_t − P_{t−lag}) / P_{t−lag}`, P the close. **Units** a fraction.
/// **Warm-up** `lag`; it has no memory beyond that.
#[derive(Debug, Clone)]
#[doc(alias = "trend")]
pub struct Momentum {
    lag: usize,
    /// The last `lag` closes, oldest first.
    closes: VecDeque<f64>,
}

impl Momentum {
    /// Change over `lag` candles.
    ///
    /// # Errors
    /// [`SignalError::Parameter`] unless `lag` is 1 to 10,000.
    pub fn new(lag: usize) -> Result<Self, SignalError> {
        let lag = period("momentum", "lag", lag as f64)?;
        Ok(Self { lag, closes: VecDeque::with_capacity(lag + 1) })
    }
}

impl Indicator for Momentum {
    type Output = f64;

    fn update(&mut self, candle: &Candle) -> Option<f64> {
        self.closes.push_back(candle.close());
        if self.closes.len() <= self.lag {
            return None;
        }
        let before = self.closes.pop_front()?;
        Some((candle.close() - before) / before)
    }

    fn warm_up(&self) -> usize {
        self.lag
    }

    fn reset(&mut self) {
        self.closes.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.lag);
        state.floats(self.closes.iter().copied());
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.lag)?;
        let closes = state.floats(self.lag)?;
        self.closes.clear();
        self.closes.extend(closes);
        Ok(())
    }
}
