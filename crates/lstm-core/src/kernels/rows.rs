//! Rows of a matrix and copies in kernels.
//!
//! A function of the standard library that is not `#[inline]` (`array::from_fn`, `array::map`,
//! `Iterator::zip`, `copy_from_slice`) is compiled on its own, for the build target alone, unless
//! link-time optimisation inlines it. Kernels therefore consist of counted loops, and their speed
//! does not depend on the profile of the build.

/// Returns `ROWS` rows of `len` numbers that are `stride` numbers apart, from row `first` on.
#[inline(always)]
pub(super) fn rows_from<R, const ROWS: usize>(
    data: &[R],
    first: usize,
    stride: usize,
    len: usize,
) -> [&[R]; ROWS] {
    let mut rows: [&[R]; ROWS] = [&[]; ROWS];
    for row in 0..ROWS {
        rows[row] = &data[(first + row) * stride..][..len];
    }
    rows
}

/// Copies numbers to the beginning of a slice that is at least as long.
#[inline(always)]
#[expect(clippy::manual_memcpy, reason = "`copy_from_slice` is compiled on its own")]
pub(super) fn copy<R: Copy>(from: &[R], to: &mut [R]) {
    let to = &mut to[..from.len()];
    for at in 0..from.len() {
        to[at] = from[at];
    }
}
