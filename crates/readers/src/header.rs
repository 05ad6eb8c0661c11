//! The header of the strict reader.

use super::ReadError;
use super::error::excerpt;

/// Names of the time column, the surest first: a file may have both the open and the close time,
/// or an epoch beside a date that leaves out the hour.
const TIME: &[&str] =
    &["open_time", "open time", "timestamp", "unix", "bucket", "time", "datetime", "date", "t"];
const OPEN: &[&str] = &["open", "o"];
const HIGH: &[&str] = &["high", "h"];
const LOW: &[&str] = &["low", "l"];
const CLOSE: &[&str] = &["close", "c"];
const VOLUME: &[&str] = &["volume", "vol", "v"];

/// Columns of an exchange archive, whose older files have no header.
const ARCHIVE_COLUMNS: usize = 12;
/// The most names that an error lists.
const MAX_LISTED: usize = 20;

/// Places of the six columns in a row, and their names in the file.
#[derive(Debug)]
pub(crate) struct Header {
    /// Cells in every row.
    pub(crate) width: usize,
    pub(crate) time: HeaderColumn,
    pub(crate) open: HeaderColumn,
    pub(crate) high: HeaderColumn,
    pub(crate) low: HeaderColumn,
    pub(crate) close: HeaderColumn,
    pub(crate) volume: HeaderColumn,
    /// Whether the first line holds names; otherwise it is the first candle.
    pub(crate) has_names: bool,
}

#[derive(Debug)]
pub(crate) struct HeaderColumn {
    pub(crate) index: usize,
    pub(crate) name: String,
}

impl Header {
    /// Reads the first line of a file.
    pub(crate) fn read(cells: &[&str], file: &str, line: u64) -> Result<Self, ReadError> {
        if cells.iter().all(|cell| cell.parse::<f64>().is_ok()) {
            return Self::of_archive(cells.len(), file, line);
        }
        let names: Vec<String> = cells.iter().map(|cell| cell.to_lowercase()).collect();
        let columns = [TIME, OPEN, HIGH, LOW, CLOSE, VOLUME].map(|wanted| {
            let index = wanted.iter().find_map(|name| names.iter().position(|n| n == name));
            match index {
                Some(index) => Ok(HeaderColumn { index, name: excerpt(cells[index]) }),
                None => Err(missing_column(wanted[0], cells, file, line)),
            }
        });
        let [time, open, high, low, close, volume] = columns;
        Ok(Self {
            width: cells.len(),
            time: time?,
            open: open?,
            high: high?,
            low: low?,
            close: close?,
            volume: volume?,
            has_names: true,
        })
    }

    /// The columns of an exchange archive without a header.
    fn of_archive(width: usize, file: &str, line: u64) -> Result<Self, ReadError> {
        if width != ARCHIVE_COLUMNS {
            let reason = format!(
                "no header, and {width} columns where an exchange archive has {ARCHIVE_COLUMNS}: add a header such as open_time,open,high,low,close,volume"
            );
            return Err(ReadError::row(file, line, reason));
        }
        Ok(Self {
            width,
            time: HeaderColumn { index: 0, name: TIME[0].to_owned() },
            open: HeaderColumn { index: 1, name: OPEN[0].to_owned() },
            high: HeaderColumn { index: 2, name: HIGH[0].to_owned() },
            low: HeaderColumn { index: 3, name: LOW[0].to_owned() },
            close: HeaderColumn { index: 4, name: CLOSE[0].to_owned() },
            volume: HeaderColumn { index: 5, name: VOLUME[0].to_owned() },
            has_names: false,
        })
    }

    /// Name in the file of the column with a candle's value.
    pub(crate) fn name_of(&self, field: &str) -> &str {
        match field {
            "open" => &self.open.name,
            "high" => &self.high.name,
            "low" => &self.low.name,
            "close" => &self.close.name,
            _ => &self.volume.name,
        }
    }
}

/// The error for a header without a column, shared by both readers.
pub(crate) fn missing_column<T: AsRef<str>>(
    column: &'static str,
    header: &[T],
    file: &str,
    line: u64,
) -> ReadError {
    let found = header.iter().take(MAX_LISTED).map(|name| excerpt(name.as_ref())).collect();
    ReadError::MissingColumn { file: file.to_owned(), line, column, found }
}
