//! Sinusoidal positional encoding.
use crate::error::check_rows;
use crate::{LstmError, Real};

/// Period of the slowest sine, divided by 2π.
const LONGEST: f64 = 10_000.0;

/// Writes the sinusoidal positional encoding of each position (Vaswani et al. 2017).
///
/// # Shapes
/// `out` `[T, size]`; the positions are counted from 0.
///
/// # Formula
/// ```text
/// out[p, 2i] = sin(p / 10000^(2i / size))        out[p, 2i + 1] = cos(p / 10000^(2i / size))
/// ```
///
/// # Errors
/// [`LstmError::Rows`] unless `out` is one or more whole rows.
///
/// # Examples
///
/// ```
/// let mut out = [0.0_f64; 4];
/// windvane_lstm_core::positional_encoding(2, &mut out)?;
/// assert_eq!(out, [0.0, 1.0, 1.0_f64.sin(), 1.0_f64.cos()]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn positional_encoding<R: Real>(size: usize, out: &mut [R]) -> Result<(), LstmError> {
    check_rows("out", size, out.len())?;
    for (position, row) in out.chunks_exact_mut(size).enumerate() {
        for (index, value) in row.iter_mut().enumerate() {
            let even = index - index % 2;
            let angle = position as f64 / LONGEST.powf(even as f64 / size as f64);
            *value = R::from_f64(if index == even { angle.sin() } else { angle.cos() });
        }
    }
    Ok(())
}
