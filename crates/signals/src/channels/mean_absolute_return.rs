//! Average size of the last normalised returns.
use super::catalog::BuiltIn;
use super::returns::{MIN_RETURNS, ReturnVolatility};
use super::rolling::RollingWindow;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const MEAN_ABSOLUTE_RETURN: BuiltIn = BuiltIn::own(
    "mean_absolute_return",
    &[("period", 4.0), ("half_life", 48.0)],
    "SMA(|r| / σ; period)",
    |arguments| {
        let sizes = RollingWindow::new(arguments.period("period")?);
        let sigma = ReturnVolatility::new(arguments.period("half_life")?);
        Ok(Box::new(MeanAbsoluteReturn { sigma, sizes }))
    },
);

/// Mean size of the last `period` normalised returns.
///
/// **Units** standard deviations. **Formula** `SMA(|r| / σ; period)`, each return divided by the σ
/// of its own time. **Source** the mean absolute return as a robust measure of volatility.
/// **Warm-up** 24 + period − 1. A candle without a return, or with σ = 0, leaves the mean as it is.
/// **Parameters** `period` = 4, `half_life` = 48.
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
/// let spec = ChannelSpec::new("mean_absolute_return");
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..40 {
///     let close = if hour % 2 == 0 { 100.0 } else { 101.0 };
///     let value = channel.update(&MarketSnapshot::from(&flat(hour, close)));
///     assert_eq!(value.is_some(), hour >= 27);
///     assert!(value.is_none_or(|value| (value - 1.0).abs() < 1e-12));
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MeanAbsoluteReturn {
    sigma: ReturnVolatility,
    /// The last values of |r| / σ.
    sizes: RollingWindow,
}

impl Channel for MeanAbsoluteReturn {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let change = self.sigma.update(market);
        if let Some((change, sigma)) = change.zip(self.sigma.sigma()) {
            self.sizes.push(change.abs() / sigma);
        }
        self.sizes.mean()
    }

    fn warm_up(&self) -> usize {
        MIN_RETURNS + self.sizes.size() - 1
    }

    fn reset(&mut self) {
        self.sigma.clear();
        self.sizes.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.sigma.save(state);
        self.sizes.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.sigma.restore(state)?;
        self.sizes.restore(state)
    }
}
