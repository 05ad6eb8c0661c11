//! Channels of the typical price: commodity channel index and money flow index.
use windvane_candles::Candle;

use super::catalog::BuiltIn;
use super::rolling::{RollingWindow, max, min, sum};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const CCI: BuiltIn = BuiltIn::own(
    "cci",
    &[("period", 20.0)],
    "(p − SMA(p)) / (0.015·mean |p − SMA(p)|), p = (h + l + c) / 3",
    |arguments| {
        let prices = RollingWindow::new(arguments.period_from("period", 2)?);
        Ok(Box::new(CommodityChannelIndex { prices }))
    },
);

pub(crate) const MFI: BuiltIn = BuiltIn::own(
    "mfi",
    &[("period", 14.0)],
    "100·Σ p·v of rising p / Σ p·v of rising and falling p, p = (h + l + c) / 3",
    |arguments| Ok(Box::new(MoneyFlowIndex::new(arguments.period_from("period", 2)?))),
);

#[inline]
fn typical_price(candle: &Candle) -> f64 {
    (candle.high() + candle.low() + candle.close()) / 3.0
}

/// Commodity channel index: distance of the typical price from its mean.
///
/// **Units** none; about 70 % of the values lie within ±100. **Formula**
/// `(p − m) / (0.015 · mean |p − m|)`, `p = (h + l + c) / 3`, m the mean of `period` typical
/// prices; 0 if all are equal. **Source** Lambert 1980; TA-Lib `CCI`. **Warm-up** period − 1.
/// **Parameters** `period` = 20, at least 2.
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
/// let spec = ChannelSpec::new("cci").with("period", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let values =
///     [1.0, 3.0, 3.0].map(|close| channel.update(&MarketSnapshot::from(&flat(0, close))));
/// assert_eq!(values[0], None);
/// assert!((values[1].unwrap() - 1.0 / 0.015).abs() < 1e-9); // one mean deviation above the mean
/// assert_eq!(values[2], Some(0.0));
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "CCI")]
pub struct CommodityChannelIndex {
    prices: RollingWindow,
}

impl Channel for CommodityChannelIndex {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let price = typical_price(market.own());
        self.prices.push(price);
        let mean = self.prices.mean()?;
        let prices = self.prices.values();
        let deviation: f64 = prices.iter().map(|price| (price - mean).abs()).sum();
        if min(prices) >= max(prices) || deviation <= 0.0 {
            return Some(0.0);
        }
        Some((price - mean) / (0.015 * (deviation / prices.len() as f64)))
    }

    fn warm_up(&self) -> usize {
        self.prices.size() - 1
    }

    fn reset(&mut self) {
        self.prices.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.prices.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.prices.restore(state)
    }
}

/// Money flow index: share of the money flow that goes with a rising typical price.
///
/// **Units** 0 to 100. **Formula** `100 · P / (P + N)`, P and N the sums of `p·v` over the last
/// `period` candles whose typical price `p = (h + l + c) / 3` rose and fell; 0 if both are 0.
/// **Source** Quong and Soudack 1989; TA-Lib `MFI`. **Warm-up** period. **Parameters** `period` =
/// 14, at least 2.
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
/// let spec = ChannelSpec::new("mfi").with("period", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut index = |price, volume| {
///     let next = candle(0, [price, price, price, price, volume]);
///     channel.update(&MarketSnapshot::from(&next))
/// };
/// assert_eq!(index(10.0, 5.0), None);
/// assert_eq!(index(12.0, 5.0), None);
/// assert_eq!(index(10.0, 2.0), Some(75.0)); // 60 rose, 20 fell
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "MFI")]
pub struct MoneyFlowIndex {
    /// Typical price of the last candle.
    previous: Option<f64>,
    rising: RollingWindow,
    falling: RollingWindow,
}

impl MoneyFlowIndex {
    fn new(period: usize) -> Self {
        let (rising, falling) = (RollingWindow::new(period), RollingWindow::new(period));
        Self { previous: None, rising, falling }
    }
}

impl Channel for MoneyFlowIndex {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let price = typical_price(market.own());
        let before = self.previous.replace(price)?;
        let flow = price * market.own().volume();
        self.rising.push(if price > before { flow } else { 0.0 });
        self.falling.push(if price < before { flow } else { 0.0 });
        let (rising, falling) = (sum(self.rising.full()?), sum(self.falling.full()?));
        let total = rising + falling;
        Some(if total > 0.0 { 100.0 * (rising / total) } else { 0.0 })
    }

    fn warm_up(&self) -> usize {
        self.rising.size()
    }

    fn reset(&mut self) {
        self.previous = None;
        self.rising.clear();
        self.falling.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        state.floats(self.previous.into_iter());
        self.rising.save(state);
        self.falling.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.previous = state.floats(1)?.first().copied();
        self.rising.restore(state)?;
        self.falling.restore(state)
    }
}
