//! Range of a candle in units of the volatility: of the last candle, and on average.
use super::catalog::BuiltIn;
use super::returns::{MIN_RETURNS, ReturnVolatility};
use super::rolling::RollingWindow;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const NORMALIZED_RANGE: BuiltIn =
    BuiltIn::own("normalized_range", &[("half_life", 48.0)], "ln(h / l) / σ", |arguments| {
        Ok(Box::new(NormalizedRange::new(1, arguments.period("half_life")?)))
    });

pub(crate) const MEAN_RANGE: BuiltIn = BuiltIn::own(
    "mean_range",
    &[("period", 24.0), ("half_life", 48.0)],
    "SMA(ln(h / l); period) / σ",
    |arguments| {
        let (period, half_life) = (arguments.period("period")?, arguments.period("half_life")?);
        Ok(Box::new(NormalizedRange::new(period, half_life)))
    },
);

/// Logarithmic range of the candles, divided by the volatility: `normalized_range` for the last
/// candle, `mean_range` for the mean of the last `period` candles.
///
/// **Units** standard deviations of the return. **Formula** `SMA(ln(h / l); period) / σ_t`, σ as in
/// [`NormalizedReturn`](super::NormalizedReturn); `normalized_range` has period 1. **Source** the
/// range as a measure of volatility: Parkinson 1980. **Warm-up** the larger of period − 1 and 24.
/// Undefined where σ is 0. **Parameters** `half_life` = 48; of `mean_range` also `period` = 24.
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
/// let spec = ChannelSpec::new("normalized_range");
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..30 {
///     let close = if hour % 2 == 0 { 100.0 } else { 101.0 };
///     let next = candle(hour, [100.0, 101.0, 100.0, close, 1.0]);
///     let value = channel.update(&MarketSnapshot::from(&next));
///     assert_eq!(value.is_some(), hour >= 24);
///     // The range equals the move between two closes.
///     assert!(value.is_none_or(|value| (value - 1.0).abs() < 1e-12));
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NormalizedRange {
    sigma: ReturnVolatility,
    ranges: RollingWindow,
}

impl NormalizedRange {
    fn new(period: usize, half_life: usize) -> Self {
        Self { sigma: ReturnVolatility::new(half_life), ranges: RollingWindow::new(period) }
    }
}

impl Channel for NormalizedRange {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.sigma.update(market);
        self.ranges.push(market.log_range());
        Some(self.ranges.mean()? / self.sigma.sigma()?)
    }

    fn warm_up(&self) -> usize {
        MIN_RETURNS.max(self.ranges.size() - 1)
    }

    fn reset(&mut self) {
        self.sigma.clear();
        self.ranges.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.sigma.save(state);
        self.ranges.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.sigma.restore(state)?;
        self.ranges.restore(state)
    }
}
