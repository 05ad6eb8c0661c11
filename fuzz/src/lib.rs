//! Shared support of the fuzz targets: memory limits and checks of the reader's results.

#[cfg(feature = "models")]
pub mod life;
#[cfg(feature = "models")]
pub mod models;

use windvane_candles::Pair;
use windvane_readers::read_bytes;

/// Runs a function and asserts that at most `limit` bytes are allocated at the same time.
pub fn within<T>(limit: usize, run: impl FnOnce() -> T) -> T {
    let mut result = None;
    let memory = allocation_counter::measure(|| result = Some(run()));
    assert!(
        memory.bytes_max <= limit as u64,
        "{} bytes, at most {limit} allowed",
        memory.bytes_max
    );
    result.expect("the function has run")
}

/// Memory limit of reading text of this length: a cell of two characters is a value of 32 bytes in
/// a list that grows by doubling.
pub fn text_bound(length: usize) -> usize {
    80 * length + (64 << 10)
}

/// Maximum unpacked size of a compressed file of this length, as documented in the readers.
pub fn unpacked_bound(length: usize) -> usize {
    200 * length + (1 << 20)
}

/// Reads a file and asserts that the result is an error, or candles in order and at most one per
/// row.
pub fn read(bytes: Vec<u8>, limit: usize) {
    let pair = Pair::new("X").expect("a valid name");
    let Ok(result) = within(limit, || read_bytes(bytes, "fuzz", pair)) else { return };
    let (series, interval) = (&result.series, result.series.interval());
    assert!(!series.is_empty() && series.len() as u64 <= result.rows);
    assert!(series.iter().all(|candle| interval.is_aligned(candle.open_time())));
    assert!(series.candles().windows(2).all(|two| two[0].open_time() < two[1].open_time()));
}

/// Memory limit of reading a columnar file of this length: its columns, their text and the candles,
/// and twice 8 MB that the LZ4 decoder allocates for a frame of the legacy format.
pub fn columnar_bound(length: usize) -> usize {
    8 * unpacked_bound(length) + (17 << 20)
}
