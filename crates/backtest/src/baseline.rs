//! Rules and simple learners: what a model has to beat.
use std::fmt;

use serde::Serialize;
use windvane_candles::Direction;

use crate::{Accuracy, Record};

/// A rule without a model, or a simple learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Baseline {
    /// UP, always.
    AlwaysUp,
    /// The commoner of UP and DOWN among the training labels of the fold (UP if they tie).
    Majority,
    /// Where the close went over the last candle, or over the last h for a horizon of h; no call
    /// when it did not move.
    LastSign,
    /// Against the last sign; no call when the close did not move.
    OppositeOfLastSign,
    /// A logistic regression on the windows the model was fitted on, calling every candle:
    /// [`LogisticLearner`](crate::LogisticLearner).
    Logistic,
    /// Gradient-boosted trees, likewise, where they are among the models of the run.
    BoostedTrees,
}

impl Baseline {
    /// All baselines, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::AlwaysUp,
        Self::Majority,
        Self::LastSign,
        Self::OppositeOfLastSign,
        Self::Logistic,
        Self::BoostedTrees,
    ];

    /// What the baseline says, knowing nothing after the decision; NEUTRAL for a learner that
    /// could not be fitted.
    pub fn call(self, record: &Record) -> Direction {
        match self {
            Self::AlwaysUp => Direction::Up,
            Self::Majority => record.majority,
            Self::LastSign => record.last,
            Self::OppositeOfLastSign => record.last.opposite(),
            Self::Logistic => record.logistic.unwrap_or(Direction::Neutral),
            Self::BoostedTrees => record.boosted.unwrap_or(Direction::Neutral),
        }
    }

    /// Writes what a baseline that is a learner said.
    pub(crate) fn note(self, record: &mut Record, call: Direction) {
        match self {
            Self::Logistic => record.logistic = Some(call),
            Self::BoostedTrees => record.boosted = Some(call),
            _ => {}
        }
    }

    /// Whether a record has what the baseline says.
    fn is_known(self, record: &Record) -> bool {
        match self {
            Self::Logistic => record.logistic.is_some(),
            Self::BoostedTrees => record.boosted.is_some(),
            _ => true,
        }
    }
}

/// The baseline in words, as in tables.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AlwaysUp => "always up",
            Self::Majority => "majority",
            Self::LastSign => "last sign",
            Self::OppositeOfLastSign => "opposite of last",
            Self::Logistic => "logistic",
            Self::BoostedTrees => "boosted trees",
        })
    }
}

/// A baseline on the candles that a model called.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BaselineResult {
    /// The rule.
    pub rule: Baseline,
    /// What it scored.
    #[serde(flatten)]
    pub score: Accuracy,
}

impl BaselineResult {
    /// The baseline with the highest accuracy on the candles that the model of the records called
    /// and whose close moved: chosen with hindsight. `None` where none is defined.
    pub fn best(records: &[Record]) -> Option<Self> {
        best(&on_called(records))
    }
}

/// The baselines that have an answer on every one of the records.
pub(crate) fn known(records: &[Record]) -> impl Iterator<Item = Baseline> {
    let known = |rule: &Baseline| records.iter().all(|record| rule.is_known(record));
    Baseline::ALL.into_iter().filter(known)
}

/// All baselines on the candles that a model called and whose close moved: the very candles that
/// make up the model's accuracy. Otherwise a model could gain a lead by calling only candles on
/// which the baseline, too, does well. A learner that could not be fitted on each of the folds
/// would be scored on other candles than the model, and is left out.
pub(crate) fn on_called(records: &[Record]) -> Vec<BaselineResult> {
    let result = |rule: Baseline| {
        let scored = records.iter().filter(|record| record.hit(record.called).is_some());
        BaselineResult { rule, score: Accuracy::of(scored, |record| rule.call(record)) }
    };
    known(records).map(result).collect()
}

/// The baseline with the highest accuracy, the first of equals; `None` where none is defined.
pub(crate) fn best(rules: &[BaselineResult]) -> Option<BaselineResult> {
    let defined = rules.iter().filter_map(|rule| Some((rule.score.accuracy?, *rule)));
    defined.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use Direction::{Down, Neutral, Up};

    use super::*;
    use crate::testing::record;

    #[test]
    fn each_baseline_calls_as_its_name_says() {
        let base = Record { last: Down, majority: Up, logistic: Some(Down), ..record(0, Up, 0.01) };
        let calls = |record: &Record| Baseline::ALL.map(|rule| rule.call(record));
        assert_eq!(calls(&base), [Up, Up, Down, Up, Down, Neutral]);
        let unmoved = Record { last: Neutral, boosted: Some(Up), ..base };
        assert_eq!(calls(&unmoved), [Up, Up, Neutral, Neutral, Down, Up]);
        assert_eq!(calls(&Record { majority: Down, ..base })[1], Down);
    }

    #[test]
    fn a_learner_that_failed_in_one_fold_is_left_out() {
        let names = |records: &[Record]| -> Vec<Baseline> {
            on_called(records).iter().map(|result| result.rule).collect()
        };
        let mut records: Vec<Record> = (0..10).map(|t| record(t, Up, 0.01)).collect();
        assert_eq!(names(&records), Baseline::ALL[..5]);
        records[3].logistic = None;
        assert_eq!(names(&records), Baseline::ALL[..4]);
    }

    #[test]
    fn baselines_are_scored_on_the_candles_the_model_called() {
        let mut records: Vec<Record> = (0..10).map(|t| record(t, Up, 0.01)).collect();
        records.extend((10..30).map(|t| record(t, Neutral, -0.01)));
        records.push(record(30, Up, 0.0));
        let rules = on_called(&records);
        assert!(rules.iter().all(|rule| rule.score.candles == 10));
        let best = BaselineResult::best(&records).unwrap();
        assert_eq!((best.rule, best.score.accuracy), (Baseline::AlwaysUp, Some(1.0)));
    }

    #[test]
    fn without_a_call_no_baseline_is_the_best() {
        assert_eq!(BaselineResult::best(&[record(0, Neutral, 0.01)]), None);
    }
}
