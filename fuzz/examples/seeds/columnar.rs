//! Arrow IPC and Parquet files.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use windvane_candles::Candle;

use crate::{Result, Seeds, series};

/// Type of the date column: readers find each in another place.
const DATES: [(&str, bool); 2] = [("time", false), ("text", true)];

pub fn write(seeds: &Seeds) -> Result<()> {
    arrow(seeds)?;
    parquet(seeds)?;
    regressions(seeds)
}

fn batch(dates_as_text: bool, candles: usize) -> Result<RecordBatch> {
    let series = series(candles)?;
    let millis = series.iter().map(|candle| candle.open_time().millis());
    let dates: ArrayRef = if dates_as_text {
        let dates = series.iter().map(|candle| Some(candle.open_time().to_string()));
        Arc::new(StringArray::from_iter(dates))
    } else {
        Arc::new(TimestampMillisecondArray::from_iter_values(millis).with_timezone("UTC"))
    };
    let column = |of: fn(&Candle) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(series.iter().map(of)))
    };
    Ok(RecordBatch::try_from_iter([
        ("date", dates),
        ("open", column(Candle::open)),
        ("high", column(Candle::high)),
        ("low", column(Candle::low)),
        ("close", column(Candle::close)),
        ("volume", column(Candle::volume)),
    ])?)
}

fn feather(compression: Option<CompressionType>, batch: &RecordBatch) -> Result<Vec<u8>> {
    let options = IpcWriteOptions::default().try_with_compression(compression)?;
    let mut writer = FileWriter::try_new_with_options(vec![], &batch.schema(), options)?;
    writer.write(batch)?;
    Ok(writer.into_inner()?)
}

fn arrow(seeds: &Seeds) -> Result<()> {
    let compressions = [
        ("plain", None),
        ("lz4", Some(CompressionType::LZ4_FRAME)),
        ("zstd", Some(CompressionType::ZSTD)),
    ];
    for (name, compression) in compressions {
        for (date, as_text) in DATES {
            for candles in seeds.lengths() {
                let bytes = feather(compression, &batch(as_text, candles)?)?;
                seeds.keep("arrow", &format!("{name}_{date}_{candles}_rows.feather"), &bytes)?;
            }
        }
    }
    Ok(())
}

fn parquet(seeds: &Seeds) -> Result<()> {
    let compressions = [
        ("plain", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        ("gzip", Compression::GZIP(GzipLevel::default())),
        ("lz4", Compression::LZ4_RAW),
        ("zstd", Compression::ZSTD(ZstdLevel::default())),
    ];
    for (name, compression) in compressions {
        for (encoding, dictionary) in [("plain", false), ("dictionary", true)] {
            for candles in seeds.lengths() {
                let properties = WriterProperties::builder()
                    .set_compression(compression)
                    .set_dictionary_enabled(dictionary)
                    .build();
                let batch = batch(dictionary, candles)?;
                let mut writer = ArrowWriter::try_new(vec![], batch.schema(), Some(properties))?;
                writer.write(&batch)?;
                let bytes = writer.into_inner()?;
                let name = format!("{name}_{encoding}_{candles}_rows.parquet");
                seeds.keep("parquet", &name, &bytes)?;
            }
        }
    }
    Ok(())
}

/// Inputs of earlier findings; each has a test in the reader as well.
fn regressions(seeds: &Seeds) -> Result<()> {
    // An unknown footer field that is a list of 2,147,483,647 booleans, again and again.
    let list = [0xf9, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07];
    let footer = [&list.repeat(100)[..], &[0]].concat();
    let length = u32::try_from(footer.len())?.to_le_bytes();
    let file = [b"PAR1", &footer[..], &length, b"PAR1"].concat();
    seeds.keep("parquet", "regression_list_of_booleans", &file)?;

    for (name, compression) in
        [("gzip", Compression::GZIP(GzipLevel::default())), ("snappy", Compression::SNAPPY)]
    {
        let file = oversized_page(compression)?;
        seeds.keep("parquet", &format!("regression_page_of_2_gb_{name}"), &file)?;
    }

    // A frame of LZ4's first years makes the decoder reserve 16 MB.
    let mut file = feather(Some(CompressionType::LZ4_FRAME), &batch(false, 200)?)?;
    let frame = 0x184d_2204_u32.to_le_bytes();
    let at = file.windows(4).position(|four| four == frame).ok_or("no LZ4 frame")?;
    file[at..at + 4].copy_from_slice(&0x184c_2102_u32.to_le_bytes());
    seeds.keep("arrow", "regression_legacy_lz4_frame", &file)
}

/// A file of one column of zeros whose page header claims 2 GB.
fn oversized_page(compression: Compression) -> Result<Vec<u8>> {
    const ROWS: usize = 200_000;
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(usize::MAX)
        .set_data_page_row_count_limit(usize::MAX)
        .set_write_batch_size(ROWS)
        .build();
    let zeros: ArrayRef = Arc::new(Float64Array::from_value(0.0, ROWS));
    let zeros = RecordBatch::try_from_iter([("open", zeros)])?;
    let mut writer = ArrowWriter::try_new(vec![], zeros.schema(), Some(properties))?;
    writer.write(&zeros)?;
    let mut bytes = writer.into_inner()?;
    // Thrift writes 2 * 8 * 200,000 in groups of seven bits.
    let length = [0x15, 0x80, 0xa8, 0xc3, 0x01];
    let at = bytes.windows(5).position(|five| five == length).ok_or("no page header")?;
    bytes[at + 1..at + 5].copy_from_slice(&[0xfe, 0xff, 0xff, 0x7f]);
    Ok(bytes)
}
