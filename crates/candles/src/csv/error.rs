//! What can be wrong with a CSV file of candles.

use crate::{CandleError, Interval, IntervalError, Timestamp};

/// Why a CSV file gave no candles. Every message names the file, and the line where there is one.
///
/// Lines are counted from 1, the header included.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CsvError {
    /// The file could not be opened or read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// There is not a single line.
    #[error("{file}: the file is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// There is a header and nothing else.
    #[error("{file}: no candle after the header in line {line}")]
    NoRows {
        /// The file.
        file: String,
        /// The line of the header.
        line: u64,
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
    /// The header has none of the names of a column.
    #[error("{file}, line {line}: no column for {column}, the header has {found:?}")]
    MissingColumn {
        /// The file.
        file: String,
        /// The line of the header.
        line: u64,
        /// Which column: `open_time`, `open`, `high`, `low`, `close` or `volume`.
        column: &'static str,
        /// The names there are, at most 20 of them.
        found: Vec<String>,
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
        /// What is wrong with it.
        problem: CellProblem,
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
    /// No interval was given and the file has fewer than two different open times.
    #[error("{file}: {rows} row(s) with one open time do not show the interval: give the interval")]
    NoInterval {
        /// The file.
        file: String,
        /// The rows of the file, without header.
        rows: usize,
    },
    /// No interval was given and the most common step between rows is none.
    #[error("{file}: the most common step between rows is no interval: {source}")]
    OddInterval {
        /// The file.
        file: String,
        /// What is wrong with the step.
        source: IntervalError,
    },
}

/// Why a cell could not be read.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CellProblem {
    /// There is nothing in it.
    #[error("is an empty cell")]
    Empty,
    /// It is not a number such as `1234.5`.
    #[error("is no number (expected digits and a decimal point)")]
    Number,
    /// It is neither a whole number nor a date.
    #[error("is no time (expected an epoch number or a date such as 2024-01-01 05:00)")]
    Time,
    /// It is a number, but no epoch between 1973 and 5138.
    #[error(
        "is no epoch in seconds, milliseconds or microseconds between 1973 and 5138 (write a date as 2024-01-31)"
    )]
    Epoch,
    /// It is a time between two milliseconds.
    #[error("is finer than a millisecond")]
    TooFine,
}

/// A step as the name of an interval, or in milliseconds if it is none.
fn length(millis: i64) -> String {
    match Interval::from_millis(millis) {
        Ok(interval) => interval.to_string(),
        Err(_) => format!("{millis} ms"),
    }
}
