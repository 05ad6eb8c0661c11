//! Rate of change of the close in percent.
use super::catalog::BuiltIn;
use super::rolling::RollingWindow;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const ROC: BuiltIn =
    BuiltIn::own("roc", &[("lag", 10.0)], "100·(c / c[lag] − 1)", |arguments| {
        Ok(Box::new(RateOfChange { closes: RollingWindow::new(arguments.period("lag")? + 1) }))
    });

/// Rate of change of the close over `lag` candles.
///
/// **Units** percent. **Formula** `100 · (c_t / c_{t−lag} − 1)`; the lag counts candles, also under
/// [`GapPolicy::ByClock`](crate::GapPolicy::ByClock). **Source** TA-Lib `ROC`. **Warm-up** lag.
/// **Parameters** `lag` = 10.
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
/// let spec = ChannelSpec::new("roc").with("lag", 1.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// assert_eq!(channel.update(&MarketSnapshot::from(&flat(0, 2.0))), None);
/// assert_eq!(channel.update(&MarketSnapshot::from(&flat(1, 3.0))), Some(50.0));
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RateOfChange {
    closes: RollingWindow,
}

impl Channel for RateOfChange {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let close = market.own().close();
        self.closes.push(close);
        Some(100.0 * (close / self.closes.full()?[0] - 1.0))
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
