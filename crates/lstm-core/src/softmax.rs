//! Softmax: probabilities from logits.
use crate::Real;

/// Turns logits into probabilities, in place: `p_c = e^z_c / sum over k of e^z_k`.
///
/// The largest logit is subtracted first, so that no exponential overflows. An empty slice remains
/// empty. One NaN makes every probability NaN.
///
/// # Examples
///
/// ```
/// let mut p = [1000.0_f32, 1000.0, -1000.0];
/// windvane_lstm_core::softmax(&mut p);
/// assert_eq!(p, [0.5, 0.5, 0.0]);
/// ```
pub fn softmax<R: Real>(logits: &mut [R]) {
    let top = largest(logits);
    let mut sum = R::ZERO;
    for z in logits.iter_mut() {
        *z = (*z - top).exp();
        sum += *z;
    }
    for p in logits {
        *p /= sum;
    }
}

/// Returns the largest number of a non-empty slice; ignores NaN.
pub(crate) fn largest<R: Real>(values: &[R]) -> R {
    let mut largest = values.first().copied().unwrap_or(R::ZERO);
    for value in values {
        largest = if *value > largest { *value } else { largest };
    }
    largest
}
