//! Candles of a pair from the embedded sample or from files.
use windvane::candles::sample;
use windvane::prelude::*;

use super::options::{DiagnoseOptions, QUICK_CANDLES};
use crate::Error;
use crate::files::{files, join, name, read};
use crate::output;

/// Reads the candles of a pair.
///
/// # Errors
/// Files that cannot be read; for an unknown pair, a list of the known ones.
pub(super) fn series(options: &DiagnoseOptions, pair: &str) -> Result<CandleSeries, Error> {
    let series = match &options.data {
        None => {
            let known = sample::NAMES.map(str::to_string);
            sample::load(pair).ok_or_else(|| unknown(pair, "the sample", &known))?
        }
        Some(path) => {
            let files = files(path)?;
            let known: Vec<String> = files.iter().map(|file| name(file)).collect();
            let own = files.iter().zip(&known).filter(|(_, name)| *name == pair);
            let mut series: Option<CandleSeries> = None;
            for (file, _) in own {
                let (next, notes) = read(file, pair.parse()?, options.interval, &options.reading)?;
                for note in &notes {
                    output::note(format_args!("note: {note}"));
                }
                series = Some(match series {
                    Some(series) => join(&series, &next, file)?,
                    None => next,
                });
            }
            series.ok_or_else(|| unknown(pair, &path.display().to_string(), &known))?
        }
    };
    let first = options.quick.then(|| series.len().saturating_sub(QUICK_CANDLES));
    Ok(match first.and_then(|index| series.get(index)) {
        Some(first) => series.split_at(first.open_time()).1,
        None => series,
    })
}

/// Message for an unknown pair.
fn unknown(pair: &str, source: &str, known: &[String]) -> String {
    format!("no pair {pair:?}; choose another --pair: {source} has {}", known.join(", "))
}
