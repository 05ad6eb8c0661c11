//! The error of all readers.

use windvane_candles::IntervalError;

/// Error of every reader: no candles, and the reason. Each message names the file, and the line
/// where there is one.
///
/// Lines are counted from 1, the header included.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("{file}: {source}")]
    Io {
        /// Path of the file.
        file: String,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("{file}: the file is empty")]
    Empty {
        /// Path of the file.
        file: String,
    },
    /// The file, or what is packed in it, is larger than what is read.
    #[error(
        "{file}: more than {most} bytes{}", if *packed { " when unpacked" } else { "" }
    )]
    TooLarge {
        /// Path of the file.
        file: String,
        /// The most bytes that are read: 2 GiB, or of a packed file 200 times its size and a
        /// megabyte if that is less.
        most: u64,
        /// Whether the bound is the one of packed files.
        packed: bool,
    },
    /// A zip, gzip, JSON, Arrow or Parquet file is damaged, has no candles, or is of a kind that is
    /// not read (without the feature `columnar`: Arrow and Parquet).
    #[error("{file}: {format}: {reason}")]
    Format {
        /// Path of the file.
        file: String,
        /// The format that its first bytes name.
        format: &'static str,
        /// Error of the decoder.
        reason: String,
    },
    /// Neither a header nor rows of candles were found.
    #[error("{file}: no table of candles recognised; it begins with {start:?}")]
    Unknown {
        /// Path of the file.
        file: String,
        /// Its first line, cut after 64 characters.
        start: String,
    },
    /// There is a header, but it has none of the names of a column.
    #[error("{file}, line {line}: no column for {column}, the header has {found:?}")]
    MissingColumn {
        /// Path of the file.
        file: String,
        /// The line of the header.
        line: u64,
        /// Name of the column.
        column: &'static str,
        /// The names there are, at most 20 of them.
        found: Vec<String>,
    },
    /// There is a table, but no known format, and its plain names leave a role open.
    #[error(
        "{file}, line {line}: {problem}; the columns are {columns}. Write which is which: \
         --columns {mapping} (ReadOptions::columns)"
    )]
    Columns {
        /// Name of the file.
        file: String,
        /// The line of the header.
        line: u64,
        /// The role that is open, and the reason.
        problem: String,
        /// Numbers and names of the columns, each with an example.
        columns: String,
        /// The mapping to write, with `?` for what is not known.
        mapping: String,
    },
    /// The encoding, or the meaning of times, numbers or rows is open, and an option decides it.
    #[error("{file}: {reason}")]
    Ambiguous {
        /// Name of the file.
        file: String,
        /// The readings, and the option to write.
        reason: String,
    },
    /// The file holds several series.
    #[error("{file}: {} series in one file: {}", keys.len(), advice(keys))]
    SeveralSeries {
        /// Name of the file.
        file: String,
        /// Name of each series, such as `symbol=BTCUSDT`, and its number of rows.
        keys: Vec<(String, u64)>,
    },
    /// A folder of partitions, or a file in it, whose form is ambiguous or contradicts its keys.
    #[error("{path}: {reason}")]
    Partitions {
        /// Path of the folder or the file.
        path: String,
        /// The problem, with the other file if there is one, and the remedy.
        reason: String,
    },
    /// More rows than an accident explains are out of order.
    #[error(
        "{file}: {rows} rows are out of order (rows {first:?}...): sort the file by time; if its \
         times were cut or day and month swapped, export it again"
    )]
    Scrambled {
        /// Name of the file.
        file: String,
        /// Rows out of order.
        rows: u64,
        /// The first three of them.
        first: Vec<u64>,
    },
    /// A row or the header is wrong in itself, or does not follow the row above.
    #[error("{file}, line {line}{}: {reason}", in_column(column.as_deref()))]
    Row {
        /// Path of the file.
        file: String,
        /// The line of the row, counted from 1.
        line: u64,
        /// The name in the file of the (first) column at fault, where it is one.
        column: Option<String>,
        /// The fault, and the form that was expected.
        reason: String,
    },
    /// Some dates can only be day-first, others only month-first.
    #[error(
        "{file}: dates contradict each other: {day_first} is day-first, {month_first} month-first (lines)"
    )]
    Dates {
        /// Path of the file.
        file: String,
        /// The first line that can only be day-first.
        day_first: u64,
        /// The first line that can only be month-first.
        month_first: u64,
    },
    /// There is a table, but no candle in it.
    #[error("{file}: no candle in {rows} rows{}", first.as_ref().map_or(String::new(), |f| format!(": {f}")))]
    NoCandle {
        /// Path of the file.
        file: String,
        /// Number of rows.
        rows: u64,
        /// Outcome of the first affected rows.
        first: Option<String>,
    },
    /// There are fewer than two different open times, and nothing else shows the interval.
    #[error(
        "{file}: cannot infer the interval from {rows} row(s) with one open time: add a candle, or give `read_csv` the interval"
    )]
    NoInterval {
        /// Path of the file.
        file: String,
        /// The rows of the file, without header.
        rows: u64,
    },
    /// The step between rows is not regular, is no interval, or is another one than asked for.
    #[error("{file}: {reason}")]
    Interval {
        /// Path of the file.
        file: String,
        /// The fault, with the step.
        reason: String,
    },
    /// More rows would be dropped than can be an accident: more than 1 % and more
    /// than three, more than are kept, or all of them at one end or on one side of a price.
    #[error("{file}: {lost} of {rows} rows would be dropped: {first}")]
    TooMuchLost {
        /// Path of the file.
        file: String,
        /// Rows that would be dropped.
        lost: u64,
        /// Number of all rows.
        rows: u64,
        /// The largest reason.
        first: String,
    },
}

/// The series of a file and the ways to read them.
fn advice(keys: &[(String, u64)]) -> String {
    const MAX_LISTED: usize = 10;
    let one = |(key, rows): &(String, u64)| format!("{} ({rows} rows)", excerpt(key));
    let listed: Vec<String> = keys.iter().take(MAX_LISTED).map(one).collect();
    let more = if keys.len() > MAX_LISTED { ", ..." } else { "" };
    let (first, _) = keys.first().map_or(("", &0), |(key, rows)| (key.as_str(), rows));
    let column = first.split('=').next().unwrap_or_default();
    format!(
        "{}{more}. Read one with --select {first} (ReadOptions::select) or all with \
         ReadOptions::read_all; if {column:?} does not tell series apart, write --columns \
         ignore={column}",
        listed.join(", ")
    )
}

/// The part of a message that names a column.
fn in_column(column: Option<&str>) -> String {
    column.map_or(String::new(), |column| format!(", column {column}"))
}

impl ReadError {
    pub(crate) fn row(file: &str, line: u64, reason: impl Into<String>) -> Self {
        Self::Row { file: file.to_owned(), line, column: None, reason: reason.into() }
    }

    pub(crate) fn cell(file: &str, line: u64, column: &str, reason: impl Into<String>) -> Self {
        let column = Some(column.to_owned());
        Self::Row { file: file.to_owned(), line, column, reason: reason.into() }
    }

    pub(crate) fn format(file: &str, format: &'static str, reason: impl Into<String>) -> Self {
        Self::Format { file: file.to_owned(), format, reason: reason.into() }
    }

    pub(crate) fn ambiguous(file: &str, reason: impl Into<String>) -> Self {
        Self::Ambiguous { file: file.to_owned(), reason: reason.into() }
    }

    pub(crate) fn several_series(file: &str, keys: Vec<(String, u64)>) -> Self {
        Self::SeveralSeries { file: file.to_owned(), keys }
    }

    pub(crate) fn interval(file: &str, reason: impl Into<String>) -> Self {
        Self::Interval { file: file.to_owned(), reason: reason.into() }
    }

    /// The error for the most common step between rows, if that is no interval.
    pub(crate) fn step(file: &str, source: &IntervalError) -> Self {
        Self::interval(file, format!("the most common step between rows is no interval: {source}"))
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
