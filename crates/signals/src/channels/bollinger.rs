//! Position of the close in the Bollinger bands.
use super::catalog::BuiltIn;
use super::rolling::{RollingWindow, max, min};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const BOLLINGER_PERCENT_B: BuiltIn = BuiltIn::own(
    "bollinger_percent_b",
    &[("period", 20.0), ("deviations", 2.0)],
    "(c − lower) / (upper − lower), bands = SMA(c; period) ± deviations · standard deviation",
    |arguments| {
        let closes = RollingWindow::new(arguments.period("period")?);
        Ok(Box::new(BollingerPercentB { closes, deviations: arguments.positive("deviations")? }))
    },
);

/// Position of the close between the Bollinger bands.
///
/// **Units** 0 (close at the lower band) to 1 (at the upper band), also beyond. **Formula**
/// `(c − lower) / (upper − lower)`; the bands are the mean of `period` closes ± `deviations` times
/// their population standard deviation. **Source** Bollinger 2001; TA-Lib `BBANDS`. **Warm-up**
/// period − 1. Undefined where all closes are equal. **Parameters** `period` = 20, `deviations` =
/// 2.
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
/// let spec = ChannelSpec::new("bollinger_percent_b").with("period", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let values =
///     [1.0, 3.0, 3.0].map(|close| channel.update(&MarketSnapshot::from(&flat(0, close))));
/// assert_eq!(values, [None, Some(0.75), None]); // bands 0 and 4 around the mean 2
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BollingerPercentB {
    closes: RollingWindow,
    deviations: f64,
}

impl Channel for BollingerPercentB {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let close = market.own().close();
        self.closes.push(close);
        let mean = self.closes.mean()?;
        let closes = self.closes.values();
        if min(closes) >= max(closes) {
            return None;
        }
        let squares: f64 = closes.iter().map(|close| (close - mean) * (close - mean)).sum();
        let width = self.deviations * (squares / closes.len() as f64).sqrt();
        Some((close - (mean - width)) / (2.0 * width))
    }

    fn warm_up(&self) -> usize {
        self.closes.size() - 1
    }

    fn reset(&mut self) {
        self.closes.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        state.float(self.deviations);
        self.closes.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        if state.float()?.to_bits() != self.deviations.to_bits() {
            return Err(SignalError::State { what: "it is of bands with another width" });
        }
        self.closes.restore(state)
    }
}
