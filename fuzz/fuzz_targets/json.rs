//! Fuzz target: JSON texts; the first character is replaced by `[` or `{`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windvane_fuzz::{read, text_bound};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    if let Some(first) = bytes.first_mut()
        && !matches!(first, b'[' | b'{')
    {
        *first = if *first % 2 == 0 { b'[' } else { b'{' };
    }
    let limit = text_bound(bytes.len());
    read(bytes, limit);
});
