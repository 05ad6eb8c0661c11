//! Candles from files, folders or the embedded sample.
use std::collections::HashMap;
use std::path::PathBuf;

use windvane::candles::sample;
use windvane::prelude::*;

use crate::Error;
use crate::files::join;
use crate::output::note;
use crate::reading::ReadArgs;
use crate::source::{CandleSource, sources};

/// Sources of one pair, in the order of their paths.
pub(crate) struct PairSources {
    name: String,
    /// Sources, with whether each is of a folder, whose unreadable files are skipped.
    sources: Vec<(CandleSource, bool)>,
}

/// Returns the sources of files and folders by pair, in the order of each pair's first source.
///
/// # Errors
/// Paths that cannot be read.
pub(crate) fn by_pair(paths: &[PathBuf], args: &ReadArgs) -> Result<Vec<PairSources>, Error> {
    let mut pairs: Vec<PairSources> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for path in paths {
        for source in sources(path, args)? {
            let name = source.name();
            let place = *places.entry(name.clone()).or_insert(pairs.len());
            if place == pairs.len() {
                pairs.push(PairSources { name, sources: Vec::new() });
            }
            pairs[place].sources.push((source, path.is_dir()));
        }
    }
    Ok(pairs)
}

impl PairSources {
    /// Reads and joins the candles of the pair; `None` if all its sources are skipped.
    ///
    /// Repairs and gaps are printed to standard error. A file of a folder that cannot be read or has
    /// another interval is skipped with a note; for a file given by name that is an error.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub(crate) fn read(
        &self,
        interval: Option<Interval>,
        args: &ReadArgs,
    ) -> Result<Option<CandleSeries>, Error> {
        let mut joined: Option<CandleSeries> = None;
        for (source, of_folder) in &self.sources {
            match self.add(joined.as_ref(), source, interval, args) {
                Ok(series) => joined = Some(series),
                Err(error) if *of_folder => note(format_args!("skipped: {error}")),
                Err(error) => return Err(error),
            }
        }
        Ok(joined)
    }

    /// Reads a source, which continues the earlier candles of the pair, and prints its notes.
    fn add(
        &self,
        earlier: Option<&CandleSeries>,
        source: &CandleSource,
        interval: Option<Interval>,
        args: &ReadArgs,
    ) -> Result<CandleSeries, Error> {
        let (mut series, mut notes) = source.read(self.name.parse()?, interval, args)?;
        if let Some(earlier) = earlier {
            let from = series.candles().first().map(|candle| candle.open_time().to_string());
            series = join(earlier, &series, source.path())?;
            let from = from.unwrap_or_default();
            let pair = earlier.pair();
            notes.insert(0, format!("{pair}: candles from {from} on joined to the earlier ones"));
        }
        for text in notes {
            note(format_args!("note: {text}"));
        }
        Ok(series)
    }
}

/// Reads the candles of files and folders, one series per pair: [`PairSources::read`].
///
/// # Errors
/// Paths and files that cannot be read, and an empty result.
pub(crate) fn load(
    paths: &[PathBuf],
    interval: Option<Interval>,
    args: &ReadArgs,
) -> Result<Vec<CandleSeries>, Error> {
    let mut all = Vec::new();
    for pair in by_pair(paths, args)? {
        all.extend(pair.read(interval, args)?);
    }
    check_read(!all.is_empty())?;
    Ok(all)
}

/// Checks that any candles were read.
pub(crate) fn check_read(any: bool) -> Result<(), Error> {
    if any {
        return Ok(());
    }
    Err("no candles could be read: every file was skipped; see the notes above".into())
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
