//! Confusion matrix: calls against labels, class by class.
use serde::Serialize;
use windvane_candles::Direction;

use super::share;

/// Counts of candles: rows are the labels (UP, DOWN, NEUTRAL), columns what was called.
///
/// Unlike directional [`Accuracy`](crate::Accuracy) its measures take NEUTRAL as a call. With n
/// all candles and c the correct ones, and for a class t the candles of that label, p those called
/// so and h those both:
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
/// use windvane_backtest::Confusion;
/// let confusion = Confusion([[3, 1, 0], [1, 3, 0], [0, 0, 0]]);
/// assert_eq!((confusion.accuracy(), confusion.matthews()), (Some(0.75), Some(0.5)));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Confusion(pub [[usize; 3]; 3]);

impl Confusion {
    /// Counts candles given as (label, called).
    pub fn of_calls(candles: impl IntoIterator<Item = (Direction, Direction)>) -> Self {
        let mut counts = [[0; 3]; 3];
        for (label, called) in candles {
            counts[label.index()][called.index()] += 1;
        }
        Self(counts)
    }

    /// Candles of that label with that call.
    pub fn count(&self, label: Direction, called: Direction) -> usize {
        self.0[label.index()][called.index()]
    }

    /// Number of candles.
    pub fn total(&self) -> usize {
        self.0.iter().flatten().sum()
    }

    /// Share of candles that were called as they came; `None` without candles.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.correct(), self.total())
    }

    /// Mean over the labels that occur of the share of their candles that was called so; `None`
    /// without candles.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let recalls = Direction::ALL.into_iter().filter_map(|class| self.recall(class));
        let (sum, count) = recalls.fold((0.0, 0), |(sum, count), recall| (sum + recall, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// Share of a label's candles that was called so; `None` where it does not occur.
    pub fn recall(&self, class: Direction) -> Option<f64> {
        share(self.count(class, class), self.labelled(class))
    }

    /// Share of a class' calls that came true; `None` where it was never called.
    pub fn precision(&self, class: Direction) -> Option<f64> {
        share(self.count(class, class), self.called(class))
    }

    /// Harmonic mean of recall and precision; `None` for a class that neither occurs nor was
    /// called.
    pub fn f1(&self, class: Direction) -> Option<f64> {
        share(2 * self.count(class, class), self.labelled(class) + self.called(class))
    }

    /// Mean F1 of the three classes, a class without one as 0; `None` without candles.
    pub fn macro_f1(&self) -> Option<f64> {
        let sum: f64 = Direction::ALL.into_iter().filter_map(|class| self.f1(class)).sum();
        (self.total() > 0).then_some(sum / 3.0)
    }

    /// Matthews' correlation of calls and labels, −1 to 1; `None` where all labels, or all calls,
    /// are one class. (scikit-learn says 0 there.)
    pub fn matthews(&self) -> Option<f64> {
        let below = self.off_squares(Self::labelled) * self.off_squares(Self::called);
        (below > 0.0).then(|| (self.agreement() - self.chance()) / below.sqrt())
    }

    /// Cohen's kappa: agreement beyond chance, at most 1; `None` where labels and calls are all
    /// the same class.
    pub fn kappa(&self) -> Option<f64> {
        let below = self.square() - self.chance();
        (below > 0.0).then(|| (self.agreement() - self.chance()) / below)
    }

    fn correct(&self) -> usize {
        Direction::ALL.into_iter().map(|class| self.count(class, class)).sum()
    }

    fn labelled(&self, class: Direction) -> usize {
        self.0[class.index()].iter().sum()
    }

    fn called(&self, class: Direction) -> usize {
        self.0.iter().map(|row| row[class.index()]).sum()
    }

    fn square(&self) -> f64 {
        (self.total() as f64).powi(2)
    }

    fn agreement(&self) -> f64 {
        self.correct() as f64 * self.total() as f64
    }

    /// Expected agreement of calls that are independent of the labels.
    fn chance(&self) -> f64 {
        Direction::ALL
            .into_iter()
            .map(|class| self.labelled(class) as f64 * self.called(class) as f64)
            .sum()
    }

    /// n² less the squares of the classes' counts.
    fn off_squares(&self, count: fn(&Self, Direction) -> usize) -> f64 {
        let squares = Direction::ALL.into_iter().map(|class| (count(self, class) as f64).powi(2));
        self.square() - squares.sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_undefined() {
        let nothing = Confusion::default();
        let class = Direction::Up;
        let all = [nothing.accuracy(), nothing.macro_f1(), nothing.matthews(), nothing.kappa()];
        assert_eq!(all, [None; 4]);
        assert_eq!((nothing.balanced_accuracy(), nothing.f1(class)), (None, None));
        // One class only: every call is right, and it says nothing.
        let one = Confusion([[5, 0, 0], [0; 3], [0; 3]]);
        assert_eq!((one.matthews(), one.kappa(), one.accuracy()), (None, None, Some(1.0)));
    }

    proptest! {
        #[test]
        fn counts_add_up(candles in prop::collection::vec((0..3_usize, 0..3_usize), 0..60)) {
            let pairs = candles.iter().map(|(y, p)| (Direction::ALL[*y], Direction::ALL[*p]));
            let confusion = Confusion::of_calls(pairs);
            prop_assert_eq!(confusion.total(), candles.len());
            let neutral: usize =
                Direction::ALL.iter().map(|l| confusion.count(*l, Direction::Neutral)).sum();
            let calls = candles.iter().filter(|(_, called)| *called != 2).count();
            prop_assert_eq!(calls + neutral, candles.len());
        }

        #[test]
        fn no_measure_leaves_its_range(counts in prop::array::uniform3(prop::array::uniform3(0_usize..9))) {
            let confusion = Confusion(counts);
            let shares = [confusion.accuracy(), confusion.balanced_accuracy(), confusion.macro_f1()];
            prop_assert!(shares.iter().flatten().all(|share| (0.0..=1.0).contains(share)));
            for value in [confusion.matthews(), confusion.kappa()].into_iter().flatten() {
                prop_assert!((-1.0..=1.000_000_1).contains(&value), "{}", value);
            }
        }
    }
}
