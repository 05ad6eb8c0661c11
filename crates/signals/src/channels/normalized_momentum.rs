//! Log return over several candles in units of its volatility.
use super::catalog::BuiltIn;
use super::clocked::ClockWindow;
use super::returns::{MIN_RETURNS, ReturnVolatility};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const NORMALIZED_MOMENTUM: BuiltIn = BuiltIn::own(
    "normalized_momentum",
    &[("lag", 24.0), ("half_life", 48.0)],
    "(ln c − ln c[lag]) / (σ √lag)",
    |arguments| {
        let (lag, half_life) = (arguments.period("lag")?, arguments.period("half_life")?);
        Ok(Box::new(NormalizedMomentum::new(lag, half_life)))
    },
);

/// Log return over `lag` candles, divided by the volatility of as many candles.
///
/// **Units** standard deviations. **Formula** `(ln c_t − ln c_{t−lag}) / (σ_t √lag)`, σ as in
/// [`NormalizedReturn`](super::NormalizedReturn). **Source** Moskowitz, Ooi and Pedersen 2012.
/// **Warm-up** the larger of `lag` and 24. Undefined where σ is 0 and where the candle `lag`
/// intervals earlier is missing. **Parameters** `lag` = 24, `half_life` = 48.
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
/// let spec = ChannelSpec::new("normalized_momentum").with("lag", 4.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut last = None;
/// for hour in 0..40 {
///     last = channel.update(&MarketSnapshot::from(&flat(hour, 1.01_f64.powi(hour as i32))));
///     assert_eq!(last.is_some(), hour >= 24);
/// }
/// // Four equal returns are 4 σ, divided by √4.
/// assert!((last.unwrap() - 2.0).abs() < 1e-9);
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NormalizedMomentum {
    lag: usize,
    /// Square root of the lag.
    scale: f64,
    sigma: ReturnVolatility,
    /// Logarithms of the closes.
    closes: ClockWindow,
}

impl NormalizedMomentum {
    pub(crate) fn new(lag: usize, half_life: usize) -> Self {
        Self {
            lag,
            scale: (lag as f64).sqrt(),
            sigma: ReturnVolatility::new(half_life),
            closes: ClockWindow::new(lag),
        }
    }
}

impl Channel for NormalizedMomentum {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.sigma.update(market);
        let now = market.log_close();
        self.closes.push(market.missing(), Some(now));
        let before = self.closes.before(self.lag)?;
        Some((now - before) / (self.sigma.sigma()? * self.scale))
    }

    fn warm_up(&self) -> usize {
        self.lag.max(MIN_RETURNS)
    }

    fn reset(&mut self) {
        self.sigma.clear();
        self.closes.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.sigma.save(state);
        self.closes.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.sigma.restore(state)?;
        self.closes.restore(state)
    }
}
