//! Cells of the strict reader: plain numbers, epochs and dates.

use super::time::Unit;
use windvane_candles::{TimeError, Timestamp};

/// End of the error message of an empty cell; the constants below are those of other cells.
const EMPTY: &str = "is an empty cell";
const NO_NUMBER: &str = "is no number (expected digits and a decimal point)";
const NO_TIME: &str = "is no time (expected an epoch number or a date such as 2024-01-01 05:00)";
const NO_EPOCH: &str = "is no epoch in seconds, milliseconds or microseconds between 1973 and 5138 (write a date as 2024-01-31)";
const TOO_FINE: &str = "is finer than a millisecond";

/// Parses an epoch number or a date.
pub(crate) fn time(cell: &str) -> Result<Timestamp, &'static str> {
    if cell.is_empty() {
        return Err(EMPTY);
    }
    if cell.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return epoch(cell);
    }
    cell.parse().map_err(|error| match error {
        TimeError::TooFine { .. } => TOO_FINE,
        _ => NO_TIME,
    })
}

/// Parses a number of seconds, milliseconds or microseconds; its size determines the unit.
fn epoch(cell: &str) -> Result<Timestamp, &'static str> {
    // Tables converted from floating-point numbers contain `1577836800.0`.
    let (whole, decimals) = cell.split_once('.').unwrap_or((cell, ""));
    if decimals.bytes().any(|digit| digit != b'0') {
        return Err(NO_EPOCH);
    }
    let number: i64 = whole.parse().map_err(|_| NO_EPOCH)?;
    match Unit::of(number) {
        None | Some(Unit::Nanos) => Err(NO_EPOCH),
        Some(unit) => unit.millis(number).map(Timestamp::from_millis).ok_or(TOO_FINE),
    }
}

/// Parses a price or a volume. NaN and infinities are accepted here and rejected by the candle.
pub(crate) fn number(cell: &str) -> Result<f64, &'static str> {
    if cell.is_empty() {
        return Err(EMPTY);
    }
    cell.parse().map_err(|_| NO_NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_told_apart_by_their_size() {
        let cases = [
            ("1577836800", Ok(1_577_836_800_000)),
            ("1577836800.0", Ok(1_577_836_800_000)),
            ("1577836800000", Ok(1_577_836_800_000)),
            ("1577836800000000", Ok(1_577_836_800_000)),
            ("2020-01-01 00:00:00+00:00", Ok(1_577_836_800_000)),
            ("100000000", Ok(100_000_000_000)),
            ("99999999999", Ok(99_999_999_999_000)),
            ("100000000000", Ok(100_000_000_000)),
            ("99999999999999999", Err(TOO_FINE)),
            ("99999999999999000", Ok(99_999_999_999_999)),
            ("100000000000000000", Err(NO_EPOCH)),
            ("99999999999999999999999", Err(NO_EPOCH)),
            ("20240131", Err(NO_EPOCH)),
            ("1577836800.5", Err(NO_EPOCH)),
            (".", Err(NO_EPOCH)),
            ("", Err(EMPTY)),
            ("-1577836800", Err(NO_TIME)),
            ("05:00", Err(NO_TIME)),
            ("2020-01-01 00:00:00.00001", Err(TOO_FINE)),
        ];
        for (cell, expected) in cases {
            assert_eq!(time(cell), expected.map(Timestamp::from_millis), "{cell}");
        }
    }
}
