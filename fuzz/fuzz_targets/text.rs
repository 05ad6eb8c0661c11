//! Text of any dialect. Bytes that other targets read go in too: they are refused or read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windvane_fuzz::{read, text_bound};

fuzz_target!(|bytes: &[u8]| {
    // Not packed: that has another bound, and a target of its own.
    if !bytes.starts_with(b"PK") && !bytes.starts_with(b"\x1f\x8b") {
        read(bytes.to_vec(), text_bound(bytes.len()));
    }
});
