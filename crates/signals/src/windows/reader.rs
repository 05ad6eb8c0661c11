//! Reader of the rows of tables, in memory or in a file.
use std::ops::Range;

use windvane_candles::Timestamp;

use super::Window;
use super::values::TableValues;
use crate::{Sample, SignalError, SignalTable};

/// Number of rows that are read ahead where rows are read in order.
const AHEAD: usize = 512;

/// Reader of the rows of tables, in memory or in a file.
///
/// It lends the values of tables in memory, and reads those of a file into a buffer of its own. Rows
/// in ascending order are read ahead, so each is read once; a window at any other place is one read
/// of its rows. Threads have a reader each.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, simulate::MarketModel};
/// use windvane_signals::{Registry, RowReader, SignalSpec, SignalTable};
///
/// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 60, 1)?;
/// let tables = [SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[])?];
/// let mut reader = RowReader::new(&tables);
/// assert_eq!(reader.row(0, 40)?, tables[0].row(40));
/// assert_eq!(reader.window(0, 50, 20)?, tables[0].window(50, 20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RowReader<'a> {
    tables: &'a [SignalTable],
    /// Table and rows of the buffered values.
    table: usize,
    held: Range<usize>,
    values: Vec<f64>,
    bytes: Vec<u8>,
}

impl<'a> RowReader<'a> {
    /// Creates a reader of tables.
    pub fn new(tables: &'a [SignalTable]) -> Self {
        Self { tables, table: 0, held: 0..0, values: Vec::new(), bytes: Vec::new() }
    }

    /// Returns the tables.
    pub fn tables(&self) -> &'a [SignalTable] {
        self.tables
    }

    /// Returns a row's values; `None` if a channel is in its warm-up or undefined, and outside the
    /// tables.
    ///
    /// # Errors
    /// [`SignalError::File`] if the file cannot be read.
    pub fn row(&mut self, table: usize, row: usize) -> Result<Option<&[f64]>, SignalError> {
        match self.tables.get(table) {
            Some(own) if own.run(row) > 0 => self.rows(table, row..row + 1).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns the window of the last `lookback` rows up to and including `row`; `None` as
    /// [`SignalTable::window`], and outside the tables.
    ///
    /// # Errors
    /// [`SignalError::File`] if the file cannot be read.
    pub fn window(
        &mut self,
        table: usize,
        row: usize,
        lookback: usize,
    ) -> Result<Option<Window<'_>>, SignalError> {
        let decided_at = self.tables.get(table).and_then(|own| own.decision(row, lookback));
        match decided_at {
            Some(at) => self.window_until(table, row + 1, lookback, at),
            None => Ok(None),
        }
    }

    /// Returns the window of a sample of these tables.
    ///
    /// # Errors
    /// [`SignalError::File`] if the file cannot be read.
    ///
    /// # Panics
    /// If the sample is from other tables and its window does not exist in these.
    pub fn window_of(
        &mut self,
        sample: &Sample,
        lookback: usize,
    ) -> Result<Window<'_>, SignalError> {
        let window = self.window(sample.table(), sample.row(), lookback)?;
        Ok(window.expect("invariant: a sample has a window"))
    }

    fn window_until(
        &mut self,
        table: usize,
        end: usize,
        lookback: usize,
        decided_at: Timestamp,
    ) -> Result<Option<Window<'_>>, SignalError> {
        let width = self.tables[table].width();
        Ok(Window::new(self.rows(table, end - lookback..end)?, width, decided_at))
    }

    /// Returns the values of consecutive rows, complete or not.
    ///
    /// # Errors
    /// [`SignalError::File`] if the file cannot be read.
    ///
    /// # Panics
    /// If the rows do not exist.
    pub fn rows(&mut self, table: usize, rows: Range<usize>) -> Result<&[f64], SignalError> {
        let own = &self.tables[table];
        let width = own.width();
        let file = match own.values() {
            TableValues::Memory(values) => {
                return Ok(&values[rows.start * width..rows.end * width]);
            }
            TableValues::File(file) => file,
        };
        assert!(rows.end <= own.len(), "rows up to {} of {}", rows.end, own.len());
        let is_held = table == self.table && self.held.start <= rows.start;
        if !(is_held && rows.end <= self.held.end) {
            let in_order = is_held && rows.start <= self.held.end;
            let ahead = if in_order { rows.end.max(rows.start + AHEAD) } else { rows.end };
            let read = rows.start..ahead.min(own.len());
            // An error leaves nothing in the buffer.
            (self.table, self.held) = (table, 0..0);
            let values = read.start * width..read.end * width;
            file.read(values, &mut self.bytes, &mut self.values)?;
            self.held = read;
        }
        let from = rows.start - self.held.start;
        Ok(&self.values[from * width..][..rows.len() * width])
    }
}
