//! Interval: the fixed length of a candle, and the grid of its open times.

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

/// Fixed length of a candle with the grid of its open times: whole minutes, from one minute to 52
/// weeks.
///
/// There are three grids, and three forms as text:
///
/// | text | open times |
/// |---|---|
/// | `1h` | multiples of the length since 1970-01-01 00:00 UTC; of whole weeks Mondays 00:00 UTC, as at exchanges |
/// | `1h+30m`, `1w+6d` | those times and a constant [offset](Self::with_offset): hours from 09:30, weeks from Sunday |
/// | `4h@session` | [by session](Self::by_session): candles that begin with the session of a market, whose clock changes |
///
/// Months differ in length and are rejected.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, IntervalError, Timestamp};
///
/// let interval: Interval = "4h".parse()?;
/// assert_eq!(interval, Interval::FOUR_HOURS);
/// assert_eq!(interval.millis(), 4 * 60 * 60 * 1000);
/// assert_eq!(interval.to_string(), "4h");
/// assert!(matches!("1M".parse::<Interval>(), Err(IntervalError::Month { .. })));
///
/// let stocks: Interval = "1h+30m".parse()?;
/// assert_eq!(stocks, Interval::HOUR.with_offset(30 * 60_000)?);
/// assert!(stocks.is_aligned(Timestamp::from_millis(30 * 60_000)));
/// assert_eq!("1d@session".parse(), Ok(Interval::DAY.by_session()));
/// # Ok::<(), IntervalError>(())
/// ```
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Interval {
    millis: i64,
    grid: Grid,
}

/// Rule for the open times of an interval.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Grid {
    /// Milliseconds after the multiples of the length, less than the length.
    Offset(i64),
    Session,
}

impl Interval {
    /// One minute, `1m`.
    pub const MINUTE: Self = Self::on_the_epoch(MINUTE_MS);
    /// Five minutes, `5m`.
    pub const FIVE_MINUTES: Self = Self::on_the_epoch(5 * MINUTE_MS);
    /// Fifteen minutes, `15m`.
    pub const FIFTEEN_MINUTES: Self = Self::on_the_epoch(15 * MINUTE_MS);
    /// One hour, `1h`.
    pub const HOUR: Self = Self::on_the_epoch(HOUR_MS);
    /// Four hours, `4h`.
    pub const FOUR_HOURS: Self = Self::on_the_epoch(4 * HOUR_MS);
    /// One day, `1d`.
    pub const DAY: Self = Self::on_the_epoch(DAY_MS);
    /// One week, beginning on Monday, `1w`.
    pub const WEEK: Self = Self::on_the_epoch(WEEK_MS);

    const fn on_the_epoch(millis: i64) -> Self {
        Self { millis, grid: Grid::Offset(0) }
    }

    /// Creates an interval of `millis` milliseconds without an offset.
    ///
    /// # Errors
    /// [`IntervalError::Length`] unless the length is a whole number of minutes from one minute to
    /// 52 weeks.
    pub fn from_millis(millis: i64) -> Result<Self, IntervalError> {
        if (MINUTE_MS..=MAX_MS).contains(&millis) && millis % MINUTE_MS == 0 {
            Ok(Self::on_the_epoch(millis))
        } else {
            Err(IntervalError::Length { got: millis })
        }
    }

    /// Returns the interval of this length whose candles open `millis` milliseconds after the
    /// multiples of the length, those of whole weeks after Monday 00:00 UTC. It replaces an earlier
    /// offset; an offset of 0 is the usual grid.
    ///
    /// # Errors
    /// [`IntervalError::Offset`] unless the offset is a whole number of minutes from 0 and less
    /// than the length: `1h+90m` is rejected, not reduced to `1h+30m`.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::Interval;
    ///
    /// // Hours of Mumbai begin at 09:15 there, 03:45 UTC; weeks from Sunday 6 days after Monday.
    /// assert_eq!(Interval::HOUR.with_offset(45 * 60_000)?.to_string(), "1h+45m");
    /// assert_eq!(Interval::WEEK.with_offset(6 * 86_400_000)?.to_string(), "1w+6d");
    /// assert_eq!(Interval::HOUR.with_offset(0)?, Interval::HOUR);
    /// # Ok::<(), windvane_candles::IntervalError>(())
    /// ```
    pub fn with_offset(self, millis: i64) -> Result<Self, IntervalError> {
        if (0..self.millis).contains(&millis) && millis % MINUTE_MS == 0 {
            Ok(Self { grid: Grid::Offset(millis), ..self })
        } else {
            let interval = Self::on_the_epoch(self.millis);
            Err(IntervalError::Offset { interval, got: millis })
        }
    }

    /// Returns the interval of this length for candles that begin with the session of a market.
    ///
    /// A clock change moves such candles in UTC, so that no constant offset fits: 17:00 in New York
    /// is 22:00 UTC in winter and 21:00 UTC in summer. A candle may open at any whole minute that
    /// is at least [`min_step`](Self::min_step) after the open of the candle before it. Within a
    /// session candles follow each other by the length; a longer distance is a break between
    /// sessions. The gap policy of such candles is that of a market with sessions.
    ///
    /// **Limit** a candle counts as closed one length after its open. A daily or weekly candle of a
    /// market that trades through an autumn clock change lasts an hour longer than that.
    #[must_use]
    pub const fn by_session(self) -> Self {
        Self { grid: Grid::Session, ..self }
    }

    /// Returns the length in milliseconds.
    pub const fn millis(self) -> i64 {
        self.millis
    }

    /// Returns the offset of the open times in milliseconds: 0 for the usual grid, `None` by
    /// session.
    pub const fn offset(self) -> Option<i64> {
        match self.grid {
            Grid::Offset(offset) => Some(offset),
            Grid::Session => None,
        }
    }

    /// Returns whether the candles begin with the session of a market.
    pub const fn is_by_session(self) -> bool {
        matches!(self.grid, Grid::Session)
    }

    /// Returns the shortest distance between the opens of two candles in milliseconds.
    ///
    /// It is the length, and an hour less for days and weeks by session, because a clock change in
    /// spring shortens that day by an hour.
    pub const fn min_step(self) -> i64 {
        self.millis - self.clock_change()
    }

    /// Milliseconds by which a clock change alters the distance of two candles.
    const fn clock_change(self) -> i64 {
        if self.is_by_session() && self.millis % DAY_MS == 0 { HOUR_MS } else { 0 }
    }

    /// Returns the number of candles missing between two candles, given their open times.
    ///
    /// On a session grid it is the number of whole intervals between them; days and weeks may be an
    /// hour shorter.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{Interval, Timestamp};
    ///
    /// let (friday, monday): (Timestamp, Timestamp) =
    ///     ("2024-03-08 14:30".parse()?, "2024-03-11 13:30".parse()?);
    /// assert_eq!(Interval::DAY.by_session().missing_between(friday, monday), 2);
    /// # Ok::<(), windvane_candles::TimeError>(())
    /// ```
    pub fn missing_between(self, last: Timestamp, next: Timestamp) -> u64 {
        let apart = next.millis().abs_diff(last.millis());
        let apart = apart.saturating_add(self.clock_change().unsigned_abs());
        (apart / self.millis.unsigned_abs()).saturating_sub(1)
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
        (is_whole && (1..=self.millis).contains(&millis)).then_some(millis)
    }

    /// Returns whether a candle of this interval can open at `time`: by session at any whole
    /// minute.
    pub fn is_aligned(self, time: Timestamp) -> bool {
        self.into_candle(time) == 0
    }

    /// Returns whether candles of this interval consist of whole candles of the `finer` one.
    ///
    /// Candles by session have no grid, so that this is false for them, except of two equal
    /// intervals.
    pub fn consists_of(self, finer: Self) -> bool {
        // Weeks begin on Mondays, five-day candles do not: a length of 35 days is a multiple, but
        // its open times are not on the grid of five days.
        let divides = self.millis % finer.millis == 0
            && finer.is_aligned(self.floor(Timestamp::from_millis(0)));
        self == finer || (divides && !self.is_by_session() && !finer.is_by_session())
    }

    /// Returns the last aligned time not after `time`. Unless the candles begin with a session, it
    /// is the open time of the candle that contains `time`.
    ///
    /// If `time` is so close to the smallest `i64` that there is no such time, the result is the
    /// smallest timestamp.
    #[must_use]
    pub fn floor(self, time: Timestamp) -> Timestamp {
        Timestamp::from_millis(time.millis().saturating_sub(self.into_candle(time)))
    }

    /// Milliseconds from the last aligned time to `time`: at least 0 and less than the length.
    fn into_candle(self, time: Timestamp) -> i64 {
        let (step, start) = match self.grid {
            Grid::Offset(offset) if self.millis % WEEK_MS == 0 => {
                (self.millis, FIRST_MONDAY_MS + offset)
            }
            Grid::Offset(offset) => (self.millis, offset),
            Grid::Session => (MINUTE_MS, 0),
        };
        // Two remainders instead of `time - start`, which could overflow.
        (time.millis().rem_euclid(step) - start).rem_euclid(step)
    }
}

/// Writes the length in the largest unit that divides it, `1h`, `90m`, `1w` (also for seven days),
/// then the offset in the same way, `1h+30m`, or `@session`.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_length(f, self.millis)?;
        match self.grid {
            Grid::Offset(0) => Ok(()),
            Grid::Offset(offset) => {
                f.write_str("+")?;
                write_length(f, offset)
            }
            Grid::Session => f.write_str(SESSION),
        }
    }
}

/// End of the text of an interval by session.
const SESSION: &str = "@session";

fn write_length(f: &mut fmt::Formatter<'_>, millis: i64) -> fmt::Result {
    let (unit, letter) = [(WEEK_MS, 'w'), (DAY_MS, 'd'), (HOUR_MS, 'h')]
        .into_iter()
        .find(|(unit, _)| millis % unit == 0)
        .unwrap_or((MINUTE_MS, 'm'));
    write!(f, "{}{letter}", millis / unit)
}

/// Parses a number and one of the letters `m`, `h`, `d`, `w`, such as `15m`, alone or with an
/// offset (`1h+30m`) or `@session`. Upper-case letters are rejected because `1M` means a month at
/// many exchanges.
impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Self, IntervalError> {
        let trimmed = text.trim();
        let (length, grid) = trimmed.split_at(trimmed.find(['+', '@']).unwrap_or(trimmed.len()));
        let interval = Self::from_millis(parse_length(length, text)?)?;
        match grid.strip_prefix('+') {
            Some(offset) => interval.with_offset(parse_length(offset, text)?),
            None if grid.is_empty() => Ok(interval),
            None if grid == SESSION => Ok(interval.by_session()),
            None => Err(IntervalError::Text { value: excerpt(text) }),
        }
    }
}

/// Parses a number with a unit, a part of the whole text of an interval.
fn parse_length(part: &str, whole: &str) -> Result<i64, IntervalError> {
    let digits = part.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = part.split_at(digits);
    if number.is_empty() {
        return Err(IntervalError::Text { value: excerpt(whole) });
    }
    let unit = match unit {
        "m" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        "w" => WEEK_MS,
        "M" | "mo" | "mon" | "month" => {
            return Err(IntervalError::Month { value: excerpt(whole) });
        }
        _ => return Err(IntervalError::Text { value: excerpt(whole) }),
    };
    let millis = number.parse().ok().and_then(|count: i64| count.checked_mul(unit));
    millis.ok_or_else(|| IntervalError::TooLong { value: excerpt(whole) })
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
    fn interval_grids_parse_and_display_in_their_shortest_form() {
        for (text, own) in [
            ("1h+30m", "1h+30m"),
            ("60m+45m", "1h+45m"),
            ("1h+0m", "1h"),
            ("7d+6d", "1w+6d"),
            ("1d+22h", "1d+22h"),
            ("4h+90m", "4h+90m"),
            ("4h+120m", "4h+2h"),
            ("240m@session", "4h@session"),
            (" 1d@session ", "1d@session"),
        ] {
            let interval: Interval = text.parse().unwrap();
            assert_eq!(interval.to_string(), own, "{text}");
            assert_eq!(own.parse(), Ok(interval), "{text}");
        }
        for text in ["1h+", "1h+-1m", "1h+30", "+30m", "1h@", "@session", "1h@Session", "1h+1m+1m"]
        {
            assert!(matches!(text.parse::<Interval>(), Err(IntervalError::Text { .. })), "{text}");
        }
        let error = "1h+90m".parse::<Interval>().unwrap_err();
        assert_eq!(error, IntervalError::Offset { interval: Interval::HOUR, got: 90 * MINUTE_MS });
        assert!(
            error.to_string().starts_with("1h candles cannot open 5400000 ms after"),
            "{error}"
        );
        for got in [-MINUTE_MS, 1, HOUR_MS] {
            let expected = IntervalError::Offset { interval: Interval::HOUR, got };
            assert_eq!(Interval::HOUR.by_session().with_offset(got), Err(expected));
        }
    }

    #[test]
    fn interval_offset_moves_the_grid() {
        let aligned = |interval: &str, time: &str| {
            interval.parse::<Interval>().unwrap().is_aligned(time.parse().unwrap())
        };
        for (interval, time) in [
            ("1h+30m", "2024-01-08 14:30"), // 09:30 in New York, in winter
            ("1h+30m", "2024-07-08 13:30"), // and in summer
            ("1h+45m", "2024-01-08 03:45"), // 09:15 in Mumbai
            ("1w+6d", "2024-01-07"),        // a Sunday
            ("1w+3d", "1970-01-01"),        // a Thursday
            ("1d+22h", "2024-01-07 22:00"), // 17:00 in New York
            ("4h@session", "2024-01-07 09:31"),
        ] {
            assert!(aligned(interval, time), "{interval} {time}");
        }
        for (interval, time) in [
            ("1h+30m", "2024-01-08 14:00"),
            ("1w+6d", "2024-01-08"),
            ("4h@session", "2024-01-07 09:31:30"),
        ] {
            assert!(!aligned(interval, time), "{interval} {time}");
        }
    }

    #[test]
    fn interval_by_session_allows_for_clock_changes_of_days_and_weeks() {
        for (interval, shorter) in [("1h", 0), ("4h", 0), ("1d", HOUR_MS), ("1w", HOUR_MS)] {
            let interval: Interval = interval.parse().unwrap();
            assert_eq!(interval.min_step(), interval.millis());
            assert_eq!(interval.by_session().min_step(), interval.millis() - shorter);
            assert_eq!((interval.offset(), interval.by_session().offset()), (Some(0), None));
        }
        let missing = |interval: Interval, hours: i64| {
            let next = Timestamp::from_millis(hours * HOUR_MS);
            interval.missing_between(Timestamp::from_millis(0), next)
        };
        let day = Interval::DAY.by_session();
        assert_eq!([23, 24, 25, 71, 72, 73].map(|hours| missing(day, hours)), [0, 0, 0, 2, 2, 2]);
        let four = Interval::FOUR_HOURS.by_session();
        assert_eq!([4, 5, 7, 8, 67].map(|hours| missing(four, hours)), [0, 0, 0, 1, 15]);
    }

    #[test]
    fn interval_consists_of_finer_candles_on_the_same_grid() {
        let consists = |longer: &str, finer: &str| {
            let longer: Interval = longer.parse().unwrap();
            longer.consists_of(finer.parse().unwrap())
        };
        for (longer, finer) in [
            ("1h+30m", "30m"),
            ("4h+30m", "1h+30m"),
            ("1w+6d", "1d"),
            ("1d+22h", "1h"),
            ("4h@session", "4h@session"),
        ] {
            assert!(consists(longer, finer), "{longer} {finer}");
        }
        for (longer, finer) in [
            ("4h", "1h+30m"),
            ("1h+30m", "1h"),
            ("4h@session", "1h"),
            ("4h", "1h@session"),
            ("4h@session", "1h@session"),
        ] {
            assert!(!consists(longer, finer), "{longer} {finer}");
        }
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

    /// Intervals of any length and grid.
    fn any_interval() -> impl Strategy<Value = Interval> {
        (1..=MAX_MS / MINUTE_MS, any::<u32>(), any::<bool>()).prop_map(
            |(minutes, offset, session)| {
                let interval = Interval::from_millis(minutes * MINUTE_MS).unwrap();
                let offset = i64::from(offset) % minutes * MINUTE_MS;
                if session { interval.by_session() } else { interval.with_offset(offset).unwrap() }
            },
        )
    }

    proptest! {
        #[test]
        fn interval_display_and_parse_round_trip(interval in any_interval()) {
            prop_assert_eq!(interval.to_string().parse::<Interval>(), Ok(interval));
        }

        #[test]
        fn interval_floor_is_aligned_and_less_than_one_interval_away(
            interval in any_interval(),
            time in any::<i64>(),
        ) {
            let floor = interval.floor(Timestamp::from_millis(time));
            prop_assert!(floor.millis() <= time);
            prop_assert!(time.abs_diff(floor.millis()) < interval.millis().unsigned_abs());
            prop_assert!(interval.is_aligned(floor) || floor.millis() == i64::MIN);
        }

        #[test]
        fn interval_offset_is_the_time_after_the_usual_grid(
            interval in any_interval(),
            time in -1_000_000_000_000i64..1_000_000_000_000,
        ) {
            let usual = Interval::from_millis(interval.millis()).unwrap();
            if let Some(offset) = interval.offset() {
                let open = usual.floor(Timestamp::from_millis(time)).millis() + offset;
                prop_assert!(interval.is_aligned(Timestamp::from_millis(open)));
                prop_assert_eq!(interval == usual, offset == 0);
            }
        }

        #[test]
        fn interval_counts_the_missing_candles_of_a_grid(
            interval in any_interval(),
            steps in 1i64..1000,
        ) {
            let last = Timestamp::from_millis(0);
            let next = last.plus(interval, steps).unwrap();
            prop_assert_eq!(interval.missing_between(last, next), steps.unsigned_abs() - 1);
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<Interval>();
            let _ = text.parse::<Timestamp>();
        }
    }
}
