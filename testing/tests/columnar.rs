//! Readers of Arrow and Parquet files; in this package because it is not a default member (see
//! `Cargo.toml`).
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, TimestampMillisecondArray};
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use windvane_candles::{Ohlcv, Pair};
use windvane_readers::{PartitionedFolder, ReadError, ReadOptions, ReadResult, read_bytes};
use windvane_testing::{assert_hours, hours};

fn read(bytes: impl AsRef<[u8]>) -> Result<ReadResult, ReadError> {
    read_bytes(bytes.as_ref().to_vec(), "a.csv", Pair::new("BTCUSDT").unwrap())
}

/// Reads a file and asserts that the memory is at most a small multiple of the bytes that the file
/// may unpack to. In addition, the LZ4 decoder allocates twice 8 MB for a frame of the legacy
/// format.
fn read_within_memory(bytes: impl AsRef<[u8]>) {
    let bytes = bytes.as_ref();
    let unpacked = 200 * bytes.len() as u64 + (1 << 20);
    let columnar = [&b"ARROW1"[..], b"PAR1"].iter().any(|magic| bytes.starts_with(magic));
    let limit = match bytes {
        [b'P', b'K', ..] | [0x1f, 0x8b, ..] => 64 * unpacked,
        _ if columnar => 8 * unpacked + (17 << 20),
        _ => 80 * bytes.len() as u64 + (64 << 10),
    };
    let memory = allocation_counter::measure(|| drop(read(bytes)));
    assert!(memory.bytes_max <= limit, "{} bytes, at most {limit} allowed", memory.bytes_max);
}

fn batch() -> RecordBatch {
    let hours = hours(30);
    let column = |of: fn(&Ohlcv) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(hours.iter().map(|(_, values)| of(values))))
    };
    let times = TimestampMillisecondArray::from_iter_values(hours.iter().map(|(t, _)| t * 1000));
    let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
    RecordBatch::try_from_iter([
        ("date", times),
        ("open", column(|v| v.open)),
        ("high", column(|v| v.high)),
        ("low", column(|v| v.low)),
        ("close", column(|v| v.close)),
        ("volume", column(|v| v.volume)),
    ])
    .unwrap()
}

fn feather(compression: Option<arrow_ipc::CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(vec![], &batch().schema(), options).unwrap();
    writer.write(&batch()).unwrap();
    writer.into_inner().unwrap()
}

fn parquet(properties: WriterProperties) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(vec![], batch().schema(), Some(properties)).unwrap();
    writer.write(&batch()).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn columnar_arrow_and_parquet_give_same_candles() {
    let lz4 = Some(arrow_ipc::CompressionType::LZ4_FRAME);
    let zstd = Some(arrow_ipc::CompressionType::ZSTD);
    for (file, format) in [
        (feather(None), "Arrow"),
        (feather(lz4), "Arrow"),
        (feather(zstd), "Arrow"),
        (parquet(WriterProperties::default()), "Parquet"),
    ] {
        let reading = read(file).unwrap();
        assert_hours(&reading.series, 30);
        assert_eq!((reading.format.container, reading.notes.len()), (format, 0));
    }
}

/// Parquet file with row groups of so many rows.
fn row_groups(rows: usize) -> Vec<u8> {
    parquet(WriterProperties::builder().set_max_row_group_row_count(Some(rows)).build())
}

#[test]
fn columnar_row_groups_give_same_candles() {
    let whole = read(row_groups(30)).unwrap();
    assert_hours(&whole.series, 30);
    for rows in [1, 7, 29] {
        let read = read(row_groups(rows)).unwrap();
        assert_eq!((&read.series, &read.format, read.rows), (&whole.series, &whole.format, 30));
        assert_eq!(read.notes, whole.notes);
    }
}

#[test]
fn columnar_rejects_damage_in_a_later_row_group() {
    let good = row_groups(10);
    let mut refused = 0;
    for at in (0..good.len()).step_by(11) {
        let mut bytes = good.clone();
        bytes[at] ^= 0xff;
        read_within_memory(&bytes);
        refused += usize::from(read(&bytes).is_err());
    }
    assert!(refused > 0);
}

#[test]
fn columnar_partitions_give_candles_of_one_file() {
    let root = tempfile::tempdir().unwrap();
    let whole = batch();
    for (file, rows) in [("a", whole.slice(20, 10)), ("b", whole.slice(0, 20))] {
        let mut writer = ArrowWriter::try_new(vec![], rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        let folder = root.path().join("symbol=BTC%2FUSDT");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file).with_extension("parquet"), writer.into_inner().unwrap())
            .unwrap();
    }
    let options = ReadOptions::new(Pair::new("any").unwrap());
    let folder = PartitionedFolder::open(root.path(), &options).unwrap().unwrap();
    let read = folder.pairs()[0].read(&options).unwrap();
    assert_hours(&read.series, 30);
    assert_eq!((read.series.pair().as_str(), read.rows), ("BTC/USDT", 30));
    // A row group of the second file is damaged.
    let file = root.path().join("symbol=BTC%2FUSDT/b.parquet");
    let mut bytes = std::fs::read(&file).unwrap();
    let length = bytes.len();
    bytes.truncate(length / 2);
    std::fs::write(&file, bytes).unwrap();
    let error = folder.pairs()[0].read(&options).unwrap_err().to_string();
    assert!(error.contains("b.parquet"), "{error}");
}

/// Parquet file with one column of zeros in one compressed page, whose header has a wrong length.
fn page_with_length(length: [u8; 4], packing: Compression) -> Vec<u8> {
    const ROWS: usize = 200_000;
    let properties = WriterProperties::builder()
        .set_compression(packing)
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(usize::MAX)
        .set_data_page_row_count_limit(usize::MAX)
        .set_write_batch_size(ROWS)
        .build();
    let zeros: ArrayRef = Arc::new(Float64Array::from_value(0.0, ROWS));
    let zeros = RecordBatch::try_from_iter([("open", zeros)]).unwrap();
    let mut writer = ArrowWriter::try_new(vec![], zeros.schema(), Some(properties)).unwrap();
    writer.write(&zeros).unwrap();
    let mut bytes = writer.into_inner().unwrap();
    // 2 * 8 * 200,000 in groups of seven bits.
    let true_length = [0x15, 0x80, 0xa8, 0xc3, 0x01];
    let at = bytes.windows(5).position(|five| five == true_length).unwrap();
    bytes[at + 1..at + 5].copy_from_slice(&length);
    bytes
}

#[test]
fn columnar_rejects_page_headers_with_wrong_length() {
    let gzip = Compression::GZIP(GzipLevel::default());
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for packing in [gzip, zstd, Compression::SNAPPY, Compression::LZ4_RAW] {
        let large = page_with_length([0xfe, 0xff, 0xff, 0x7f], packing);
        read_within_memory(&large);
        let error = read(&large).unwrap_err().to_string();
        assert!(error.contains("bytes when unpacked"), "{error}");
    }
    let small = read(page_with_length([0x90, 0x80, 0x80, 0x00], gzip)).unwrap_err().to_string();
    assert!(small.contains("longer than its header says"), "{small}");
}

#[test]
fn columnar_rejects_footer_with_huge_list_quickly() {
    // An unknown field with a list of 2,147,483,647 booleans, repeated 1,000 times.
    let list = [0xf9, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07];
    let footer = [&list.repeat(1_000)[..], &[0]].concat();
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    let file = [b"PAR1", &footer[..], &length, b"PAR1"].concat();
    let error = read(&file).unwrap_err().to_string();
    assert!(error.contains("a footer that is damaged"), "{error}");
}

#[test]
fn columnar_legacy_lz4_frame_is_read_within_memory() {
    let mut file = feather(Some(arrow_ipc::CompressionType::LZ4_FRAME));
    let frame = 0x184d_2204_u32.to_le_bytes();
    let at = file.windows(4).position(|four| four == frame).unwrap();
    file[at..at + 4].copy_from_slice(&0x184c_2102_u32.to_le_bytes());
    read_within_memory(&file);
    assert!(matches!(read(&file), Err(ReadError::Format { .. })));
}

proptest! {
    #[test]
    fn columnar_modified_files_give_candles_or_error(
        which in 0usize..5,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let lz4 = Some(arrow_ipc::CompressionType::LZ4_FRAME);
        let packed = |packing| {
            let properties = WriterProperties::builder();
            parquet(properties.set_compression(packing).build())
        };
        let mut bytes = match which {
            0 => feather(None),
            1 => feather(lz4),
            2 => packed(Compression::UNCOMPRESSED),
            3 => packed(Compression::SNAPPY),
            _ => packed(Compression::GZIP(GzipLevel::default())),
        };
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        read_within_memory(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        read_within_memory(&bytes);
    }
}
