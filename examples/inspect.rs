//! What is in a file of candles, and what has to be done to read it.
//!
//! `cargo run --release --all-features --example inspect -- FILE...` reads files of exchanges and
//! tools and shows their dialect, rows, times, interval, gaps, and everything that was dropped,
//! re-ordered or repaired. `--json` prints the same as a list of objects.
#![expect(clippy::print_stdout, reason = "an example talks to the terminal")]
#[path = "shared/gap_note.rs"]
mod gap_note;

use std::path::{Path, PathBuf};

use clap::Parser;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Value, json};
use windvane::prelude::*;
use windvane::readers::{ReadResult, read_file};

use gap_note::gap_note;

/// Show what is in files of candles, and what had to be done to read them.
#[derive(Debug, Parser)]
#[command(name = "inspect")]
struct Options {
    /// Files to read: CSV, JSON, Arrow or Parquet, also in zip or gzip.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print a list of {file, dialect, rows, first, last, `interval_ms`, gaps, notes} instead.
    #[arg(long)]
    json: bool,
}

/// A file and what came of it.
struct Inspected {
    file: String,
    reading: Result<ReadResult, String>,
}

fn main() -> std::process::ExitCode {
    let options = Options::parse();
    let all: Vec<Inspected> = options.files.iter().map(|file| inspect(file)).collect();
    if options.json {
        println!("{:#}", Value::Array(all.iter().map(as_json).collect()));
    } else {
        show(&all);
    }
    std::process::ExitCode::from(u8::from(all.iter().any(|one| one.reading.is_err())))
}

fn inspect(file: &Path) -> Inspected {
    // The name of the pair is the start of the file's, as far as it can be one.
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take_while(char::is_ascii_graphic).take(64).collect();
    let pair = Pair::new(&name).or_else(|_| Pair::new("FILE"));
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

fn first_and_last(series: &CandleSeries) -> [String; 2] {
    let time =
        |candle: Option<&Candle>| candle.map_or("-".to_owned(), |c| c.open_time().to_string());
    [time(series.candles().first()), time(series.candles().last())]
}

fn as_json(one: &Inspected) -> Value {
    match &one.reading {
        Ok(reading) => {
            let series = &reading.series;
            let [first, last] = first_and_last(series);
            json!({
                "file": one.file,
                "dialect": reading.format.to_string(),
                "rows": series.len(),
                "first": first,
                "last": last,
                "interval_ms": series.interval().millis(),
                "gaps": series.gaps().count(),
                "notes": notes(reading),
            })
        }
        Err(error) => json!({ "file": one.file, "error": error }),
    }
}

fn show(all: &[Inspected]) {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["file", "candles", "of rows", "first", "last", "interval", "gaps"]);
    for one in all {
        let Ok(reading) = &one.reading else { continue };
        let series = &reading.series;
        let [first, last] = first_and_last(series);
        table.add_row([
            short(&one.file),
            series.len().to_string(),
            reading.rows.to_string(),
            first,
            last,
            series.interval().to_string(),
            series.gaps().count().to_string(),
        ]);
    }
    for column in [1, 2, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    if !table.is_empty() {
        println!("{table}\n");
    }
    for one in all {
        match &one.reading {
            Ok(reading) => {
                println!("{}: {}", short(&one.file), reading.format);
                for note in notes(reading) {
                    println!("  - {note}");
                }
            }
            Err(error) => println!("error: {error}"),
        }
    }
}

/// The name of a file without its folder.
fn short(file: &str) -> String {
    Path::new(file).file_name().unwrap_or_default().to_string_lossy().into_owned()
}
