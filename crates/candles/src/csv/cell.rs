//! Single cells of a CSV file.

use super::CellProblem;
use crate::{TimeError, Timestamp};

/// Numbers from here on are seconds: 1973-03-03. Lower ones are more likely dates such as
/// 20240131 or row numbers than times.
const LEAST_SECONDS: u64 = 100_000_000;
const LEAST_MILLIS: u64 = LEAST_SECONDS * 1000;
const LEAST_MICROS: u64 = LEAST_MILLIS * 1000;
/// Numbers from here on would be microseconds after the year 5138.
const END: u64 = LEAST_MICROS * 1000;

/// Reads an epoch number or a date.
pub(super) fn time(cell: &str) -> Result<Timestamp, CellProblem> {
    if cell.is_empty() {
        return Err(CellProblem::Empty);
    }
    if cell.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return epoch(cell);
    }
    cell.parse().map_err(|error| match error {
        TimeError::Text { .. } => CellProblem::Time,
        TimeError::TooFine { .. } => CellProblem::TooFine,
    })
}

/// Reads a number of seconds, milliseconds or microseconds, told apart by their size.
fn epoch(cell: &str) -> Result<Timestamp, CellProblem> {
    // Tables that went through floating point have `1577836800.0`.
    let whole = match cell.split_once('.') {
        Some((whole, decimals)) if decimals.bytes().all(|b| b == b'0') => whole,
        Some(_) => return Err(CellProblem::Epoch),
        None => cell,
    };
    let number: u64 = whole.parse().map_err(|_| CellProblem::Epoch)?;
    let millis = match number {
        LEAST_SECONDS..LEAST_MILLIS => number * 1000,
        LEAST_MILLIS..LEAST_MICROS => number,
        LEAST_MICROS..END if number.is_multiple_of(1000) => number / 1000,
        LEAST_MICROS..END => return Err(CellProblem::TooFine),
        _ => return Err(CellProblem::Epoch),
    };
    Ok(Timestamp::from_millis(millis.cast_signed()))
}

/// Reads a price or a volume. NaN and infinities pass: the candle refuses them by name.
pub(super) fn number(cell: &str) -> Result<f64, CellProblem> {
    if cell.is_empty() {
        return Err(CellProblem::Empty);
    }
    cell.parse().map_err(|_| CellProblem::Number)
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
            ("99999999999999999", Err(CellProblem::TooFine)),
            ("99999999999999000", Ok(99_999_999_999_999)),
            ("100000000000000000", Err(CellProblem::Epoch)),
            ("99999999999999999999999", Err(CellProblem::Epoch)),
            ("20240131", Err(CellProblem::Epoch)),
            ("1577836800.5", Err(CellProblem::Epoch)),
            (".", Err(CellProblem::Epoch)),
            ("", Err(CellProblem::Empty)),
            ("-1577836800", Err(CellProblem::Time)),
            ("05:00", Err(CellProblem::Time)),
            ("2020-01-01 00:00:00.00001", Err(CellProblem::TooFine)),
        ];
        for (cell, expected) in cases {
            assert_eq!(time(cell), expected.map(Timestamp::from_millis), "{cell}");
        }
    }
}
