//! One small file of each known format: twelve invented hours.

use std::path::PathBuf;

use windvane_candles::{Candle, Pair};
use windvane_readers::{ReadError, ReadOptions, TimeMeaning, known_formats};
use windvane_testing::{assert_hours, hours};

/// The name of a format as its sample is called.
fn slug(name: &str) -> String {
    let sign = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    name.chars().map(sign).collect()
}

fn samples() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples");
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn format_table_has_a_sample_of_each_format_that_reads_bit_for_bit() {
    let mut left: Vec<String> = known_formats().iter().map(|name| slug(name)).collect();
    for path in samples() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let options = ReadOptions::new(Pair::new("BTCUSDT").unwrap());
        let read = match options.read_file(&path) {
            Err(error @ ReadError::Ambiguous { .. }) => {
                assert!(error.to_string().contains("--time close"), "{error}");
                let is_open = name.starts_with("histdata");
                let meaning = if is_open { TimeMeaning::Open } else { TimeMeaning::Close };
                options.time(meaning).read_file(&path).unwrap()
            }
            read => read.unwrap(),
        };
        if read.notes.iter().any(|note| note.text.starts_with("no volume in this file")) {
            let closes = hours(12).into_iter().map(|(_, values)| values.close);
            assert!(read.series.iter().map(Candle::close).eq(closes), "{name}");
        } else {
            assert_hours(&read.series, 12);
        }
        let own = slug(read.format.source);
        assert!(name.starts_with(&own), "{name} was read as {own}");
        left.retain(|other| *other != own);
    }
    assert!(left.is_empty(), "no sample of {left:?}");
}
