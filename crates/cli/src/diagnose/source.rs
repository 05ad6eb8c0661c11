//! A pair's candles, from the embedded sample or from files.
use windvane::candles::sample;
use windvane::prelude::*;

use super::options::{Options, QUICK_CANDLES};
use crate::Error;
use crate::files::{files, join, name, read};
use crate::output;

/// The candles of `pair`; a name that is not there is an error that lists those that are.
pub(super) fn series(options: &Options, pair: &str) -> Result<CandleSeries, Error> {
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
                    Some(series) => join(&series, &next)?,
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

fn unknown(pair: &str, place: &str, known: &[String]) -> String {
    format!("no pair {pair:?}; {place} has {}", known.join(", "))
}
