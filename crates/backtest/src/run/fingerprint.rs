//! Hashes of settings.
use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

/// Adds the JSON of settings to a hash.
pub(crate) fn hash_settings(hash: &mut Xxh3, settings: &impl Serialize) {
    let bytes = serde_json::to_vec(settings);
    hash.update(&bytes.expect("invariant: settings are texts, numbers and lists"));
}
