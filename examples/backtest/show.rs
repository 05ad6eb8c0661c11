//! What the terminal shows.
#![expect(clippy::print_stdout, reason = "an example talks to the terminal")]
use std::path::Path;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use windvane::backtest::{Report, report};

use super::data::Loaded;

pub(crate) fn loaded(loaded: &Loaded) {
    let candles: usize = loaded.instruments.iter().map(|i| i.series.len()).sum();
    println!("{} instruments, {candles} candles", loaded.instruments.len());
    for note in &loaded.notes {
        println!("note: {note}");
    }
    for skipped in &loaded.skipped {
        println!("skipped {}: {}", skipped.name, skipped.reason);
    }
}

pub(crate) fn report(report: &Report) {
    println!("\n{}\n", table(&report.headline_table(), &[3, 4, 6]));
    println!("Accuracy where the models are surest, all instruments pooled:");
    println!("{}\n", table(&report.confident_table(), &[6]));
    println!("Trading every call, per candle:");
    println!("{}\n", table(&report.trading_table(), &[2, 3, 4, 5, 6, 7]));
    println!("Ranking by accuracy pooled over all instruments:");
    println!("{}", table(&report.ranking_table(), &[2, 3, 5, 6]));
    println!("{}", report.verdict());
    println!("{}\n", report.best_against_next().unwrap_or_default());
    if let Some(text) = report.verdict_after_costs() {
        println!("{text}\n");
    }
    for untested in &report.without_test_rows {
        println!("without test rows: {} {}", untested.name, untested.interval);
    }
    for failure in &report.failures {
        println!("failed: {failure}");
    }
    for warning in &report.warnings {
        println!("warning: {warning}");
    }
}

/// A narrow table without borders, the given columns flush right.
fn table(texts: &report::Table, right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(&texts.header);
    table.add_rows(&texts.rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

pub(crate) fn written(report: &Report, folder: &Path) {
    let (seconds, threads) = (report.timing.wall_seconds, report.timing.threads);
    println!("\n{seconds:.1} s on {threads} threads; the reports:");
    for file in ["report.html", "report.md", "report.json"] {
        println!("  {}", folder.join(file).display());
    }
}
