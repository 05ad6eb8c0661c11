//! Softmax cross-entropy.
use crate::error::check_len;
use crate::softmax::largest;
use crate::{LstmError, Real};

/// Softmax cross-entropy over classes, with class weights and label smoothing as `PyTorch` defines
/// them.
///
/// # Formula
/// With p = softmax(logits), smoothing s and class weights w (all 1 without):
///
/// ```text
/// q_nc = (1 - s) [c = y_n] + s / C
/// loss = -(sum over n, c of w_c q_nc log p_nc) / normaliser
/// normaliser = sum over n of w_(y_n)
/// ```
///
/// The caller passes the normaliser. The losses and gradients of chunks of a batch, each computed
/// with the normaliser of the whole batch, therefore add up to those of the whole batch.
///
/// # Examples
///
/// ```
/// use windvane_lstm_core::CrossEntropy;
///
/// let loss = CrossEntropy { classes: 3, weights: None, smoothing: 0.0_f64 };
/// let (logits, targets) = ([0.0; 6], [2, 0]);
/// let mut d_logits = [0.0; 6];
/// let value = loss.add(&logits, &targets, loss.normaliser(&targets)?, &mut d_logits)?;
/// assert!((value - 3.0_f64.ln()).abs() < 1e-12);
/// assert!((d_logits[2] - (1.0 / 3.0 - 1.0) / 2.0).abs() < 1e-12);
/// # Ok::<(), windvane_lstm_core::LstmError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CrossEntropy<'a, R> {
    /// Number of classes `C`.
    pub classes: usize,
    /// Weight of each class `[C]`; `None` is 1 for each.
    pub weights: Option<&'a [R]>,
    /// Label smoothing: share of each target spread evenly over all classes, 0 to 1.
    pub smoothing: R,
}

impl<R: Real> CrossEntropy<'_, R> {
    /// Returns the sum over the batch of the class weights of the targets.
    ///
    /// # Errors
    /// [`LstmError::Target`] when a target is not a class index, and the errors of invalid settings
    /// as in [`add`](Self::add).
    pub fn normaliser(&self, targets: &[usize]) -> Result<R, LstmError> {
        self.check(targets)?;
        Ok(targets.iter().map(|&y| self.weight(y)).sum())
    }

    /// Returns the loss of a batch and adds its gradient to `d_logits`.
    ///
    /// # Shapes
    /// `logits` and `d_logits` `[B, C]`, `targets` `[B]`.
    ///
    /// # Errors
    /// [`LstmError::Length`] when a slice does not fit, [`LstmError::Target`] when a target is not
    /// a class index, [`LstmError::Number`] unless the normaliser is positive, the smoothing is 0
    /// to 1 and every class weight is finite and not negative. Nothing is changed then.
    pub fn add(
        &self,
        logits: &[R],
        targets: &[usize],
        normaliser: R,
        d_logits: &mut [R],
    ) -> Result<R, LstmError> {
        self.check(targets)?;
        check_len("logits", targets.len() * self.classes, logits.len())?;
        check_len("d_logits", logits.len(), d_logits.len())?;
        check_number("normaliser", "positive", normaliser, |v| v > R::ZERO && v.is_finite())?;
        let rows = logits.chunks_exact(self.classes).zip(d_logits.chunks_exact_mut(self.classes));
        Ok(rows
            .zip(targets)
            .map(|((row, d_row), &y)| self.add_row(row, y, normaliser, d_row))
            .sum())
    }

    fn add_row(&self, logits: &[R], target: usize, normaliser: R, d_logits: &mut [R]) -> R {
        let top = largest(logits);
        let log_sum = logits.iter().map(|&z| (z - top).exp()).sum::<R>().ln();
        let log_p = |z: R| z - top - log_sum;
        let (mut loss, mut mass) = (R::ZERO, R::ZERO);
        for (class, &z) in logits.iter().enumerate() {
            let wq = self.share(class, target);
            loss -= wq * log_p(z);
            mass += wq;
        }
        // d loss / d z_c = p_c sum_k w_k q_k - w_c q_c
        for (class, (d, &z)) in d_logits.iter_mut().zip(logits).enumerate() {
            *d += (log_p(z).exp() * mass - self.share(class, target)) / normaliser;
        }
        loss / normaliser
    }

    /// Computes the weighted target `w_c q_c`.
    fn share(&self, class: usize, target: usize) -> R {
        let spread = self.smoothing / R::from_f64(self.classes as f64);
        let hit = if class == target { R::ONE - self.smoothing } else { R::ZERO };
        self.weight(class) * (hit + spread)
    }

    fn weight(&self, class: usize) -> R {
        self.weights.map_or(R::ONE, |weights| weights[class])
    }

    fn check(&self, targets: &[usize]) -> Result<(), LstmError> {
        check_number("smoothing", "0 to 1", self.smoothing, is_share)?;
        if let Some(weights) = self.weights {
            check_len("class weights", self.classes, weights.len())?;
            for &w in weights {
                check_number("class weight", "finite and not negative", w, is_weight)?;
            }
        }
        match targets.iter().position(|&y| y >= self.classes) {
            Some(index) => {
                Err(LstmError::Target { index, expected: self.classes, got: targets[index] })
            }
            None => Ok(()),
        }
    }
}

fn check_number<R: Real>(
    what: &'static str,
    expected: &'static str,
    got: R,
    fits: impl Fn(R) -> bool,
) -> Result<(), LstmError> {
    if fits(got) { Ok(()) } else { Err(LstmError::Number { what, expected, got: got.to_f64() }) }
}

/// Returns whether a number is 0 to 1.
fn is_share<R: Real>(value: R) -> bool {
    value >= R::ZERO && value <= R::ONE
}

/// Returns whether a number is finite and not negative.
fn is_weight<R: Real>(value: R) -> bool {
    value >= R::ZERO && value.is_finite()
}

#[cfg(test)]
mod tests {
    use super::CrossEntropy;

    #[test]
    fn loss_of_chunks_sums_to_loss_of_batch() {
        let weights = [1.5, 0.75, 1.0];
        let loss = CrossEntropy { classes: 3, weights: Some(&weights), smoothing: 0.1_f64 };
        let logits: Vec<f64> = (0..30).map(|i| f64::from(i * 7 % 11) / 3.0 - 1.0).collect();
        let targets: Vec<usize> = (0..10).map(|i| i * 5 % 3).collect();
        let normaliser = loss.normaliser(&targets).unwrap();
        let mut whole = [0.0; 30];
        let value = loss.add(&logits, &targets, normaliser, &mut whole).unwrap();
        let (mut parts, mut sum) = ([0.0; 30], 0.0);
        for at in [0..4, 4..7, 7..10] {
            let flat = at.start * 3..at.end * 3;
            let d_part = &mut parts[flat.clone()];
            sum += loss.add(&logits[flat], &targets[at], normaliser, d_part).unwrap();
        }
        assert!((value - sum).abs() < 1e-14);
        assert_eq!(whole, parts);
    }

    #[test]
    fn loss_of_extreme_logits_is_finite() {
        let loss = CrossEntropy { classes: 2, weights: None, smoothing: 0.0_f32 };
        let mut d = [0.0; 2];
        let value = loss.add(&[1000.0, -1000.0], &[1], 1.0, &mut d).unwrap();
        assert_eq!((value, d), (2000.0, [1.0, -1.0]));
    }
}
