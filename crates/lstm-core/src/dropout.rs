//! Dropout with masks passed by the caller, so that it cannot stay active in inference.
use crate::error::check_len;
use crate::{LstmError, Real, Stream};

/// Draws a dropout mask: each entry is 0 with probability `p`, otherwise 1 / (1 - p).
///
/// The expected value of an entry is 1, so that inference needs no mask (inverted dropout,
/// Srivastava et al. 2014). Each entry consumes one draw of the stream, whatever `p` is.
///
/// # Errors
/// [`LstmError::Number`] unless 0 <= p < 1; nothing is drawn then.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::{Purpose, Stream, dropout_mask};
///
/// let mut mask = [0.0_f32; 1000];
/// dropout_mask(&mut Stream::new(42, Purpose::Dropout, 0, 7), 0.5, &mut mask)?;
/// assert!(mask.iter().all(|m| *m == 0.0 || *m == 2.0));
/// let dropped = mask.iter().filter(|m| **m == 0.0).count();
/// assert!((420..580).contains(&dropped));
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn dropout_mask<R: Real>(stream: &mut Stream, p: f64, mask: &mut [R]) -> Result<(), LstmError> {
    if !(0.0..1.0).contains(&p) {
        let expected = "0 or more and less than 1";
        return Err(LstmError::Number { what: "dropout", expected, got: p });
    }
    let kept = R::from_f64(1.0 / (1.0 - p));
    for entry in mask {
        *entry = if stream.uniform() < p { R::ZERO } else { kept };
    }
    Ok(())
}

/// Multiplies `values` by a mask, in place: activations in the forward pass, their gradients in the
/// backward pass.
///
/// # Formula
/// ```text
/// y = mask * x        d_x = mask * d_y
/// ```
///
/// # Errors
/// [`LstmError::Length`] when the slices differ in length; nothing is changed then.
///
/// # Examples
///
/// ```
/// let mut values = [1.0_f64, 2.0, 3.0];
/// windvane_lstm_core::apply_dropout(&[2.0, 0.0, 2.0], &mut values)?;
/// assert_eq!(values, [2.0, 0.0, 6.0]);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
pub fn apply_dropout<R: Real>(mask: &[R], values: &mut [R]) -> Result<(), LstmError> {
    check_len("values", mask.len(), values.len())?;
    for (value, &factor) in values.iter_mut().zip(mask) {
        *value *= factor;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::dropout_mask;
    use crate::{Purpose, Stream};

    #[test]
    fn dropout_mask_preserves_the_mean() {
        let mut mask = vec![0.0_f64; 100_000];
        for p in [0.0, 0.3, 0.9] {
            dropout_mask(&mut Stream::new(1, Purpose::Dropout, 0, 0), p, &mut mask).unwrap();
            let mean = mask.iter().sum::<f64>() / mask.len() as f64;
            // Five standard errors: the variance of an entry is p / (1 - p).
            assert!((mean - 1.0).abs() <= 5.0 * (p / (1.0 - p) / 1e5).sqrt(), "{p}: {mean}");
        }
    }

    #[test]
    fn dropout_mask_rejects_invalid_probabilities() {
        for p in [-0.1, 1.0, f64::NAN] {
            let mut mask = [7.0_f32];
            let mut stream = Stream::new(1, Purpose::Dropout, 0, 0);
            let got = dropout_mask(&mut stream, p, &mut mask).unwrap_err().to_string();
            assert_eq!(got, format!("dropout is {p}, expected 0 or more and less than 1"));
            assert_eq!(mask, [7.0]);
        }
    }
}
