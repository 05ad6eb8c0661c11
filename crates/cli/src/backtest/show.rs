//! Tables of a backtest on standard output.
use std::io;
use std::path::Path;

use comfy_table::Table;
use windvane::backtest::{Report, report};
use windvane::catalog::{Hyperparameters, ModelEntry};

use super::data::Loaded;
use crate::output::{self, print, thousands};

pub(super) fn loaded(loaded: &Loaded) -> io::Result<()> {
    let candles: usize = loaded.instruments.iter().map(|i| i.series.len()).sum();
    let candles = thousands(candles);
    print(format_args!("{} instruments, {candles} candles", loaded.instruments.len()))?;
    for note in &loaded.notes {
        print(format_args!("note: {note}"))?;
    }
    for skipped in &loaded.skipped {
        print(format_args!("skipped {}: {}", skipped.name, skipped.reason))?;
    }
    Ok(())
}

pub(super) fn report(report: &Report) -> io::Result<()> {
    print(format_args!("\n{}\n", table(&report.headline_table(), &[3, 4, 6])))?;
    print(format_args!("Accuracy of the most confident predictions, all instruments pooled:"))?;
    print(format_args!("{}\n", table(&report.most_confident_table(), &[6])))?;
    print(format_args!("Policies, with always long as the benchmark:"))?;
    print(format_args!("{}\n", table(&report.policy_table(), &[3, 4, 5, 6, 7])))?;
    print(format_args!("Trading every prediction, per candle:"))?;
    print(format_args!("{}\n", table(&report.trading_table(), &[2, 3, 4, 5, 6, 7])))?;
    print(format_args!("Ranking by accuracy pooled over all instruments:"))?;
    print(format_args!("{}\n", table(&report.ranking_table(), &[2, 3, 5, 6])))?;
    for verdict in report.verdicts() {
        print(format_args!("{verdict}\n"))?;
    }
    for untested in &report.without_test_rows {
        print(format_args!("not tested: {} ({})", untested.name, untested.interval))?;
    }
    for failure in &report.failures {
        print(format_args!("failed: {failure}"))?;
    }
    for warning in report.warning_lines() {
        print(format_args!("warning: {warning}"))?;
    }
    Ok(())
}

pub(super) fn written(report: &Report, folder: &Path) -> io::Result<()> {
    let (seconds, threads) = (report.timing.wall_seconds, report.timing.threads);
    print(format_args!("\n{seconds:.1} s on {threads} threads; the reports:"))?;
    for file in ["report.html", "report.md", "report.json"] {
        print(format_args!("  {}", folder.join(file).display()))?;
    }
    Ok(())
}

/// Narrow table: columns are one space apart.
fn table(texts: &report::ReportTable, right: &[usize]) -> Table {
    let mut table = output::table(&texts.header, &texts.rows, right);
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table
}

/// Prints the models of the run with their methods.
pub(super) fn models(models: &[ModelEntry], training: &Hyperparameters) -> io::Result<()> {
    let rows = models.iter().map(|entry| [entry.name.to_string(), entry.averaged_method(training)]);
    print(format_args!("\n{}", output::table(["model", "method"], rows, &[])))
}
