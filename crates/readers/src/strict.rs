//! The strict CSV reader: columns by name, nothing repaired.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use csv::ByteRecord;
use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, SeriesError};

use super::cell;
use super::error::{ReadError, excerpt};
use super::header::{Header, HeaderColumn};

/// The candles of a CSV file, and the line each of them stands in.
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
    /// The line, counted from 1, of the candle at an index, or `None` past the end.
    ///
    /// The first candle after a [`Gap`](windvane_candles::Gap) has the index `gap.after + 1`.
    pub fn line(&self, index: usize) -> Option<u64> {
        self.lines.get(index).copied()
    }
}

/// Reads the candles of a CSV file and repairs nothing.
///
/// The first line names the columns, in any order and case:
///
/// | column | names |
/// |---|---|
/// | time of the open | `open_time`, `open time`, `timestamp`, `unix`, `bucket`, `time`, `datetime`, `date`, `t` (the first of these that is there) |
/// | prices | `open`, `high`, `low`, `close` or `o`, `h`, `l`, `c` |
/// | volume | `volume`, `vol` or `v` |
///
/// Other columns are ignored. A file whose first line holds twelve numbers is read as an exchange
/// archive without header (`open_time,open,high,low,close,volume,close_time,...`).
///
/// A time is a date as [`Timestamp`](windvane_candles::Timestamp) reads it, or a whole number since
/// 1970-01-01 00:00 UTC whose size tells its unit, cell by cell: seconds from 1e8, milliseconds
/// from 1e11, microseconds from 1e14 up to 1e17. Each of these ranges means 1973-03-03 to
/// 5138-11-16.
///
/// Rows out of order, duplicates, times off the grid of the interval and impossible numbers are
/// errors with file and line. Missing candles are no error: see [`CandleSeries::gaps`]. Without an
/// interval, the most common step between rows is taken for it.
///
/// # Errors
/// [`ReadError`] if the file cannot be read, if a row is wrong, or if the file has candles of
/// another interval than the one given.
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

/// Reads the candles of CSV text; `name` stands for the file in messages.
///
/// # Errors
/// As [`read_csv`].
pub fn parse_csv(
    text: impl Read,
    name: &str,
    pair: Pair,
    interval: Option<Interval>,
) -> Result<CsvSeries, ReadError> {
    let StrictRows { header, candles, lines } = StrictRows::read(text, name)?;
    let interval = interval_of(&candles, interval, name)?;
    let series = CandleSeries::new(pair, interval, candles);
    let series = series.map_err(|error| in_file(&error, name, &header, &lines))?;
    Ok(CsvSeries { series, lines })
}

/// The given interval, or the most common step between candles; both must agree.
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

/// The most common distance between neighbours in milliseconds (the shortest of several), if two
/// neighbours differ at all.
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

/// An error of the series as one of the file.
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
                "{open_time} is no open time of {interval} candles (the one before is {expected}): times are never moved, write the open time of the candle into the file, or give the interval an offset such as 1h+30m or 1h@session"
            );
            ReadError::cell(file, lines[index], &header.time.name, reason)
        }
        SeriesError::Overlap { index, open_time, previous, interval } => {
            let reason = format!(
                "opens at {open_time}, less than one interval of {interval} after the row above at {previous}: remove one of the two"
            );
            ReadError::row(file, lines[index], reason)
        }
        _ => unreachable!("invariant: only columns give other errors, and these are candles"),
    }
}

/// All rows of a file, each of them right in itself.
struct StrictRows {
    header: Header,
    candles: Vec<Candle>,
    lines: Vec<u64>,
}

impl StrictRows {
    fn read(text: impl Read, name: &str) -> Result<Self, ReadError> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            // The default also ends rows at `\r\n`, but then counts lines wrongly. Here the `\r`
            // is trimmed off like a blank.
            .terminator(csv::Terminator::Any(b'\n'))
            // With this every row ends in `\n`, so that its line is the one before the next.
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
            let row = StrictRow { record: &record, file: name, line };
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

    fn push(&mut self, row: &StrictRow<'_>) -> Result<(), ReadError> {
        self.candles.push(row.candle(&self.header)?);
        self.lines.push(row.line);
        Ok(())
    }
}

/// The line a row begins in, given the line that the reader is in after it.
fn first_line(record: &ByteRecord, after: u64) -> u64 {
    let ends = record.as_slice().split(|byte| *byte == b'\n').count() as u64 - 1;
    // A quote that is never closed swallows the end of the file, the last `\n` included.
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

/// One row and where it stands.
struct StrictRow<'a> {
    record: &'a ByteRecord,
    file: &'a str,
    line: u64,
}

impl StrictRow<'_> {
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
        column: &HeaderColumn,
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
