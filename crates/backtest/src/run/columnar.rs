//! Predictions and trades as Parquet files.
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float32Array, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray,
    UInt32Array, UInt64Array,
};
use arrow_schema::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use windvane_candles::Timestamp;

use super::{PolicyTrade, PolicyTrades, PredictionRow, Predictions};

/// Number of rows per batch.
const BATCH: usize = 65_536;

pub(crate) fn write<W: Write + Send>(predictions: &Predictions, writer: W) -> io::Result<()> {
    write_rows(predictions.iter(), prediction_batch, writer)
}

pub(crate) fn write_trades<W: Write + Send>(trades: &PolicyTrades, writer: W) -> io::Result<()> {
    write_rows(trades.iter(), trade_batch, writer)
}

/// Writes rows in batches; the schema is that of a batch without rows.
fn write_rows<R, W: Write + Send>(
    mut rows: impl ExactSizeIterator<Item = R>,
    batch: impl Fn(&[R]) -> io::Result<RecordBatch>,
    writer: W,
) -> io::Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let schema = batch(&[])?.schema();
    let mut file = ArrowWriter::try_new(writer, schema, Some(properties)).map_err(of_parquet)?;
    while rows.len() > 0 {
        let part: Vec<R> = rows.by_ref().take(BATCH).collect();
        file.write(&batch(&part)?).map_err(of_parquet)?;
    }
    file.close().map_err(of_parquet)?;
    Ok(())
}

fn prediction_batch(rows: &[PredictionRow<'_>]) -> io::Result<RecordBatch> {
    let columns: [ArrayRef; Predictions::COLUMNS.len()] = [
        times(rows.iter().map(|row| row.time)),
        texts(rows.iter().map(|row| row.instrument)),
        texts(rows.iter().map(|row| row.interval.to_string())),
        texts(rows.iter().map(|row| row.model)),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.seed))),
        numbers(rows.iter().map(|row| row.fold)),
        numbers(rows.iter().map(|row| row.path)),
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.probabilities[0]))),
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.probabilities[1]))),
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.probabilities[2]))),
        texts(rows.iter().map(|row| row.direction.to_string())),
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.confidence))),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.realised_return))),
    ];
    named(Predictions::COLUMNS.into_iter().zip(columns))
}

fn trade_batch(rows: &[PolicyTrade<'_>]) -> io::Result<RecordBatch> {
    let columns: [ArrayRef; PolicyTrades::COLUMNS.len()] = [
        texts(rows.iter().map(|row| row.model)),
        texts(rows.iter().map(|row| row.policy)),
        texts(rows.iter().map(|row| row.instrument)),
        texts(rows.iter().map(|row| row.interval.to_string())),
        numbers(rows.iter().map(|row| row.fold)),
        times(rows.iter().map(|row| row.entered_at)),
        times(rows.iter().map(|row| row.left_at)),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.position))),
        numbers(rows.iter().map(|row| row.candles)),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.gross_return))),
    ];
    named(PolicyTrades::COLUMNS.into_iter().zip(columns))
}

fn named(columns: impl Iterator<Item = (&'static str, ArrayRef)>) -> io::Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, false)))
        .map_err(of_arrow)
}

fn times(times: impl Iterator<Item = Timestamp>) -> ArrayRef {
    let times = TimestampMillisecondArray::from_iter_values(times.map(Timestamp::millis));
    Arc::new(times.with_timezone("UTC"))
}

fn texts(texts: impl Iterator<Item = impl AsRef<str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(texts))
}

fn numbers(counts: impl Iterator<Item = usize>) -> ArrayRef {
    let counts = counts.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    Arc::new(UInt32Array::from_iter_values(counts))
}

fn of_parquet(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

fn of_arrow(error: ArrowError) -> io::Error {
    io::Error::other(error)
}
