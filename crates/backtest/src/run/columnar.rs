//! Predictions as a Parquet file.
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float32Array, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray,
    UInt32Array, UInt64Array,
};
use arrow_schema::{ArrowError, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{PredictionRow, Predictions};

/// Number of rows per batch.
const BATCH: usize = 65_536;

pub(crate) fn write<W: Write + Send>(predictions: &Predictions, writer: W) -> io::Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let schema = Arc::new(schema()?);
    let mut file = ArrowWriter::try_new(writer, schema, Some(properties)).map_err(of_parquet)?;
    let mut rows = predictions.iter();
    while rows.len() > 0 {
        let batch: Vec<PredictionRow<'_>> = rows.by_ref().take(BATCH).collect();
        file.write(&record_batch(&batch)?).map_err(of_parquet)?;
    }
    file.close().map_err(of_parquet)?;
    Ok(())
}

/// Schema of the columns, from a batch without rows.
fn schema() -> io::Result<Schema> {
    Ok(record_batch(&[])?.schema().as_ref().clone())
}

fn record_batch(rows: &[PredictionRow<'_>]) -> io::Result<RecordBatch> {
    let times = rows.iter().map(|row| row.time.millis());
    let columns: [ArrayRef; Predictions::COLUMNS.len()] = [
        Arc::new(TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC")),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.instrument))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.interval.to_string()))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.model))),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.seed))),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| number(row.fold)))),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| number(row.path)))),
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.probabilities[0]))),
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.probabilities[1]))),
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.probabilities[2]))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.direction.to_string()))),
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.confidence))),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.realised_return))),
    ];
    let named = Predictions::COLUMNS.into_iter().zip(columns);
    RecordBatch::try_from_iter_with_nullable(named.map(|(name, column)| (name, column, false)))
        .map_err(of_arrow)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn of_parquet(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

fn of_arrow(error: ArrowError) -> io::Error {
    io::Error::other(error)
}
