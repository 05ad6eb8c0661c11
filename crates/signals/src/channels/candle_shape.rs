//! Shape of a candle: location of the close, upper and lower wick.
use windvane_candles::Candle;

use super::catalog::BuiltIn;
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const CLOSE_LOCATION: BuiltIn =
    BuiltIn::own("close_location", &[], "(2c − h − l) / (h − l)", |_| {
        Ok(Box::new(CandleShape { part: CandlePart::CloseLocation }))
    });

pub(crate) const UPPER_WICK: BuiltIn =
    BuiltIn::own("upper_wick", &[], "(h − max(o, c)) / (h − l)", |_| {
        Ok(Box::new(CandleShape { part: CandlePart::UpperWick }))
    });

pub(crate) const LOWER_WICK: BuiltIn =
    BuiltIn::own("lower_wick", &[], "(min(o, c) − l) / (h − l)", |_| {
        Ok(Box::new(CandleShape { part: CandlePart::LowerWick }))
    });

/// Shape of the candle: the channels `close_location`, `upper_wick` and `lower_wick`.
///
/// **Units** fractions of the range; the close location from −1 (close at the low) to 1 (at the
/// high), the wicks from 0 to 1. **Formula** `close_location = (2c − h − l) / (h − l)`, `upper_wick
/// = (h − max(o, c)) / (h − l)`, `lower_wick = (min(o, c) − l) / (h − l)`. **Source** the close
/// location value of Chaikin's accumulation/distribution. **Warm-up** 0; no memory. A candle with h
/// = l has the value 0.
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
/// let candle = candle(0, [11.0, 14.0, 10.0, 13.0, 1.0]);
/// for (name, want) in [("close_location", 0.5), ("upper_wick", 0.25), ("lower_wick", 0.25)] {
///     let mut channel = Registry::default().build(&ChannelSpec::new(name), Interval::HOUR)?;
///     assert_eq!(channel.update(&MarketSnapshot::from(&candle)), Some(want));
///     assert_eq!(channel.update(&MarketSnapshot::from(&flat(1, 13.0))), Some(0.0));
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CandleShape {
    part: CandlePart,
}

#[derive(Debug, Clone, Copy)]
enum CandlePart {
    CloseLocation,
    UpperWick,
    LowerWick,
}

/// Location of the close in the range, −1 to 1; 0 where there is no range.
#[inline]
pub(crate) fn close_location(candle: &Candle) -> f64 {
    let (high, low) = (candle.high(), candle.low());
    let range = high - low;
    if range > 0.0 { (2.0 * candle.close() - high - low) / range } else { 0.0 }
}

impl Channel for CandleShape {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let candle = market.own();
        let range = candle.high() - candle.low();
        let share = |length: f64| if range > 0.0 { length / range } else { 0.0 };
        Some(match self.part {
            CandlePart::CloseLocation => close_location(candle),
            CandlePart::UpperWick => share(candle.high() - candle.open().max(candle.close())),
            CandlePart::LowerWick => share(candle.open().min(candle.close()) - candle.low()),
        })
    }

    fn warm_up(&self) -> usize {
        0
    }

    fn reset(&mut self) {}

    fn save(&self, _: &mut StateWriter) {}

    fn restore(&mut self, _: &mut StateReader<'_>) -> Result<(), SignalError> {
        Ok(())
    }
}
