//! Position of the close in the range of the last candles.
use super::catalog::BuiltIn;
use super::rolling::{RollingWindow, max, min};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const DONCHIAN_POSITION: BuiltIn = BuiltIn::own(
    "donchian_position",
    &[("period", 24.0)],
    "(c − L) / (H − L), H and L the highest and lowest price of the last period candles",
    |arguments| {
        let period = arguments.period("period")?;
        let (highs, lows) = (RollingWindow::new(period), RollingWindow::new(period));
        Ok(Box::new(DonchianPosition { highs, lows }))
    },
);

/// Position of the close in the price range of the last `period` candles, the current one included.
///
/// **Units** 0 (close at the lowest price) to 1 (at the highest). **Formula** `(c − L) / (H − L)`,
/// H = max h, L = min l over the last `period` candles. **Source** Donchian's channel. **Warm-up**
/// period − 1. Undefined where H = L. **Parameters** `period` = 24.
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
/// let spec = ChannelSpec::new("donchian_position").with("period", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// assert_eq!(channel.update(&MarketSnapshot::from(&flat(0, 10.0))), None);
/// let next = candle(1, [11.0, 14.0, 11.0, 13.0, 1.0]);
/// assert_eq!(channel.update(&MarketSnapshot::from(&next)), Some(0.75));
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct DonchianPosition {
    highs: RollingWindow,
    lows: RollingWindow,
}

impl Channel for DonchianPosition {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.highs.push(market.own().high());
        self.lows.push(market.own().low());
        let (high, low) = (max(self.highs.full()?), min(self.lows.full()?));
        (high > low).then(|| (market.own().close() - low) / (high - low))
    }

    fn warm_up(&self) -> usize {
        self.highs.size() - 1
    }

    fn reset(&mut self) {
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
