//! Readers of candle files of exchanges and tools: CSV, JSON, zip, gzip, Arrow and Parquet.
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
//! [`read_file`] recognises the format of a file by a table of formats ([`known_formats`]) or by
//! plain column names, drops what is wrong, and lists every repair as a [`Note`]. What the file
//! leaves open is refused with the columns and the option to write: [`ReadOptions`] maps columns
//! and sets the meaning of times, the zone, the interval, the decimal sign and the encoding. [`read_csv`] is the
//! strict counterpart: columns by name, nothing repaired, the first wrong row is an error.
//! [`PartitionedFolder`] joins the files of a Hive-partitioned folder, pair by pair.
//!
//! | format | recognition |
//! |---|---|
//! | zip, gzip | their first bytes; at most 200 times the packed size and a megabyte, and 2 GiB |
//! | CSV | delimiter, comments, banner lines, header or none |
//! | JSON | the largest list of candles in it: arrays, objects, or one array per column; pages of one are put together |
//! | Arrow IPC (feather) and its streams, Parquet | their first bytes, with the feature `columnar` |
//!
//! Prices and times of a candle that is kept are those of the file, with four exceptions: a daily
//! candle of a market with weekends is moved to 00:00 UTC of its date, a candle stamped at its
//! close is moved to its open, a volume that the file lacks is 0, and a high or low that misses
//! open or close by rounding (a relative 1e-9) is widened. A file is refused if more than 1 % of
//! its rows (and more than three of them) would be dropped or are out of order, if it holds several
//! series ([`ReadOptions::read_all`] reads each), or if its interval cannot be inferred.
//!
//! # Features
//! `columnar`: Arrow and Parquet files. Off by default: they take longer to build than all other
//! crates of windvane.
//!
//! # Layers
//! Layer 2 of the list in `docs/design.md`; depends on candles.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cell;
mod columns;
mod dates;
mod encoding;
mod error;
mod find;
mod formats;
mod grid;
mod header;
mod json;
mod keys;
mod names;
mod note;
mod number;
mod options;
mod order;
mod partitions;
mod rows;
mod states;
mod strict;
mod table;
mod time;
mod time_column;
mod unpack;
mod zone;

#[cfg(feature = "columnar")]
mod arrow_cells;
#[cfg(feature = "columnar")]
mod columnar;
#[cfg(feature = "columnar")]
mod pages;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use windvane_candles::{CandleSeries, Pair};

use self::columns::Columns;
use self::encoding::DecodedText;
pub use self::encoding::TextEncoding;
pub use self::error::ReadError;
pub use self::formats::known_formats;
use self::note::ReadLog;
pub use self::note::{Note, NoteKind};
pub use self::number::NumberStyle;
pub use self::options::{ColumnMap, OptionError, ReadOptions, TimeMeaning};
pub use self::partitions::{PartitionedFolder, PartitionedPair};
use self::rows::SeriesRows;
pub use self::strict::{CsvSeries, parse_csv, read_csv};
use self::table::Table;
use self::unpack::MAX_BYTES;

/// Column that selects one of several groups of prices: `--select prices=BTC`.
pub(crate) const GROUP_KEY: &str = "prices";

/// The candles of a file, its format, and every repair.
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
    /// Name of the series in a file of several, such as `symbol=BTCUSDT`.
    pub key: Option<String>,
    /// Format of the file.
    pub format: Format,
    /// Number of rows in the file, header and banner not counted.
    pub rows: u64,
    /// List of all that was recognised with doubt, dropped, re-ordered or repaired.
    pub notes: Vec<Note>,
}

/// Format of a file of candles.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Format {
    /// Exchange or tool that writes such files, or the kind of column names.
    pub source: &'static str,
    /// `CSV`, `JSON`, `Arrow` or `Parquet`.
    pub container: &'static str,
    /// Whether the columns have names.
    pub header: bool,
    /// Form of the times, such as `epoch seconds` or `dates with a clock`.
    pub times: String,
}

/// All parts in one line.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = if self.header { "with header" } else { "without header" };
        write!(f, "{}, {} {header}, {}", self.source, self.container, self.times)
    }
}

/// Reads the candles of a file of one series, with everything taken from the file.
///
/// # Errors
/// [`ReadError`] if the file cannot be opened, is of no known form, leaves a column, a time or a
/// number open, holds several series, or has too much wrong in it.
pub fn read_file(path: impl AsRef<Path>, pair: Pair) -> Result<ReadResult, ReadError> {
    ReadOptions::new(pair).read_file(path)
}

/// Reads the candles of a file in memory; `name` stands for the file in messages.
///
/// # Errors
/// As [`read_file`].
pub fn read_bytes(bytes: Vec<u8>, name: &str, pair: Pair) -> Result<ReadResult, ReadError> {
    ReadOptions::new(pair).read_bytes(bytes, name)
}

impl ReadOptions {
    /// Reads the candles of a file of one series.
    ///
    /// # Errors
    /// As [`read_file`].
    pub fn read_file(&self, path: impl AsRef<Path>) -> Result<ReadResult, ReadError> {
        let (bytes, name) = bytes_of(path.as_ref())?;
        self.read_bytes(bytes, &name)
    }

    /// Reads the candles of a file in memory; `name` stands for the file in messages.
    ///
    /// # Errors
    /// As [`read_file`].
    pub fn read_bytes(&self, bytes: Vec<u8>, name: &str) -> Result<ReadResult, ReadError> {
        let mut all = self.read(bytes, name, false)?;
        Ok(all.swap_remove(0))
    }

    /// Reads each series of a file. The pair of a series is its key, such as `BTCUSDT` of
    /// `symbol=BTCUSDT`; in a file of one series it is the pair of the options.
    ///
    /// # Errors
    /// As [`read_file`], except for several series.
    pub fn read_all(&self, path: impl AsRef<Path>) -> Result<Vec<ReadResult>, ReadError> {
        let (bytes, name) = bytes_of(path.as_ref())?;
        self.read(bytes, &name, true)
    }

    /// Reads each series of a file in memory, as [`read_all`](Self::read_all).
    ///
    /// # Errors
    /// As [`read_all`](Self::read_all).
    pub fn read_all_bytes(&self, bytes: Vec<u8>, name: &str) -> Result<Vec<ReadResult>, ReadError> {
        self.read(bytes, name, true)
    }

    /// At least one series, and only one unless `all` is set.
    fn read(&self, bytes: Vec<u8>, file: &str, all: bool) -> Result<Vec<ReadResult>, ReadError> {
        let mut notes = vec![];
        let bytes = unpack::unpack(bytes, file, &mut notes)?;
        let (table, container) = self.table(bytes, file, &mut notes)?;
        let mut log = ReadLog::new(notes, table.unit);
        let head = table.head(file)?;
        if head.is_empty() {
            return Err(ReadError::Empty { file: file.to_owned() });
        }
        let found = find::columns(&table, &head, self, file, &mut log);
        let is_misread = |all: &Vec<Columns>| all.iter().any(Columns::has_stand_ins);
        if table.is_open && found.as_ref().map_or(true, is_misread) {
            return Err(table.open_encoding(file));
        }
        let mut groups = found?;
        drop(head);
        if table.is_open {
            let text = "not UTF-8, but no column that is read has characters beyond ASCII";
            log.file(NoteKind::Encoding, text);
        }
        let wanted = self.select.iter().find(|(name, _)| name == GROUP_KEY && groups.len() > 1);
        if let Some((_, value)) = wanted {
            let names: Vec<Option<String>> = groups.iter().map(|own| own.group.clone()).collect();
            let value = names::plain_name(value);
            groups.retain(|own| own.group.as_deref() == Some(value.as_str()));
            if groups.is_empty() {
                let names: Vec<String> = names.into_iter().flatten().collect();
                let reason = format!("no prices of {value:?}; there are {}", names.join(", "));
                return Err(ReadError::ambiguous(file, reason));
            }
        }
        if groups.len() > 1 && !all {
            let rows = table.rows_below(groups[0].header, file)?;
            let key = |own: &Columns| own.group.clone().unwrap_or_default();
            let keys = groups.iter().map(|own| (format!("{GROUP_KEY}={}", key(own)), rows));
            return Err(ReadError::several_series(file, keys.collect()));
        }
        let mut read = vec![];
        for columns in groups {
            columns.check_types(&table, file)?;
            for mut rows in rows::read(&table, &columns, self, all, file, &log)? {
                if let (Some(group), true) = (&columns.group, all) {
                    let group = format!("{GROUP_KEY}={group}");
                    rows.key = Some(rows.key.map_or(group.clone(), |key| format!("{group},{key}")));
                }
                read.push(self.finish(rows, &columns, &table, container, file)?);
            }
        }
        Ok(read)
    }

    /// The table in unpacked bytes, and the name of its format.
    fn table(
        &self,
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
        // A stream of Arrow begins with the length of its schema.
        if let [0xff, 0xff, 0xff, 0xff, _, _, 0, 0, ..] = bytes[..] {
            return Ok((columnar(bytes, file, "Arrow stream")?, "Arrow"));
        }
        let decoded = encoding::decode(bytes, self.encoding, file, notes)?;
        let DecodedText { text, is_open } = &decoded;
        match text.trim_ascii_start().as_bytes().first().copied() {
            None => Err(ReadError::Empty { file: file.to_owned() }),
            Some(b'[' | b'{') => Ok((json::table(text.as_bytes(), *is_open, file, notes)?, "JSON")),
            Some(_) => Ok((Table::of_text(decoded, notes), "CSV")),
        }
    }

    fn finish(
        &self,
        rows: SeriesRows,
        columns: &Columns,
        table: &Table,
        container: &'static str,
        file: &str,
    ) -> Result<ReadResult, ReadError> {
        let (key, total, times) = (rows.key.clone(), rows.total, rows.times.clone());
        let pair = key.as_deref().map_or_else(|| self.pair.clone(), |key| self.pair_of(key));
        let (series, log) = order::series(rows, columns, &table.answer, self, pair, file)?;
        let header = columns.header.is_some();
        let format = Format { source: columns.source, container, header, times };
        Ok(ReadResult { series, key, format, rows: total, notes: log.notes })
    }

    /// The pair of a key: its values, or the pair of the options before the key.
    fn pair_of(&self, key: &str) -> Pair {
        let values: Vec<&str> = key
            .split(',')
            .map(|part| part.split_once('=').map_or(part, |(_, value)| value))
            .collect();
        let name = values.join(":").replace(|c| !Pair::allows(c), "_");
        Pair::new(&name).unwrap_or_else(|_| self.pair.clone())
    }
}

fn bytes_of(path: &Path) -> Result<(Vec<u8>, String), ReadError> {
    let name = path.display().to_string();
    let mut bytes = vec![];
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    if let Err(source) = read {
        return Err(ReadError::Io { file: name, source });
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge { file: name, most: MAX_BYTES, packed: false });
    }
    Ok((bytes, name))
}

#[cfg(feature = "columnar")]
use self::columnar::{RowGroups, table as columnar};

#[cfg(not(feature = "columnar"))]
fn columnar(_: Vec<u8>, file: &str, format: &'static str) -> Result<Table, ReadError> {
    let reason = "read only with the feature `columnar` of windvane-readers";
    Err(ReadError::format(file, format, reason))
}

/// Row groups, of which there are none without Parquet.
#[cfg(not(feature = "columnar"))]
#[derive(Debug)]
enum RowGroups {}

#[cfg(not(feature = "columnar"))]
impl RowGroups {
    fn texts(&self) -> std::iter::Empty<Result<String, ReadError>> {
        match *self {}
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/reading-data.md")]
struct GuideDoctests;
