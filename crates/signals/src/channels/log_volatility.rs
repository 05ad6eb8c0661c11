//! Logarithm of the volatility of the returns.
use super::catalog::BuiltIn;
use super::returns::{MIN_RETURNS, ReturnVolatility};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const LOG_VOLATILITY: BuiltIn =
    BuiltIn::own("log_volatility", &[("half_life", 48.0)], "ln σ", |arguments| {
        Ok(Box::new(LogVolatility::new(arguments.period("half_life")?)))
    });

/// Logarithm of the volatility σ of the log returns.
///
/// **Units** natural logarithm of a fraction per candle. **Formula** `ln σ_t`,
/// `σ_t = sqrt(EWM(r²; half_life, min 24))`, r the log return of the close. **Source**
/// `RiskMetrics` 1996, with a half-life. **Warm-up** 24. Undefined where σ is 0; after a missing
/// candle σ keeps its value. **Parameters** `half_life` = 48.
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
/// let spec = ChannelSpec::new("log_volatility");
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut last = None;
/// for hour in 0..30 {
///     let close = if hour % 2 == 0 { 100.0 } else { 101.0 };
///     last = channel.update(&MarketSnapshot::from(&flat(hour, close)));
///     assert_eq!(last.is_some(), hour >= 24);
/// }
/// let every_return = (1.01_f64).ln().ln();
/// assert!((last.unwrap() - every_return).abs() < 1e-12);
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LogVolatility {
    sigma: ReturnVolatility,
}

impl LogVolatility {
    pub(crate) fn new(half_life: usize) -> Self {
        Self { sigma: ReturnVolatility::new(half_life) }
    }
}

impl Channel for LogVolatility {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.sigma.update(market);
        self.sigma.sigma().map(f64::ln)
    }

    fn warm_up(&self) -> usize {
        MIN_RETURNS
    }

    fn reset(&mut self) {
        self.sigma.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.sigma.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.sigma.restore(state)
    }
}
