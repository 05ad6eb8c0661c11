//! The error of all readers.

use windvane_candles::{CandleError, Interval, IntervalError, Timestamp};

/// Error of every reader: no candles, and the reason. Each message names the file, and the line
/// where there is one.
///
/// Lines are counted from 1, the header included. The variants from `NoHeader` to
/// `IntervalMismatch` come from the strict reader alone, which repairs nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("{file}: the file is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// The file, or what is packed in it, is larger than what is read.
    #[error(
        "{file}: more than {most} bytes{}", if *packed { " when unpacked" } else { "" }
    )]
    TooLarge {
        /// The file.
        file: String,
        /// The most bytes that are read: 2 GiB, or of a packed file 200 times its size and a
        /// megabyte if that is less.
        most: u64,
        /// Whether the bound is the one of packed files.
        packed: bool,
    },
    /// A zip, gzip, JSON, Arrow or Parquet file is damaged, has no candles, or is of a kind that is
    /// not read.
    #[error("{file}: {format}: {reason}")]
    Format {
        /// The file.
        file: String,
        /// The format that its first bytes name.
        format: &'static str,
        /// What its reader said.
        reason: String,
    },
    /// A zip archive holds several files with data.
    #[error("{file}: holds {count} files ({names:?}...): unpack them and read one by one")]
    SeveralFiles {
        /// The file.
        file: String,
        /// How many there are.
        count: usize,
        /// The first names.
        names: Vec<String>,
    },
    /// The file needs a feature that was not compiled in.
    #[error("{file}: {format} files are read with the feature `{feature}`")]
    Feature {
        /// The file.
        file: String,
        /// The format.
        format: &'static str,
        /// The feature of this crate.
        feature: &'static str,
    },
    /// Neither a header nor rows of candles were found.
    #[error("{file}: no table of candles recognised; it begins with {start:?}")]
    Unknown {
        /// The file.
        file: String,
        /// Its first line, cut after 64 characters.
        start: String,
    },
    /// There is a header, but it has none of the names of a column.
    #[error("{file}, line {line}: no column for {column}, the header has {found:?}")]
    MissingColumn {
        /// The file.
        file: String,
        /// The line of the header.
        line: u64,
        /// Which column.
        column: &'static str,
        /// The names there are, at most 20 of them.
        found: Vec<String>,
    },
    /// Times carry the name of a zone that is not known, or that several zones share.
    #[error(
        "{file}, line {line}: time zone {zone:?} is not known or not the only one of this name"
    )]
    Zone {
        /// The file.
        file: String,
        /// The line of the header, or of the first time.
        line: u64,
        /// The name of the zone.
        zone: String,
    },
    /// A quoted cell goes over the end of its line: a quote is missing.
    #[error("{file}, line {line}: a quote that is not closed on its line")]
    Quote {
        /// The file.
        file: String,
        /// The line the row begins in.
        line: u64,
    },
    /// The rows are of several instruments.
    #[error("{file}: candles of several instruments ({names:?}...): split the file")]
    Instruments {
        /// The file.
        file: String,
        /// The first names.
        names: Vec<String>,
    },
    /// Some dates can only be day-first, others only month-first.
    #[error(
        "{file}: dates contradict each other: {day_first} is day-first, {month_first} month-first (lines)"
    )]
    Dates {
        /// The file.
        file: String,
        /// The first line that can only be day-first.
        day_first: u64,
        /// The first line that can only be month-first.
        month_first: u64,
    },
    /// There is a table, but no candle in it.
    #[error("{file}: no candle in {rows} rows{}", first.as_ref().map_or(String::new(), |f| format!(": {f}")))]
    NoCandle {
        /// The file.
        file: String,
        /// How many rows there are.
        rows: u64,
        /// What became of the first ones.
        first: Option<String>,
    },
    /// There are fewer than two different open times, and nothing else shows the interval.
    #[error(
        "{file}: cannot infer the interval from {rows} row(s) with one open time: add a candle, or give `read_csv` the interval"
    )]
    NoInterval {
        /// The file.
        file: String,
        /// The rows of the file, without header.
        rows: u64,
    },
    /// The candles are monthly: their length differs.
    #[error("{file}: looks like monthly candles, whose length differs: read days or weeks")]
    Months {
        /// The file.
        file: String,
    },
    /// No step between rows divides the others.
    #[error("{file}: no regular interval: the most common step between rows is {step} ms")]
    Irregular {
        /// The file.
        file: String,
        /// The most common step in milliseconds.
        step: i64,
    },
    /// The most common step between rows is no interval of candles.
    #[error("{file}: the most common step between rows is no interval: {source}")]
    Interval {
        /// The file.
        file: String,
        /// What is wrong with the step.
        source: IntervalError,
    },
    /// More rows would be dropped than can be an accident: more than a tenth and
    /// more than three, or more than are kept.
    #[error("{file}: {lost} of {rows} rows would be dropped: {first}")]
    TooMuchLost {
        /// The file.
        file: String,
        /// Rows that would be dropped.
        lost: u64,
        /// All rows.
        rows: u64,
        /// The largest reason.
        first: String,
    },
    /// The first line holds numbers only, and not the twelve of an exchange archive.
    #[error(
        "{file}, line {line}: no header, and {got} columns where an exchange archive has {expected}: add a header such as open_time,open,high,low,close,volume"
    )]
    NoHeader {
        /// The file.
        file: String,
        /// The first line.
        line: u64,
        /// Twelve.
        expected: usize,
        /// The cells of the line.
        got: usize,
    },
    /// A row has more or fewer cells than the first line.
    #[error("{file}, line {line}: {got} cells, expected {expected} like the first line")]
    Ragged {
        /// The file.
        file: String,
        /// The line of the row.
        line: u64,
        /// The cells of the first line.
        expected: usize,
        /// The cells of the row.
        got: usize,
    },
    /// The file is not plain text.
    #[error("{file}, line {line}: not UTF-8 text: save the file as UTF-8")]
    NotUtf8 {
        /// The file.
        file: String,
        /// The first line at fault.
        line: u64,
    },
    /// A cell is no number or no time.
    #[error("{file}, line {line}, column {column}: {value:?} {problem}")]
    Cell {
        /// The file.
        file: String,
        /// The line of the row.
        line: u64,
        /// The name of the column in the file.
        column: String,
        /// The cell, cut after 64 characters.
        value: String,
        /// The rest of the sentence, and the form that was expected.
        problem: &'static str,
    },
    /// The numbers of a row make no candle.
    #[error("{file}, line {line}, column {column}: {source}")]
    Candle {
        /// The file.
        file: String,
        /// The line of the row.
        line: u64,
        /// The name in the file of the (first) column at fault.
        column: String,
        /// What is wrong.
        source: CandleError,
    },
    /// A row is older than the row above it.
    #[error(
        "{file}, line {line}: opens at {open_time}, before the row above at {previous}: sort the rows by time, the oldest first"
    )]
    Order {
        /// The file.
        file: String,
        /// The line of the row.
        line: u64,
        /// Its open time.
        open_time: Timestamp,
        /// The open time of the row above.
        previous: Timestamp,
    },
    /// Two rows have the same open time.
    #[error("{file}, line {line}: opens at {open_time} like the row above: remove one of the two")]
    Duplicate {
        /// The file.
        file: String,
        /// The line of the second row.
        line: u64,
        /// The open time of both.
        open_time: Timestamp,
    },
    /// An open time is not a multiple of the interval.
    #[error(
        "{file}, line {line}, column {column}: {open_time} is no open time of {interval} candles (the one before is {expected}): times are never moved, write the open time of the candle into the file"
    )]
    Misaligned {
        /// The file.
        file: String,
        /// The line of the row.
        line: u64,
        /// The name of the time column in the file.
        column: String,
        /// The time.
        open_time: Timestamp,
        /// The interval of the series.
        interval: Interval,
        /// The last open time on the interval's grid before it.
        expected: Timestamp,
    },
    /// The file has candles of another interval than asked for.
    #[error("{file}: looks like {} candles, expected {expected}", length(*got))]
    IntervalMismatch {
        /// The file.
        file: String,
        /// The interval asked for.
        expected: Interval,
        /// The most common step between rows, in milliseconds.
        got: i64,
    },
}

/// A step as the name of an interval, or in milliseconds if it is none.
fn length(millis: i64) -> String {
    match Interval::from_millis(millis) {
        Ok(interval) => interval.to_string(),
        Err(_) => format!("{millis} ms"),
    }
}

/// A short copy of a text for a message: whole up to 64 characters, then cut.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARACTERS: usize = 64;
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
