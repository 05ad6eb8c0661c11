//! Why a file gave no candles.

use crate::IntervalError;

/// Why a file gave no candles. Every message names the file, and the line where there is one.
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
    /// A zip, gzip, Arrow or Parquet file is damaged or of a kind that is not read.
    #[error("{file}: {format}: {reason}")]
    Container {
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
    /// The JSON text is wrong, or holds no table of candles.
    #[error("{file}: JSON: {reason}")]
    Json {
        /// The file.
        file: String,
        /// What is wrong, and where.
        reason: String,
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
    /// The interval shows in no two rows.
    #[error("{file}: one candle, and nothing that tells its interval")]
    NoInterval {
        /// The file.
        file: String,
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
    /// The step between rows is no interval of candles.
    #[error("{file}: the step between rows is no interval: {source}")]
    Interval {
        /// The file.
        file: String,
        /// Why.
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
}
