//! What the targets share: memory that is counted, and readings that are checked.

#[cfg(feature = "models")]
pub mod life;
#[cfg(feature = "models")]
pub mod models;

use windvane_candles::Pair;
use windvane_readers::read_bytes;

/// Runs something that may have at most so many bytes allocated at once.
pub fn within<T>(most: usize, run: impl FnOnce() -> T) -> T {
    let mut result = None;
    let memory = allocation_counter::measure(|| result = Some(run()));
    assert!(memory.bytes_max <= most as u64, "{} bytes of at most {most}", memory.bytes_max);
    result.expect("it ran")
}

/// Bytes that text of that length may take while it is read: a cell of two signs is a value of
/// 32 bytes in a list that grows by doubling.
pub fn text_bound(length: usize) -> usize {
    80 * length + (64 << 10)
}

/// What a packed file of that length may unpack to, as the documentation of the readers has it.
pub fn unpacked_bound(length: usize) -> usize {
    200 * length + (1 << 20)
}

/// Reads a file: candles that are counted and in order, or an error.
pub fn read(bytes: Vec<u8>, most: usize) {
    let pair = Pair::new("X").expect("a letter is a name");
    let Ok(reading) = within(most, || read_bytes(bytes, "fuzz", pair)) else { return };
    let (series, interval) = (&reading.series, reading.series.interval());
    assert!(!series.is_empty() && series.len() as u64 <= reading.rows);
    assert!(series.iter().all(|candle| interval.is_aligned(candle.open_time())));
    assert!(series.candles().windows(2).all(|two| two[0].open_time() < two[1].open_time()));
}

/// Bytes that a columnar file of that length may take: columns, the same as text, candles; and what
/// the decoder of LZ4 takes for a frame of that format's first years, twice 8 MB.
pub fn columnar_bound(length: usize) -> usize {
    8 * unpacked_bound(length) + (17 << 20)
}
