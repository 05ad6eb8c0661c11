//! Exported rows as a Parquet file.
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use windvane::prelude::*;

use super::ExportRow;
use crate::Error;

/// Writes a column `time` (milliseconds, UTC), one per channel, and `label`.
pub(super) fn parquet(table: &SignalTable, rows: &[ExportRow]) -> Result<Vec<u8>, Error> {
    let times = rows.iter().map(|row| row.time.millis());
    let times = TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC");
    let mut columns: Vec<(String, ArrayRef, bool)> =
        vec![("time".to_string(), Arc::new(times), false)];
    for (index, channel) in table.spec().channels.iter().enumerate() {
        let values = Float64Array::from_iter_values(rows.iter().map(|row| row.values[index]));
        columns.push((channel.to_string(), Arc::new(values), false));
    }
    let labels: StringArray = rows.iter().map(|row| row.label.as_deref()).collect();
    columns.push(("label".to_string(), Arc::new(labels), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    file.write(&batch)?;
    Ok(file.into_inner()?)
}
