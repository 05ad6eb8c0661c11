//! What the tests share: layouts and drawn numbers.
use windvane_lstm_core::{Purpose, Real, Stream};

/// In another number type.
pub(crate) fn cast<R: Real>(values: &[f64]) -> Vec<R> {
    values.iter().map(|v| R::from_f64(*v)).collect()
}

/// Widened.
pub(crate) fn widen<R: Real>(values: &[R]) -> Vec<f64> {
    values.iter().map(|v| v.to_f64()).collect()
}

/// `[A, B, width]` as `[B, A, width]`: batch-major to time-major and back.
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

/// Numbers in [-scale, scale).
pub(crate) fn draws<R: Real>(seed: u64, len: usize, scale: f64) -> Vec<R> {
    let mut stream = Stream::new(seed, Purpose::Init, 0, 0);
    (0..len).map(|_| R::from_f64(scale * (2.0 * stream.uniform() - 1.0))).collect()
}

/// `[T, ..]` with the last step first.
pub(crate) fn reversed<R: Copy>(values: &[R], steps: usize) -> Vec<R> {
    values.chunks(values.len() / steps).rev().flatten().copied().collect()
}

pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// The largest distance of an entry from its counterpart.
pub(crate) fn furthest<R: Real>(a: &[R], b: &[R]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (*a - *b).to_f64().abs()).fold(0.0, f64::max)
}
