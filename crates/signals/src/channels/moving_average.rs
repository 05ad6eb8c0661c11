//! Distance of the close from its simple and exponential moving average.
use super::catalog::BuiltIn;
use super::ema::Ema;
use super::rolling::RollingWindow;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const SMA: BuiltIn =
    BuiltIn::own("sma", &[("period", 20.0)], "c / SMA(c; period) − 1", |arguments| {
        Ok(Box::new(SmaDistance { closes: RollingWindow::new(arguments.period("period")?) }))
    });

pub(crate) const EMA: BuiltIn =
    BuiltIn::own("ema", &[("period", 12.0)], "c / EMA(c; period) − 1", |arguments| {
        let period = arguments.period("period")?;
        Ok(Box::new(EmaDistance { period, average: Ema::new(period) }))
    });

/// Distance of the close from its simple moving average.
///
/// **Units** a fraction. **Formula** `c / SMA(c; period) − 1`. **Source** TA-Lib `SMA`. **Warm-up**
/// period − 1. **Parameters** `period` = 20.
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
/// let spec = ChannelSpec::new("sma").with("period", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// assert_eq!(channel.update(&MarketSnapshot::from(&flat(0, 2.0))), None);
/// assert_eq!(channel.update(&MarketSnapshot::from(&flat(1, 6.0))), Some(0.5)); // 6 / 4 − 1
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SmaDistance {
    closes: RollingWindow,
}

impl Channel for SmaDistance {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let close = market.own().close();
        self.closes.push(close);
        Some(close / self.closes.mean()? - 1.0)
    }

    fn warm_up(&self) -> usize {
        self.closes.size() - 1
    }

    fn reset(&mut self) {
        self.closes.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.closes.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.closes.restore(state)
    }
}

/// Distance of the close from its exponential moving average.
///
/// **Units** a fraction. **Formula** `c / EMA(c; period) − 1` with the factor 2 / (period + 1),
/// seeded with the mean of the first `period` closes. **Source** TA-Lib `EMA`. **Warm-up** period −
/// 1; about 7 · period candles until within 1e-6 of infinite history. **Parameters** `period` = 12.
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
/// let spec = ChannelSpec::new("ema").with("period", 3.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let values =
///     [3.0, 3.0, 3.0, 5.0].map(|close| channel.update(&MarketSnapshot::from(&flat(0, close))));
/// assert_eq!(values, [None, None, Some(0.0), Some(0.25)]); // 5 / 4 − 1
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EmaDistance {
    period: usize,
    average: Ema,
}

impl Channel for EmaDistance {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let close = market.own().close();
        Some(close / self.average.update(close)? - 1.0)
    }

    fn warm_up(&self) -> usize {
        self.period - 1
    }

    fn reset(&mut self) {
        self.average = Ema::new(self.period);
    }

    fn save(&self, state: &mut StateWriter) {
        self.average.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.average.restore(state)
    }
}
