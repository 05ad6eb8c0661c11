//! Fuzz target: saved models of every kind with a valid checksum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windvane_fuzz::{models, within};

fuzz_target!(|bytes: &[u8]| {
    let file = models::file_of(bytes);
    if let Ok(model) = within(models::bound(file.len()), || models::from_bytes(&file)) {
        models::check(model);
    }
});
