//! `windvane inspect`: content of candle files and their repairs.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use windvane::prelude::*;
use windvane::readers::{ReadResult, read_file};

use crate::gap_note::gap_note;
use crate::output::{print, print_data, table};
use crate::{Error, files};

/// Show the content of candle files and their repairs
#[derive(Debug, Args)]
pub(crate) struct InspectOptions {
    /// Files to read: CSV or JSON, also in zip or gzip; Arrow or Parquet with the feature columnar.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print JSON instead of a table: a list of {file, format, series: [{key, pair, `interval_ms`,
    /// rows, gaps, first, last}], notes, error}. first and last are candles {`open_time`, open,
    /// high, low, close, volume} with `open_time` in milliseconds.
    #[arg(long)]
    json: bool,
}

/// Result of reading one file.
struct Inspected {
    file: String,
    reading: Result<ReadResult, String>,
}

/// Runs the command; the exit status is 1 if a file could not be read.
pub(crate) fn run(options: &InspectOptions) -> Result<ExitCode, Error> {
    let all: Vec<Inspected> = options.files.iter().map(|file| inspect(file)).collect();
    if options.json {
        let list = Value::Array(all.iter().map(as_json).collect());
        print_data(format!("{list:#}\n").as_bytes())?;
    } else {
        show(&all)?;
    }
    Ok(ExitCode::from(u8::from(all.iter().any(|one| one.reading.is_err()))))
}

fn inspect(file: &Path) -> Inspected {
    let pair = Pair::new(&files::name(file)).or_else(|_| Pair::new("FILE"));
    let reading = match pair {
        Ok(pair) => read_file(file, pair).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    Inspected { file: file.display().to_string(), reading }
}

fn notes(reading: &ReadResult) -> Vec<String> {
    let notes = reading.notes.iter().map(ToString::to_string);
    notes.chain(gap_note(&reading.series)).collect()
}

fn as_json(one: &Inspected) -> Value {
    match &one.reading {
        Ok(reading) => json!({
            "file": one.file,
            "format": reading.format.to_string(),
            "series": [series_json(&reading.series)],
            "notes": notes(reading),
            "error": null,
        }),
        Err(error) => json!({
            "file": one.file,
            "format": null,
            "series": [],
            "notes": [],
            "error": error,
        }),
    }
}

fn series_json(series: &CandleSeries) -> Value {
    json!({
        "key": series.pair().as_str(),
        "pair": series.pair().as_str(),
        "interval_ms": series.interval().millis(),
        "rows": series.len(),
        "gaps": series.gaps().count(),
        "first": series.candles().first().map(candle_json),
        "last": series.candles().last().map(candle_json),
    })
}

fn candle_json(candle: &Candle) -> Value {
    let Ohlcv { open, high, low, close, volume } = candle.values();
    json!({
        "open_time": candle.open_time().millis(),
        "open": open,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
    })
}

fn show(all: &[Inspected]) -> std::io::Result<()> {
    let read: Vec<(&str, &ReadResult)> = all.iter().filter_map(as_read).collect();
    if !read.is_empty() {
        let header = ["file", "candles", "of rows", "first", "last", "interval", "gaps"];
        print(format_args!("{}\n", table(header, read.iter().map(row), &[1, 2, 6])))?;
    }
    for one in all {
        match &one.reading {
            Ok(reading) => {
                print(format_args!("{}: {}", short(&one.file), reading.format))?;
                for note in notes(reading) {
                    print(format_args!("  - {note}"))?;
                }
            }
            Err(error) => print(format_args!("error: {error}"))?,
        }
    }
    Ok(())
}

fn as_read(one: &Inspected) -> Option<(&str, &ReadResult)> {
    Some((one.file.as_str(), one.reading.as_ref().ok()?))
}

fn row((file, reading): &(&str, &ReadResult)) -> [String; 7] {
    let series = &reading.series;
    [
        short(file),
        series.len().to_string(),
        reading.rows.to_string(),
        open_time(series.candles().first()),
        open_time(series.candles().last()),
        series.interval().to_string(),
        series.gaps().count().to_string(),
    ]
}

fn open_time(candle: Option<&Candle>) -> String {
    candle.map_or("-".to_owned(), |candle| candle.open_time().to_string())
}

/// Name of a file without its folder.
fn short(file: &str) -> String {
    Path::new(file).file_name().unwrap_or_default().to_string_lossy().into_owned()
}
