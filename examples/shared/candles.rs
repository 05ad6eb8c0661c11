//! The candles of one pair, from a file or the embedded sample.
use std::path::Path;

use windvane::candles::sample;
use windvane::prelude::*;
use windvane::readers::read_file;

/// The file's candles under that name, or the sample's pair of that name.
pub(crate) fn candles(
    file: Option<&Path>,
    pair: &str,
) -> Result<CandleSeries, Box<dyn std::error::Error>> {
    match file {
        Some(file) => {
            let reading = read_file(file, Pair::new(pair)?)?;
            for note in &reading.notes {
                eprintln!("{}: {note}", file.display());
            }
            Ok(reading.series)
        }
        None => Ok(sample::load(pair).ok_or_else(|| {
            format!("the sample has no {pair}, but {}", sample::NAMES.join(", "))
        })?),
    }
}
