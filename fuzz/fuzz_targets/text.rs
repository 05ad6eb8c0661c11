//! Fuzz target: any bytes for the reader of all formats, except zip and gzip.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windvane_fuzz::{read, text_bound};

fuzz_target!(|bytes: &[u8]| {
    // Compressed files have another memory limit and separate targets.
    if !bytes.starts_with(b"PK") && !bytes.starts_with(b"\x1f\x8b") {
        read(bytes.to_vec(), text_bound(bytes.len()));
    }
});
