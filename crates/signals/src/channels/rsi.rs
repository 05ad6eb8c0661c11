//! Wilder's relative strength index (RSI).
use windvane_candles::Candle;

use super::channel::period;
use super::ratio::Ratio;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

/// Wilder's relative strength index of the close.
///
/// **Formula** `(100 · g) / (g + l)`, which is `100 − 100/(1 + g/l)`; g and l are the averages of
/// gains and losses, seeded with the mean of the first n changes, then `(n−1)/n · old + x/n`
/// (Wilder 1978; equal to TA-Lib). Without any change, `g + l = 0`, the value is 50: the only
/// deliberate difference from TA-Lib, which returns 0. **Units** 0 to 100. **Warm-up** n (14 by
/// default); with n = 14 the difference from the value with unlimited history is below 1e-6 of the
/// range of 100 after about 205 candles.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Ohlcv, Timestamp};
/// # fn candle(hour: i64, close: f64, volume: f64) -> Candle {
/// #     let values = Ohlcv { open: close, high: close + 1.0, low: close - 1.0, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// use windvane_signals::Rsi;
///
/// let mut rsi = Rsi::new(2)?;
/// assert_eq!(rsi.update(&candle(0, 100.0, 1.0)), None);
/// assert_eq!(rsi.update(&candle(1, 101.0, 1.0)), None);
/// assert_eq!(rsi.update(&candle(2, 100.0, 1.0)), Some(50.0)); // equal gain and loss
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Rsi {
    period: usize,
    /// Weight of the old average, (n−1)/n.
    kept: f64,
    /// Weight of the new change, 1/n.
    added: f64,
    /// Number of candles consumed, at most the period plus one.
    seen: usize,
    /// Close of the last candle.
    previous: f64,
    /// Sum of the gains until seeded, then their average.
    gain: f64,
    loss: f64,
}

impl Rsi {
    /// Creates an RSI over `n` changes; the usual value is 14.
    ///
    /// # Errors
    /// [`SignalError::Parameter`] unless `n` is 1 to 10,000.
    pub fn new(n: usize) -> Result<Self, SignalError> {
        let period = period("rsi", "period", n as f64)?;
        let n = period as f64;
        let (kept, added) = ((n - 1.0) / n, 1.0 / n);
        Ok(Self { period, kept, added, seen: 0, previous: 0.0, gain: 0.0, loss: 0.0 })
    }

    /// Returns the next value; the warm-up must be over.
    #[expect(clippy::inline_always, reason = "a call costs a tenth of a row's time")]
    #[inline(always)]
    pub(crate) fn next(&mut self, candle: &Candle) -> Ratio {
        let change = self.change(candle);
        let [gain, loss] = [change.max(0.0), (-change).max(0.0)];
        self.gain = self.gain * self.kept + gain * self.added;
        self.loss = self.loss * self.kept + loss * self.added;
        self.ratio()
    }

    #[inline]
    fn change(&mut self, candle: &Candle) -> f64 {
        candle.close() - std::mem::replace(&mut self.previous, candle.close())
    }

    #[inline]
    fn ratio(&self) -> Ratio {
        let moves = self.gain + self.loss;
        if moves > 0.0 { Ratio::new(100.0 * self.gain, moves) } else { Ratio::whole(50.0) }
    }

    #[cold]
    fn seed(&mut self, candle: &Candle) -> Option<f64> {
        self.seen += 1;
        let change = self.change(candle);
        if self.seen == 1 {
            return None;
        }
        self.gain += change.max(0.0);
        self.loss += (-change).max(0.0);
        if self.seen <= self.period {
            return None;
        }
        let n = self.period as f64;
        (self.gain, self.loss) = (self.gain / n, self.loss / n);
        Some(self.ratio().value())
    }

    /// Consumes the next candle; returns `None` during the warm-up.
    #[inline]
    pub fn update(&mut self, candle: &Candle) -> Option<f64> {
        if self.seen > self.period { Some(self.next(candle).value()) } else { self.seed(candle) }
    }
}

impl Channel for Rsi {
    #[inline]
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.update(market.own())
    }

    fn warm_up(&self) -> usize {
        self.period
    }

    fn reset(&mut self) {
        *self = Self { seen: 0, previous: 0.0, gain: 0.0, loss: 0.0, ..*self };
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.period);
        state.count(self.seen);
        state.float(self.previous);
        state.float(self.gain);
        state.float(self.loss);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.period)?;
        let seen = state.count()?;
        if seen > self.period + 1 {
            return Err(SignalError::State { what: "the count of an RSI exceeds its period" });
        }
        self.seen = seen;
        self.previous = state.float()?;
        self.gain = state.float()?;
        self.loss = state.float()?;
        Ok(())
    }
}
