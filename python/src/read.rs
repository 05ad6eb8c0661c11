//! Reading of candle files.
use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use windvane::candles::Pair;
use windvane::readers::ReadOptions;

use crate::error::failed;
use crate::series::Series;

/// Series, format, and notes with a flag for those that lose rows.
type ReadFile = (Series, String, Vec<(String, bool)>);

/// Reads the candles of a file with the options of `windvane::readers::ReadOptions`.
#[pyfunction]
#[pyo3(signature = (
    path, pair, *, interval=None, columns=None, time=None, zone=None, decimal=None, day_first=None,
    encoding=None, select=None,
))]
#[expect(clippy::too_many_arguments, reason = "one per option of the reader")]
pub(crate) fn read(
    py: Python<'_>,
    path: PathBuf,
    pair: &str,
    interval: Option<&str>,
    columns: Option<&str>,
    time: Option<&str>,
    zone: Option<&str>,
    decimal: Option<&str>,
    day_first: Option<bool>,
    encoding: Option<&str>,
    select: Option<BTreeMap<String, String>>,
) -> PyResult<ReadFile> {
    let mut options = ReadOptions::new(Pair::new(pair).map_err(failed)?);
    if let Some(text) = interval {
        options = options.interval(text.parse().map_err(failed)?);
    }
    if let Some(text) = columns {
        options = options.columns(text.parse().map_err(failed)?);
    }
    if let Some(text) = time {
        options = options.time(text.parse().map_err(failed)?);
    }
    if let Some(text) = zone {
        options = options.zone(text);
    }
    if let Some(text) = decimal {
        options = options.number_style(text.parse().map_err(failed)?);
    }
    if let Some(day_first) = day_first {
        options = options.day_first(day_first);
    }
    if let Some(text) = encoding {
        options = options.encoding(text.parse().map_err(failed)?);
    }
    for (column, value) in select.into_iter().flatten() {
        options = options.select(column, value);
    }
    let read = py.detach(|| options.read_file(path)).map_err(failed)?;
    let notes = read.notes.iter().map(|note| (note.text.clone(), note.kind.is_loss()));
    Ok((Series(read.series), read.format.to_string(), notes.collect()))
}
