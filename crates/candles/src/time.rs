//! Points in time.

use std::fmt;
use std::str::FromStr;

use crate::Interval;
use crate::error::{TimeError, excerpt};

/// A point in time: milliseconds since 1970-01-01 00:00 UTC.
///
/// Every `i64` is a valid timestamp. There is no time zone in it; texts without a zone are read
/// as UTC.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, Timestamp};
///
/// let midnight: Timestamp = "2024-01-01".parse()?;
/// assert_eq!(midnight.millis(), 1_704_067_200_000);
/// assert_eq!(midnight.to_string(), "2024-01-01T00:00:00Z");
/// assert_eq!(midnight, "2024-01-01T02:00:00+02:00".parse()?);
/// assert_eq!(midnight.plus(Interval::HOUR, 5), Some("2024-01-01 05:00".parse()?));
/// # Ok::<(), windvane_candles::TimeError>(())
/// ```
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time that lies `millis` milliseconds after 1970-01-01 00:00 UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The time `count` intervals later (earlier if `count` is negative), or `None` if that is
    /// beyond what 64 bits can hold.
    pub fn plus(self, interval: Interval, count: i64) -> Option<Self> {
        let step = interval.millis().checked_mul(count)?;
        self.0.checked_add(step).map(Self)
    }
}

/// RFC 3339 in UTC, with three decimals of a second only where they are not zero. Times outside
/// the years -9999 to 9999 are written as the number of milliseconds, such as
/// `9223372036854775807 ms`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) if self.0.rem_euclid(1000) == 0 => write!(f, "{time:.0}"),
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// Reads `2024-01-01`, `2024-01-01 05:00`, `2024-01-01 05:00:00` (with a blank or a `T`, with or
/// without decimals) as UTC, and the same with `Z` or an offset such as `+02:00`.
impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let trimmed = text.trim();
        // The reader behind this also takes 20240101, which is easily meant as a number, and it
        // drops an offset where it expects none: both are ruled out by the shape.
        let (date, clock) = trimmed.split_at_checked(10).ok_or_else(|| no_time(text))?;
        if date.as_bytes()[4] != b'-' || date.as_bytes()[7] != b'-' {
            return Err(no_time(text));
        }
        let zoneless = clock.bytes().all(|b| b.is_ascii_digit() || b" Tt:.".contains(&b));
        let time = if zoneless {
            let civil: jiff::civil::DateTime = trimmed.parse().map_err(|_| no_time(text))?;
            jiff::tz::TimeZone::UTC.to_timestamp(civil).map_err(|_| no_time(text))?
        } else {
            trimmed.parse().map_err(|_| no_time(text))?
        };
        if time.subsec_nanosecond() % 1_000_000 != 0 {
            return Err(TimeError::TooFine { value: excerpt(text) });
        }
        Ok(Self(time.as_millisecond()))
    }
}

fn no_time(text: &str) -> TimeError {
    TimeError::Text { value: excerpt(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_utc() {
        let cases = [
            ("1970-01-01", 0),
            (" 2024-01-01 ", 1_704_067_200_000),
            ("2024-01-01 05:00", 1_704_085_200_000),
            ("2024-01-01 05:00:00", 1_704_085_200_000),
            ("2024-01-01T05:00:00.000000", 1_704_085_200_000),
            ("2024-01-01T05:00:00Z", 1_704_085_200_000),
            ("2024-01-01 05:00:00+00:00", 1_704_085_200_000),
            ("2024-01-01 05:00:00+00", 1_704_085_200_000),
            ("2024-01-01T05:00:00.123+03:00", 1_704_074_400_123),
            ("1950-01-03", -630_979_200_000),
        ];
        for (text, millis) in cases {
            assert_eq!(text.parse(), Ok(Timestamp::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "now",
            "20240101",
            "1704067200",
            "2024-02-30",
            "2024-01-01 25:00",
            "2024-01-01 5 o'clock",
            "01.02.2024 00:00",
            "2024-01-01Z",
            "ääääääääää",
        ] {
            let error = text.parse::<Timestamp>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
        let fine = "2024-01-01 00:00:00.0001".parse::<Timestamp>();
        assert!(matches!(fine, Err(TimeError::TooFine { .. })));
    }

    #[test]
    fn display_never_fails_and_shows_milliseconds_only_if_there_are_any() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (1_704_085_200_120, "2024-01-01T05:00:00.120Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (i64::MAX, "9223372036854775807 ms"),
            (i64::MIN, "-9223372036854775808 ms"),
        ];
        for (millis, text) in cases {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
        }
    }

    #[test]
    fn plus_is_checked() {
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(last.plus(Interval::MINUTE, 1), None);
        assert_eq!(last.plus(Interval::WEEK, i64::MAX), None);
        assert_eq!(
            Timestamp::from_millis(0).plus(Interval::MINUTE, -2),
            Some(Timestamp::from_millis(-120_000))
        );
    }
}
