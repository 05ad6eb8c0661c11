//! Reading candles from files of exchanges and tools, whatever their dialect.
//!
//! [`read_file`] recognises the dialect of a file, repairs what can be repaired without a guess
//! about prices, drops what is wrong, and reports all of it as [`Note`]s. The readers of
//! [`crate::csv`] are the strict counterpart: they repair nothing.
//!
//! | read | how it is known |
//! |---|---|
//! | zip, gzip | by their first bytes; at most 200 times the packed size and a megabyte, and 2 GiB |
//! | CSV | delimiter, comments, banner lines, header or none |
//! | JSON | the largest list of candles in it: arrays, objects, or one array per column; pages of one are put together |
//! | Arrow IPC (feather), Parquet | with the feature `columnar` |
//!
//! Prices and times of a candle that is kept are those of the file, except that a daily candle of
//! a market with weekends is moved to 00:00 UTC of its date, that one stamped at its close is
//! moved to its open, and that a volume the file lacks is 0. A file is refused if more than a tenth of its rows (and more than three of them) would be
//! dropped, if it holds several instruments, or if its interval cannot be told.

mod by_data;
mod columns;
mod error;
mod json;
mod names;
mod note;
mod number;
mod order;
mod rows;
mod table;
#[cfg(test)]
mod tests;
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

pub use self::error::ReadError;
use self::note::Ledger;
pub use self::note::{Note, NoteKind, Place};
use self::table::Table;
use self::unpack::MOST_BYTES;
use crate::{CandleSeries, Pair};

/// The candles of a file, and what was done to get them.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, Pair, read::{NoteKind, read_bytes}};
///
/// let text = "\
/// Date;Time;Open;High;Low;Close;Volume
/// 31.01.2024;06:00;11,5;13;11;12,5;280
/// 31.01.2024;05:00;10;12;9,5;11;340
/// ";
/// let read = read_bytes(text.as_bytes().to_vec(), "hours.csv", Pair::new("BTCUSDT")?)?;
/// assert_eq!(read.series.interval(), Interval::HOUR);
/// assert_eq!(read.series.candles()[1].close(), 12.5);
/// assert_eq!(read.dialect.to_string(), "date and time columns, CSV with header, dates with a clock");
/// assert!(read.notes.iter().any(|note| note.kind == NoteKind::Order));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Reading {
    /// The candles.
    pub series: CandleSeries,
    /// How the file is written.
    pub dialect: Dialect,
    /// How many rows the file has, header and banner not counted.
    pub rows: u64,
    /// Everything that was recognised with doubt, dropped, re-ordered or repaired.
    pub notes: Vec<Note>,
}

/// How a file is written.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Dialect {
    /// Who writes such files, or how the columns are named.
    pub source: &'static str,
    /// `CSV`, `JSON`, `Arrow` or `Parquet`.
    pub format: &'static str,
    /// Whether the columns have names.
    pub header: bool,
    /// How times are written, such as `epoch seconds` or `dates with a clock`.
    pub times: String,
}

/// All parts in one line.
impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = if self.header { "with header" } else { "without header" };
        write!(f, "{}, {} {header}, {}", self.source, self.format, self.times)
    }
}

/// Reads the candles of a file.
///
/// # Errors
/// [`ReadError`] if the file cannot be opened, is of no known form, or has too much wrong in it.
pub fn read_file(path: impl AsRef<Path>, pair: Pair) -> Result<Reading, ReadError> {
    let name = path.as_ref().display().to_string();
    let mut bytes = vec![];
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    if let Err(source) = read {
        return Err(ReadError::Io { file: name, source });
    }
    if bytes.len() as u64 > MOST_BYTES {
        return Err(ReadError::TooLarge { file: name, most: MOST_BYTES, packed: false });
    }
    read_bytes(bytes, &name, pair)
}

/// Reads the candles of a file in memory; `name` stands for the file in messages.
///
/// # Errors
/// As [`read_file`].
pub fn read_bytes(bytes: Vec<u8>, name: &str, pair: Pair) -> Result<Reading, ReadError> {
    let mut notes = vec![];
    let bytes = unpack::unpack(bytes, name, &mut notes)?;
    let (table, format) = table_of(bytes, name, &mut notes)?;
    let mut ledger = Ledger::new(notes, table.unit);
    let head = table.head(name)?;
    if head.is_empty() {
        return Err(ReadError::Empty { file: name.to_owned() });
    }
    let columns = columns::Columns::find(&table, &head, name, &mut ledger)?;
    let rows = rows::read(&table, &columns, &head, name, &mut ledger)?;
    let (total, times) = (rows.total, rows.times.clone());
    drop((table, head));
    let series = order::series(rows, name, pair, columns.stamps_close(), &mut ledger)?;
    let dialect =
        Dialect { source: columns.source, format, header: columns.header.is_some(), times };
    Ok(Reading { series, dialect, rows: total, notes: ledger.notes })
}

/// The table in unpacked bytes, and the name of its format.
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
    Err(ReadError::Feature { file: file.to_owned(), format, feature: "columnar" })
}
