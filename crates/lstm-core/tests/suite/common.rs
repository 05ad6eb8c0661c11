//! Helpers of the tests: layouts, conversions and random numbers.
use windvane_lstm_core::{LstmError, Purpose, Real, Stream};

/// Converts numbers to another type.
pub(crate) fn cast<R: Real>(values: &[f64]) -> Vec<R> {
    values.iter().map(|v| R::from_f64(*v)).collect()
}

/// Converts numbers to `f64`.
pub(crate) fn widen<R: Real>(values: &[R]) -> Vec<f64> {
    values.iter().map(|v| v.to_f64()).collect()
}

/// Rearranges `[A, B, width]` to `[B, A, width]`: batch-major to time-major and back.
pub(crate) fn swap_axes<R: Copy>(values: &[R], [a, b]: [usize; 2]) -> Vec<R> {
    let width = values.len() / (a * b);
    let mut swapped = Vec::with_capacity(values.len());
    for second in 0..b {
        for first in 0..a {
            swapped.extend_from_slice(&values[(first * b + second) * width..][..width]);
        }
    }
    swapped
}

/// Draws uniform numbers in [-scale, scale).
pub(crate) fn draws<R: Real>(seed: u64, len: usize, scale: f64) -> Vec<R> {
    let mut stream = Stream::new(seed, Purpose::Init, 0, 0);
    (0..len).map(|_| R::from_f64(scale * (2.0 * stream.uniform() - 1.0))).collect()
}

/// Reverses the order of the time steps of `[T, ..]`.
pub(crate) fn reversed<R: Copy>(values: &[R], steps: usize) -> Vec<R> {
    values.chunks(values.len() / steps).rev().flatten().copied().collect()
}

/// Returns the bit patterns of numbers.
pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Creates the error of a wrong length.
pub(crate) fn length(what: &'static str, expected: usize, got: usize) -> LstmError {
    LstmError::Length { what, expected, got }
}

/// Returns the largest absolute difference between two entries at the same index.
pub(crate) fn max_difference<R: Real>(a: &[R], b: &[R]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (*a - *b).to_f64().abs()).fold(0.0, f64::max)
}
