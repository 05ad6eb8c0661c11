//! Arrow IPC (feather) and Parquet files.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatchReader;
use arrow_schema::{ArrowError, Schema};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::arrow_cells::BatchColumn;
use super::error::ReadError;
use super::pages;
use super::table::{CELL_END, Table, clean, joined_name};
use super::unpack::max_unpacked;

const PARQUET: &str = "Parquet";

/// The table of a columnar file: written out as text, so that one reader decides what is a candle.
/// The shortest text of a number is read back as the same number.
pub(crate) fn table(bytes: Vec<u8>, file: &str, format: &'static str) -> Result<Table, ReadError> {
    if bytes.starts_with(b"FEA1") {
        let reason = "feather of version 1: save it as version 2";
        return Err(ReadError::format(file, format, reason));
    }
    let most = max_unpacked(bytes.len());
    match format {
        "Arrow" => decoded(file, format, most, || {
            check_arrow(&bytes, most)?;
            let reader = arrow_ipc::reader::FileReader::try_new(Cursor::new(bytes), None)?;
            let schema = reader.schema();
            let text = rows_of(reader, &schema, header(&schema), most)?;
            Ok(text.map(|text| table_of(text, &schema)))
        }),
        "Arrow stream" => decoded(file, format, most, || {
            check_stream(&bytes, most)?;
            let reader = arrow_ipc::reader::StreamReader::try_new(Cursor::new(bytes), None)?;
            let schema = reader.schema();
            let text = rows_of(reader, &schema, header(&schema), most)?;
            Ok(text.map(|text| table_of(text, &schema)))
        }),
        _ => parquet_table(bytes, file, most),
    }
}

/// The table of a Parquet file, whose row groups become text one by one.
fn parquet_table(bytes: Vec<u8>, file: &str, most: u64) -> Result<Table, ReadError> {
    decoded(file, PARQUET, most, || {
        pages::check_footer(&bytes)?;
        let bytes = bytes::Bytes::from(bytes);
        let metadata = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new())?;
        pages::check(metadata.metadata(), &bytes, most)?;
        let groups = RowGroups { bytes, metadata, file: file.to_owned(), most, start: 0 };
        // The reader's own schema has lost what pandas noted.
        let schema = groups.metadata.schema().clone();
        let Some(text) = groups.text(0, header(&schema))? else { return Ok(None) };
        let start = text.len() as u64;
        let mut table = table_of(text, &schema);
        if groups.metadata.metadata().num_row_groups() > 1 {
            table.later = Some(RowGroups { start, ..groups });
        }
        Ok(Some(table))
    })
}

/// Row groups of a Parquet file after the first one.
#[derive(Debug)]
pub(crate) struct RowGroups {
    bytes: bytes::Bytes,
    metadata: ArrowReaderMetadata,
    file: String,
    /// Most bytes that all texts may have.
    most: u64,
    /// Bytes of the first text.
    start: u64,
}

impl RowGroups {
    /// The text of each row group after the first one, decoded when it is requested.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Result<String, ReadError>> {
        let groups = 1..self.metadata.metadata().num_row_groups();
        groups.scan(self.start, move |total, group| {
            let most = self.most.saturating_sub(*total);
            let text = decoded(&self.file, PARQUET, self.most, || {
                Ok(self.text(group, String::new())?.filter(|text| text.len() as u64 <= most))
            });
            *total += text.as_ref().map_or(0, |text| text.len() as u64);
            Some(text)
        })
    }

    /// Appends the rows of a row group to a text; nothing if there is no such group.
    fn text(&self, group: usize, text: String) -> Result<Option<String>, ArrowError> {
        let (bytes, metadata) = (self.bytes.clone(), self.metadata.clone());
        let groups = (group..self.metadata.metadata().num_row_groups()).take(1).collect();
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata);
        rows_of(builder.with_row_groups(groups).build()?, self.metadata.schema(), text, self.most)
    }
}

/// Runs a decoder, with its errors and panics as errors of the file; `None` means more than `most`
/// bytes. The decoders are written for well-formed files and may panic on others.
fn decoded<T>(
    file: &str,
    format: &'static str,
    most: u64,
    decode: impl FnOnce() -> Result<Option<T>, ArrowError>,
) -> Result<T, ReadError> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(Some(decoded))) => Ok(decoded),
        Ok(Ok(None)) => Err(ReadError::TooLarge { file: file.to_owned(), most, packed: true }),
        Ok(Err(error)) if error.to_string().contains("brotli") => {
            let reason = "packed with Brotli, which is not read: save it with zstd or snappy";
            Err(ReadError::format(file, format, reason))
        }
        Ok(Err(error)) => Err(ReadError::format(file, format, error.to_string())),
        Err(_) => Err(ReadError::format(file, format, "the file is damaged")),
    }
}

/// The table of a text with a header.
fn table_of(text: String, schema: &Schema) -> Table {
    let fields = schema.fields().iter().enumerate();
    let unread = fields.filter(|(_, field)| !BatchColumn::is_read(field.data_type()));
    let unread = unread.map(|(i, field)| (i, field.data_type().to_string())).collect();
    let mut table = Table::of_rows(text, 1);
    table.unread = unread;
    table
}

/// Refuses an Arrow file whose blocks lie outside it, or that says its buffers unpack to more than
/// `most` bytes: the decoder takes that memory before it looks.
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
        check_message(&message, body, most, &mut unpacked)?;
    }
    Ok(())
}

/// Refuses an Arrow stream whose messages lie outside it, or unpack to more than `most` bytes.
fn check_stream(mut bytes: &[u8], most: u64) -> Result<(), ArrowError> {
    let mut unpacked = 0_u64;
    while let Some((prefix, rest)) = bytes.split_first_chunk::<8>() {
        let [0xff, 0xff, 0xff, 0xff, length @ ..] = *prefix else { return Err(misfit()) };
        let length = usize::try_from(i32::from_le_bytes(length)).map_err(|_| misfit())?;
        if length == 0 {
            break;
        }
        let (message, rest) = rest.split_at_checked(length).ok_or_else(misfit)?;
        let message =
            arrow_ipc::root_as_message(message).map_err(|error| pages::wrong(error.to_string()))?;
        let body = usize::try_from(message.bodyLength()).map_err(|_| misfit())?;
        let (body, rest) = rest.split_at_checked(body).ok_or_else(misfit)?;
        check_message(&message, body, most, &mut unpacked)?;
        bytes = rest;
    }
    Ok(())
}

/// Adds the sizes that the packed buffers of a message have by their own account.
fn check_message(
    message: &arrow_ipc::Message<'_>,
    body: &[u8],
    most: u64,
    unpacked: &mut u64,
) -> Result<(), ArrowError> {
    let dictionary = message.header_as_dictionary_batch().and_then(|batch| batch.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else { return Ok(()) };
    for buffer in batch.buffers().into_iter().flatten() {
        let data = pages::part(body, buffer.offset(), buffer.length()).ok_or_else(misfit)?;
        if let (Some(size), true) = (data.first_chunk(), batch.compression().is_some()) {
            let size = i64::from_le_bytes(*size).max(0).unsigned_abs();
            *unpacked = unpacked.saturating_add(size);
        }
    }
    if *unpacked > most {
        return Err(pages::wrong(format!("more than {most} bytes when unpacked")));
    }
    Ok(())
}

fn misfit() -> ArrowError {
    pages::wrong("lengths that do not fit the file")
}

/// The first line of a text: the names of the columns.
fn header(schema: &Schema) -> String {
    let names = schema.fields().iter().map(|field| clean(joined_name(field.name())));
    names.collect::<Vec<_>>().join(&CELL_END.to_string()) + "\n"
}

/// Appends all rows to a text; `None` if that becomes more than `most` bytes.
fn rows_of(
    reader: impl RecordBatchReader,
    schema: &Schema,
    mut text: String,
    most: u64,
) -> Result<Option<String>, ArrowError> {
    let zones: Vec<Option<String>> =
        schema.fields().iter().map(|field| pandas_zone(schema, field.name())).collect();
    for batch in reader {
        let batch = batch?;
        let columns = batch.columns().iter().zip(&zones);
        let columns: Vec<BatchColumn<'_>> = columns
            .map(|(column, zone)| BatchColumn::new(column.as_ref(), zone.as_deref()))
            .collect();
        for row in 0..batch.num_rows() {
            for (i, column) in columns.iter().enumerate() {
                if i > 0 {
                    text.push(CELL_END);
                }
                column.write(row, &mut text);
            }
            text.push('\n');
            if text.len() as u64 > most {
                return Ok(None);
            }
        }
    }
    Ok(Some(text))
}

/// The time zone that pandas noted for a column: Parquet has no seconds, and the zone of a type in
/// seconds is lost.
fn pandas_zone(schema: &Schema, name: &str) -> Option<String> {
    let noted: serde_json::Value = serde_json::from_str(schema.metadata().get("pandas")?).ok()?;
    let columns = noted.get("columns")?.as_array()?;
    let own = columns
        .iter()
        .find(|column| column.get("field_name").and_then(serde_json::Value::as_str) == Some(name));
    Some(own?.get("metadata")?.get("timezone")?.as_str()?.to_owned())
}
