//! Saved models of every kind under a right checksum: refused, or whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windvane_ensemble::kinds;
use windvane_fuzz::{models, within};

fuzz_target!(|bytes: &[u8]| {
    let file = models::file_of(bytes);
    if let Ok(model) = within(models::bound(file.len()), || kinds().from_bytes(&file)) {
        models::check(model);
    }
});
