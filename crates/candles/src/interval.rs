//! Interval: the fixed length of a candle.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::Timestamp;
use crate::error::{IntervalError, excerpt};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
const MAX_MS: i64 = 52 * WEEK_MS;
/// First Monday of the epoch, 1970-01-05; the epoch began on a Thursday.
const FIRST_MONDAY_MS: i64 = 4 * DAY_MS;

/// Fixed length of a candle: whole minutes, from one minute to 52 weeks.
///
/// Candles open at multiples of the interval since 1970-01-01 00:00 UTC. Candles of whole weeks
/// open on Mondays 00:00 UTC, as at exchanges. Months differ in length and are rejected.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, IntervalError};
///
/// let interval: Interval = "4h".parse()?;
/// assert_eq!(interval, Interval::FOUR_HOURS);
/// assert_eq!(interval.millis(), 4 * 60 * 60 * 1000);
/// assert_eq!(interval.to_string(), "4h");
/// assert!(matches!("1M".parse::<Interval>(), Err(IntervalError::Month { .. })));
/// # Ok::<(), IntervalError>(())
/// ```
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Interval(i64);

impl Interval {
    /// One minute, `1m`.
    pub const MINUTE: Self = Self(MINUTE_MS);
    /// Five minutes, `5m`.
    pub const FIVE_MINUTES: Self = Self(5 * MINUTE_MS);
    /// Fifteen minutes, `15m`.
    pub const FIFTEEN_MINUTES: Self = Self(15 * MINUTE_MS);
    /// One hour, `1h`.
    pub const HOUR: Self = Self(HOUR_MS);
    /// Four hours, `4h`.
    pub const FOUR_HOURS: Self = Self(4 * HOUR_MS);
    /// One day, `1d`.
    pub const DAY: Self = Self(DAY_MS);
    /// One week, beginning on Monday, `1w`.
    pub const WEEK: Self = Self(WEEK_MS);

    /// Creates an interval of `millis` milliseconds.
    ///
    /// # Errors
    /// [`IntervalError::Length`] unless the length is a whole number of minutes from one minute to
    /// 52 weeks.
    pub fn from_millis(millis: i64) -> Result<Self, IntervalError> {
        if (MINUTE_MS..=MAX_MS).contains(&millis) && millis % MINUTE_MS == 0 {
            Ok(Self(millis))
        } else {
            Err(IntervalError::Length { got: millis })
        }
    }

    /// Returns the length in milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Returns the milliseconds from the open of a candle to a session close; `None` unless they
    /// are a whole number, above 0 and at most the interval.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use windvane_candles::Interval;
    ///
    /// let six_hours = Duration::from_secs(6 * 3_600);
    /// assert_eq!(Interval::DAY.session_millis(six_hours), Some(21_600_000));
    /// assert_eq!(Interval::HOUR.session_millis(six_hours), None);
    /// ```
    pub fn session_millis(self, close: Duration) -> Option<i64> {
        let millis = i64::try_from(close.as_millis()).ok()?;
        let is_whole = close == Duration::from_millis(millis.unsigned_abs());
        (is_whole && (1..=self.0).contains(&millis)).then_some(millis)
    }

    /// Returns whether a candle of this interval can open at `time`.
    pub fn is_aligned(self, time: Timestamp) -> bool {
        self.into_candle(time) == 0
    }

    /// Returns the open time of the candle that contains `time`: the last aligned time not after
    /// it.
    ///
    /// If `time` is so close to the smallest `i64` that there is no such time, the result is the
    /// smallest timestamp.
    #[must_use]
    pub fn floor(self, time: Timestamp) -> Timestamp {
        Timestamp::from_millis(time.millis().saturating_sub(self.into_candle(time)))
    }

    /// Milliseconds from the open of the candle to `time`: at least 0 and less than the length.
    fn into_candle(self, time: Timestamp) -> i64 {
        let start = if self.0 % WEEK_MS == 0 { FIRST_MONDAY_MS } else { 0 };
        // Two remainders instead of `time - start`, which could overflow.
        (time.millis().rem_euclid(self.0) - start).rem_euclid(self.0)
    }
}

/// Writes the length in the largest unit that divides it: `1h`, `90m`, `1w` (also for seven days).
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, letter) = [(WEEK_MS, 'w'), (DAY_MS, 'd'), (HOUR_MS, 'h')]
            .into_iter()
            .find(|(unit, _)| self.0 % unit == 0)
            .unwrap_or((MINUTE_MS, 'm'));
        write!(f, "{}{letter}", self.0 / unit)
    }
}

/// Parses a number and one of the letters `m`, `h`, `d`, `w`, such as `15m`. Upper-case letters are
/// rejected because `1M` means a month at many exchanges.
impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Self, IntervalError> {
        let trimmed = text.trim();
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = trimmed.split_at(digits);
        if number.is_empty() {
            return Err(IntervalError::Text { value: excerpt(text) });
        }
        let unit = match unit {
            "m" => MINUTE_MS,
            "h" => HOUR_MS,
            "d" => DAY_MS,
            "w" => WEEK_MS,
            "M" | "mo" | "mon" | "month" => {
                return Err(IntervalError::Month { value: excerpt(text) });
            }
            _ => return Err(IntervalError::Text { value: excerpt(text) }),
        };
        let millis = number.parse().ok().and_then(|count: i64| count.checked_mul(unit));
        Self::from_millis(millis.ok_or_else(|| IntervalError::TooLong { value: excerpt(text) })?)
    }
}

#[cfg(feature = "serde")]
mod with_serde {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    impl Serialize for super::Interval {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for super::Interval {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn interval_constants_parse_and_display() {
        let cases = [
            ("1m", Interval::MINUTE),
            ("5m", Interval::FIVE_MINUTES),
            ("15m", Interval::FIFTEEN_MINUTES),
            ("1h", Interval::HOUR),
            ("4h", Interval::FOUR_HOURS),
            ("1d", Interval::DAY),
            ("1w", Interval::WEEK),
        ];
        for (text, interval) in cases {
            assert_eq!(text.parse(), Ok(interval));
            assert_eq!(interval.to_string(), text);
        }
        assert_eq!("60m".parse(), Ok(Interval::HOUR));
        assert_eq!("7d".parse(), Ok(Interval::WEEK));
    }

    #[test]
    fn interval_rejects_invalid_texts() {
        for text in ["", "h", "1", "1H", "1s", "-1h", "1.5h", "1 h", "١h"] {
            assert!(matches!(text.parse::<Interval>(), Err(IntervalError::Text { .. })), "{text}");
        }
        for text in ["1M", "3mo", "1month"] {
            assert!(matches!(text.parse::<Interval>(), Err(IntervalError::Month { .. })), "{text}");
        }
        for text in ["0m", "53w"] {
            assert!(
                matches!(text.parse::<Interval>(), Err(IntervalError::Length { .. })),
                "{text}"
            );
        }
        for text in ["99999999999999999999h", "9223372036854775807w"] {
            assert!(
                matches!(text.parse::<Interval>(), Err(IntervalError::TooLong { .. })),
                "{text}"
            );
        }
        assert_eq!(Interval::from_millis(1000), Err(IntervalError::Length { got: 1000 }));
    }

    #[test]
    fn interval_weeks_open_on_monday_and_days_at_midnight() {
        let monday: Timestamp = "2024-01-01".parse().unwrap();
        let thursday: Timestamp = "2024-01-04 13:30".parse().unwrap();
        assert!(Interval::WEEK.is_aligned(monday));
        assert_eq!(Interval::WEEK.floor(thursday), monday);
        assert!(!Interval::DAY.is_aligned(thursday));
        assert_eq!(Interval::DAY.floor(thursday), "2024-01-04".parse().unwrap());
        assert_eq!(Interval::WEEK.floor("1969-12-31".parse().unwrap()).millis(), -3 * DAY_MS);
    }

    proptest! {
        #[test]
        fn interval_display_and_parse_round_trip(minutes in 1..=MAX_MS / MINUTE_MS) {
            let interval = Interval::from_millis(minutes * MINUTE_MS).unwrap();
            prop_assert_eq!(interval.to_string().parse::<Interval>(), Ok(interval));
        }

        #[test]
        fn interval_floor_is_aligned_and_less_than_one_interval_away(
            minutes in 1..=MAX_MS / MINUTE_MS,
            time in any::<i64>(),
        ) {
            let interval = Interval::from_millis(minutes * MINUTE_MS).unwrap();
            let floor = interval.floor(Timestamp::from_millis(time));
            prop_assert!(floor.millis() <= time);
            prop_assert!(time.abs_diff(floor.millis()) < interval.millis().unsigned_abs());
            prop_assert!(interval.is_aligned(floor) || floor.millis() == i64::MIN);
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<Interval>();
            let _ = text.parse::<Timestamp>();
        }
    }
}
