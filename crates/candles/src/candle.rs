//! Candle: open time, four prices and a volume.

use crate::error::CandleError;
use crate::{Interval, Timestamp};

/// Smallest price: far below real ones, and so that no ratio of two prices overflows or is zero.
pub(crate) const MIN_PRICE: f64 = 1e-100;
/// Largest price and volume: far above real ones, and so that no ratio of two prices overflows or
/// is zero.
pub(crate) const MAX_VALUE: f64 = 1e100;

/// Prices and volume of a candle, not validated.
///
/// A struct with named fields, so that two values cannot be swapped by accident.
///
/// # Units
/// Prices in the quote currency, volume in the base currency (shares for stocks).
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Ohlcv {
    /// Price of the first trade.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Price of the last trade.
    pub close: f64,
    /// Volume traded.
    pub volume: f64,
}

/// Validated candle: open time, four prices and volume.
///
/// Invariants:
/// - every value is finite;
/// - the prices are between 1e-100 and 1e100, so that no ratio of two prices overflows or is zero;
/// - the volume is between 0 and 1e100; zero is common if nothing was traded;
/// - no other price is above the high or below the low.
///
/// A candle is known only when it has closed: see [`close_time`](Self::close_time).
///
/// # Examples
/// ```
/// use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
///
/// let open_time: Timestamp = "2024-01-01 05:00".parse()?;
/// let values = Ohlcv { open: 10.0, high: 12.0, low: 9.5, close: 11.0, volume: 340.0 };
/// let candle = Candle::new(open_time, values)?;
/// assert_eq!(candle.close(), 11.0);
/// assert_eq!(candle.close_time(Interval::HOUR), "2024-01-01 06:00".parse()?);
///
/// let error = Candle::new(open_time, Ohlcv { high: 10.5, ..values }).unwrap_err();
/// assert_eq!(error.to_string(), "high 10.5 is below close 11.0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Candle {
    open_time: Timestamp,
    values: Ohlcv,
}

impl Candle {
    /// Creates a candle that opened at `open_time`.
    ///
    /// # Errors
    /// [`CandleError`] names the first value that is not finite, out of range, or inconsistent with
    /// another one.
    pub fn new(open_time: Timestamp, values: Ohlcv) -> Result<Self, CandleError> {
        let Ohlcv { open, high, low, close, volume } = values;
        for (field, value) in [("open", open), ("high", high), ("low", low), ("close", close)] {
            if !value.is_finite() {
                return Err(CandleError::NotFinite { field, value });
            }
            if !(MIN_PRICE..=MAX_VALUE).contains(&value) {
                return Err(CandleError::Price { field, value });
            }
        }
        if !volume.is_finite() {
            return Err(CandleError::NotFinite { field: "volume", value: volume });
        }
        if !(0.0..=MAX_VALUE).contains(&volume) {
            return Err(CandleError::Volume { value: volume });
        }
        for (field, value) in [("open", open), ("close", close), ("low", low)] {
            if high < value {
                return Err(CandleError::High { high, field, value });
            }
            if low > value {
                return Err(CandleError::Low { low, field, value });
            }
        }
        Ok(Self { open_time, values })
    }

    /// Creates a candle from its close time, for feeds that send this time.
    ///
    /// The close time is the open time of the next candle. Some feeds send the last millisecond of
    /// the candle instead (field `T` of Binance): add 1 ms.
    ///
    /// # Errors
    /// [`CandleError::CloseTime`] if no candle of the interval closes at this time, otherwise as
    /// [`new`](Self::new).
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{Candle, Interval, Ohlcv};
    ///
    /// let values = Ohlcv { open: 10.0, high: 12.0, low: 9.5, close: 11.0, volume: 340.0 };
    /// let candle = Candle::closed_at("2024-01-01 06:00".parse()?, Interval::HOUR, values)?;
    /// assert_eq!(candle.open_time(), "2024-01-01 05:00".parse()?);
    /// let last_milli = "2024-01-01 05:59:59.999".parse()?;
    /// assert!(Candle::closed_at(last_milli, Interval::HOUR, values).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn closed_at(
        close_time: Timestamp,
        interval: Interval,
        values: Ohlcv,
    ) -> Result<Self, CandleError> {
        match close_time.plus(interval, -1).filter(|open_time| interval.is_aligned(*open_time)) {
            Some(open_time) => Self::new(open_time, values),
            None => Err(CandleError::CloseTime { close_time, interval }),
        }
    }

    /// Returns the time at which the candle opened.
    pub const fn open_time(&self) -> Timestamp {
        self.open_time
    }

    /// Returns the time at which the candle closes: its open time plus the interval, which is the
    /// open time of the next candle. The result saturates at the largest timestamp.
    pub fn close_time(&self, interval: Interval) -> Timestamp {
        Timestamp::from_millis(self.open_time.millis().saturating_add(interval.millis()))
    }

    /// Returns the price of the first trade.
    pub const fn open(&self) -> f64 {
        self.values.open
    }

    /// Returns the highest price.
    pub const fn high(&self) -> f64 {
        self.values.high
    }

    /// Returns the lowest price.
    pub const fn low(&self) -> f64 {
        self.values.low
    }

    /// Returns the price of the last trade.
    pub const fn close(&self) -> f64 {
        self.values.close
    }

    /// Returns the volume traded.
    pub const fn volume(&self) -> f64 {
        self.values.volume
    }

    /// Returns the four prices and the volume.
    pub const fn values(&self) -> Ohlcv {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Ohlcv = Ohlcv { open: 10.0, high: 12.0, low: 9.0, close: 11.0, volume: 5.0 };

    fn candle(values: Ohlcv) -> Result<Candle, CandleError> {
        Candle::new(Timestamp::from_millis(0), values)
    }

    fn flat(price: f64) -> Ohlcv {
        Ohlcv { open: price, high: price, low: price, close: price, volume: 0.0 }
    }

    #[test]
    fn candle_accepts_flat_prices_and_range_limits() {
        for values in [GOOD, flat(1.0), flat(1e-100), flat(1e100), Ohlcv { volume: 1e100, ..GOOD }]
        {
            assert_eq!(candle(values).unwrap().values(), values);
        }
    }

    #[test]
    fn candle_rejects_each_invalid_value_by_name() {
        let cases = [
            (Ohlcv { open: f64::NAN, ..GOOD }, "open is NaN, expected a finite number"),
            (Ohlcv { high: f64::INFINITY, ..GOOD }, "high is inf, expected a finite number"),
            (Ohlcv { volume: f64::NAN, ..GOOD }, "volume is NaN, expected a finite number"),
            (Ohlcv { low: 0.0, ..GOOD }, "low is 0.0, expected a price from 1e-100 to 1e100"),
            (Ohlcv { close: -1.0, ..GOOD }, "close is -1.0, expected a price from 1e-100 to 1e100"),
            (Ohlcv { low: 1e-101, ..GOOD }, "low is 1e-101, expected a price from 1e-100 to 1e100"),
            (Ohlcv { high: 2e100, ..GOOD }, "high is 2e100, expected a price from 1e-100 to 1e100"),
            (Ohlcv { volume: -0.5, ..GOOD }, "volume is -0.5, expected a volume from 0 to 1e100"),
            (Ohlcv { high: 9.5, ..GOOD }, "high 9.5 is below open 10.0"),
            (Ohlcv { high: 10.5, ..GOOD }, "high 10.5 is below close 11.0"),
            (Ohlcv { low: 10.5, ..GOOD }, "low 10.5 is above open 10.0"),
            (Ohlcv { open: 11.5, low: 11.25, ..GOOD }, "low 11.25 is above close 11.0"),
        ];
        for (values, message) in cases {
            let error = candle(values).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(message.starts_with(error.field()));
        }
    }

    #[test]
    fn candle_closed_at_requires_a_close_time_of_the_interval() {
        let candle = Candle::closed_at(Timestamp::from_millis(3_600_000), Interval::HOUR, GOOD);
        assert_eq!(candle.unwrap().open_time().millis(), 0);
        for millis in [3_599_999, 60_000, i64::MIN] {
            let close_time = Timestamp::from_millis(millis);
            let error = Candle::closed_at(close_time, Interval::HOUR, GOOD).unwrap_err();
            assert_eq!(error, CandleError::CloseTime { close_time, interval: Interval::HOUR });
            assert!(error.to_string().contains(error.field()));
        }
    }

    #[test]
    fn candle_close_time_saturates() {
        let last = Candle::new(Timestamp::from_millis(i64::MAX - 1), GOOD).unwrap();
        assert_eq!(last.close_time(Interval::HOUR).millis(), i64::MAX);
    }
}
