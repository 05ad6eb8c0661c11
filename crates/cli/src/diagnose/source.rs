//! Candles of a pair from the embedded sample or from files.
use windvane::candles::sample;
use windvane::prelude::*;

use super::options::{DiagnoseOptions, QUICK_CANDLES};
use crate::Error;
use crate::files::join;
use crate::output;
use crate::source::{CandleSource, sources};

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
            let sources = sources(path, &options.reading)?;
            let known: Vec<String> = sources.iter().map(CandleSource::name).collect();
            let own = sources.iter().zip(&known).filter(|(_, name)| *name == pair);
            let mut series: Option<CandleSeries> = None;
            for (source, _) in own {
                let (next, notes) =
                    source.read(pair.parse()?, options.interval, &options.reading)?;
                for note in &notes {
                    output::note(format_args!("note: {note}"));
                }
                series = Some(match series {
                    Some(series) => join(&series, &next, source.path())?,
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
