//! Any bytes give candles or an error of the strict reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windvane_candles::Pair;
use windvane_fuzz::{text_bound, within};
use windvane_readers::parse_csv;

fuzz_target!(|bytes: &[u8]| {
    let pair = Pair::new("X").expect("a letter is a name");
    let _ = within(text_bound(bytes.len()), || parse_csv(bytes, "fuzz", pair, None));
});
