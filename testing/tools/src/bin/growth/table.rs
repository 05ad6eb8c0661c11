//! Table of the measurements.
use comfy_table::{CellAlignment, Table, presets};

use super::step::Measured;

/// Creates the table of the steps, a row each.
pub(crate) fn of(rows: &[Measured]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "pairs",
        "candles",
        "step",
        "s",
        "µs per candle",
        "peak MiB",
        "bytes per candle",
    ]);
    for Measured { step, pairs, candles, seconds, peak } in rows {
        let count = *candles as f64;
        table.add_row([
            pairs.to_string(),
            candles.to_string(),
            step.to_string(),
            format!("{seconds:.1}"),
            format!("{:.2}", seconds * 1e6 / count),
            format!("{:.0}", *peak as f64 / f64::from(1 << 20)),
            format!("{:.0}", *peak as f64 / count),
        ]);
    }
    for column in [0, 1, 3, 4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
