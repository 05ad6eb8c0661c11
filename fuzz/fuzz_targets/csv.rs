//! Fuzz target: any bytes for the strict CSV reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windvane_candles::Pair;
use windvane_fuzz::{text_bound, within};
use windvane_readers::parse_csv;

fuzz_target!(|bytes: &[u8]| {
    let pair = Pair::new("X").expect("a valid name");
    let _ = within(text_bound(bytes.len()), || parse_csv(bytes, "fuzz", pair, None));
});
