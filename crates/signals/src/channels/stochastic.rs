//! Stochastic oscillator and Williams %R.
use windvane_candles::Candle;

use super::catalog::{BuiltIn, ChannelArguments};
use super::rolling::{RollingWindow, max, min};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

const PARAMETERS: &[(&str, f64)] = &[("fast_k", 14.0), ("slow_k", 3.0), ("slow_d", 3.0)];

pub(crate) const STOCHASTIC_K: BuiltIn = BuiltIn::own(
    "stochastic_k",
    PARAMETERS,
    "SMA(100·(c − L) / (H − L); slow_k), H and L over fast_k candles",
    |arguments| Stochastic::build(arguments, false),
);

pub(crate) const STOCHASTIC_D: BuiltIn =
    BuiltIn::own("stochastic_d", PARAMETERS, "SMA(stochastic_k; slow_d)", |arguments| {
        Stochastic::build(arguments, true)
    });

pub(crate) const WILLIAMS_R: BuiltIn = BuiltIn::own(
    "williams_r",
    &[("period", 14.0)],
    "−100·(H − c) / (H − L), H and L over period candles; H = L: 0",
    |arguments| Ok(Box::new(WilliamsR { range: PriceRange::new(arguments.period("period")?) })),
);

/// Highest high and lowest low of the last candles.
#[derive(Debug, Clone)]
struct PriceRange {
    highs: RollingWindow,
    lows: RollingWindow,
}

impl PriceRange {
    fn new(period: usize) -> Self {
        Self { highs: RollingWindow::new(period), lows: RollingWindow::new(period) }
    }

    fn update(&mut self, candle: &Candle) -> Option<(f64, f64)> {
        self.highs.push(candle.high());
        self.lows.push(candle.low());
        Some((max(self.highs.full()?), min(self.lows.full()?)))
    }

    fn clear(&mut self) {
        self.highs.clear();
        self.lows.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.highs.save(state);
        self.lows.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.highs.restore(state)?;
        self.lows.restore(state)
    }
}

/// Slow stochastic oscillator: the channels `stochastic_k` and `stochastic_d`.
///
/// **Units** 0 to 100. **Formula** `%K = SMA(100·(c − L) / (H − L); slow_k)`, H and L the highest
/// high and lowest low of `fast_k` candles; `%D = SMA(%K; slow_d)`. Where H = L the fast value is
/// 0. **Source** Lane; TA-Lib `STOCH`. **Warm-up** `fast_k` + `slow_k` + `slow_d` − 3 for both, as
/// in TA-Lib. **Parameters** `fast_k` = 14, `slow_k` = 3, `slow_d` = 3; `slow_k` = 1 is the fast
/// oscillator (`STOCHF`).
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
/// for name in ["stochastic_k", "stochastic_d"] {
///     let mut channel = Registry::default().build(&ChannelSpec::new(name), Interval::HOUR)?;
///     for hour in 0..30 {
///         let value = channel.update(&MarketSnapshot::from(&flat(hour, 100.0 + hour as f64)));
///         assert_eq!(value, (hour >= 17).then_some(100.0)); // every close is the highest price
///     }
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Stochastic {
    range: PriceRange,
    fast: RollingWindow,
    slow: RollingWindow,
    returns_d: bool,
}

impl Stochastic {
    fn build(
        arguments: &ChannelArguments<'_>,
        returns_d: bool,
    ) -> Result<Box<dyn Channel>, SignalError> {
        Ok(Box::new(Self {
            range: PriceRange::new(arguments.period("fast_k")?),
            fast: RollingWindow::new(arguments.period("slow_k")?),
            slow: RollingWindow::new(arguments.period("slow_d")?),
            returns_d,
        }))
    }
}

impl Channel for Stochastic {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let (high, low) = self.range.update(market.own())?;
        let range = (high - low) / 100.0;
        self.fast.push(if range > 0.0 { (market.own().close() - low) / range } else { 0.0 });
        let k = self.fast.mean()?;
        self.slow.push(k);
        let d = self.slow.mean()?;
        Some(if self.returns_d { d } else { k })
    }

    fn warm_up(&self) -> usize {
        self.range.highs.size() + self.fast.size() + self.slow.size() - 3
    }

    fn reset(&mut self) {
        self.range.clear();
        self.fast.clear();
        self.slow.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.range.save(state);
        self.fast.save(state);
        self.slow.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.range.restore(state)?;
        self.fast.restore(state)?;
        self.slow.restore(state)
    }
}

/// Williams %R: distance of the close from the highest price of the last candles.
///
/// **Units** −100 (close at the lowest price) to 0 (at the highest). **Formula**
/// `−100·(H − c) / (H − L)` over `period` candles; where H = L the value is 0. **Source** Williams
/// 1973; TA-Lib `WILLR`. **Warm-up** period − 1. **Parameters** `period` = 14.
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
/// let spec = ChannelSpec::new("williams_r").with("period", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// assert_eq!(channel.update(&MarketSnapshot::from(&flat(0, 10.0))), None);
/// let next = candle(1, [11.0, 14.0, 11.0, 13.0, 1.0]);
/// assert_eq!(channel.update(&MarketSnapshot::from(&next)), Some(-25.0));
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct WilliamsR {
    range: PriceRange,
}

impl Channel for WilliamsR {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let (high, low) = self.range.update(market.own())?;
        let range = high - low;
        Some(if range > 0.0 { -100.0 * ((high - market.own().close()) / range) } else { 0.0 })
    }

    fn warm_up(&self) -> usize {
        self.range.highs.size() - 1
    }

    fn reset(&mut self) {
        self.range.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.range.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.range.restore(state)
    }
}
