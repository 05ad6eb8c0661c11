//! Confusion matrix of labels and predictions.
use serde::Serialize;
use windvane_candles::Direction;

use super::share;

/// Confusion matrix: a row per label and a column per predicted class (UP, DOWN, NEUTRAL).
///
/// Unlike directional [`Accuracy`](crate::Accuracy), its measures count NEUTRAL as a prediction.
/// With n the number of candles and c the correct ones; for each class, t candles with that label,
/// p candles with that prediction and h candles with both:
///
/// | measure | formula |
/// |---|---|
/// | [`accuracy`](Self::accuracy) | c / n |
/// | [`recall`](Self::recall), [`precision`](Self::precision) | h / t, h / p |
/// | [`f1`](Self::f1) | 2h / (t + p) |
/// | [`balanced_accuracy`](Self::balanced_accuracy) | mean recall over the labels that occur |
/// | [`macro_f1`](Self::macro_f1) | mean F1 over the three classes, 0 where undefined |
/// | [`matthews`](Self::matthews) | (c n − Σ t p) / √((n² − Σ p²)(n² − Σ t²)) |
/// | [`kappa`](Self::kappa) | (c n − Σ t p) / (n² − Σ t p) |
///
/// **Source** Gorodkin 2004 for Matthews' coefficient of several classes; Cohen 1960 for kappa.
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::Confusion;
/// let confusion = Confusion([[3, 1, 0], [1, 3, 0], [0, 0, 0]]);
/// assert_eq!((confusion.accuracy(), confusion.matthews()), (Some(0.75), Some(0.5)));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Confusion(pub [[usize; 3]; 3]);

impl Confusion {
    /// Counts candles given as (label, predicted).
    pub fn from_predictions(candles: impl IntoIterator<Item = (Direction, Direction)>) -> Self {
        let mut counts = [[0; 3]; 3];
        for (label, predicted) in candles {
            counts[label.index()][predicted.index()] += 1;
        }
        Self(counts)
    }

    /// Number of candles with this label and this prediction.
    pub fn count(&self, label: Direction, predicted: Direction) -> usize {
        self.0[label.index()][predicted.index()]
    }

    /// Number of candles.
    pub fn total(&self) -> usize {
        self.0.iter().flatten().sum()
    }

    /// Fraction of candles whose prediction equals the label; `None` without candles.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.correct(), self.total())
    }

    /// Mean recall of the classes that occur as labels; `None` without candles.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let recalls = Direction::ALL.into_iter().filter_map(|class| self.recall(class));
        let (sum, count) = recalls.fold((0.0, 0), |(sum, count), recall| (sum + recall, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// Fraction of the candles with this label that were predicted correctly; `None` if the label
    /// does not occur.
    pub fn recall(&self, class: Direction) -> Option<f64> {
        share(self.count(class, class), self.labelled(class))
    }

    /// Fraction of the predictions of a class that are correct; `None` if it was never predicted.
    pub fn precision(&self, class: Direction) -> Option<f64> {
        share(self.count(class, class), self.predicted(class))
    }

    /// Harmonic mean of recall and precision; `None` for a class that neither occurs nor is
    /// predicted.
    pub fn f1(&self, class: Direction) -> Option<f64> {
        share(2 * self.count(class, class), self.labelled(class) + self.predicted(class))
    }

    /// Mean F1 of the three classes, 0 for a class without one; `None` without candles.
    pub fn macro_f1(&self) -> Option<f64> {
        let sum: f64 = Direction::ALL.into_iter().filter_map(|class| self.f1(class)).sum();
        (self.total() > 0).then_some(sum / 3.0)
    }

    /// Matthews' correlation coefficient of predictions and labels, −1 to 1; `None` if all labels
    /// or all predictions are one class (scikit-learn returns 0).
    pub fn matthews(&self) -> Option<f64> {
        let variances = self.variance(Self::labelled) * self.variance(Self::predicted);
        (variances > 0.0).then(|| (self.agreement() - self.chance()) / variances.sqrt())
    }

    /// Cohen's kappa: agreement beyond chance, at most 1; `None` if all labels and predictions are
    /// the same class.
    pub fn kappa(&self) -> Option<f64> {
        let attainable = self.square() - self.chance();
        (attainable > 0.0).then(|| (self.agreement() - self.chance()) / attainable)
    }

    fn correct(&self) -> usize {
        Direction::ALL.into_iter().map(|class| self.count(class, class)).sum()
    }

    fn labelled(&self, class: Direction) -> usize {
        self.0[class.index()].iter().sum()
    }

    fn predicted(&self, class: Direction) -> usize {
        self.0.iter().map(|row| row[class.index()]).sum()
    }

    fn square(&self) -> f64 {
        (self.total() as f64).powi(2)
    }

    fn agreement(&self) -> f64 {
        self.correct() as f64 * self.total() as f64
    }

    /// Expected agreement of predictions that are independent of the labels.
    fn chance(&self) -> f64 {
        Direction::ALL
            .into_iter()
            .map(|class| self.labelled(class) as f64 * self.predicted(class) as f64)
            .sum()
    }

    /// n² minus the squares of the counts per class.
    fn variance(&self, count: fn(&Self, Direction) -> usize) -> f64 {
        let squares = Direction::ALL.into_iter().map(|class| (count(self, class) as f64).powi(2));
        self.square() - squares.sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn confusion_is_undefined_without_candles_or_with_one_class() {
        let empty = Confusion::default();
        let class = Direction::Up;
        let all = [empty.accuracy(), empty.macro_f1(), empty.matthews(), empty.kappa()];
        assert_eq!(all, [None; 4]);
        assert_eq!((empty.balanced_accuracy(), empty.f1(class)), (None, None));
        // With a single class, correlation and kappa are undefined.
        let one = Confusion([[5, 0, 0], [0; 3], [0; 3]]);
        assert_eq!((one.matthews(), one.kappa(), one.accuracy()), (None, None, Some(1.0)));
    }

    proptest! {
        #[test]
        fn confusion_counts_add_up(candles in prop::collection::vec((0..3_usize, 0..3_usize), 0..60)) {
            let pairs = candles.iter().map(|(y, p)| (Direction::ALL[*y], Direction::ALL[*p]));
            let confusion = Confusion::from_predictions(pairs);
            prop_assert_eq!(confusion.total(), candles.len());
            let neutral: usize =
                Direction::ALL.iter().map(|l| confusion.count(*l, Direction::Neutral)).sum();
            let directed = candles.iter().filter(|(_, predicted)| *predicted != 2).count();
            prop_assert_eq!(directed + neutral, candles.len());
        }

        #[test]
        fn confusion_measures_stay_in_range(counts in prop::array::uniform3(prop::array::uniform3(0_usize..9))) {
            let confusion = Confusion(counts);
            let shares = [confusion.accuracy(), confusion.balanced_accuracy(), confusion.macro_f1()];
            prop_assert!(shares.iter().flatten().all(|share| (0.0..=1.0).contains(share)));
            for value in [confusion.matthews(), confusion.kappa()].into_iter().flatten() {
                prop_assert!((-1.0..=1.000_000_1).contains(&value), "{}", value);
            }
        }
    }
}
