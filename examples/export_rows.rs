//! The rows that a model here reads, for a training elsewhere.
//!
//! `cargo run --release --example export_rows -- candles.csv --out rows.csv` writes time, channels
//! and label of every complete row. With `--scaled 2024-01-01` the channels are scaled by what the
//! rows up to then say, and `rows.scaler.json` beside it holds that scaler.

use std::path::{Path, PathBuf};

use clap::Parser;
use windvane::prelude::*;
use windvane::readers::read_file;
use windvane::signals::{LabelSpec, Scaler};

type Error = Box<dyn std::error::Error>;

/// Rows per window of the models here; they say which rows a scaler is fitted on.
const LOOKBACK: usize = 20;

/// Write the rows of a file of candles as CSV: time, channels, label.
#[derive(Debug, Parser)]
#[command(name = "export_rows")]
pub(crate) struct Options {
    /// Candles in any dialect that `inspect` reads.
    file: PathBuf,
    /// File to write.
    #[arg(long)]
    out: PathBuf,
    /// Scale the channels by a scaler fitted on the rows before this date.
    #[arg(long, value_name = "DATE")]
    scaled: Option<Timestamp>,
}

fn main() -> Result<(), Error> {
    run(&Options::parse())
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let series = read_file(&options.file, Pair::new("FILE")?)?.series;
    let spec = SignalSpec::default();
    let table = SignalTable::build(&spec, &Registry::default(), &series, &[])?;
    let scaler = options.scaled.map(|until| fit(&table, until)).transpose()?;
    if let Some(scaler) = &scaler {
        let file = options.out.with_extension("scaler.json");
        std::fs::write(file, serde_json::to_string(scaler)?)?;
    }
    write(&options.out, &table, scaler.as_ref())
}

fn fit(table: &SignalTable, until: Timestamp) -> Result<Scaler, Error> {
    let tables = std::slice::from_ref(table);
    let samples = SampleSet::collect(tables, LOOKBACK, LabelSpec::default())?;
    let test_from = until.plus(table.interval(), 1).ok_or("the date is out of range")?;
    let split = Split::new(until, test_from, None, 0)?;
    Ok(Scaler::fit(&split.train(&samples)?)?)
}

/// Rows that are not complete are left out: a jump in `time` that no window may span.
fn write(out: &Path, table: &SignalTable, scaler: Option<&Scaler>) -> Result<(), Error> {
    let mut csv = csv::Writer::from_path(out)?;
    let channels = table.spec().channels.iter().map(ToString::to_string);
    csv.write_record(["time".into()].into_iter().chain(channels).chain(["label".into()]))?;
    let labels = LabelSpec::default();
    for index in 0..table.len() {
        let (Some(row), Some(time)) = (table.row(index), table.close_time(index)) else { continue };
        // Of the last rows nothing is known yet.
        let label =
            labels.label(table, index).map_or(String::new(), |(label, _)| label.to_string());
        let values = row.iter().enumerate().map(|(channel, &value)| {
            scaler.map_or(value, |scaler| scaler.apply(channel, value)).to_string()
        });
        csv.write_record([time.to_string()].into_iter().chain(values).chain([label]))?;
    }
    Ok(csv.flush()?)
}
