//! `windvane export`: rows of channels and labels as CSV or Parquet, for training with other tools.
#[cfg(feature = "columnar")]
mod columnar;

use std::path::PathBuf;

use clap::Args;
use windvane::models::replace_file;
use windvane::prelude::*;
use windvane::signals::Scaler;

use crate::inputs::InputArgs;
use crate::output::{check_file, file_error, note};
use crate::reading::ReadArgs;
use crate::source::CandleSource;
use crate::{Error, series};

/// Number of rows per window; it determines the rows that the scaler is fitted on.
const LOOKBACK: usize = 20;

/// Export the channels and labels of candles as CSV or Parquet: time, channels, label
#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    /// File of candles in any format that `inspect` reads.
    file: PathBuf,
    /// Required interval of the candles, such as 1h, 1h+30m or 4h@session [default: as found]
    #[arg(long)]
    interval: Option<Interval>,
    /// Files of the other pairs of the set market, or folders of such files.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    others: Vec<PathBuf>,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    reading: ReadArgs,
    /// File to write: CSV, or Parquet for the extension .parquet (feature columnar).
    #[arg(long)]
    out: PathBuf,
    /// Scale the channels with a scaler fitted on the rows before this date. The scaler is written
    /// to a JSON file beside --out.
    #[arg(long, value_name = "DATE")]
    scaled: Option<Timestamp>,
}

/// A complete row of channels.
struct ExportRow {
    /// Close of the candle, when the row becomes known.
    time: Timestamp,
    values: Vec<f64>,
    /// UP, DOWN or NEUTRAL; `None` for the last rows, whose outcome is not known.
    label: Option<String>,
}

pub(crate) fn run(options: &ExportOptions) -> Result<(), Error> {
    check_file(&options.out)?;
    let as_parquet = options.out.extension().is_some_and(|extension| extension == "parquet");
    if as_parquet && !cfg!(feature = "columnar") {
        let problem = "--out: this program was built without Parquet; use the extension .csv, or \
                       build it with --features columnar";
        return Err(problem.into());
    }
    let table = table(options)?;
    let scaler = options.scaled.map(|until| fit_scaler(&table, until)).transpose()?;
    let rows = rows(&table, scaler.as_ref())?;
    let bytes = if as_parquet { parquet(&table, &rows)? } else { csv(&table, &rows)? };
    replace_file(&options.out, &bytes).map_err(|error| file_error(&options.out, error))?;
    if let Some(scaler) = &scaler {
        let file = options.out.with_extension("scaler.json");
        replace_file(&file, serde_json::to_string(scaler)?.as_bytes())
            .map_err(|error| file_error(&file, error))?;
    }
    Ok(())
}

/// Computes the channels of the file; the market consists of the file and the others.
fn table(options: &ExportOptions) -> Result<SignalTable, Error> {
    let own = CandleSource::File(options.file.clone());
    let (own, notes) = own.read(own.name().parse()?, options.interval, &options.reading)?;
    for text in notes {
        note(format_args!("note: {text}"));
    }
    let mut all = vec![own];
    if !options.others.is_empty() {
        let others = series::load(&options.others, Some(all[0].interval()), &options.reading)?;
        let own = all[0].pair().clone();
        all.extend(others.into_iter().filter(|other| *other.pair() != own));
    }
    let inputs = options.inputs.resolve(&all.iter().collect::<Vec<_>>())?;
    let gaps = match GapPolicy::infer(&all[..1]) {
        GapPolicy::Reset => inputs.always_open,
        sessions => sessions,
    };
    let spec = SignalSpec { channels: inputs.channels, gaps };
    let others = series::of_pairs(&all, &spec.pairs())?;
    Ok(SignalTable::build(&spec, &Registry::default(), &all[0], &others)?)
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

/// The complete rows. Incomplete rows are omitted; a window must not span the resulting gap in
/// `time`.
///
/// # Errors
/// A table without complete rows.
fn rows(table: &SignalTable, scaler: Option<&Scaler>) -> Result<Vec<ExportRow>, Error> {
    let labels = LabelSpec::default();
    let row = |index| {
        let (row, time) = (table.row(index)?, table.close_time(index)?);
        let scaled = row
            .iter()
            .enumerate()
            .map(|(channel, &value)| scaler.map_or(value, |scaler| scaler.apply(channel, value)));
        let label = labels.label(table, index).map(|(label, _)| label.to_string());
        Some(ExportRow { time, values: scaled.collect(), label })
    };
    let rows: Vec<ExportRow> = (0..table.len()).filter_map(row).collect();
    if rows.is_empty() {
        return Err(format!(
            "{} candles have no complete row of signals; pass more candles without gaps",
            table.len()
        )
        .into());
    }
    Ok(rows)
}

fn csv(table: &SignalTable, rows: &[ExportRow]) -> Result<Vec<u8>, Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let channels = table.spec().channels.iter().map(ToString::to_string);
    csv.write_record(["time".into()].into_iter().chain(channels).chain(["label".into()]))?;
    for ExportRow { time, values, label } in rows {
        let values = values.iter().map(ToString::to_string);
        let label = label.clone().unwrap_or_default();
        csv.write_record([time.to_string()].into_iter().chain(values).chain([label]))?;
    }
    Ok(csv.into_inner().map_err(|error| error.to_string())?)
}

#[cfg(feature = "columnar")]
fn parquet(table: &SignalTable, rows: &[ExportRow]) -> Result<Vec<u8>, Error> {
    columnar::parquet(table, rows)
}

#[cfg(not(feature = "columnar"))]
fn parquet(_: &SignalTable, _: &[ExportRow]) -> Result<Vec<u8>, Error> {
    Err("this program was built without Parquet".into())
}
