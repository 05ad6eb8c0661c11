//! Log return in units of its volatility.
use super::catalog::BuiltIn;
use super::returns::{MIN_RETURNS, ReturnVolatility};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const NORMALIZED_RETURN: BuiltIn =
    BuiltIn::own("normalized_return", &[("half_life", 48.0)], "r / σ", |arguments| {
        Ok(Box::new(NormalizedReturn::new(arguments.period("half_life")?)))
    });

/// Log return over one candle, divided by the volatility σ.
///
/// **Units** standard deviations; with the default half-life never beyond ±8.352, because σ
/// contains the return. **Formula** `r_t / σ_t`, `σ_t = sqrt(EWM(r²; half_life, min 24))`.
/// **Source** the volatility scaling of Moskowitz, Ooi and Pedersen 2012. **Warm-up** 24. Undefined
/// where σ is 0 and after a missing candle. **Parameters** `half_life` = 48.
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
/// let spec = ChannelSpec::new("normalized_return");
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..30 {
///     let close = if hour % 2 == 0 { 100.0 } else { 101.0 };
///     let value = channel.update(&MarketSnapshot::from(&flat(hour, close)));
///     assert_eq!(value.is_some(), hour >= 24);
///     // All moves have one size, so each is one standard deviation.
///     assert!(value.is_none_or(|value| (value.abs() - 1.0).abs() < 1e-12));
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NormalizedReturn {
    sigma: ReturnVolatility,
}

impl NormalizedReturn {
    pub(crate) fn new(half_life: usize) -> Self {
        Self { sigma: ReturnVolatility::new(half_life) }
    }
}

impl Channel for NormalizedReturn {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let change = self.sigma.update(market);
        Some(change? / self.sigma.sigma()?)
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
