use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, TimestampMillisecondArray};
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};

use proptest::prelude::*;

use super::*;

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

fn parquet() -> Vec<u8> {
    let mut writer = parquet::arrow::ArrowWriter::try_new(vec![], batch().schema(), None).unwrap();
    writer.write(&batch()).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn feather_and_parquet_hold_the_same_candles() {
    let lz4 = Some(arrow_ipc::CompressionType::LZ4_FRAME);
    let zstd = Some(arrow_ipc::CompressionType::ZSTD);
    for (file, format) in [
        (feather(None), "Arrow"),
        (feather(lz4), "Arrow"),
        (feather(zstd), "Arrow"),
        (parquet(), "Parquet"),
    ] {
        let reading = good(file);
        assert_hours(&reading, 30);
        assert_eq!((reading.dialect.format, reading.notes.len()), (format, 0));
    }
}

proptest! {
    #[test]
    fn changed_columnar_files_give_candles_or_an_error(
        which in 0usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let lz4 = Some(arrow_ipc::CompressionType::LZ4_FRAME);
        let mut bytes = vec![feather(None), feather(lz4), parquet()].swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        read_within_memory(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        read_within_memory(&bytes);
    }
}
