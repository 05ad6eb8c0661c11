//! Volatility: range of a candle relative to its close.
use windvane_candles::Candle;

use super::ratio::Ratio;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

/// Range of the candle relative to its close.
///
/// **Formula** `(high − low) / close`. **Units** a fraction. **Warm-up** 0; it has no state.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Ohlcv, Timestamp};
/// # fn candle(hour: i64, close: f64, volume: f64) -> Candle {
/// #     let values = Ohlcv { open: close, high: close + 1.0, low: close - 1.0, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// use windvane_signals::Volatility;
///
/// let next = candle(0, 100.0, 1.0);
/// assert_eq!((next.high(), next.low()), (101.0, 99.0));
/// assert_eq!(Volatility.update(&next), Some(0.02));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Volatility;

impl Volatility {
    #[inline]
    pub(crate) fn next(candle: &Candle) -> Ratio {
        Ratio::new(candle.high() - candle.low(), candle.close())
    }

    /// Consumes the next candle; never returns `None`.
    #[inline]
    pub fn update(&mut self, candle: &Candle) -> Option<f64> {
        Some(Self::next(candle).value())
    }
}

impl Channel for Volatility {
    #[inline]
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.update(market.own())
    }

    fn warm_up(&self) -> usize {
        0
    }

    fn reset(&mut self) {}

    fn save(&self, _: &mut StateWriter) {}

    fn restore(&mut self, _: &mut StateReader<'_>) -> Result<(), SignalError> {
        Ok(())
    }
}
