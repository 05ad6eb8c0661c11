//! Fuzz target: gzip files and their content.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windvane_fuzz::{read, text_bound, unpacked_bound};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    if let Some(magic) = bytes.first_chunk_mut() {
        *magic = *b"\x1f\x8b";
    }
    let limit = text_bound(unpacked_bound(bytes.len()));
    read(bytes, limit);
});
