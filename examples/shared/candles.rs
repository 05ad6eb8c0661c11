//! The candles of one pair, from a CSV file or the embedded sample.
use std::path::Path;

use windvane::candles::csv::read_csv;
use windvane::candles::sample;
use windvane::prelude::*;

/// The file's candles under that name, or the sample's pair of that name.
pub(crate) fn candles(
    file: Option<&Path>,
    pair: &str,
) -> Result<CandleSeries, Box<dyn std::error::Error>> {
    match file {
        Some(file) => Ok(read_csv(file, Pair::new(pair)?, None)?.series),
        None => Ok(sample::load(pair).ok_or_else(|| {
            format!("the sample has no {pair}, but {}", sample::NAMES.join(", "))
        })?),
    }
}
