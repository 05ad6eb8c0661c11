//! `windvane export`: rows of signals and labels as CSV, for training with other tools.
use std::path::PathBuf;

use clap::Args;
use windvane::models::replace_file;
use windvane::prelude::*;
use windvane::signals::Scaler;

use crate::Error;
use crate::files::{name, read};
use crate::output::{check_file, file_error, note};
use crate::reading::ReadArgs;
use crate::series::gap_policy;

/// Number of rows per window; it determines the rows that the scaler is fitted on.
const LOOKBACK: usize = 20;

/// Export the signals and labels of candles as CSV: time, channels, label
#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    /// File of candles in any format that `inspect` reads.
    file: PathBuf,
    /// Required interval of the candles, such as 1h, 1h+30m or 4h@session [default: as found]
    #[arg(long)]
    interval: Option<Interval>,
    #[command(flatten)]
    reading: ReadArgs,
    /// CSV file to write.
    #[arg(long)]
    out: PathBuf,
    /// Scale the channels with a scaler fitted on the rows before this date. The scaler is written
    /// to a JSON file beside --out.
    #[arg(long, value_name = "DATE")]
    scaled: Option<Timestamp>,
}

pub(crate) fn run(options: &ExportOptions) -> Result<(), Error> {
    check_file(&options.out)?;
    let (series, notes) =
        read(&options.file, name(&options.file).parse()?, options.interval, &options.reading)?;
    for text in notes {
        note(format_args!("note: {text}"));
    }
    let gaps = gap_policy(std::slice::from_ref(&series));
    let spec = SignalSpec { gaps, ..SignalSpec::default() };
    let table = SignalTable::build(&spec, &Registry::default(), &series, &[])?;
    let scaler = options.scaled.map(|until| fit_scaler(&table, until)).transpose()?;
    let rows = rows(&table, scaler.as_ref())?;
    replace_file(&options.out, &rows).map_err(|error| file_error(&options.out, error))?;
    if let Some(scaler) = &scaler {
        let file = options.out.with_extension("scaler.json");
        replace_file(&file, serde_json::to_string(scaler)?.as_bytes())
            .map_err(|error| file_error(&file, error))?;
    }
    Ok(())
}

/// Fits a scaler on the rows before a date.
fn fit_scaler(table: &SignalTable, until: Timestamp) -> Result<Scaler, Error> {
    let tables = std::slice::from_ref(table);
    let samples = SampleSet::collect(tables, LOOKBACK, LabelSpec::default())?;
    let test_from = until
        .plus(table.interval(), 1)
        .ok_or("--scaled: the date is out of range; choose an earlier one")?;
    let split = Split::builder().validate_from(until).test_from(test_from).embargo(0).build()?;
    Ok(Scaler::fit(&split.train(&samples)?)?)
}

/// Formats the complete rows as CSV. Incomplete rows are omitted; a window must not span the
/// resulting gap in `time`.
///
/// # Errors
/// A table without complete rows.
fn rows(table: &SignalTable, scaler: Option<&Scaler>) -> Result<Vec<u8>, Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let channels = table.spec().channels.iter().map(ToString::to_string);
    csv.write_record(["time".into()].into_iter().chain(channels).chain(["label".into()]))?;
    let labels = LabelSpec::default();
    let mut written = 0;
    for index in 0..table.len() {
        let (Some(row), Some(time)) = (table.row(index), table.close_time(index)) else { continue };
        // The labels of the last rows are not known yet.
        let label =
            labels.label(table, index).map_or(String::new(), |(label, _)| label.to_string());
        let values = row.iter().enumerate().map(|(channel, &value)| {
            scaler.map_or(value, |scaler| scaler.apply(channel, value)).to_string()
        });
        csv.write_record([time.to_string()].into_iter().chain(values).chain([label]))?;
        written += 1;
    }
    if written == 0 {
        return Err(format!(
            "{} candles have no complete row of signals; pass more candles without gaps",
            table.len()
        )
        .into());
    }
    Ok(csv.into_inner().map_err(|error| error.to_string())?)
}
