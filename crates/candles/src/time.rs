//! Timestamp: a point in time in milliseconds.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use crate::Interval;
use crate::error::{TimeError, excerpt};

/// Point in time: milliseconds since 1970-01-01 00:00 UTC.
///
/// Every `i64` is a valid timestamp. It has no time zone; texts without a zone are parsed as UTC.
///
/// Conversions from finer times ([`SystemTime`], and the types of `jiff` and `chrono` behind the
/// features of these names) round down to a whole millisecond. A rounded time is before, at or
/// after a close exactly if the original is.
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
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates the time `millis` milliseconds after 1970-01-01 00:00 UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since 1970-01-01 00:00 UTC.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Returns the time `count` intervals later (earlier if `count` is negative); `None` on
    /// overflow.
    pub fn plus(self, interval: Interval, count: i64) -> Option<Self> {
        let step = interval.millis().checked_mul(count)?;
        self.0.checked_add(step).map(Self)
    }

    /// Returns the period in UTC of a year, of a year and a month, or of a year, a month and a day;
    /// `None` if there is no such date.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::Timestamp;
    ///
    /// let february = Timestamp::calendar_period(&[2024, 2]).unwrap();
    /// assert_eq!(february.start, "2024-02-01".parse()?);
    /// assert_eq!(february.end, "2024-03-01".parse()?);
    /// assert_eq!(Timestamp::calendar_period(&[2023, 2, 29]), None);
    /// # Ok::<(), windvane_candles::TimeError>(())
    /// ```
    pub fn calendar_period(date: &[i64]) -> Option<Range<Self>> {
        let midnight = |year: i64, month: i64, day: i64| {
            format!("{year:04}-{month:02}-{day:02}").parse::<Self>().ok()
        };
        match *date {
            [year] => Some(midnight(year, 1, 1)?..midnight(year + 1, 1, 1)?),
            [year, month] => {
                Some(midnight(year, month, 1)?..midnight(year + month / 12, month % 12 + 1, 1)?)
            }
            [year, month, day] => {
                let start = midnight(year, month, day)?;
                Some(start..start.plus(Interval::DAY, 1)?)
            }
            _ => None,
        }
    }
}

/// Writes RFC 3339 in UTC, with three decimals of a second unless they are zero. Times outside the
/// years -9999 to 9999 are written as a number of milliseconds, such as `9223372036854775807 ms`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) if self.0.rem_euclid(1000) == 0 => write!(f, "{time:.0}"),
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// Writes the time as in `Display`: `Timestamp(2024-01-01T00:00:00Z)`.
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

/// Converts a time of the system's clock, rounded down to a whole millisecond.
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime};
/// use windvane_candles::Timestamp;
///
/// let now = Timestamp::try_from(SystemTime::now())?;
/// assert!(now > "2024-01-01".parse()?);
/// let noon: SystemTime = Timestamp::from_millis(43_200_000).try_into()?;
/// assert_eq!(noon, SystemTime::UNIX_EPOCH + Duration::from_secs(43_200));
/// # Ok::<(), windvane_candles::TimeError>(())
/// ```
impl TryFrom<SystemTime> for Timestamp {
    type Error = TimeError;

    fn try_from(time: SystemTime) -> Result<Self, TimeError> {
        let nanos = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_nanos()),
            Err(before) => i128::try_from(before.duration().as_nanos()).map(|nanos| -nanos),
        };
        let millis = nanos.ok().map(|nanos| nanos.div_euclid(1_000_000));
        millis
            .and_then(|millis| i64::try_from(millis).ok())
            .map(Self)
            .ok_or_else(|| TimeError::Range { value: format!("{time:?}"), target: "Timestamp" })
    }
}

/// Converts to a time of the system's clock; fails if the system cannot represent it.
impl TryFrom<Timestamp> for SystemTime {
    type Error = TimeError;

    fn try_from(time: Timestamp) -> Result<Self, TimeError> {
        let distance = Duration::from_millis(time.0.unsigned_abs());
        let converted = if time.0 < 0 {
            Self::UNIX_EPOCH.checked_sub(distance)
        } else {
            Self::UNIX_EPOCH.checked_add(distance)
        };
        converted.ok_or_else(|| out_of_range(time, "SystemTime"))
    }
}

#[cfg(feature = "jiff")]
mod with_jiff {
    use super::{TimeError, Timestamp, out_of_range};

    /// Rounds down to a whole millisecond.
    impl From<jiff::Timestamp> for Timestamp {
        fn from(time: jiff::Timestamp) -> Self {
            let millis = time.as_nanosecond().div_euclid(1_000_000);
            let Ok(millis) = i64::try_from(millis) else {
                unreachable!("invariant: the years of jiff, -9999 to 9999, fit into an i64");
            };
            Self(millis)
        }
    }

    /// Fails outside the years -9999 to 9999.
    impl TryFrom<Timestamp> for jiff::Timestamp {
        type Error = TimeError;

        fn try_from(time: Timestamp) -> Result<Self, TimeError> {
            Self::from_millisecond(time.0).map_err(|_| out_of_range(time, "jiff::Timestamp"))
        }
    }
}

#[cfg(feature = "chrono")]
mod with_chrono {
    use chrono::{DateTime, TimeZone, Utc};

    use super::{TimeError, Timestamp, out_of_range};

    /// Rounds down to a whole millisecond.
    impl<Z: TimeZone> From<DateTime<Z>> for Timestamp {
        fn from(time: DateTime<Z>) -> Self {
            Self(time.timestamp_millis())
        }
    }

    /// Fails outside the years -262143 to 262142.
    impl TryFrom<Timestamp> for DateTime<Utc> {
        type Error = TimeError;

        fn try_from(time: Timestamp) -> Result<Self, TimeError> {
            let converted = Self::from_timestamp_millis(time.0);
            converted.ok_or_else(|| out_of_range(time, "chrono::DateTime"))
        }
    }
}

fn out_of_range(time: Timestamp, target: &'static str) -> TimeError {
    TimeError::Range { value: time.to_string(), target }
}

/// Parses `2024-01-01`, `2024-01-01 05:00` and `2024-01-01 05:00:00` (with a space or a `T`, with
/// or without decimals) as UTC, and times with `Z` or an offset such as `+02:00`.
impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let trimmed = text.trim();
        // The parser below also accepts 20240101, which may be meant as a number, and it ignores an
        // offset after a civil time. These checks exclude both.
        let (date, clock) = trimmed.split_at_checked(10).ok_or_else(|| invalid(text))?;
        if date.as_bytes()[4] != b'-' || date.as_bytes()[7] != b'-' {
            return Err(invalid(text));
        }
        let zoneless = clock.bytes().all(|b| b.is_ascii_digit() || b" Tt:.".contains(&b));
        let time = if zoneless {
            let civil: jiff::civil::DateTime = trimmed.parse().map_err(|_| invalid(text))?;
            jiff::tz::TimeZone::UTC.to_timestamp(civil).map_err(|_| invalid(text))?
        } else {
            trimmed.parse().map_err(|_| invalid(text))?
        };
        if time.subsec_nanosecond() % 1_000_000 != 0 {
            return Err(TimeError::TooFine { value: excerpt(text) });
        }
        Ok(Self(time.as_millisecond()))
    }
}

fn invalid(text: &str) -> TimeError {
    TimeError::Text { value: excerpt(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_parses_texts_as_utc() {
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
    fn timestamp_rejects_invalid_texts() {
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
    fn timestamp_displays_milliseconds_only_if_not_zero() {
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
    fn timestamp_debug_is_a_date() {
        let day: Timestamp = "2024-01-01".parse().unwrap();
        assert_eq!(format!("{day:?}"), "Timestamp(2024-01-01T00:00:00Z)");
    }

    #[test]
    fn timestamp_converts_system_time_rounded_down() {
        let epoch = SystemTime::UNIX_EPOCH;
        let cases = [
            (epoch, 0),
            (epoch + Duration::from_nanos(1_999_999), 1),
            (epoch - Duration::from_nanos(1), -1),
            (epoch - Duration::from_millis(5), -5),
        ];
        for (time, millis) in cases {
            assert_eq!(Timestamp::try_from(time), Ok(Timestamp::from_millis(millis)));
        }
        let day: Timestamp = "1969-12-31 23:59:59.999".parse().unwrap();
        assert_eq!(SystemTime::try_from(day), Ok(epoch - Duration::from_millis(1)));
        if let Some(far) = epoch.checked_add(Duration::from_secs(1 << 62)) {
            let error = Timestamp::try_from(far).unwrap_err().to_string();
            assert!(error.ends_with("is outside the range of Timestamp"), "{error}");
        }
    }

    #[cfg(feature = "jiff")]
    #[test]
    fn timestamp_converts_jiff_rounded_down() {
        for (nanos, millis) in [(0, 0), (1_999_999, 1), (-1, -1), (-2_000_000, -2)] {
            let time = jiff::Timestamp::from_nanosecond(nanos).unwrap();
            assert_eq!(Timestamp::from(time), Timestamp::from_millis(millis));
        }
        let day: Timestamp = "2024-01-01 05:00:00.120".parse().unwrap();
        assert_eq!(Timestamp::from(jiff::Timestamp::try_from(day).unwrap()), day);
        assert_eq!(Timestamp::from(jiff::Timestamp::MIN).to_string(), "-009999-01-02T01:59:59Z");
        let error = jiff::Timestamp::try_from(Timestamp::from_millis(i64::MAX)).unwrap_err();
        let message = "9223372036854775807 ms is outside the range of jiff::Timestamp";
        assert_eq!(error.to_string(), message);
    }

    #[cfg(feature = "chrono")]
    #[test]
    fn timestamp_converts_chrono_rounded_down() {
        use chrono::{DateTime, FixedOffset, Utc};

        for (nanos, millis) in [(0, 0), (1_999_999, 1), (-1, -1), (-2_000_000, -2)] {
            let time = DateTime::from_timestamp_nanos(nanos);
            assert_eq!(Timestamp::from(time), Timestamp::from_millis(millis));
        }
        let day: Timestamp = "2024-01-01".parse().unwrap();
        let zone = FixedOffset::east_opt(7_200).unwrap();
        let utc: DateTime<Utc> = day.try_into().unwrap();
        assert_eq!(Timestamp::from(utc.with_timezone(&zone)), day);
        let error = DateTime::<Utc>::try_from(Timestamp::from_millis(i64::MIN)).unwrap_err();
        assert!(error.to_string().ends_with("is outside the range of chrono::DateTime"));
    }

    #[test]
    fn timestamp_plus_detects_overflow() {
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(last.plus(Interval::MINUTE, 1), None);
        assert_eq!(last.plus(Interval::WEEK, i64::MAX), None);
        assert_eq!(
            Timestamp::from_millis(0).plus(Interval::MINUTE, -2),
            Some(Timestamp::from_millis(-120_000))
        );
    }
}
