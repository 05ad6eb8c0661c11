//! A pair's candles, from the embedded sample or from a folder of CSV files.
use windvane::candles::csv::read_csv;
use windvane::candles::sample;
use windvane::prelude::*;

use super::folder::csv_files;
use super::options::{Options, QUICK_CANDLES};

type Error = Box<dyn std::error::Error>;

/// The candles of `pair`; a name that is not there is an error that lists those that are.
pub(crate) fn series(options: &Options, pair: &str) -> Result<CandleSeries, Error> {
    let series = match &options.data {
        None => {
            let known = sample::NAMES.map(str::to_string);
            sample::load(pair).ok_or_else(|| unknown(pair, "the sample", &known))?
        }
        Some(folder) => {
            let files = csv_files(folder)?;
            let stem = |file: &std::path::PathBuf| {
                file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
            };
            let known: Vec<String> = files.iter().map(stem).collect();
            let file = known.iter().position(|name| name == pair).map(|index| &files[index]);
            let place = folder.display().to_string();
            let file = file.ok_or_else(|| unknown(pair, &place, &known))?;
            read_csv(file, pair.parse()?, options.interval)?.series
        }
    };
    let first = options.quick.then(|| series.len().saturating_sub(QUICK_CANDLES));
    Ok(match first.and_then(|index| series.get(index)) {
        Some(first) => series.split_at(first.open_time()).1,
        None => series,
    })
}

fn unknown(pair: &str, place: &str, known: &[String]) -> String {
    format!("no pair {pair:?}; {place} has {}", known.join(", "))
}
