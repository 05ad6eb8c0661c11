//! Volatility of the own pair relative to that of the market.
use super::feed::PairFeeds;
use super::shared::SharedQuantity;
use crate::channels::catalog::BuiltIn;
use crate::channels::log_volatility::LogVolatility;
use crate::channels::{Channel, MarketClose, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const RELATIVE_VOLATILITY: BuiltIn = BuiltIn::market(
    "relative_volatility",
    &[("half_life", 48.0)],
    "ln σ − mean of ln σ over the market",
    |arguments| {
        let half_life = arguments.period("half_life")?;
        let market = arguments.market(|| {
            PairFeeds::new(arguments.pairs(), || Ok(Box::new(LogVolatility::new(half_life))))
        })?;
        Ok(Box::new(RelativeVolatility { own: LogVolatility::new(half_life), market }))
    },
);

/// Volatility of the own pair relative to the mean of the market, in logarithms.
///
/// **Units** natural logarithm of a ratio. **Formula** `ln σ_t − mean of ln σ` over the declared
/// pairs that have a candle and a value; σ as in [`LogVolatility`]. **Source** a cross-sectional
/// deviation. **Warm-up** 24. Undefined where σ is 0 or no pair has a value. **Parameters**
/// `half_life` = 48.
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
/// let pairs = ["A".parse().unwrap(), "B".parse().unwrap()];
/// let spec = ChannelSpec::new("relative_volatility").reading_all(&pairs);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// for hour in 0..30 {
///     let own = flat(hour, if hour % 2 == 0 { 100.0 } else { 101.0 });
///     let others = [(pairs[0].clone(), own), (pairs[1].clone(), own)];
///     let value = channel.update(&MarketSnapshot::new(&own, &others));
///     assert_eq!(value, (hour >= 24).then_some(0.0)); // as volatile as the others
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug)]
pub struct RelativeVolatility {
    own: LogVolatility,
    market: SharedQuantity<PairFeeds>,
}

impl Channel for RelativeVolatility {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let own = self.own.update(market);
        let mean = self.market.step(&market.close()).and_then(PairFeeds::mean);
        Some(own? - mean?)
    }

    fn advance(&mut self, close: &MarketClose<'_>) {
        self.market.step(close);
    }

    fn warm_up(&self) -> usize {
        self.own.warm_up()
    }

    fn reset(&mut self) {
        self.own.reset();
        self.market.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.own.save(state);
        self.market.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.own.restore(state)?;
        self.market.restore(state)
    }
}
