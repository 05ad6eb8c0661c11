//! Reader of Arrow IPC (feather) and Parquet files.

use std::fmt::Write as _;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Float32Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatchReader};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::error::ReadError;
use super::pages;
use super::table::{Table, clean};
use super::unpack::max_unpacked;

/// Converts a columnar file to a table of text, so that all formats share the recognition of
/// candles. The shortest text of a number is parsed to the same number.
pub(crate) fn table(bytes: Vec<u8>, file: &str, format: &'static str) -> Result<Table, ReadError> {
    let wrong = |reason: String| ReadError::Format { file: file.to_owned(), format, reason };
    if bytes.starts_with(b"FEA1") {
        return Err(wrong("feather of version 1: save it as version 2".to_owned()));
    }
    let most = max_unpacked(bytes.len());
    // The decoders expect well-formed files and may panic on others.
    let text = catch_unwind(AssertUnwindSafe(|| {
        if format == "Arrow" {
            check_arrow(&bytes, most)?;
            text_of(arrow_ipc::reader::FileReader::try_new(Cursor::new(bytes), None)?, most)
        } else {
            pages::check_footer(&bytes)?;
            let bytes = bytes::Bytes::from(bytes);
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone())?;
            pages::check(builder.metadata(), &bytes, most)?;
            text_of(builder.build()?, most)
        }
    }));
    match text {
        Ok(Ok(Some(text))) => Ok(Table::of_rows(text, 1)),
        Ok(Ok(None)) => Err(ReadError::TooLarge { file: file.to_owned(), most, packed: true }),
        Ok(Err(error)) => Err(wrong(error.to_string())),
        Err(_) => Err(wrong("the file is damaged".to_owned())),
    }
}

/// Rejects an Arrow file with blocks outside the file, or whose buffers claim to unpack to more
/// than `most` bytes: the decoder allocates this memory before it checks the data.
fn check_arrow(bytes: &[u8], most: u64) -> Result<(), ArrowError> {
    let (rest, tail) = bytes.split_last_chunk::<10>().ok_or_else(misfit)?;
    let length = arrow_ipc::reader::read_footer_length(*tail)?;
    let start = rest.len().checked_sub(length).ok_or_else(misfit)?;
    let footer = &rest[start..];
    let footer =
        arrow_ipc::root_as_footer(footer).map_err(|error| pages::wrong(error.to_string()))?;
    let mut unpacked = 0_u64;
    let blocks = footer.recordBatches().into_iter().flatten();
    for block in blocks.chain(footer.dictionaries().into_iter().flatten()) {
        let meta = i64::from(block.metaDataLength());
        let message = pages::part(bytes, block.offset(), meta).ok_or_else(misfit)?;
        let body_start = block.offset().checked_add(meta).ok_or_else(misfit)?;
        let body = pages::part(bytes, body_start, block.bodyLength()).ok_or_else(misfit)?;
        let prefix = if message.starts_with(&[0xff; 4]) { 8 } else { 4 };
        let message = message.get(prefix..).ok_or_else(misfit)?;
        let message =
            arrow_ipc::root_as_message(message).map_err(|error| pages::wrong(error.to_string()))?;
        let dictionary = message.header_as_dictionary_batch().and_then(|batch| batch.data());
        let Some(batch) = message.header_as_record_batch().or(dictionary) else { continue };
        for buffer in batch.buffers().into_iter().flatten() {
            let data = pages::part(body, buffer.offset(), buffer.length()).ok_or_else(misfit)?;
            if let (Some(size), true) = (data.first_chunk(), batch.compression().is_some()) {
                let size = i64::from_le_bytes(*size).max(0).unsigned_abs();
                unpacked = unpacked.saturating_add(size);
            }
        }
        if unpacked > most {
            return Err(pages::wrong(format!("more than {most} bytes when unpacked")));
        }
    }
    Ok(())
}

fn misfit() -> ArrowError {
    pages::wrong("lengths that do not fit the file")
}

/// Returns all rows as comma-separated text; `None` if it is longer than `most` bytes.
fn text_of(reader: impl RecordBatchReader, most: u64) -> Result<Option<String>, ArrowError> {
    let schema = reader.schema();
    let names = schema.fields().iter().map(|field| clean(field.name()));
    let mut text = names.collect::<Vec<_>>().join(",") + "\n";
    for batch in reader {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            for (i, column) in batch.columns().iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                add(&mut text, column.as_ref(), row);
            }
            text.push('\n');
            if text.len() as u64 > most {
                return Ok(None);
            }
        }
    }
    Ok(Some(text))
}

/// Appends a cell; a value of another type than those of candles gives an empty cell.
fn add(text: &mut String, column: &dyn Array, row: usize) {
    if column.is_null(row) {
        return;
    }
    macro_rules! primitive {
        ($type:ty) => {
            column.as_primitive::<$type>().value(row)
        };
    }
    let written = match column.data_type() {
        DataType::Float64 => write!(text, "{:?}", primitive!(Float64Type)),
        DataType::Float32 => write!(text, "{:?}", primitive!(Float32Type)),
        DataType::Int64 => write!(text, "{}", primitive!(Int64Type)),
        DataType::Int32 => write!(text, "{}", primitive!(Int32Type)),
        DataType::UInt64 => write!(text, "{}", primitive!(UInt64Type)),
        DataType::UInt32 => write!(text, "{}", primitive!(UInt32Type)),
        DataType::Boolean => write!(text, "{}", column.as_boolean().value(row)),
        DataType::Utf8 => write!(text, "{}", clean(column.as_string::<i32>().value(row))),
        DataType::LargeUtf8 => write!(text, "{}", clean(column.as_string::<i64>().value(row))),
        DataType::Utf8View => write!(text, "{}", clean(column.as_string_view().value(row))),
        DataType::Date32 => date(text, i64::from(primitive!(Date32Type)).checked_mul(86_400_000)),
        DataType::Date64 => date(text, Some(primitive!(Date64Type))),
        DataType::Timestamp(TimeUnit::Second, _) => {
            date(text, primitive!(TimestampSecondType).checked_mul(1000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            date(text, Some(primitive!(TimestampMillisecondType)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = primitive!(TimestampMicrosecondType);
            date(text, (micros % 1000 == 0).then_some(micros / 1000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let nanos = primitive!(TimestampNanosecondType);
            date(text, (nanos % 1_000_000 == 0).then_some(nanos / 1_000_000))
        }
        DataType::Decimal128(_, _) => {
            let decimals = column.as_primitive::<arrow_array::types::Decimal128Type>();
            write!(text, "{}", decimals.value_as_string(row))
        }
        _ => Ok(()),
    };
    // Writing to a string cannot fail.
    debug_assert!(written.is_ok());
}

/// Appends a typed time as a full date, so that its unit is unambiguous.
fn date(text: &mut String, millis: Option<i64>) -> std::fmt::Result {
    match millis {
        Some(millis) => write!(text, "{}", windvane_candles::Timestamp::from_millis(millis)),
        None => Ok(()),
    }
}
