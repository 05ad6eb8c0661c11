//! Relative change of the volume.
use windvane_candles::Candle;

use super::ratio::Ratio;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

/// Relative change of the volume over one candle.
///
/// **Formula** `(V_t − V_{t−1}) / V_{t−1}`. After a candle without volume the ratio is
/// undefined and the value is 0: real data has such candles, and an undefined value would discard
/// every window that contains it. The ratio is limited to 1e100 (volumes range over 200
/// decades). **Units** a fraction, −1 and above. **Warm-up** 1; its state is one volume.
///
/// # Examples
/// ```
/// # use windvane_candles::{Candle, Ohlcv, Timestamp};
/// # fn candle(hour: i64, close: f64, volume: f64) -> Candle {
/// #     let values = Ohlcv { open: close, high: close + 1.0, low: close - 1.0, close, volume };
/// #     Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap()
/// # }
/// use windvane_signals::VolumeChange;
///
/// let mut change = VolumeChange::default();
/// assert_eq!(change.update(&candle(0, 100.0, 10.0)), None);
/// assert_eq!(change.update(&candle(1, 100.0, 15.0)), Some(0.5));
/// assert_eq!(change.update(&candle(2, 100.0, 0.0)), Some(-1.0));
/// assert_eq!(change.update(&candle(3, 100.0, 9.0)), Some(0.0)); // undefined: 0
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct VolumeChange {
    seen: bool,
    previous: f64,
}

/// Maximum of the ratio; keeps sums over rows finite for all volumes.
const MAX_RATIO: f64 = 1e100;

impl VolumeChange {
    /// Returns the next value; the warm-up must be over.
    #[inline]
    pub(crate) fn next(&mut self, candle: &Candle) -> Ratio {
        let volume = candle.volume();
        let before = std::mem::replace(&mut self.previous, volume);
        let change = volume - before;
        if before <= 0.0 {
            Ratio::whole(0.0)
        } else if change < MAX_RATIO * before {
            Ratio::new(change, before)
        } else {
            Ratio::whole(MAX_RATIO)
        }
    }

    /// Consumes the next candle; returns `None` during the warm-up.
    #[inline]
    pub fn update(&mut self, candle: &Candle) -> Option<f64> {
        let change = self.next(candle);
        std::mem::replace(&mut self.seen, true).then(|| change.value())
    }
}

impl Channel for VolumeChange {
    #[inline]
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        self.update(market.own())
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn save(&self, state: &mut StateWriter) {
        state.floats(self.seen.then_some(self.previous).into_iter());
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        let previous = state.floats(1)?.first().copied();
        (self.seen, self.previous) = (previous.is_some(), previous.unwrap_or_default());
        Ok(())
    }
}
