//! Log loss of two and three classes: gradients, losses, accuracy.
use rayon::prelude::*;

use super::histogram::{GradientSum, GradientUnits};

/// Number of rows in a chunk, which one thread sums. The sums of the chunks are added in order, so
/// the rounding depends on this number and not on the number of threads.
const CHUNK: usize = 4_096;

/// Scores of all rows: one vector per class with a score, one for a binary model.
#[derive(Debug)]
pub(super) struct BoostScores<'a> {
    pub(super) of_classes: Vec<Vec<f64>>,
    labels: &'a [u8],
}

/// Mean log loss in nats and accuracy of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ScoreFit {
    pub(super) loss: f64,
    pub(super) accuracy: f64,
}

/// Outcome of one row.
struct RowFit {
    loss: f64,
    correct: bool,
}

impl<'a> BoostScores<'a> {
    /// Creates the initial scores of labelled rows.
    pub(super) fn new(base: &[f64], labels: &'a [u8]) -> Self {
        Self { of_classes: base.iter().map(|score| vec![*score; labels.len()]).collect(), labels }
    }

    /// Computes loss and accuracy; `None` without rows.
    pub(super) fn fit(&self) -> Option<ScoreFit> {
        let chunks = self.labels.par_chunks(CHUNK).enumerate();
        let fits = chunks.map(|(chunk, labels)| {
            let first = chunk * CHUNK;
            let rows = labels.iter().enumerate();
            let rows = rows.map(|(row, label)| self.row(first + row, *label, |_, _, _| {}));
            rows.fold((0.0, 0), |(loss, correct), row| {
                (loss + row.loss, correct + usize::from(row.correct))
            })
        });
        mean(&fits.collect::<Vec<_>>(), self.labels.len())
    }

    /// Computes loss and accuracy, and the gradients of each class; `None` without rows.
    pub(super) fn gradients(
        &self,
        units: &GradientUnits,
        gradients: &mut [Vec<GradientSum>],
    ) -> Option<ScoreFit> {
        let mut parts: Vec<Vec<&mut [GradientSum]>> = Vec::new();
        for of_class in gradients.iter_mut() {
            for (chunk, part) in of_class.chunks_mut(CHUNK).enumerate() {
                if parts.len() <= chunk {
                    parts.push(Vec::new());
                }
                parts[chunk].push(part);
            }
        }
        let fits = parts.into_par_iter().enumerate().map(|(chunk, mut parts)| {
            let first = chunk * CHUNK;
            let (mut loss, mut correct) = (0.0, 0);
            for row in 0..parts[0].len() {
                let fit = self.row(first + row, self.labels[first + row], |class, g, h| {
                    parts[class][row] = units.row(g, h);
                });
                loss += fit.loss;
                correct += usize::from(fit.correct);
            }
            (loss, correct)
        });
        mean(&fits.collect::<Vec<_>>(), self.labels.len())
    }

    /// Computes the loss of a row and passes gradient and Hessian of each class to `derivative`.
    ///
    /// **Formula** with p the probabilities and y the label: binary g = p − y, h = p (1 − p);
    /// K classes g = p − y, h = p (1 − p) K / (K − 1).
    fn row(&self, row: usize, label: u8, mut derivative: impl FnMut(usize, f64, f64)) -> RowFit {
        let label = usize::from(label);
        if let [scores] = &self.of_classes[..] {
            let (score, rose) = (scores[row], label == 1);
            let small = (-score.abs()).exp();
            let p = if score >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
            derivative(0, p - f64::from(u8::from(rose)), p * (1.0 - p));
            let margin = if rose { score } else { -score };
            return RowFit { loss: small.ln_1p() + (-margin).max(0.0), correct: (p > 0.5) == rose };
        }
        let of_row = |class: usize| self.of_classes[class][row];
        let classes = self.of_classes.len();
        let largest = (0..classes).map(of_row).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = (0..classes).map(|class| (of_row(class) - largest).exp()).sum();
        let factor = classes as f64 / (classes - 1) as f64;
        for class in 0..classes {
            let p = (of_row(class) - largest).exp() / sum;
            let target = f64::from(u8::from(class == label));
            derivative(class, p - target, p * (1.0 - p) * factor);
        }
        let correct = (0..classes).all(|class| of_row(class) <= of_row(label));
        RowFit { loss: sum.ln() + largest - of_row(label), correct }
    }
}

/// Mean over the sums of chunks, added in order.
fn mean(chunks: &[(f64, usize)], rows: usize) -> Option<ScoreFit> {
    let (loss, correct) =
        chunks.iter().fold((0.0, 0), |sum, chunk| (sum.0 + chunk.0, sum.1 + chunk.1));
    let rows = rows as f64;
    (rows > 0.0).then(|| ScoreFit { loss: loss / rows, accuracy: correct as f64 / rows })
}

/// Scores of constant class probabilities: the log odds of class 1 for two classes, ln p of each
/// class for more. A class that does not occur counts as half a row, so that none is impossible.
pub(super) fn initial_scores(labels: &[u8], classes: usize) -> Vec<f64> {
    let mut counts = vec![0.0_f64; classes];
    for label in labels {
        counts[usize::from(*label)] += 1.0;
    }
    for count in &mut counts {
        *count = count.max(0.5);
    }
    let total: f64 = counts.iter().sum();
    match counts[..] {
        [zeros, ones] => vec![(ones / zeros).ln()],
        _ => counts.iter().map(|count| (count / total).ln()).collect(),
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;

    /// Losses of one row at some scores.
    fn loss(scores: &[f64], label: u8) -> f64 {
        BoostScores::new(scores, &[label]).fit().unwrap().loss
    }

    #[test]
    fn gradients_are_derivatives_of_the_loss() {
        let units = GradientUnits::new(1);
        for scores in [vec![0.3], vec![-40.0], vec![0.2, -0.5, 1.5], vec![9.0, -9.0, 0.0]] {
            for label in 0..scores.len().max(2) as u8 {
                let mut gradients = vec![vec![GradientSum::default()]; scores.len()];
                let labels = [label];
                BoostScores::new(&scores, &labels).gradients(&units, &mut gradients).unwrap();
                for class in 0..scores.len() {
                    let at = |step: f64| {
                        let mut moved = scores.clone();
                        moved[class] += step;
                        loss(&moved, label)
                    };
                    let (got, hessian) = units.derivatives(gradients[class][0]);
                    assert!((got - (at(1e-5) - at(-1e-5)) / 2e-5).abs() < 1e-6, "{scores:?}");
                    let factor = if scores.len() == 1 { 1.0 } else { 1.5 };
                    let second = (at(1e-4) + at(-1e-4) - 2.0 * at(0.0)) / 1e-8 * factor;
                    assert!((hessian - second).abs() < 1e-4, "{scores:?}: {hessian} {second}");
                }
            }
        }
    }

    #[test]
    fn initial_scores_minimise_the_loss_of_constants() {
        let labels = [1, 1, 1, 0].repeat(1_000);
        let [score] = initial_scores(&labels, 2)[..] else { panic!("one score") };
        assert!((score - 3_f64.ln()).abs() < 1e-3);
        let three = initial_scores(&[0, 1, 1, 1].repeat(1_000), 3);
        assert!((three[1] - 0.75_f64.ln()).abs() < 1e-3 && three[2] < -8.0, "{three:?}");
    }
}
