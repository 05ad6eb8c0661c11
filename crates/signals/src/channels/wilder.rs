//! Wilder's smoothing, the true range and the average true range.
use windvane_candles::Candle;

use super::catalog::BuiltIn;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const ATR: BuiltIn = BuiltIn::own(
    "atr",
    &[("period", 14.0)],
    "Wilder mean of max(h − l, |h − c[1]|, |l − c[1]|) over period, / c",
    |arguments| Ok(Box::new(RelativeAtr::new(arguments.period("period")?))),
);

/// True range of a candle after one that closed at `before`, in price units.
#[inline]
pub(crate) fn true_range(candle: &Candle, before: f64) -> f64 {
    let (high, low) = (candle.high(), candle.low());
    (high - low).max((high - before).abs()).max((low - before).abs())
}

/// Wilder's moving average: the mean of the first n numbers, then `((n − 1)·old + x) / n`.
#[derive(Debug, Clone)]
pub(crate) struct WilderMean {
    period: usize,
    /// Numbers so far, up to the period.
    seen: usize,
    /// Sum of the first numbers until seeded, the mean afterwards.
    value: f64,
}

impl WilderMean {
    pub(crate) fn new(period: usize) -> Self {
        Self { period, seen: 0, value: 0.0 }
    }

    pub(crate) fn period(&self) -> usize {
        self.period
    }

    #[inline]
    pub(crate) fn push(&mut self, x: f64) {
        let n = self.period as f64;
        if self.seen == self.period {
            self.value = (self.value * (n - 1.0) + x) / n;
            return;
        }
        self.seen += 1;
        self.value += x;
        if self.seen == self.period {
            self.value /= n;
        }
    }

    #[inline]
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.seen == self.period).then_some(self.value)
    }

    pub(crate) fn clear(&mut self) {
        (self.seen, self.value) = (0, 0.0);
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
            return Err(SignalError::State { what: "a mean has seen more than its period" });
        }
        (self.seen, self.value) = (seen, state.float()?);
        Ok(())
    }
}

/// Average true range relative to the close.
///
/// **Units** a fraction of the price. **Formula** Wilder's mean of the true range
/// `max(h − l, |h − c_{t−1}|, |l − c_{t−1}|)` over `period` candles, divided by the close.
/// **Source** Wilder 1978; TA-Lib `ATR`. **Warm-up** period. **Parameters** `period` = 14: within
/// 1e-6 of infinite history after about 200 candles.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
/// # use windvane_signals::{ChannelSpec, MarketSnapshot, Registry};
/// # fn candle(hour: i64, [open, high, low, close, volume]: [f64; 5]) -> Candle {
/// #     let values = Ohlcv { open, high, low, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// # fn flat(hour: i64, close: f64) -> Candle {
/// #     candle(hour, [close, close, close, close, 1.0])
/// # }
/// let spec = ChannelSpec::new("atr").with("period", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut value = None;
/// for hour in 0..3 {
///     value = channel.update(&MarketSnapshot::from(&candle(hour, [10.0, 11.0, 9.0, 10.0, 1.0])));
///     assert_eq!(value.is_some(), hour >= 2);
/// }
/// assert_eq!(value, Some(0.2)); // a range of 2 at a price of 10
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "average true range")]
pub struct RelativeAtr {
    /// Close of the last candle.
    previous: Option<f64>,
    ranges: WilderMean,
}

impl RelativeAtr {
    fn new(period: usize) -> Self {
        Self { previous: None, ranges: WilderMean::new(period) }
    }
}

impl Channel for RelativeAtr {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let candle = market.own();
        let before = self.previous.replace(candle.close())?;
        self.ranges.push(true_range(candle, before));
        Some(self.ranges.mean()? / candle.close())
    }

    fn warm_up(&self) -> usize {
        self.ranges.period()
    }

    fn reset(&mut self) {
        self.previous = None;
        self.ranges.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        state.floats(self.previous.into_iter());
        self.ranges.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.previous = state.floats(1)?.first().copied();
        self.ranges.restore(state)
    }
}
