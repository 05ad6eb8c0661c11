//! Volume with the sign of the price move, as a share of all volume.
use super::candle_shape::close_location;
use super::catalog::BuiltIn;
use super::rolling::{RollingWindow, sum};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const SIGNED_VOLUME: BuiltIn = BuiltIn::own(
    "signed_volume",
    &[("period", 24.0)],
    "Σ close_location·v / Σ v over period candles; Σ v = 0: 0",
    |arguments| {
        let period = arguments.period("period")?;
        let (signed, all) = (RollingWindow::new(period), RollingWindow::new(period));
        Ok(Box::new(SignedVolume { signed, all }))
    },
);

pub(crate) const OBV_CHANGE: BuiltIn = BuiltIn::own(
    "obv_change",
    &[("period", 24.0)],
    "Σ sign(c − c[1])·v / Σ v over period candles; Σ v = 0: 0",
    |arguments| {
        let period = arguments.period("period")?;
        let (signed, all) = (RollingWindow::new(period), RollingWindow::new(period));
        Ok(Box::new(ObvChange { previous: None, signed, all }))
    },
);

/// Signed volume as a share of all volume.
fn share(signed: &RollingWindow, all: &RollingWindow) -> Option<f64> {
    let (signed, all) = (sum(signed.full()?), sum(all.full()?));
    Some(if all > 0.0 { signed / all } else { 0.0 })
}

/// Volume weighted by the close location, as a share of the volume of `period` candles.
///
/// **Units** −1 (all closes at the low) to 1 (all at the high). **Formula**
/// `Σ close_location·v / Σ v` over the last `period` candles. **Source** Chaikin's money flow.
/// **Warm-up** period − 1. Without any volume the value is 0. **Parameters** `period` = 24.
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
/// let spec = ChannelSpec::new("signed_volume").with("period", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut share = |candle| channel.update(&MarketSnapshot::from(&candle));
/// assert_eq!(share(candle(0, [9.0, 10.0, 8.0, 10.0, 30.0])), None); // close at the high
/// assert_eq!(share(candle(1, [9.0, 10.0, 8.0, 8.0, 10.0])), Some(0.5)); // (30 − 10) / 40
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SignedVolume {
    signed: RollingWindow,
    all: RollingWindow,
}

impl Channel for SignedVolume {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let volume = market.own().volume();
        self.signed.push(close_location(market.own()) * volume);
        self.all.push(volume);
        share(&self.signed, &self.all)
    }

    fn warm_up(&self) -> usize {
        self.all.size() - 1
    }

    fn reset(&mut self) {
        self.signed.clear();
        self.all.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        self.signed.save(state);
        self.all.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.signed.restore(state)?;
        self.all.restore(state)
    }
}

/// Change of the on-balance volume over `period` candles, as a share of their volume.
///
/// **Units** −1 (every close falls) to 1 (every close rises). **Formula**
/// `Σ sign(c_t − c_{t−1})·v_t / Σ v_t` over the last `period` candles that have a candle one
/// interval before them; equal closes count as 0. **Source** Granville's on-balance volume.
/// **Warm-up** period. Without any volume the value is 0. **Parameters** `period` = 24.
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
/// let spec = ChannelSpec::new("obv_change").with("period", 2.0);
/// let mut channel = Registry::default().build(&spec, Interval::HOUR)?;
/// let mut change = |hour, close, volume| {
///     let next = candle(hour, [close, close, close, close, volume]);
///     channel.update(&MarketSnapshot::from(&next))
/// };
/// assert_eq!(change(0, 10.0, 5.0), None);
/// assert_eq!(change(1, 11.0, 30.0), None);
/// assert_eq!(change(2, 9.0, 10.0), Some(0.5)); // (30 − 10) / 40
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "on-balance volume")]
pub struct ObvChange {
    /// Close of the last candle.
    previous: Option<f64>,
    signed: RollingWindow,
    all: RollingWindow,
}

impl Channel for ObvChange {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let (close, volume) = (market.own().close(), market.own().volume());
        let previous = self.previous.replace(close);
        if let Some(previous) = previous.filter(|_| market.missing() == 0) {
            let sign = f64::from(i8::from(close > previous) - i8::from(close < previous));
            self.signed.push(sign * volume);
            self.all.push(volume);
        }
        share(&self.signed, &self.all)
    }

    fn warm_up(&self) -> usize {
        self.all.size()
    }

    fn reset(&mut self) {
        self.previous = None;
        self.signed.clear();
        self.all.clear();
    }

    fn save(&self, state: &mut StateWriter) {
        state.floats(self.previous.into_iter());
        self.signed.save(state);
        self.all.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.previous = state.floats(1)?.first().copied();
        self.signed.restore(state)?;
        self.all.restore(state)
    }
}
