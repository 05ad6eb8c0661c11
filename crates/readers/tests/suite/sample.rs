//! The embedded sample of `windvane-candles` against the files it is made of.

use windvane_candles::{Candle, sample};
use windvane_readers::{read_csv, read_file};

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
