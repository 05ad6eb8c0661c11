//! Rectified linear unit (ReLU) between dense layers.
#[cfg(feature = "train")]
use crate::LstmError;
use crate::Real;
#[cfg(feature = "train")]
use crate::error::check_len;

/// Applies ReLU in place: y = max(x, 0). NaN remains NaN.
///
/// # Examples
///
/// ```
/// let mut values = [-1.5_f32, 0.0, 2.5];
/// windvane_lstm_core::relu(&mut values);
/// assert_eq!(values, [0.0, 0.0, 2.5]);
/// ```
pub fn relu<R: Real>(values: &mut [R]) {
    for value in values {
        *value = if *value < R::ZERO { R::ZERO } else { *value };
    }
}

/// Computes the gradient with respect to x from that with respect to y = max(x, 0), in place.
///
/// `y` is the result of [`relu`], or that result after [`apply_dropout`](crate::apply_dropout).
/// Entries that the mask set to zero have a zero gradient already.
///
/// # Formula
/// ```text
/// d_x = d_y where y > 0, else 0
/// ```
///
/// # Errors
/// [`LstmError::Length`] when the slices differ in length; nothing is changed then.
///
/// # Examples
///
/// ```
/// let mut d = [1.0_f64, 2.0, 3.0];
/// windvane_lstm_core::relu_backward(&[0.0, 0.5, 0.0], &mut d)?;
/// assert_eq!(d, [0.0, 2.0, 0.0]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[cfg(feature = "train")]
pub fn relu_backward<R: Real>(y: &[R], d: &mut [R]) -> Result<(), LstmError> {
    check_len("d", y.len(), d.len())?;
    for (d, &y) in d.iter_mut().zip(y) {
        // Not `y > 0`, which would hide a NaN in `y`.
        *d = if y <= R::ZERO { R::ZERO } else { *d };
    }
    Ok(())
}
