//! Any bytes give candles or an error, and candles that are counted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windvane_candles::Pair;
use windvane_candles::read::read_bytes;

fuzz_target!(|bytes: &[u8]| {
    let pair = Pair::new("X").expect("a letter is a name");
    if let Ok(reading) = read_bytes(bytes.to_vec(), "fuzz", pair) {
        assert!(!reading.series.is_empty() && reading.series.len() as u64 <= reading.rows);
    }
});
