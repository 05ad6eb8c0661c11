//! Hour of the day and day of the week of the next candle.
use std::f64::consts::TAU;

use windvane_candles::Interval;

use super::catalog::{BuiltIn, ChannelArguments};
use super::{Channel, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

pub(crate) const HOUR: BuiltIn =
    BuiltIn::own("hour", &[], "hour of the day of the next open, 0..23", |arguments| {
        Ok(Clock::build(arguments, Cycle::Day, Form::Number))
    });

pub(crate) const HOUR_SIN: BuiltIn =
    BuiltIn::own("hour_sin", &[], "sin(2π·hour / 24)", |arguments| {
        Ok(Clock::build(arguments, Cycle::Day, Form::Sine))
    });

pub(crate) const HOUR_COS: BuiltIn =
    BuiltIn::own("hour_cos", &[], "cos(2π·hour / 24)", |arguments| {
        Ok(Clock::build(arguments, Cycle::Day, Form::Cosine))
    });

pub(crate) const WEEKDAY: BuiltIn =
    BuiltIn::own("weekday", &[], "day of the week of the next open, 0 = Monday..6", |arguments| {
        Ok(Clock::build(arguments, Cycle::Week, Form::Number))
    });

pub(crate) const WEEKDAY_SIN: BuiltIn =
    BuiltIn::own("weekday_sin", &[], "sin(2π·weekday / 7)", |arguments| {
        Ok(Clock::build(arguments, Cycle::Week, Form::Sine))
    });

pub(crate) const WEEKDAY_COS: BuiltIn =
    BuiltIn::own("weekday_cos", &[], "cos(2π·weekday / 7)", |arguments| {
        Ok(Clock::build(arguments, Cycle::Week, Form::Cosine))
    });

/// Time of the next candle: the channels `hour`, `weekday` and their sines and cosines.
///
/// The open time of the next candle is known at the close of this one, so this is no look-ahead.
/// After a closed market it is the time at which the next interval begins, whether a candle comes
/// or not.
///
/// **Units** `hour` 0 to 23, `weekday` 0 (Monday) to 6, both UTC; the others −1 to 1. **Formula**
/// `sin(2π·hour / 24)`, `sin(2π·weekday / 7)`, cosines likewise. **Source** the circular coding of
/// a cyclic variable. **Warm-up** 0; no memory; always defined.
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
/// // 1970-01-01 was a Thursday; the candle after that of 22:00 opens at 23:00.
/// let last = flat(22, 1.0);
/// for (name, want) in [("hour", 23.0), ("weekday", 3.0)] {
///     let mut channel = Registry::default().build(&ChannelSpec::new(name), Interval::HOUR)?;
///     assert_eq!(channel.update(&MarketSnapshot::from(&last)), Some(want));
/// }
/// # Ok::<(), windvane_signals::SignalError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    interval: Interval,
    cycle: Cycle,
    form: Form,
}

#[derive(Debug, Clone, Copy)]
enum Cycle {
    Day,
    Week,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Number,
    Sine,
    Cosine,
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Weekday of 1970-01-01, a Thursday.
const FIRST_WEEKDAY: i64 = 3;

impl Clock {
    fn build(arguments: &ChannelArguments<'_>, cycle: Cycle, form: Form) -> Box<dyn Channel> {
        Box::new(Self { interval: arguments.interval(), cycle, form })
    }
}

impl Channel for Clock {
    fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let next_open = market.own().close_time(self.interval).millis();
        let (number, count) = match self.cycle {
            Cycle::Day => (next_open.rem_euclid(DAY_MS) / HOUR_MS, 24.0),
            Cycle::Week => ((next_open.div_euclid(DAY_MS) + FIRST_WEEKDAY).rem_euclid(7), 7.0),
        };
        let number = number as f64;
        Some(match self.form {
            Form::Number => number,
            Form::Sine => (TAU * number / count).sin(),
            Form::Cosine => (TAU * number / count).cos(),
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
