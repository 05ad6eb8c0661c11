//! Errors of the value types and of [`CandleSeries`](crate::CandleSeries).

use crate::{Interval, Timestamp};

/// Why a text is no [`Timestamp`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// The text is not one of the accepted forms, or names a day or an hour that does not exist.
    #[error(
        "`{value}` is not a date or time such as 2024-01-01, 2024-01-01 05:00 or 2024-01-01T05:00:00Z"
    )]
    Text {
        /// The text as given, cut after 64 characters.
        value: String,
    },
    /// The text names a time between two milliseconds.
    #[error("`{value}` is finer than a millisecond")]
    TooFine {
        /// The text as given, cut after 64 characters.
        value: String,
    },
}

/// Why a text or a number is no [`Interval`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntervalError {
    /// The text is not a number followed by one of the letters m, h, d, w.
    #[error(
        "`{value}` is not an interval: write a number and m, h, d or w (minutes, hours, days, weeks), such as 15m, 1h or 1d"
    )]
    Text {
        /// The text as given, cut after 64 characters.
        value: String,
    },
    /// Months differ in length, so they are no interval.
    #[error(
        "`{value}` means months, whose length differs: an interval has a fixed length of minutes, hours, days or weeks (1m is one minute)"
    )]
    Month {
        /// The text as given, cut after 64 characters.
        value: String,
    },
    /// The length is not a whole number of minutes, or outside one minute to 52 weeks.
    #[error("an interval of {got} ms: expected whole minutes between 1m (60000 ms) and 52w")]
    Length {
        /// The length in milliseconds.
        got: i64,
    },
    /// The number before the unit is too large to be a length at all.
    #[error("the interval `{value}` is too long: the longest is 52w")]
    TooLong {
        /// The text as given, cut after 64 characters.
        value: String,
    },
}

/// Why a text is no [`Pair`](crate::Pair).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// The name has no character.
    #[error("the name of a pair is empty")]
    Empty,
    /// The name is too long.
    #[error("the name of a pair has {got} characters, the most is {expected}")]
    TooLong {
        /// The most characters a name can have.
        expected: usize,
        /// The characters of the name as given.
        got: usize,
    },
    /// A character that names of pairs cannot have.
    #[error(
        "the name of a pair has {character:?} at character {at}: expected letters, digits and ASCII signs without blanks and `\\`, such as BTCUSDT or BTC/USDT"
    )]
    Character {
        /// The first character at fault.
        character: char,
        /// Its position, counted from 1.
        at: usize,
    },
}

/// Why five numbers are no [`Candle`](crate::Candle).
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CandleError {
    /// A value is NaN or infinite.
    #[error("{field} is {value:?}, expected a finite number")]
    NotFinite {
        /// Which value: "open", "high", "low", "close" or "volume".
        field: &'static str,
        /// The value.
        value: f64,
    },
    /// A price is zero, negative, or beyond every price there is.
    #[error("{field} is {value:?}, expected a price from 1e-100 to 1e100")]
    Price {
        /// Which price: "open", "high", "low" or "close".
        field: &'static str,
        /// The price.
        value: f64,
    },
    /// The volume is negative or beyond every volume there is.
    #[error("volume is {value:?}, expected 0 to 1e100")]
    Volume {
        /// The volume.
        value: f64,
    },
    /// The high is below another price of the candle.
    #[error("high {high:?} is below {field} {value:?}")]
    High {
        /// The high.
        high: f64,
        /// Which price is above it: "open", "low" or "close".
        field: &'static str,
        /// That price.
        value: f64,
    },
    /// The low is above the open or the close.
    #[error("low {low:?} is above {field} {value:?}")]
    Low {
        /// The low.
        low: f64,
        /// Which price is below it: "open" or "close".
        field: &'static str,
        /// That price.
        value: f64,
    },
}

impl CandleError {
    /// The name of the value at fault: "open", "high", "low", "close" or "volume".
    ///
    /// Where two values contradict each other this is "high" or "low".
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::NotFinite { field, .. } | Self::Price { field, .. } => field,
            Self::Volume { .. } => "volume",
            Self::High { .. } => "high",
            Self::Low { .. } => "low",
        }
    }
}

/// Why candles are no [`CandleSeries`](crate::CandleSeries).
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// A candle opens before the candle in front of it.
    #[error(
        "candle {index} opens at {open_time}, before its predecessor at {previous}: sort the candles by open time"
    )]
    Order {
        /// Index of the candle.
        index: usize,
        /// Its open time.
        open_time: Timestamp,
        /// The open time of the candle in front of it.
        previous: Timestamp,
    },
    /// Two candles open at the same time.
    #[error("candle {index} opens at {open_time} like its predecessor: remove one of the two")]
    Duplicate {
        /// Index of the second of the two.
        index: usize,
        /// The open time of both.
        open_time: Timestamp,
    },
    /// An open time is not a multiple of the interval.
    #[error(
        "candle {index} opens at {open_time}, which is no open time of {interval} candles (the one before is {expected})"
    )]
    Misaligned {
        /// Index of the candle.
        index: usize,
        /// Its open time.
        open_time: Timestamp,
        /// The interval of the series.
        interval: Interval,
        /// The last open time on the interval's grid before it.
        expected: Timestamp,
    },
    /// The columns differ in length.
    #[error("column {column} has {got} values, expected {expected} like open_time")]
    Length {
        /// Which column.
        column: &'static str,
        /// The length of the open times.
        expected: usize,
        /// The length of the column.
        got: usize,
    },
    /// A row of the columns is no candle.
    #[error("candle {index}: {source}")]
    Candle {
        /// Index of the row.
        index: usize,
        /// What is wrong with it.
        source: CandleError,
    },
}

/// Why a series cannot be made coarser.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResampleError {
    /// The wanted candles cannot be put together from whole candles of the series.
    #[error("{from} candles cannot be put together to {to} candles: {to} is no multiple of {from}")]
    Interval {
        /// The interval of the series.
        from: Interval,
        /// The wanted one.
        to: Interval,
    },
    /// The volumes of one candle add up to more than a candle can have.
    #[error("the volume of the candle at {open_time} is above 1e100")]
    Volume {
        /// Its open time.
        open_time: Timestamp,
    },
}

/// A short copy of a text for a message: whole up to 64 characters, then cut.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 64;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
