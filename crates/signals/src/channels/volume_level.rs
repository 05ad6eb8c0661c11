//! Volume relative to its average: the last candle's, and that of a short average.
use super::catalog::BuiltIn;
use super::rolling::RollingWindow;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const VOLUME_LEVEL: BuiltIn = BuiltIn::own(
    "volume_level",
    &[("period", 168.0)],
    "ln v − SMA(ln v; period); v = 0 is a missing value",
    |arguments| {
        let volumes = RollingWindow::new(arguments.period("period")?);
        Ok(Box::new(VolumeLevel { volumes }))
    },
);

pub(crate) const VOLUME_TREND: BuiltIn = BuiltIn::own(
    "volume_trend",
    &[("fast", 24.0), ("slow", 168.0)],
    "SMA(ln v; fast) − SMA(ln v; slow); v = 0 is a missing value",
    |arguments| {
        let (fast, slow) = arguments.fast_and_slow()?;
        let (fast, slow) = (RollingWindow::new(fast), RollingWindow::new(slow));
        Ok(Box::new(VolumeTrend { fast, slow }))
    },
);

/// Logarithm of the volume relative to its average over `period` candles.
///
/// **Units** natural logarithm of a ratio. **Formula** `ln v − SMA(ln v; period)`. **Source** the
/// detrended log turnover of Campbell, Grossman and Wang 1993. **Warm-up** period − 1. A candle
/// without volume is left out of the average, and the value is undefined at it. **Parameters**
/// `period` = 168.
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
/// let spec = ChannelSpec::new("volume_level").with("period", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut level = |hour, volume| {
///     let next = candle(hour, [9.0, 9.0, 9.0, 9.0, volume]);
///     channel.update(&MarketSnapshot::from(&next))
/// };
/// assert_eq!(level(0, 5.0), None);
/// assert_eq!(level(1, 5.0), Some(0.0));
/// assert_eq!(level(2, 0.0), None);
/// assert!((level(3, 20.0).unwrap() - 2.0_f64.ln()).abs() < 1e-12); // the average is ln 10
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct VolumeLevel {
    volumes: RollingWindow,
}

impl Channel for VolumeLevel {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let volume = market.log_volume()?;
        self.volumes.push(volume);
        Some(volume - self.volumes.mean()?)
    }

    fn warm_up(&self) -> usize {
        self.volumes.size() - 1
    }

    fn reset(&mut self) {
        self.volumes.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.volumes.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.volumes.restore(state)
    }
}

/// Difference of a short and a long average of the logarithm of the volume.
///
/// **Units** natural logarithm of a ratio. **Formula** `SMA(ln v; fast) − SMA(ln v; slow)`.
/// **Source** as [`VolumeLevel`]. **Warm-up** slow − 1. A candle without volume is left out: both
/// averages keep their value. **Parameters** `fast` = 24, `slow` = 168; `fast` is smaller.
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
/// let spec = ChannelSpec::new("volume_trend").with("fast", 1.0).with("slow", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut trend = |hour, volume| {
///     let next = candle(hour, [9.0, 9.0, 9.0, 9.0, volume]);
///     channel.update(&MarketSnapshot::from(&next))
/// };
/// assert_eq!(trend(0, 5.0), None);
/// let rise = trend(1, 20.0);
/// assert!((rise.unwrap() - 2.0_f64.ln()).abs() < 1e-12);
/// assert_eq!(trend(2, 0.0), rise);
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct VolumeTrend {
    fast: RollingWindow,
    slow: RollingWindow,
}

impl Channel for VolumeTrend {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        if let Some(volume) = market.log_volume() {
            self.fast.push(volume);
            self.slow.push(volume);
        }
        Some(self.fast.mean()? - self.slow.mean()?)
    }

    fn warm_up(&self) -> usize {
        self.slow.size() - 1
    }

    fn reset(&mut self) {
        self.fast.clear();
        self.slow.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.fast.save(state);
        self.slow.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.fast.restore(state)?;
        self.slow.restore(state)
    }
}
