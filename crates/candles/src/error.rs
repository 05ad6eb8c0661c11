//! Errors of the value types and of [`CandleSeries`](crate::CandleSeries).

use crate::{Interval, Pair, Timestamp};

/// Error of parsing or converting a [`Timestamp`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// The text has none of the accepted formats, or contains a day or hour that does not exist.
    #[error(
        "`{value}` is not a date or time such as 2024-01-01, 2024-01-01 05:00 or 2024-01-01T05:00:00Z"
    )]
    Text {
        /// Text as given, truncated after 64 characters.
        value: String,
    },
    /// The text contains a time between two milliseconds.
    #[error(
        "`{value}` is finer than a millisecond: round it to at most three decimals of a second"
    )]
    TooFine {
        /// Text as given, truncated after 64 characters.
        value: String,
    },
    /// The time is outside the range of the type that it is converted to.
    #[error("{value} is outside the range of {target}")]
    Range {
        /// Time that cannot be converted.
        value: String,
        /// Name of the type that cannot represent it.
        target: &'static str,
    },
}

/// Error of parsing or constructing an [`Interval`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntervalError {
    /// The text is not a number followed by one of the letters m, h, d, w, or its grid is neither an
    /// offset nor `@session`.
    #[error(
        "`{value}` is not an interval: write a number and m, h, d or w (minutes, hours, days, weeks), such as 15m, 1h or 1d; an offset or @session may follow, such as 1h+30m or 4h@session"
    )]
    Text {
        /// Text as given, truncated after 64 characters.
        value: String,
    },
    /// The text is a number of months, which differ in length.
    #[error(
        "`{value}` means months, which differ in length: write a fixed number of minutes, hours, days or weeks (1m is one minute)"
    )]
    Month {
        /// Text as given, truncated after 64 characters.
        value: String,
    },
    /// The length is not a whole number of minutes between one minute and 52 weeks.
    #[error(
        "an interval cannot have {got} ms: expected whole minutes from 1m (60000 ms) to 52w (31449600000 ms)"
    )]
    Length {
        /// Length in milliseconds.
        got: i64,
    },
    /// The offset is not a whole number of minutes from 0 and less than the length.
    #[error(
        "{interval} candles cannot open {got} ms after the grid: expected whole minutes (60000 ms), at least 0 and less than {interval}"
    )]
    Offset {
        /// Interval without an offset.
        interval: Interval,
        /// Offset in milliseconds.
        got: i64,
    },
    /// The number before the unit overflows the length in milliseconds.
    #[error("the interval `{value}` is too long: expected at most 52w")]
    TooLong {
        /// Text as given, truncated after 64 characters.
        value: String,
    },
}

/// Error of constructing a [`Pair`](crate::Pair).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// The name is empty.
    #[error("the name of a pair is empty: expected a name such as BTCUSDT or BTC/USDT")]
    Empty,
    /// The name is too long.
    #[error("the name of a pair has {got} characters: expected at most {expected}")]
    TooLong {
        /// Largest number of characters of a name.
        expected: usize,
        /// Number of characters of the name.
        got: usize,
    },
    /// The name contains a character that is not allowed.
    #[error(
        "the name of a pair has {character:?} at character {at}: expected letters, digits and ASCII signs without spaces and `\\`, such as BTCUSDT or BTC/USDT"
    )]
    Character {
        /// First character that is not allowed.
        character: char,
        /// Position of the character, counted from 1.
        at: usize,
    },
}

/// Error of constructing a [`Candle`](crate::Candle).
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CandleError {
    /// A value is NaN or infinite.
    #[error("{field} is {value:?}, expected a finite number")]
    NotFinite {
        /// Name of the value: "open", "high", "low", "close" or "volume".
        field: &'static str,
        /// Value that is not finite.
        value: f64,
    },
    /// A price is outside 1e-100 to 1e100.
    #[error("{field} is {value:?}, expected a price from 1e-100 to 1e100")]
    Price {
        /// Name of the price: "open", "high", "low" or "close".
        field: &'static str,
        /// Price that is out of range.
        value: f64,
    },
    /// The volume is outside 0 to 1e100.
    #[error("volume is {value:?}, expected a volume from 0 to 1e100")]
    Volume {
        /// Volume that is out of range.
        value: f64,
    },
    /// The high is below another price of the candle.
    #[error("high {high:?} is below {field} {value:?}")]
    High {
        /// Highest price.
        high: f64,
        /// Name of the price above the high: "open", "low" or "close".
        field: &'static str,
        /// Value of that price.
        value: f64,
    },
    /// The low is above the open or the close.
    #[error("low {low:?} is above {field} {value:?}")]
    Low {
        /// Lowest price.
        low: f64,
        /// Name of the price below the low: "open" or "close".
        field: &'static str,
        /// Value of that price.
        value: f64,
    },
    /// The close time is not that of a candle of the interval.
    #[error(
        "{close_time} is not a close time of {interval} candles: expected the open time of the next candle; some feeds send the last millisecond of the candle, to which 1 ms must be added"
    )]
    CloseTime {
        /// Close time that is not on the grid of the interval.
        close_time: Timestamp,
        /// Interval of the candle.
        interval: Interval,
    },
}

impl CandleError {
    /// Returns the name of the invalid value: "open", "high", "low", "close", "volume" or
    /// "close time".
    ///
    /// If two values are inconsistent, this is "high" or "low".
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::NotFinite { field, .. } | Self::Price { field, .. } => field,
            Self::Volume { .. } => "volume",
            Self::High { .. } => "high",
            Self::Low { .. } => "low",
            Self::CloseTime { .. } => "close time",
        }
    }
}

/// Error of constructing a [`CandleSeries`](crate::CandleSeries).
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// A candle is out of order: it opens before the previous candle.
    #[error(
        "candle {index} is out of order: it opens at {open_time}, before the previous candle at {previous}; sort the candles by open time"
    )]
    Order {
        /// Index of the candle.
        index: usize,
        /// Open time of the candle.
        open_time: Timestamp,
        /// Open time of the previous candle.
        previous: Timestamp,
    },
    /// Two candles have the same open time.
    #[error(
        "candle {index} has the open time {open_time} of the previous candle: remove one of the two"
    )]
    Duplicate {
        /// Index of the second candle.
        index: usize,
        /// Open time of both candles.
        open_time: Timestamp,
    },
    /// An open time is not on the grid of the interval.
    #[error(
        "candle {index} opens at {open_time}, which is not on the grid of {interval} candles (the last open time on the grid before it is {expected}); check the interval and the time zone"
    )]
    Misaligned {
        /// Index of the candle.
        index: usize,
        /// Open time of the candle.
        open_time: Timestamp,
        /// Interval of the series.
        interval: Interval,
        /// Last open time on the interval's grid before it.
        expected: Timestamp,
    },
    /// A candle by session opens before the previous candle has closed.
    #[error(
        "candle {index} opens at {open_time}, less than one interval of {interval} after the previous candle at {previous}; remove one of the two, or check the interval"
    )]
    Overlap {
        /// Index of the candle.
        index: usize,
        /// Open time of the candle.
        open_time: Timestamp,
        /// Open time of the previous candle.
        previous: Timestamp,
        /// Interval of the series.
        interval: Interval,
    },
    /// A session close is not between the open and the end of the interval.
    #[error(
        "the session close must be whole milliseconds, above 0 and at most {interval}, got {got:?}; give the time from the open of a candle to its close"
    )]
    SessionClose {
        /// Interval of the series.
        interval: Interval,
        /// Time from open to close that was given.
        got: std::time::Duration,
    },
    /// The columns differ in length.
    #[error("column {column} has {got} values, expected {expected} as in open_time")]
    Length {
        /// Name of the column.
        column: &'static str,
        /// Number of open times.
        expected: usize,
        /// Number of values in the column.
        got: usize,
    },
    /// A row of the columns is not a valid candle.
    #[error("candle {index}: {source}")]
    Candle {
        /// Index of the row.
        index: usize,
        /// Reason why the row is invalid.
        source: CandleError,
    },
}

/// Error of resampling a series to a longer interval.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResampleError {
    /// The requested candles do not consist of whole candles of the series.
    #[error(
        "{from} candles cannot be resampled to {to} candles: choose a multiple of {from} whose open times are open times of {from} candles; candles by session have no such grid"
    )]
    Interval {
        /// Interval of the series.
        from: Interval,
        /// Requested interval.
        to: Interval,
    },
    /// The sum of the volumes of one resampled candle is above the limit of a candle.
    #[error("the volumes of the resampled candle at {open_time} sum to more than 1e100")]
    Volume {
        /// Open time of the resampled candle.
        open_time: Timestamp,
    },
}

/// Error of a live feed: of a [`CandleBuilder`](crate::CandleBuilder) or a [`Feed`](crate::Feed).
///
/// None of them changes the state, except for a count.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The price of a trade is not finite or outside 1e-100 to 1e100.
    #[error(
        "the price of the trade at {time} is {value:?}, expected a price from 1e-100 to 1e100; ignore the trade"
    )]
    Price {
        /// Time of the trade.
        time: Timestamp,
        /// Price of the trade.
        value: f64,
    },
    /// The size of a trade is not a positive number up to 1e100.
    #[error(
        "the size of the trade at {time} is {value:?}, expected a size above 0 and at most 1e100; ignore the trade"
    )]
    Size {
        /// Time of the trade.
        time: Timestamp,
        /// Size of the trade.
        value: f64,
    },
    /// The sum of the sizes of a candle's trades is above the limit of a candle.
    #[error(
        "the sizes of the trades of the candle at {open_time} sum to more than 1e100; check their unit"
    )]
    Volume {
        /// Open time of the candle.
        open_time: Timestamp,
    },
    /// The time is implausible, such as one in microseconds that is read as milliseconds.
    #[error("{time} is outside the years 1 to 9999; check that the feed sends milliseconds")]
    Year {
        /// Time of the trade, the candle or the clock.
        time: Timestamp,
    },
    /// The time is more than 10,000 intervals after the last candle.
    #[error(
        "{time} is more than 10,000 {interval} candles after {last}; check the unit of the time, or create a new feed or builder if it paused for so long"
    )]
    Ahead {
        /// Time of the trade, the candle or the clock.
        time: Timestamp,
        /// Open time of the last candle.
        last: Timestamp,
        /// Interval of the candles.
        interval: Interval,
    },
    /// A trade does not tell when the candles of a session open.
    #[error(
        "candles of {interval} cannot be built from trades, which do not tell when a session opens; choose an interval with an offset"
    )]
    BySession {
        /// Interval of the builder.
        interval: Interval,
    },
    /// The open time of a candle is not on the grid of the interval.
    #[error("the candle {open_time} is not on the grid of {interval} candles; check the interval")]
    Misaligned {
        /// Open time of the candle.
        open_time: Timestamp,
        /// Interval of the feed.
        interval: Interval,
    },
    /// Fetched candles are of another pair or interval than the feed.
    #[error(
        "expected {expected_interval} candles of {expected_pair}, got {got_interval} candles of {got_pair}"
    )]
    OtherSeries {
        /// Pair of the feed.
        expected_pair: Pair,
        /// Interval of the feed.
        expected_interval: Interval,
        /// Pair of the fetched candles.
        got_pair: Pair,
        /// Interval of the fetched candles.
        got_interval: Interval,
    },
}

impl FeedError {
    /// Largest number of intervals between two candles of a feed: a longer distance is more likely
    /// a wrong unit than a pause.
    const MAX_AHEAD: i64 = 10_000;
    /// First and last millisecond of the years 1 to 9999.
    const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

    /// Rejects a time that would make all later candles of the feed late.
    pub(crate) fn check_time(
        time: Timestamp,
        last: Option<Timestamp>,
        interval: Interval,
    ) -> Result<(), Self> {
        if !Self::YEARS.contains(&time.millis()) {
            return Err(Self::Year { time });
        }
        match last {
            Some(last)
                if time.millis().saturating_sub(last.millis()) / interval.millis()
                    > Self::MAX_AHEAD =>
            {
                Err(Self::Ahead { time, last, interval })
            }
            _ => Ok(()),
        }
    }
}

/// Copies a text for an error message, truncated after 64 characters.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 64;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
