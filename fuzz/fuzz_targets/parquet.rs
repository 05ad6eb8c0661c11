//! Fuzz target: Parquet files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windvane_fuzz::{columnar_bound, read};

const MAGIC: &[u8; 4] = b"PAR1";

fuzz_target!(
    // The reader catches panics of the decoders; any other panic still ends the run.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        if let Some(first) = bytes.first_chunk_mut() {
            *first = *MAGIC;
        }
        if let Some(last) = bytes.last_chunk_mut() {
            *last = *MAGIC;
        }
        let limit = columnar_bound(bytes.len());
        read(bytes, limit);
    }
);
