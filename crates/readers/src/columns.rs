//! Roles of the columns of a table.

use super::time::{Stamp, parse, parse_serial, parse_two};
use super::zone::Zone;

/// Indices of the columns of a candle's values.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Columns {
    /// Line of the header; rows up to it are not candles.
    pub(crate) header: Option<u64>,
    /// Number of cells of a row.
    pub(crate) width: usize,
    pub(crate) time: usize,
    pub(crate) clock: Option<usize>,
    /// Whether times are day numbers of a spreadsheet.
    pub(crate) serial: bool,
    /// Time zone named in the header.
    pub(crate) zone: Option<Zone>,
    /// Columns of open, high, low and close.
    pub(crate) prices: [usize; 4],
    /// Exponent appended to the digits of a price with fixed decimals.
    pub(crate) exponent: &'static str,
    pub(crate) volume: Option<usize>,
    pub(crate) symbol: Option<usize>,
    /// Column of the flag of finished candles.
    pub(crate) closed: Option<usize>,
    pub(crate) close_time: Option<usize>,
    /// Exchange or tool that writes such files.
    pub(crate) source: &'static str,
}

impl Columns {
    /// Returns whether times are close times, as in files of `BitMEX`.
    pub(crate) fn stamps_close(&self) -> bool {
        self.source == "BitMEX"
    }

    /// Parses the time of a row from its cells.
    pub(crate) fn stamp<'a>(&self, cell: impl Fn(usize) -> &'a str) -> Option<Stamp> {
        let stamp = match self.clock {
            Some(clock) => parse_two(cell(self.time), cell(clock)),
            None if self.serial => parse_serial(cell(self.time)),
            None => parse(cell(self.time)),
        };
        match stamp? {
            Stamp::Civil(mut civil) => {
                civil.zone = civil.zone.or_else(|| self.zone.clone());
                Some(Stamp::Civil(civil))
            }
            epoch @ Stamp::Epoch { .. } => Some(epoch),
        }
    }
}

/// Returns whether a cell is a boolean.
pub(crate) fn is_flag(cell: &str) -> bool {
    ["0", "1", "true", "false"].iter().any(|flag| cell.eq_ignore_ascii_case(flag))
}
