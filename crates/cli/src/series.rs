//! Candles from files, folders or the embedded sample.
use std::path::PathBuf;

use windvane::candles::sample;
use windvane::prelude::*;

use crate::Error;
use crate::files::join;
use crate::output::note;
use crate::reading::ReadArgs;
use crate::source::{CandleSource, sources};

/// Reads the candles of files and folders, one series per pair.
///
/// Repairs and gaps are printed to standard error. A file of a folder that cannot be read or has
/// another interval is skipped with a note; for a file given by name that is an error.
///
/// # Errors
/// Paths and files that cannot be read, and an empty result.
pub(crate) fn load(
    paths: &[PathBuf],
    interval: Option<Interval>,
    args: &ReadArgs,
) -> Result<Vec<CandleSeries>, Error> {
    let mut all: Vec<CandleSeries> = Vec::new();
    for path in paths {
        for source in sources(path, args)? {
            match add(&mut all, &source, interval, args) {
                Ok((joined, notes)) => {
                    for text in joined.iter().chain(&notes) {
                        note(format_args!("note: {text}"));
                    }
                }
                Err(error) if path.is_dir() => note(format_args!("skipped: {error}")),
                Err(error) => return Err(error),
            }
        }
    }
    if all.is_empty() {
        return Err("no candles could be read: every file was skipped; see the notes above".into());
    }
    Ok(all)
}

/// Reads a source and adds its series, or continues the earlier one of its pair, with a note;
/// returns that note and those of the source.
fn add(
    all: &mut Vec<CandleSeries>,
    source: &CandleSource,
    interval: Option<Interval>,
    args: &ReadArgs,
) -> Result<(Option<String>, Vec<String>), Error> {
    let (series, notes) = source.read(source.name().parse()?, interval, args)?;
    let Some(earlier) = all.iter_mut().find(|other| other.pair() == series.pair()) else {
        all.push(series);
        return Ok((None, notes));
    };
    *earlier = join(earlier, &series, source.path())?;
    let from = series.candles().first().map(|candle| candle.open_time().to_string());
    let from = from.unwrap_or_default();
    let joined = format!("{}: candles from {from} on joined to the earlier ones", earlier.pair());
    Ok((Some(joined), notes))
}

/// Candles of one instrument of the embedded sample.
///
/// # Errors
/// A name that is not in the sample.
pub(crate) fn sample(name: &str) -> Result<CandleSeries, String> {
    sample::load(name).ok_or_else(|| {
        format!("no instrument {name:?}; the sample has {}", sample::NAMES.join(", "))
    })
}

/// Common interval of all series.
///
/// # Errors
/// Series with different intervals.
pub(crate) fn interval(all: &[CandleSeries]) -> Result<Interval, String> {
    let first = all.first().ok_or("no candles; pass files with --data")?;
    match all.iter().find(|series| series.interval() != first.interval()) {
        None => Ok(first.interval()),
        Some(other) => Err(format!(
            "{} has {} candles, {} has {} candles; choose one interval with --interval",
            first.pair(),
            first.interval(),
            other.pair(),
            other.interval()
        )),
    }
}

/// Series that a model is for: all except pairs that only channels of one other pair read, such as
/// a leader outside the market. The pairs of a market are targets.
pub(crate) fn targets<'a>(spec: &SignalSpec, all: &'a [CandleSeries]) -> Vec<&'a CandleSeries> {
    let reads = |series: &CandleSeries, market: bool| {
        let channels = spec.channels.iter().map(ChannelSpec::pairs);
        let mut pairs = channels.filter(|pairs| (pairs.len() > 1) == market);
        pairs.any(|pairs| pairs.contains(series.pair()))
    };
    all.iter().filter(|series| reads(series, true) || !reads(series, false)).collect()
}

/// Returns the series of the given pairs.
///
/// # Errors
/// A pair without a series.
pub(crate) fn of_pairs(all: &[CandleSeries], pairs: &[&Pair]) -> Result<Vec<CandleSeries>, String> {
    pairs.iter().map(|pair| of_pair(all, pair)).collect()
}

fn of_pair(all: &[CandleSeries], pair: &Pair) -> Result<CandleSeries, String> {
    let found = all.iter().find(|series| series.pair() == pair);
    found.cloned().ok_or_else(|| format!("a channel reads {pair}; add its candles to --data"))
}
