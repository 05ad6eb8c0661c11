//! The result as Markdown.
use std::fmt::Write;

use crate::measure::{Series, summary};
use crate::workload::Work;

/// One peer at one work.
pub struct Row {
    pub peer: &'static str,
    pub difference: f64,
    pub passes: bool,
    pub series: Vec<Series>,
}

/// The rows of one work, windvane's first; ratios are to it.
pub fn section(work: Work, rows: &[Row]) -> String {
    let mut text = String::new();
    let base = rows.first().filter(|row| row.peer == "windvane").map(|row| summary(&row.series));
    for row in rows {
        let Series { p50, p99 } = summary(&row.series);
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
