//! Files of candles: which of them a path stands for, what they are called, what is in them.
use std::path::{Path, PathBuf};

use windvane::prelude::*;

use crate::Error;
use crate::gap_note::gap_note;
use crate::reading::ReadArgs;

/// Endings of files that may hold candles, or pack a file that does.
const ENDINGS: [&str; 12] = [
    "csv", "tsv", "txt", "json", "jsonl", "ndjson", "gz", "zip", "arrow", "feather", "ipc",
    "parquet",
];

/// The file, or those of the folder that may hold candles, in order of their names; at least one.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let read = std::fs::read_dir(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut files = read
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| format!("{}: {e}", path.display()))?;
    files.retain(|path| ending(path).is_some() && path.is_file());
    files.sort();
    if files.is_empty() {
        return Err(format!(
            "{}: no file of candles in this folder; their names end in one of {}",
            path.display(),
            ENDINGS.join(", ")
        )
        .into());
    }
    Ok(files)
}

/// The name of a file without its folder, its endings and the dates that archives end with
/// (`BTCUSDT-1h-2024-01.zip`), in characters that a pair may have.
pub(crate) fn name(path: &Path) -> String {
    let mut stem = path.to_path_buf();
    while ending(&stem).is_some() {
        stem.set_extension("");
    }
    let name = stem.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut name = name.as_str();
    while let Some(shorter) = without_date(name) {
        name = shorter;
    }
    name.chars().map(|c| if Pair::allows(c) { c } else { '_' }).collect()
}

/// A name without the year at its end, with or without month and day; `None` where there is none.
fn without_date(name: &str) -> Option<&str> {
    let mut rest = name;
    for _ in 0..3 {
        let (before, last) = rest.rsplit_once(['-', '_'])?;
        let year = last.len() == 4 && (last.starts_with("19") || last.starts_with("20"));
        let number = last.bytes().all(|b| b.is_ascii_digit());
        match (number, year, last.len()) {
            (true, true, _) => return (!before.is_empty()).then_some(before),
            (true, false, 2) => rest = before,
            _ => return None,
        }
    }
    None
}

/// Two periods of one instrument as one: the later must begin where the earlier ends.
///
/// # Errors
/// Candles of another interval, that overlap, that begin more than a week after the earlier ones, or
/// whose price is less than half or more than twice that of the earlier ones.
pub(crate) fn join(earlier: &CandleSeries, later: &CandleSeries) -> Result<CandleSeries, String> {
    let (pair, interval) = (earlier.pair(), earlier.interval());
    let (Some(last), Some(first)) = (earlier.candles().last(), later.candles().first()) else {
        return Err(format!("no candles of {pair} to join"));
    };
    let step = first.open_time().millis() - last.open_time().millis();
    let most = interval.millis().max(Interval::WEEK.millis());
    let is_next = step > 0 && step <= most && later.interval() == interval;
    let is_same = (0.5..=2.0).contains(&(first.open() / last.close()));
    if !(is_next && is_same) {
        return Err(format!(
            "there is an instrument {pair} already, which this does not go on from: it ends at {} \
             with {}, this begins at {} with {}; rename the file if it is another instrument",
            last.open_time(),
            last.close(),
            first.open_time(),
            first.open()
        ));
    }
    let candles = earlier.iter().chain(later).copied().collect();
    CandleSeries::new(pair.clone(), interval, candles).map_err(|error| error.to_string())
}

/// The candles of a file, and what had to be done to read them. An interval refuses files of
/// another.
pub(crate) fn read(
    file: &Path,
    pair: Pair,
    interval: Option<Interval>,
    args: &ReadArgs,
) -> Result<(CandleSeries, Vec<String>), Error> {
    let reading = args.options(pair)?.read_file(file)?;
    let series = reading.series;
    if let Some(wanted) = interval.filter(|wanted| *wanted != series.interval()) {
        let found = series.interval();
        return Err(format!("{}: candles of {found}, not of {wanted}", file.display()).into());
    }
    let notes = reading.notes.iter().map(ToString::to_string).chain(gap_note(&series));
    let notes = notes.map(|note| format!("{}: {note}", file.display())).collect();
    Ok((series, notes))
}

fn ending(path: &Path) -> Option<&'static str> {
    let own = path.extension()?;
    ENDINGS.into_iter().find(|ending| own.eq_ignore_ascii_case(ending))
}
