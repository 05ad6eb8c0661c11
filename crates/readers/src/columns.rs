//! Columns of a table by their role.

use super::time::{Stamp, parse, parse_serial, parse_two};
use super::zone::Zone;

/// Positions of a candle's values in a row.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Columns {
    /// The line of the header; rows up to it are no candles.
    pub(crate) header: Option<u64>,
    /// Cells of a row.
    pub(crate) width: usize,
    pub(crate) time: usize,
    pub(crate) clock: Option<usize>,
    /// Whether times are days as spreadsheets count them.
    pub(crate) serial: bool,
    /// The zone that the header names.
    pub(crate) zone: Option<Zone>,
    /// Open, high, low and close.
    pub(crate) prices: [usize; 4],
    /// Exponent of fixed decimals, to be appended to the digits of a price.
    pub(crate) exponent: &'static str,
    pub(crate) volume: Option<usize>,
    pub(crate) symbol: Option<usize>,
    /// A column that says whether the candle is finished.
    pub(crate) closed: Option<usize>,
    pub(crate) close_time: Option<usize>,
    /// Exchange or tool that writes such files.
    pub(crate) source: &'static str,
}

impl Columns {
    /// Whether times mark the close, as those of `BitMEX` do.
    pub(crate) fn stamps_close(&self) -> bool {
        self.source == "BitMEX"
    }

    /// The time of a row, from the cells that hold it.
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

/// Whether a cell says yes or no.
pub(crate) fn is_flag(cell: &str) -> bool {
    ["0", "1", "true", "false"].iter().any(|flag| cell.eq_ignore_ascii_case(flag))
}
