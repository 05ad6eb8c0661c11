//! Relative change of the close over a number of candles: momentum (1) and trend (20).
use windvane_candles::Candle;

use super::channel::period;
use super::ratio::Ratio;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

/// Relative change of the close over `lag` candles; lag 1 is momentum, lag 20 is trend.
///
/// **Formula** `(P_t − P_{t−lag}) / P_{t−lag}`, P the close. **Units** a fraction.
/// **Warm-up** `lag`; the value depends on no earlier candles.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Ohlcv, Timestamp};
/// # fn candle(hour: i64, close: f64, volume: f64) -> Candle {
/// #     let values = Ohlcv { open: close, high: close + 1.0, low: close - 1.0, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// use windvane_signals::Momentum;
///
/// let mut momentum = Momentum::new(1)?;
/// assert_eq!(momentum.update(&candle(0, 100.0, 1.0)), None);
/// assert_eq!(momentum.update(&candle(1, 125.0, 1.0)), Some(0.25));
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[doc(alias = "trend")]
pub struct Momentum {
    /// Ring buffer of the last `lag` closes.
    closes: Box<[f64]>,
    /// Index of the oldest close in a full buffer; the next close replaces it.
    oldest: usize,
    /// Number of closes in the buffer, at most `lag`.
    seen: usize,
}

impl Momentum {
    /// Creates the channel of the change over `lag` candles.
    ///
    /// # Errors
    /// [`SignalError::Parameter`] unless `lag` is 1 to 10,000.
    pub fn new(lag: usize) -> Result<Self, SignalError> {
        let lag = period("momentum", "lag", lag as f64)?;
        Ok(Self { closes: vec![0.0; lag].into_boxed_slice(), oldest: 0, seen: 0 })
    }

    /// Returns the next value; the warm-up must be over.
    #[expect(clippy::inline_always, reason = "a call costs a tenth of a row's time")]
    #[inline(always)]
    pub(crate) fn next(&mut self, candle: &Candle) -> Ratio {
        let close = candle.close();
        let before = std::mem::replace(&mut self.closes[self.oldest], close);
        self.oldest = if self.oldest + 1 == self.closes.len() { 0 } else { self.oldest + 1 };
        Ratio::new(close - before, before)
    }

    /// Consumes the next candle; returns `None` during the warm-up.
    #[inline]
    pub fn update(&mut self, candle: &Candle) -> Option<f64> {
        let change = self.next(candle);
        if self.seen == self.closes.len() {
            return Some(change.value());
        }
        self.seen += 1;
        None
    }
}

impl Channel for Momentum {
    #[inline]
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.update(market.own())
    }

    fn warm_up(&self) -> usize {
        self.closes.len()
    }

    fn reset(&mut self) {
        (self.oldest, self.seen) = (0, 0);
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.closes.len());
        // Oldest first; a buffer that is not full starts at 0.
        let (newer, older) = self.closes[..self.seen].split_at(self.oldest % self.seen.max(1));
        state.floats(older.iter().chain(newer).copied().collect::<Vec<_>>().into_iter());
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        let lag = self.closes.len();
        state.expect(lag)?;
        let closes = state.floats(lag)?;
        self.closes[..closes.len()].copy_from_slice(&closes);
        (self.oldest, self.seen) = (closes.len() % lag, closes.len());
        Ok(())
    }
}
