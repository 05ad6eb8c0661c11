//! Ratio of a short to a long volatility.
use super::catalog::BuiltIn;
use super::ewm::Ewm;
use super::returns::LogReturn;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const VOLATILITY_RATIO: BuiltIn = BuiltIn::own(
    "volatility_ratio",
    &[("fast", 6.0), ("slow", 48.0), ("min_slow", 24.0)],
    "sqrt(EWM(r²; fast, min fast)) / sqrt(EWM(r²; slow, min_slow))",
    |arguments| {
        let (fast, slow) = arguments.fast_and_slow()?;
        let slow = Ewm::new(slow, arguments.period("min_slow")?);
        Ok(Box::new(VolatilityRatio {
            returns: LogReturn::default(),
            fast: Ewm::new(fast, fast),
            slow,
        }))
    },
);

/// Volatility with a short half-life, relative to that with a long one.
///
/// **Units** a ratio; above 1 when the market has become more volatile. **Formula**
/// `sqrt(EWM(r²; fast, min fast)) / sqrt(EWM(r²; slow, min_slow))`, r the log return. **Source**
/// `RiskMetrics` 1996, with half-lives. **Warm-up** the larger of `fast` and `min_slow`. Undefined
/// where the long volatility is 0. **Parameters** `fast` = 6, `slow` = 48, `min_slow` = 24:
/// half-lives, and the number of returns before the first value.
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
/// let spec = ChannelSpec::new("volatility_ratio");
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut last = None;
/// for hour in 0..40 {
///     let close = if hour % 2 == 0 { 100.0 } else { 101.0 };
///     last = channel.update(&MarketSnapshot::from(&flat(hour, close)));
///     assert_eq!(last.is_some(), hour >= 24);
/// }
/// assert!((last.unwrap() - 1.0).abs() < 1e-12); // every move has the same size
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct VolatilityRatio {
    returns: LogReturn,
    fast: Ewm,
    slow: Ewm,
}

impl Channel for VolatilityRatio {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        if let Some(change) = self.returns.update(market) {
            self.fast.push(change * change);
            self.slow.push(change * change);
        }
        Some(self.fast.mean()?.sqrt() / self.slow.root()?)
    }

    fn warm_up(&self) -> usize {
        self.fast.min().max(self.slow.min())
    }

    fn reset(&mut self) {
        self.returns.clear();
        self.fast.clear();
        self.slow.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.returns.save(state);
        self.fast.save(state);
        self.slow.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.returns.restore(state)?;
        self.fast.restore(state)?;
        self.slow.restore(state)
    }
}
