//! `windvane inspect`: content of candle files and their repairs.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use windvane::prelude::*;
use windvane::readers::ReadResult;

use crate::Error;
use crate::gap_note::gap_note;
use crate::output::{print, print_data, table};
use crate::reading::ReadArgs;
use crate::source::{CandleSource, sources};

/// Show the content of candle files and their repairs
#[derive(Debug, Args)]
pub(crate) struct InspectOptions {
    /// Files to read, or folders of such files: CSV or JSON, also in zip or gzip; Arrow or Parquet
    /// with the feature columnar. Folders may be Hive-partitioned (pair=BTCUSDT/year=2024/..).
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Interval of the candles, such as 1h, 1h+30m (open at half past) or 4h@session (begin with the
    /// session of a market); other files are errors [default: as found]
    #[arg(long)]
    interval: Option<Interval>,
    /// Print JSON instead of a table: a list of {file, format, series: [{key, pair, interval,
    /// `interval_ms`, rows, gaps, first, last}], notes, error}. first and last are candles {`open_time`, open,
    /// high, low, close, volume} with `open_time` in milliseconds.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadArgs,
}

/// Result of reading one file.
struct Inspected {
    file: String,
    reading: Result<Vec<ReadResult>, String>,
}

/// Runs the command; the exit status is 1 if a file could not be read.
pub(crate) fn run(options: &InspectOptions) -> Result<ExitCode, Error> {
    let all: Vec<Inspected> =
        options.files.iter().flat_map(|file| inspect(file, options)).collect();
    if options.json {
        let list = Value::Array(all.iter().map(as_json).collect());
        print_data(format!("{list:#}\n").as_bytes())?;
    } else {
        show(&all)?;
    }
    Ok(ExitCode::from(u8::from(all.iter().any(|one| one.reading.is_err()))))
}

/// Reads a file, each file of a folder, or each pair of a folder of partitions.
fn inspect(path: &Path, options: &InspectOptions) -> Vec<Inspected> {
    let file = path.display().to_string();
    let sources = if path.is_dir() {
        sources(path, &options.reading)
    } else {
        Ok(vec![CandleSource::File(path.to_path_buf())])
    };
    let sources = match sources {
        Ok(sources) => sources,
        Err(error) => return vec![Inspected { file, reading: Err(error.to_string()) }],
    };
    sources.iter().map(|source| inspect_source(source, options)).collect()
}

fn inspect_source(source: &CandleSource, options: &InspectOptions) -> Inspected {
    let reading = source.read_all(options.interval, &options.reading);
    let file = source.path().display().to_string();
    Inspected { file, reading: reading.map_err(|error| error.to_string()) }
}

/// Notes of all series, each once.
fn notes(all: &[ReadResult]) -> Vec<String> {
    let mut notes: Vec<String> = vec![];
    for reading in all {
        let own = reading.notes.iter().map(ToString::to_string).chain(gap_note(&reading.series));
        for note in own {
            let note = match &reading.key {
                Some(key)
                    if all.len() > 1
                        && reading.notes.iter().any(|n| n.text == note && n.rows > 0) =>
                {
                    format!("{key}: {note}")
                }
                _ => note,
            };
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes
}

fn as_json(one: &Inspected) -> Value {
    match &one.reading {
        Ok(all) => json!({
            "file": one.file,
            "format": all.first().map(|reading| reading.format.to_string()),
            "series": all.iter().map(series_json).collect::<Vec<_>>(),
            "notes": notes(all),
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

fn series_json(reading: &ReadResult) -> Value {
    let series = &reading.series;
    json!({
        "key": reading.key.as_deref().unwrap_or(series.pair().as_str()),
        "pair": series.pair().as_str(),
        "interval": series.interval().to_string(),
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
    let read: Vec<(String, &ReadResult)> = all.iter().flat_map(series_of).collect();
    if !read.is_empty() {
        let header = ["file", "candles", "of rows", "first", "last", "interval", "gaps"];
        print(format_args!("{}\n", table(header, read.iter().map(row), &[1, 2, 6])))?;
    }
    for one in all {
        match &one.reading {
            Ok(all) => {
                let format = all.first().map_or(String::new(), |first| first.format.to_string());
                print(format_args!("{}: {format}", short(&one.file)))?;
                for note in notes(all) {
                    print(format_args!("  - {note}"))?;
                }
            }
            Err(error) => print(format_args!("error: {error}"))?,
        }
    }
    Ok(())
}

/// Each series of a file, with the name of the file and its key.
fn series_of(one: &Inspected) -> Vec<(String, &ReadResult)> {
    let all = one.reading.as_deref().unwrap_or_default();
    let name = |reading: &ReadResult| match &reading.key {
        Some(key) => format!("{} {key}", short(&one.file)),
        None => short(&one.file),
    };
    all.iter().map(|reading| (name(reading), reading)).collect()
}

fn row((name, reading): &(String, &ReadResult)) -> [String; 7] {
    let series = &reading.series;
    [
        name.clone(),
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
