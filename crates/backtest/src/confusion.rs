//! What was called against what happened, class by class.
use serde::Serialize;
use windvane_candles::Direction;

use crate::Record;
use crate::accuracy::share;

/// Counts of test candles: rows are the labels (UP, DOWN, NEUTRAL), columns what was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Confusion(pub [[usize; 3]; 3]);

impl Confusion {
    /// Counts the records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut counts = [[0; 3]; 3];
        for record in records {
            counts[record.label.index()][record.called.index()] += 1;
        }
        Self(counts)
    }

    /// Candles of that label with that call.
    pub fn count(&self, label: Direction, called: Direction) -> usize {
        self.0[label.index()][called.index()]
    }

    /// All candles.
    pub fn total(&self) -> usize {
        self.0.iter().flatten().sum()
    }

    /// Mean over the labels that occur of the share of their candles that was called so; `None`
    /// without candles. Unlike directional accuracy it takes NEUTRAL as a call.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let recalls: Vec<f64> = Direction::ALL
            .into_iter()
            .filter_map(|class| share(self.count(class, class), self.0[class.index()].iter().sum()))
            .collect();
        (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::any_records;

    #[test]
    fn balanced_accuracy_equals_scikit_learn() {
        // Case "a_class_never_true" of scikit-learn 1.x numbers: recall 3/5 and 4/7.
        let confusion = Confusion([[3, 1, 1], [3, 4, 0], [0, 0, 0]]);
        let got = confusion.balanced_accuracy().unwrap();
        assert!((got - 0.585_714_285_714_285_6).abs() < 1e-12);
        assert_eq!(Confusion([[0; 3]; 3]).balanced_accuracy(), None);
    }

    proptest! {
        #[test]
        fn counts_add_up(records in any_records(0..60)) {
            let confusion = Confusion::of(&records);
            prop_assert_eq!(confusion.total(), records.len());
            let neutral: usize =
                Direction::ALL.iter().map(|l| confusion.count(*l, Direction::Neutral)).sum();
            let calls = crate::Accuracy::of(&records, |r| r.called).calls;
            prop_assert_eq!(calls + neutral, records.len());
        }
    }
}
