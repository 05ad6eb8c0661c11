//! Simulated candles as a Hive-partitioned folder of Parquet files.
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, TimestampMillisecondArray};
use parquet::arrow::ArrowWriter;
use windvane::candles::Ohlcv;
use windvane::candles::simulate::MarketModel;
use windvane::prelude::*;

use super::Error;

/// Writes the candles of pairs that have no file yet, in a folder per pair.
pub(crate) fn write(folder: &Path, pairs: usize, candles: usize) -> Result<(), Error> {
    for index in 0..pairs {
        let name = format!("SIM{index:05}");
        let own = folder.join(format!("pair={name}"));
        let file = own.join("part-0.parquet");
        if file.exists() {
            continue;
        }
        fs::create_dir_all(&own)?;
        let seed = index as u64 + 1;
        let series = MarketModel::AR1.candles(name.parse()?, Interval::MINUTE, candles, seed)?;
        // A file under its name is complete.
        let unfinished = own.join("_part-0.parquet");
        fs::write(&unfinished, parquet(&series)?)?;
        fs::rename(&unfinished, &file)?;
    }
    Ok(())
}

fn parquet(series: &CandleSeries) -> Result<Vec<u8>, Error> {
    let column = |of: fn(&Ohlcv) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(series.iter().map(|candle| of(&candle.values()))))
    };
    let times = series.iter().map(|candle| candle.open_time().millis());
    let times: ArrayRef =
        Arc::new(TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC"));
    let batch = RecordBatch::try_from_iter([
        ("open_time", times),
        ("open", column(|values| values.open)),
        ("high", column(|values| values.high)),
        ("low", column(|values| values.low)),
        ("close", column(|values| values.close)),
        ("volume", column(|values| values.volume)),
    ])?;
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None)?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?)
}
