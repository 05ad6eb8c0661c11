//! Moving average convergence/divergence, in price units and relative to price.
use windvane_candles::Candle;

use super::ema::Ema;
use super::ratio::Ratio;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

const FAST: usize = 12;
const SLOW: usize = 26;

/// MACD line: fast minus slow exponential moving average of the close.
///
/// **Formula** `EMA12 − EMA26` (Appel 1979), equal to TA-Lib's line: both averages start at
/// row 25, the fast one seeded with the mean of rows 14..=25, the slow one with rows 0..=25.
/// TA-Lib omits the rows before 33; here the line starts at its first defined row.
/// **Units** price. **Warm-up** 25; after 206 candles the difference from the value with unlimited
/// history is below 1e-6 of the price.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Ohlcv, Timestamp};
/// # fn candle(hour: i64, close: f64, volume: f64) -> Candle {
/// #     let values = Ohlcv { open: close, high: close + 1.0, low: close - 1.0, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// use windvane_signals::Macd;
///
/// let mut macd = Macd::default();
/// let mut line = (0..27).map(|hour| macd.update(&candle(hour, 100.0, 1.0)));
/// assert!(line.by_ref().take(25).all(|value| value.is_none()));
/// assert_eq!(line.next(), Some(Some(0.0))); // the close did not move
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Macd {
    /// Number of candles before the fast average starts.
    wait: usize,
    fast: Ema,
    slow: Ema,
}

impl Default for Macd {
    fn default() -> Self {
        Self { wait: SLOW - FAST, fast: Ema::new(FAST), slow: Ema::new(SLOW) }
    }
}

impl Macd {
    /// Returns the next value; the warm-up must be over.
    #[inline]
    fn next(&mut self, close: f64) -> f64 {
        self.fast.next(close) - self.slow.next(close)
    }

    /// Consumes the next candle; returns `None` during the warm-up.
    #[inline]
    pub fn update(&mut self, candle: &Candle) -> Option<f64> {
        let slow = self.slow.update(candle.close());
        if self.wait > 0 {
            self.wait -= 1;
            return None;
        }
        let fast = self.fast.update(candle.close());
        Some(fast? - slow?)
    }
}

impl Channel for Macd {
    #[inline]
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.update(market.own())
    }

    fn warm_up(&self) -> usize {
        SLOW - 1
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.wait);
        self.fast.save(state);
        self.slow.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        let wait = state.count()?;
        if wait > SLOW - FAST {
            return Err(SignalError::State {
                what: "the count before the fast average is too large",
            });
        }
        self.wait = wait;
        self.fast.restore(state)?;
        self.slow.restore(state)
    }
}

/// [`Macd`] divided by the close: comparable across pairs and years, used as a model input.
///
/// **Formula** `(EMA12 − EMA26) / P_t`. **Units** a fraction. **Warm-up** as [`Macd`].
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Ohlcv, Timestamp};
/// # fn candle(hour: i64, close: f64, volume: f64) -> Candle {
/// #     let values = Ohlcv { open: close, high: close + 1.0, low: close - 1.0, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// use windvane_signals::{Macd, RelativeMacd};
///
/// let (mut line, mut relative) = (Macd::default(), RelativeMacd::default());
/// for hour in 0..40 {
///     let next = candle(hour, 100.0 + hour as f64, 1.0);
///     let price = line.update(&next);
///     assert_eq!(relative.update(&next), price.map(|price| price / next.close()));
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RelativeMacd {
    line: Macd,
}

impl RelativeMacd {
    /// Returns the next value; the warm-up must be over.
    #[inline]
    pub(crate) fn next(&mut self, candle: &Candle) -> Ratio {
        Ratio::new(self.line.next(candle.close()), candle.close())
    }

    /// Consumes the next candle; returns `None` during the warm-up.
    #[inline]
    pub fn update(&mut self, candle: &Candle) -> Option<f64> {
        Some(Ratio::new(self.line.update(candle)?, candle.close()).value())
    }
}

impl Channel for RelativeMacd {
    #[inline]
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.update(market.own())
    }

    fn warm_up(&self) -> usize {
        self.line.warm_up()
    }

    fn reset(&mut self) {
        self.line.reset();
    }

    fn save(&self, state: &mut StateWriter) {
        self.line.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.line.restore(state)
    }
}
