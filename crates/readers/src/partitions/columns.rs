//! Columns of a file that state the same as the keys of its folders.

use super::super::columns::Columns;
use super::super::error::{ReadError, excerpt};
use super::super::number::is_missing;
use super::super::options::ReadOptions;
use super::super::table::Row;
use super::is_same_name;
use super::key::KeyKind;

/// Columns without a role beside the partition key that they must not contradict.
pub(crate) struct PartitionColumns<'a> {
    columns: &'a Columns,
    all: Vec<(usize, &'a (String, String))>,
}

impl<'a> PartitionColumns<'a> {
    /// Finds the columns with the name of a key, and for the pair all whose names mean it. The
    /// interval is left out: the reader compares it with the rows.
    pub(crate) fn new(columns: &'a Columns, options: &'a ReadOptions) -> Self {
        let mut all = vec![];
        for key in &options.partition {
            let kind = KeyKind::of(&key.0);
            let states = |index: &usize| {
                let name = &columns.names.written[*index];
                let is_pair = kind == KeyKind::Pair && KeyKind::of(name) == KeyKind::Pair;
                kind != KeyKind::Interval && (is_pair || is_same_name(name, &key.0))
            };
            let free = (0..columns.width()).filter(|index| !columns.has_role(*index));
            all.extend(free.filter(states).map(|index| (index, key)));
        }
        Self { columns, all }
    }

    /// Refuses a row that contradicts a key.
    pub(crate) fn check(&self, line: u64, row: &Row<'_>, file: &str) -> Result<(), ReadError> {
        for (index, (key, value)) in &self.all {
            let cell = row.cell(*index);
            if is_missing(cell) || is_same_value(cell, value) {
                continue;
            }
            let column = &self.columns.names.written[*index];
            let reason = format!(
                "{:?} contradicts the folder {key}={value}; move the row, or write --columns \
                 ignore={column} (ReadOptions::columns)",
                excerpt(cell)
            );
            return Err(ReadError::cell(file, line, column, reason));
        }
        Ok(())
    }
}

/// Whether a cell is the value of a key except for case, signs and zeros before a number:
/// `BTC/USDT` and `btcusdt`, `1` and `01`.
fn is_same_value(cell: &str, value: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let number = |text: &str| text.parse::<u32>().ok();
    cell == value
        || letters(cell) == letters(value)
        || number(cell).is_some_and(|own| number(value) == Some(own))
}
