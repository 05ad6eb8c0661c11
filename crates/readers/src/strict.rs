//! Strict CSV reader: columns by name, no repairs.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use csv::ByteRecord;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, SeriesError};

use super::cell;
use super::error::{ReadError, excerpt};
use super::header::{Column, Header};

/// Candles of a CSV file with their lines.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, Pair};
/// use windvane_readers::parse_csv;
///
/// let text = "\
/// date,open,high,low,close,volume
/// 2024-01-01 05:00,10,12,9.5,11,340
/// 2024-01-01 06:00,11,13,11,12.5,280
/// 2024-01-01 08:00,12,12,11,11,150
/// ";
/// let read = parse_csv(text.as_bytes(), "hours.csv", Pair::new("BTCUSDT")?, None)?;
/// assert_eq!(read.series.len(), 3);
/// assert_eq!(read.series.interval(), Interval::HOUR);
/// let gap = read.series.gaps().next().unwrap();
/// assert_eq!((read.line(gap.after + 1), gap.missing), (Some(4), 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct CsvSeries {
    /// Candles of the file.
    pub series: CandleSeries,
    lines: Vec<u64>,
}

impl CsvSeries {
    /// Returns the line (from 1) of the candle at an index; `None` past the end.
    ///
    /// The first candle after a [`Gap`](windvane_candles::Gap) has the index `gap.after + 1`.
    pub fn line(&self, index: usize) -> Option<u64> {
        self.lines.get(index).copied()
    }
}

/// Reads the candles of a CSV file without repairs.
///
/// The first line contains the names of the columns, in any order and case:
///
/// | column | names |
/// |---|---|
/// | open time | `open_time`, `open time`, `timestamp`, `unix`, `bucket`, `time`, `datetime`, `date`, `t` (the first of these in the header) |
/// | prices | `open`, `high`, `low`, `close` or `o`, `h`, `l`, `c` |
/// | volume | `volume`, `vol` or `v` |
///
/// Other columns are ignored. A file whose first line contains twelve numbers is read as an
/// exchange archive without header (`open_time,open,high,low,close,volume,close_time,...`).
///
/// A time is a date in a format of [`Timestamp`](windvane_candles::Timestamp), or a whole number
/// since 1970-01-01 00:00 UTC. The size of each number determines its unit: seconds from 1e8,
/// milliseconds from 1e11, microseconds from 1e14 up to 1e17. Each of these ranges corresponds to
/// 1973-03-03 to 5138-11-16.
///
/// Rows out of order, duplicates, times off the grid of the interval and invalid numbers are
/// errors with file and line. Missing candles are not an error: see [`CandleSeries::gaps`]. If
/// `interval` is `None`, it is the most common step between rows.
///
/// # Errors
/// [`ReadError`] if the file cannot be read, if a row is invalid, or if the file has candles of
/// another interval than `interval`.
pub fn read_csv(
    path: impl AsRef<Path>,
    pair: Pair,
    interval: Option<Interval>,
) -> Result<CsvSeries, ReadError> {
    let name = path.as_ref().display().to_string();
    match File::open(path) {
        Ok(file) => parse_csv(file, &name, pair, interval),
        Err(source) => Err(ReadError::Io { file: name, source }),
    }
}

/// Reads the candles of CSV text; messages use `name` as the name of the file.
///
/// # Errors
/// As [`read_csv`].
pub fn parse_csv(
    text: impl Read,
    name: &str,
    pair: Pair,
    interval: Option<Interval>,
) -> Result<CsvSeries, ReadError> {
    let Rows { header, candles, lines } = Rows::read(text, name)?;
    let interval = interval_of(&candles, interval, name)?;
    let series = CandleSeries::new(pair, interval, candles);
    let series = series.map_err(|error| in_file(&error, name, &header, &lines))?;
    Ok(CsvSeries { series, lines })
}

/// Returns the given interval, or the most common step between candles; both must be equal.
fn interval_of(
    candles: &[Candle],
    given: Option<Interval>,
    file: &str,
) -> Result<Interval, ReadError> {
    match (given, most_common_step(candles)) {
        (Some(expected), Some(got)) if expected.millis() != got => {
            let got = Interval::from_millis(got).map_or(format!("{got} ms"), |i| i.to_string());
            Err(ReadError::interval(file, format!("looks like {got} candles, expected {expected}")))
        }
        (Some(interval), _) => Ok(interval),
        (None, Some(step)) => {
            Interval::from_millis(step).map_err(|source| ReadError::step(file, &source))
        }
        (None, None) => {
            Err(ReadError::NoInterval { file: file.to_owned(), rows: candles.len() as u64 })
        }
    }
}

/// Returns the most common step between neighbours in milliseconds (the shortest of several);
/// `None` if all times are equal.
fn most_common_step(candles: &[Candle]) -> Option<i64> {
    let mut counts = BTreeMap::<i64, usize>::new();
    for two in candles.windows(2) {
        let step = two[1].open_time().millis().abs_diff(two[0].open_time().millis());
        if step != 0 {
            *counts.entry(step.try_into().unwrap_or(i64::MAX)).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|&(step, count)| (count, Reverse(step))).map(|(step, _)| step)
}

/// Converts an error of the series to an error of the file.
fn in_file(error: &SeriesError, file: &str, header: &Header, lines: &[u64]) -> ReadError {
    match *error {
        SeriesError::Order { index, open_time, previous } => {
            let reason = format!(
                "opens at {open_time}, before the row above at {previous}: sort the rows by time, the oldest first"
            );
            ReadError::row(file, lines[index], reason)
        }
        SeriesError::Duplicate { index, open_time } => {
            let reason = format!("opens at {open_time} like the row above: remove one of the two");
            ReadError::row(file, lines[index], reason)
        }
        SeriesError::Misaligned { index, open_time, interval, expected } => {
            let reason = format!(
                "{open_time} is no open time of {interval} candles (the one before is {expected}): times are never moved, write the open time of the candle into the file"
            );
            ReadError::cell(file, lines[index], &header.time.name, reason)
        }
        _ => unreachable!("invariant: only columns give other errors, and these are candles"),
    }
}

/// All rows of a file; each of them is valid alone.
struct Rows {
    header: Header,
    candles: Vec<Candle>,
    lines: Vec<u64>,
}

impl Rows {
    fn read(text: impl Read, name: &str) -> Result<Self, ReadError> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            // The default terminator also accepts `\r\n` but then counts lines incorrectly. Here
            // the `\r` is trimmed like a space.
            .terminator(csv::Terminator::Any(b'\n'))
            // With a final `\n` every row ends with `\n`, so its line is the one before the next
            // row.
            .from_reader(text.chain(&b"\n"[..]));
        let mut record = ByteRecord::new();
        let mut found: Option<(u64, Self)> = None;
        loop {
            let read = reader.read_byte_record(&mut record);
            if !read.map_err(|error| unreadable(error, name))? {
                break;
            }
            let line = first_line(&record, reader.position().line());
            if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                continue;
            }
            let row = Row { record: &record, file: name, line };
            if let Some((_, rows)) = &mut found {
                rows.push(&row)?;
                continue;
            }
            let mut rows = Self { header: row.header()?, candles: vec![], lines: vec![] };
            if !rows.header.has_names {
                rows.push(&row)?;
            }
            found = Some((line, rows));
        }
        let file = name.to_owned();
        match found {
            None => Err(ReadError::Empty { file }),
            Some((line, rows)) if rows.candles.is_empty() => {
                let first = Some(format!("line {line} is the header, and the last line"));
                Err(ReadError::NoCandle { file, rows: 0, first })
            }
            Some((_, rows)) => Ok(rows),
        }
    }

    fn push(&mut self, row: &Row<'_>) -> Result<(), ReadError> {
        self.candles.push(row.candle(&self.header)?);
        self.lines.push(row.line);
        Ok(())
    }
}

/// Returns the line in which a row begins, from the line of the reader after it.
fn first_line(record: &ByteRecord, after: u64) -> u64 {
    let ends = record.as_slice().split(|byte| *byte == b'\n').count() as u64 - 1;
    // A quote that is never closed extends to the end of the file, including the last `\n`.
    let unclosed = record.as_slice().ends_with(b"\n");
    after.saturating_sub(ends + u64::from(!unclosed))
}

fn unreadable(error: csv::Error, name: &str) -> ReadError {
    let message = error.to_string();
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        _ => std::io::Error::other(message),
    };
    ReadError::Io { file: name.to_owned(), source }
}

/// Row with its file and line.
struct Row<'a> {
    record: &'a ByteRecord,
    file: &'a str,
    line: u64,
}

impl Row<'_> {
    fn header(&self) -> Result<Header, ReadError> {
        let cells = (0..self.record.len()).map(|i| self.text(i)).collect::<Result<Vec<_>, _>>()?;
        Header::read(&cells, self.file, self.line)
    }

    fn candle(&self, header: &Header) -> Result<Candle, ReadError> {
        if self.record.len() != header.width {
            let (got, expected) = (self.record.len(), header.width);
            let reason = format!("{got} cells, expected {expected} like the first line");
            return Err(ReadError::row(self.file, self.line, reason));
        }
        let open_time = self.cell(&header.time, cell::time)?;
        let values = Ohlcv {
            open: self.cell(&header.open, cell::number)?,
            high: self.cell(&header.high, cell::number)?,
            low: self.cell(&header.low, cell::number)?,
            close: self.cell(&header.close, cell::number)?,
            volume: self.cell(&header.volume, cell::number)?,
        };
        Candle::new(open_time, values).map_err(|error| {
            let column = header.name_of(error.field());
            ReadError::cell(self.file, self.line, column, error.to_string())
        })
    }

    fn cell<T>(
        &self,
        column: &Column,
        read: fn(&str) -> Result<T, &'static str>,
    ) -> Result<T, ReadError> {
        let text = self.text(column.index)?;
        read(text).map_err(|problem| {
            let reason = format!("{:?} {problem}", excerpt(text));
            ReadError::cell(self.file, self.line, &column.name, reason)
        })
    }

    fn text(&self, index: usize) -> Result<&str, ReadError> {
        let bytes = self.record.get(index).unwrap_or_default();
        std::str::from_utf8(bytes.trim_ascii()).map_err(|_| {
            ReadError::row(self.file, self.line, "not UTF-8 text: save the file as UTF-8")
        })
    }
}
