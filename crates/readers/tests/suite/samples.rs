//! One small file of each known format: twelve invented hours. The embedded sample of
//! `windvane-candles`.

use std::path::PathBuf;

use windvane_candles::{Candle, Pair, sample};
use windvane_readers::{
    ReadError, ReadOptions, TextEncoding, TimeMeaning, known_formats, read_csv, read_file,
};
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

#[test]
fn samples_in_encodings_of_their_languages_are_read_by_name_alone() {
    let mut found = 0;
    for (name, encoding) in [
        ("chinese", "gbk"),
        ("chinese", "gb18030"),
        ("chinese", "big5"),
        ("japanese", "shift_jis"),
        ("japanese", "euc-jp"),
        ("korean", "euc-kr"),
        ("russian", "windows-1251"),
        ("russian", "koi8-r"),
        ("turkish", "windows-1254"),
        ("german", "windows-1252"),
        ("spanish", "iso-8859-1"),
        ("portuguese", "iso-8859-15"),
    ] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples");
        let text = std::fs::read_to_string(format!("{folder}/{name}_columns.csv")).unwrap();
        let writer = encoding_rs::Encoding::for_label(encoding.as_bytes()).unwrap();
        let (bytes, _, is_lossy) = writer.encode(&text);
        if is_lossy {
            continue;
        }
        found += 1;
        let options = ReadOptions::new(Pair::new("BTCUSDT").unwrap());
        let refused = options.read_bytes(bytes.to_vec(), name).unwrap_err().to_string();
        assert!(refused.contains("--encoding"), "{name}: {refused}");
        let options = options.encoding(encoding.parse::<TextEncoding>().unwrap());
        assert_hours(&options.read_bytes(bytes.into_owned(), name).unwrap().series, 12);
    }
    // The simplified signs are not in Big5.
    assert!(found >= 11, "{found}");
}

fn bits(candle: &Candle) -> [u64; 5] {
    let v = candle.values();
    [v.open, v.high, v.low, v.close, v.volume].map(f64::to_bits)
}

#[test]
fn embedded_sample_equals_its_files_bit_for_bit() {
    for series in sample::all() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../candles/sample");
        let file = format!("{folder}/{}.csv", series.pair());
        let interval = Some(series.interval());
        let strict = read_csv(&file, series.pair().clone(), interval).unwrap().series;
        assert_eq!(strict, series);
        assert_eq!(read_file(&file, series.pair().clone()).unwrap().series, series);
        for (read, embedded) in strict.iter().zip(&series) {
            assert_eq!(bits(read), bits(embedded));
        }
    }
}
