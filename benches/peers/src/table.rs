//! Result table in Markdown.
use std::fmt::Write;

use crate::measure::{TimingSeries, summary};
use crate::workload::Workload;

/// Result of one peer for one kind of work.
pub struct PeerRow {
    pub peer: &'static str,
    pub difference: f64,
    pub passes: bool,
    pub series: Vec<TimingSeries>,
}

/// Returns the rows of one kind of work; ratios are relative to the first row if it is windvane's.
pub fn section(work: Workload, rows: &[PeerRow]) -> String {
    let mut text = String::new();
    let base = rows.first().filter(|row| row.peer == "windvane").map(|row| summary(&row.series));
    for row in rows {
        let TimingSeries { p50, p99 } = summary(&row.series);
        let ratio = base.map_or("-".into(), |base| format!("{:.2}", p50 / base.p50));
        let flag = if row.passes { "" } else { " **another function**" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {ratio} | {:.0e}{flag} |",
            work.name(),
            row.peer,
            micros(p50),
            micros(p99),
            row.difference,
        );
    }
    text
}

pub const HEAD: &str = "| work | peer | p50 µs | p99 µs | times windvane | largest difference |\n\
                        |---|---|---:|---:|---:|---:|";

fn micros(value: f64) -> String {
    if value < 1.0 { format!("{value:.4}") } else { format!("{value:.2}") }
}
