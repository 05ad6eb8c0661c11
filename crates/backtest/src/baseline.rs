//! Rules and simple learners: what a model has to beat.
use std::fmt;

use serde::Serialize;
use windvane_candles::Direction;

use crate::{Accuracy, Record};

/// A rule without a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
}

impl Baseline {
    /// All rules, in the order of reports.
    pub const ALL: [Self; 4] =
        [Self::AlwaysUp, Self::Majority, Self::LastSign, Self::OppositeOfLastSign];

    /// What the rule says, knowing nothing after the decision.
    pub fn call(self, record: &Record) -> Direction {
        match self {
            Self::AlwaysUp => Direction::Up,
            Self::Majority => record.majority,
            Self::LastSign => record.last,
            Self::OppositeOfLastSign => record.last.opposite(),
        }
    }
}

/// The rule in words, as in tables.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AlwaysUp => "always up",
            Self::Majority => "majority",
            Self::LastSign => "last sign",
            Self::OppositeOfLastSign => "opposite of last",
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

/// All rules on the candles that a model called and whose close moved: the very candles that
/// make up the model's accuracy. Otherwise a model could gain a lead by calling only candles on
/// which the rule, too, does well.
pub(crate) fn on_called(records: &[Record]) -> [BaselineResult; 4] {
    Baseline::ALL.map(|rule| {
        let scored = records.iter().filter(|record| record.hit(record.called).is_some());
        BaselineResult { rule, score: Accuracy::of(scored, |record| rule.call(record)) }
    })
}

/// The rule with the highest accuracy, the first of equals; `None` where none is defined.
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
    fn each_rule_calls_as_its_name_says() {
        let base = Record { last: Down, majority: Up, ..record(0, Up, 0.01) };
        let calls = |record: &Record| Baseline::ALL.map(|rule| rule.call(record));
        assert_eq!(calls(&base), [Up, Up, Down, Up]);
        assert_eq!(calls(&Record { last: Neutral, ..base }), [Up, Up, Neutral, Neutral]);
        assert_eq!(calls(&Record { majority: Down, ..base }), [Up, Down, Down, Up]);
    }

    #[test]
    fn rules_are_scored_on_the_candles_the_model_called() {
        let mut records: Vec<Record> = (0..10).map(|t| record(t, Up, 0.01)).collect();
        records.extend((10..30).map(|t| record(t, Neutral, -0.01)));
        records.push(record(30, Up, 0.0));
        let rules = on_called(&records);
        assert!(rules.iter().all(|rule| rule.score.candles == 10));
        let best = best(&rules).unwrap();
        assert_eq!((best.rule, best.score.accuracy), (Baseline::AlwaysUp, Some(1.0)));
    }

    #[test]
    fn without_a_call_no_rule_is_the_best() {
        assert_eq!(best(&on_called(&[record(0, Neutral, 0.01)])), None);
    }
}
