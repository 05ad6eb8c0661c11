//! Which column is which.

use super::CsvError;
use crate::error::excerpt;

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
const MOST_LISTED: usize = 20;

/// Where the six columns are in a row, and what the file calls them.
#[derive(Debug)]
pub(super) struct Header {
    /// Cells in every row.
    pub(super) width: usize,
    pub(super) time: Column,
    pub(super) open: Column,
    pub(super) high: Column,
    pub(super) low: Column,
    pub(super) close: Column,
    pub(super) volume: Column,
    /// Whether the first line holds names; otherwise it is the first candle.
    pub(super) has_names: bool,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) index: usize,
    pub(super) name: String,
}

impl Header {
    /// Reads the first line of a file.
    pub(super) fn read(cells: &[&str], file: &str, line: u64) -> Result<Self, CsvError> {
        if cells.iter().all(|cell| cell.parse::<f64>().is_ok()) {
            return Self::of_archive(cells.len(), file, line);
        }
        let names: Vec<String> = cells.iter().map(|cell| cell.to_lowercase()).collect();
        let column = |wanted: &[&'static str]| {
            let index = wanted.iter().find_map(|name| names.iter().position(|n| n == name));
            let missing = || CsvError::MissingColumn {
                file: file.to_owned(),
                line,
                column: wanted[0],
                found: cells.iter().take(MOST_LISTED).map(|cell| excerpt(cell)).collect(),
            };
            index.map(|i| Column { index: i, name: excerpt(cells[i]) }).ok_or_else(missing)
        };
        Ok(Self {
            width: cells.len(),
            time: column(TIME)?,
            open: column(OPEN)?,
            high: column(HIGH)?,
            low: column(LOW)?,
            close: column(CLOSE)?,
            volume: column(VOLUME)?,
            has_names: true,
        })
    }

    /// The columns of an exchange archive without a header.
    fn of_archive(width: usize, file: &str, line: u64) -> Result<Self, CsvError> {
        if width != ARCHIVE_COLUMNS {
            return Err(CsvError::NoHeader {
                file: file.to_owned(),
                line,
                expected: ARCHIVE_COLUMNS,
                got: width,
            });
        }
        let column = |index: usize, name: &str| Column { index, name: name.to_owned() };
        Ok(Self {
            width,
            time: column(0, "open_time"),
            open: column(1, "open"),
            high: column(2, "high"),
            low: column(3, "low"),
            close: column(4, "close"),
            volume: column(5, "volume"),
            has_names: false,
        })
    }

    /// What the file calls the column of a candle's value.
    pub(super) fn name_of(&self, field: &str) -> &str {
        match field {
            "open" => &self.open.name,
            "high" => &self.high.name,
            "low" => &self.low.name,
            "close" => &self.close.name,
            _ => &self.volume.name,
        }
    }
}
