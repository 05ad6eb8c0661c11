//! Timing of whole channel sets in batch for `benches/peers/python/channel_sets.py`.
//!
//! Reads the CSV files of a folder, one per pair. Every line of standard input is the name of a set,
//! and the answer is the time of one pass over all pairs in nanoseconds. `write SET FILE` writes the
//! values of the set in place of that: for each pair in the order of names, the rows `[candles,
//! channels]` as f64 in little endian, NaN for incomplete rows.
use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use windvane::prelude::*;
use windvane::readers::read_file;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: channel_sets FOLDER")?;
    let series = read_folder(Path::new(&folder))?;
    let pairs: Vec<Pair> = series.iter().map(|series| series.pair().clone()).collect();
    let leader = pairs.iter().find(|pair| pair.as_str().starts_with("BTC"));
    let leader = leader.ok_or("no pair begins with BTC, which leads the market")?;
    let spec_of = |name: &str| match name {
        "six" => Ok(SignalSpec::six()),
        "price_action" => Ok(SignalSpec::price_action()),
        "market" => Ok(SignalSpec::market(&pairs, leader)),
        _ => Err(format!("unknown set {name}; choose six, price_action or market")),
    };
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["write", set, file] => write_values(&spec_of(set)?, &series, Path::new(file))?,
            [set] => {
                let spec = spec_of(set)?;
                let started = Instant::now();
                let tables = SignalTable::build_all(&spec, &Registry::default(), &series)?;
                let nanoseconds = started.elapsed().as_nanos();
                drop(tables);
                nanoseconds.to_string()
            }
            _ => return Err("expected the name of a set, or write SET FILE".into()),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

/// Reads the CSV files of a folder in the order of their names.
fn read_folder(folder: &Path) -> Result<Vec<CandleSeries>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "csv"));
    files.sort();
    let mut series = Vec::with_capacity(files.len());
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        series.push(read_file(&file, name.parse()?)?.series);
    }
    Ok(series)
}

/// Writes the values of a set and returns the number of channels.
fn write_values(
    spec: &SignalSpec,
    series: &[CandleSeries],
    file: &Path,
) -> Result<String, Box<dyn Error>> {
    let incomplete = vec![f64::NAN; spec.width()];
    let mut bytes = Vec::new();
    for table in SignalTable::build_all(spec, &Registry::default(), series)? {
        for row in 0..table.len() {
            let values = table.row(row).unwrap_or(&incomplete);
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
    }
    std::fs::write(file, bytes)?;
    Ok(spec.width().to_string())
}
