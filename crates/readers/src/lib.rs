//! Readers of candle files of exchanges and tools, with a list of every repair.
//!
//! ```
//! use windvane_candles::{Interval, Pair};
//! use windvane_readers::{NoteKind, read_bytes};
//!
//! let text = "\
//! Date,Open,High,Low,Close,Volume
//! 2024-01-31 06:00,11,13,11,12.5,280
//! 2024-01-31 05:00,10,12,9.5,11,340
//! ";
//! let read = read_bytes(text.as_bytes().to_vec(), "BTCUSDT.csv", Pair::new("BTCUSDT")?)?;
//! assert_eq!(read.series.interval(), Interval::HOUR);
//! assert_eq!(read.series.candles()[1].close(), 12.5);
//! // The rows of the file are in descending order of time: the repair is listed.
//! assert!(read.notes.iter().any(|note| note.kind == NoteKind::Order));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Overview
//! [`read_file`] recognises the format of a file, repairs rows without guessing prices, drops
//! invalid rows, and lists every repair as a [`Note`]. [`read_csv`] is the strict counterpart: it
//! reads columns by name and repairs nothing; the first invalid row is an error.
//!
//! | format | recognition |
//! |---|---|
//! | zip, gzip | by the first bytes; at most 200 times the compressed size plus a megabyte, and 2 GiB |
//! | CSV | by delimiter, comments, banner lines, with or without header |
//! | JSON | the largest list of candles in the text: arrays, objects, or one array per column; pages of one list are concatenated |
//! | Arrow IPC (feather), Parquet | by the first bytes, with the feature `columnar` |
//!
//! Prices and times of accepted candles are those of the file, with three exceptions: a daily
//! candle of a market with weekends is moved to 00:00 UTC of its date, a candle stamped at its
//! close is moved to its open, and a missing volume is 0. A file is rejected if more than a tenth
//! of its rows (and more than three rows) would be dropped, if it contains several instruments, or
//! if its interval cannot be inferred.
//!
//! # Features
//! `columnar`: Arrow and Parquet files. Off by default, because its dependencies take longer to
//! build than all other crates of windvane.
//!
//! # Layers
//! Layer 2 of the list in `docs/design.md`; depends on candles.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod by_data;
mod by_names;
mod cell;
mod columns;
mod error;
mod header;
mod json;
mod names;
mod note;
mod number;
mod order;
mod rows;
mod strict;
mod table;
mod time;
mod unpack;
mod volume;
mod zone;

#[cfg(feature = "columnar")]
mod columnar;
#[cfg(feature = "columnar")]
mod pages;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use windvane_candles::{CandleSeries, Pair};

pub use self::error::ReadError;
use self::note::ReadLog;
pub use self::note::{Note, NoteKind};
pub use self::strict::{CsvSeries, parse_csv, read_csv};
use self::table::Table;
use self::unpack::MAX_BYTES;

/// Candles of a file, its format, and every repair.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, Pair};
/// use windvane_readers::{NoteKind, read_bytes};
///
/// let text = "\
/// Date;Time;Open;High;Low;Close;Volume
/// 31.01.2024;06:00;11,5;13;11;12,5;280
/// 31.01.2024;05:00;10;12;9,5;11;340
/// ";
/// let read = read_bytes(text.as_bytes().to_vec(), "hours.csv", Pair::new("BTCUSDT")?)?;
/// assert_eq!(read.series.interval(), Interval::HOUR);
/// assert_eq!(read.series.candles()[1].close(), 12.5);
/// assert_eq!(read.format.to_string(), "date and time columns, CSV with header, dates with a clock");
/// assert!(read.notes.iter().any(|note| note.kind == NoteKind::Order));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ReadResult {
    /// Candles of the file.
    pub series: CandleSeries,
    /// Format of the file.
    pub format: Format,
    /// Number of rows in the file, without header and banner.
    pub rows: u64,
    /// Notes on everything that was recognised with uncertainty, dropped, reordered or repaired.
    pub notes: Vec<Note>,
}

/// Format of a file of candles.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Format {
    /// Exchange or tool that writes such files, or a description of the column names.
    pub source: &'static str,
    /// `CSV`, `JSON`, `Arrow` or `Parquet`.
    pub container: &'static str,
    /// Whether the columns have names.
    pub header: bool,
    /// Format of the times, such as `epoch seconds` or `dates with a clock`.
    pub times: String,
}

/// Writes all parts in one line.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = if self.header { "with header" } else { "without header" };
        write!(f, "{}, {} {header}, {}", self.source, self.container, self.times)
    }
}

/// Reads the candles of a file.
///
/// # Errors
/// [`ReadError`] if the file cannot be opened, has an unknown format, or has too many invalid rows.
pub fn read_file(path: impl AsRef<Path>, pair: Pair) -> Result<ReadResult, ReadError> {
    let name = path.as_ref().display().to_string();
    let mut bytes = vec![];
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    if let Err(source) = read {
        return Err(ReadError::Io { file: name, source });
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge { file: name, most: MAX_BYTES, packed: false });
    }
    read_bytes(bytes, &name, pair)
}

/// Reads the candles of a file in memory; messages use `name` as the name of the file.
///
/// # Errors
/// As [`read_file`].
pub fn read_bytes(bytes: Vec<u8>, name: &str, pair: Pair) -> Result<ReadResult, ReadError> {
    let mut notes = vec![];
    let bytes = unpack::unpack(bytes, name, &mut notes)?;
    let (table, container) = table_of(bytes, name, &mut notes)?;
    let mut log = ReadLog::new(notes, table.unit);
    let head = table.head(name)?;
    if head.is_empty() {
        return Err(ReadError::Empty { file: name.to_owned() });
    }
    let columns = columns::Columns::find(&table, &head, name, &mut log)?;
    let rows = rows::read(&table, &columns, &head, name, &mut log)?;
    let (total, times) = (rows.total, rows.times.clone());
    drop((table, head));
    let series = order::series(rows, name, pair, columns.stamps_close(), &mut log)?;
    let header = columns.header.is_some();
    let format = Format { source: columns.source, container, header, times };
    Ok(ReadResult { series, format, rows: total, notes: log.notes })
}

/// Table in unpacked bytes, and the name of its format.
fn table_of(
    bytes: Vec<u8>,
    file: &str,
    notes: &mut Vec<Note>,
) -> Result<(Table, &'static str), ReadError> {
    if bytes.starts_with(b"ARROW1") || bytes.starts_with(b"FEA1") {
        return Ok((columnar(bytes, file, "Arrow")?, "Arrow"));
    }
    if bytes.starts_with(b"PAR1") {
        return Ok((columnar(bytes, file, "Parquet")?, "Parquet"));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match text.trim_ascii_start().first() {
        None => Err(ReadError::Empty { file: file.to_owned() }),
        Some(b'[' | b'{') => Ok((json::table(text, file)?, "JSON")),
        Some(_) => Ok((Table::of_text(bytes, notes), "CSV")),
    }
}

#[cfg(feature = "columnar")]
use self::columnar::table as columnar;

#[cfg(not(feature = "columnar"))]
fn columnar(_: Vec<u8>, file: &str, format: &'static str) -> Result<Table, ReadError> {
    let reason = "read only with the feature `columnar` of windvane-readers";
    Err(ReadError::format(file, format, reason))
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
