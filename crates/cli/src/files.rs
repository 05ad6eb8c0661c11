//! Files of candles: files of a folder, names of pairs, joining.
use std::ops::Range;
use std::path::{Path, PathBuf};

use windvane::prelude::*;

use crate::Error;

/// Extensions of candle files and of archives.
const EXTENSIONS: [&str; 12] = [
    "csv", "tsv", "txt", "json", "jsonl", "ndjson", "gz", "zip", "arrow", "feather", "ipc",
    "parquet",
];

/// Returns a file, or the candle files of a folder sorted by name; at least one.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let read = std::fs::read_dir(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut files = read
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| format!("{}: {e}", path.display()))?;
    files.retain(|path| extension(path).is_some() && path.is_file());
    files.sort();
    if files.is_empty() {
        return Err(format!(
            "{}: no file of candles in this folder; expected files with one of the extensions {}",
            path.display(),
            EXTENSIONS.join(", ")
        )
        .into());
    }
    Ok(files)
}

/// Name of the pair in a file: the file name without folder, extensions and the date at the end of
/// an archive's name (`BTCUSDT-1h-2024-01.zip`). Invalid characters are replaced.
pub(crate) fn name(path: &Path) -> String {
    let mut stem = path.to_path_buf();
    while extension(&stem).is_some() {
        stem.set_extension("");
    }
    let name = stem.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut name = name.as_str();
    while let Some(shorter) = without_date(name) {
        name = shorter;
    }
    name.chars().map(|c| if Pair::allows(c) { c } else { '_' }).collect()
}

/// Removes a date from the end of a name (year, optionally month and day); `None` without a date.
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

/// Period of the dates at the end of an archive's name; `None` without a date.
fn named_period(path: &Path) -> Option<Range<Timestamp>> {
    let mut stem = path.to_path_buf();
    while extension(&stem).is_some() {
        stem.set_extension("");
    }
    let name = stem.file_name()?.to_str()?;
    let mut rest = name;
    let mut periods = Vec::new();
    while let Some(shorter) = without_date(rest) {
        let date = &rest[shorter.len() + 1..];
        let parts = date.split(['-', '_']).map(str::parse).collect::<Result<Vec<i64>, _>>().ok()?;
        periods.push(Timestamp::calendar_period(&parts)?);
        rest = shorter;
    }
    Some(periods.last()?.start..periods.first()?.end)
}

/// Joins two series of the same pair: the later one, of a file, must continue the earlier one.
///
/// # Errors
/// Candles outside the period that the name of the file states (by more than a day, since markets
/// have time zones), of another interval, that overlap, that begin more than a week after the
/// earlier ones, or whose price is less than half or more than twice that of the earlier ones.
pub(crate) fn join(
    earlier: &CandleSeries,
    later: &CandleSeries,
    file: &Path,
) -> Result<CandleSeries, String> {
    let (pair, interval) = (earlier.pair(), earlier.interval());
    let (Some(last), Some(first)) = (earlier.candles().last(), later.candles().first()) else {
        return Err(format!("no candles of {pair} to join"));
    };
    if later.interval() != interval {
        return Err(format!(
            "{pair} has {interval} candles, and these have {}; choose one interval with --interval, \
             such as 4h@session for all files of a market whose clock changes",
            later.interval()
        ));
    }
    let end = later.candles().last().map_or(first.open_time(), Candle::open_time);
    let day = Interval::DAY.millis();
    if let Some(named) = named_period(file)
        && (first.open_time().millis() < named.start.millis() - day
            || end.millis() >= named.end.millis() + day)
    {
        return Err(format!(
            "there is already an instrument {pair}, and these candles are not those of the date in \
             the name of the file: they begin at {} and end at {end}; rename the file",
            first.open_time()
        ));
    }
    let step = first.open_time().millis() - last.open_time().millis();
    let most = interval.millis().max(Interval::WEEK.millis());
    let is_next = step > 0 && step <= most;
    let is_same = (0.5..=2.0).contains(&(first.open() / last.close()));
    if !(is_next && is_same) {
        return Err(format!(
            "there is already an instrument {pair}, and these candles do not continue it: they begin \
             at {} with {}, the others end at {} with {}; rename the file",
            first.open_time(),
            first.open(),
            last.open_time(),
            last.close()
        ));
    }
    let candles = earlier.iter().chain(later).copied().collect();
    CandleSeries::new(pair.clone(), interval, candles)
        .and_then(|joined| joined.with_session_close(earlier.session_close()))
        .map_err(|error| error.to_string())
}

/// Returns the extension of a candle file or archive; `None` for other files.
fn extension(path: &Path) -> Option<&'static str> {
    let own = path.extension()?;
    EXTENSIONS.into_iter().find(|extension| own.eq_ignore_ascii_case(extension))
}
