//! Baselines: simple rules and learners that a model is compared with.
use std::fmt;

use serde::Serialize;
use windvane_candles::Direction;

use crate::score::comparison::ComparedRecords;
use crate::score::{Accuracy, Record};

/// Baseline: a fixed rule or a simple learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Baseline {
    /// UP on every candle: buy and hold.
    AlwaysUp,
    /// Majority class: the more frequent of UP and DOWN among the training labels of the fold (UP
    /// on a tie).
    Majority,
    /// Sign of the change over the last `horizon` candles; no prediction if the close did not
    /// change.
    LastSign,
    /// Opposite of the last sign; no prediction if the close did not change.
    OppositeOfLastSign,
    /// Logistic regression on the training windows of the model, at full coverage:
    /// [`LogisticLearner`](windvane_models::logistic::LogisticLearner).
    Logistic,
    /// Gradient-boosted trees on the training windows of the model, at full coverage; only if they
    /// are among the models of the run.
    BoostedTrees,
    /// Opposite of the last relative move: the log change over the last `horizon` candles minus the
    /// panel's median; no prediction if it is 0 or unknown. Only for a
    /// [relative label](windvane_signals::Band::Relative), as the two baselines below.
    OppositeOfLastRelative,
    /// Lowest volatility: UP if the standard deviation of the pair's last 20 changes is below the
    /// panel's median, else DOWN; no prediction if it is unknown.
    LowestVolatility,
    /// Constant own share in the past: the more frequent of UP and DOWN among the pair's own training
    /// labels of the fold (UP on a tie); no prediction for a pair without training labels.
    OwnShare,
}

impl Baseline {
    /// All baselines, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::AlwaysUp,
        Self::Majority,
        Self::LastSign,
        Self::OppositeOfLastSign,
        Self::Logistic,
        Self::BoostedTrees,
        Self::OppositeOfLastRelative,
        Self::LowestVolatility,
        Self::OwnShare,
    ];

    /// Whether the baseline exists for relative labels only.
    pub(crate) fn is_relative(self) -> bool {
        matches!(self, Self::OppositeOfLastRelative | Self::LowestVolatility | Self::OwnShare)
    }
}

/// Predictions of the baselines for one candle, at most one per [`Baseline`].
///
/// Baselines use no data from after the decision. One that could not be fitted has no prediction.
///
/// # Examples
/// ```
/// use windvane_backtest::{Baseline, BaselinePredictions};
/// use windvane_candles::Direction;
///
/// let predictions = BaselinePredictions::from_rules(Direction::Down, Direction::Up);
/// assert_eq!(predictions.get(Baseline::OppositeOfLastSign), Some(Direction::Up));
/// assert_eq!(predictions.get(Baseline::Logistic), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaselinePredictions([Option<Direction>; Baseline::ALL.len()]);

impl BaselinePredictions {
    /// Predictions of the four rules: `last` is the direction of the close over the last `horizon`
    /// candles before the decision, `majority` the majority class of the training labels.
    pub fn from_rules(last: Direction, majority: Direction) -> Self {
        Self([None; Baseline::ALL.len()])
            .with(Baseline::AlwaysUp, Direction::Up)
            .with(Baseline::Majority, majority)
            .with(Baseline::LastSign, last)
            .with(Baseline::OppositeOfLastSign, last.opposite())
    }

    /// Adds the prediction of one more baseline.
    pub(crate) fn with(mut self, rule: Baseline, prediction: Direction) -> Self {
        self.0[rule as usize] = Some(prediction);
        self
    }

    /// Prediction of a baseline; `None` where it could not be fitted.
    pub fn get(&self, rule: Baseline) -> Option<Direction> {
        self.0[rule as usize]
    }

    /// Prediction of a baseline; NEUTRAL where it could not be fitted.
    pub(crate) fn direction(self, rule: Baseline) -> Direction {
        self.get(rule).unwrap_or(Direction::Neutral)
    }
}

/// Name of the baseline in tables and sentences.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AlwaysUp => "always up",
            Self::Majority => "majority class",
            Self::LastSign => "last sign",
            Self::OppositeOfLastSign => "opposite of last",
            Self::Logistic => "logistic regression",
            Self::BoostedTrees => "boosted trees",
            Self::OppositeOfLastRelative => "opposite of last relative move",
            Self::LowestVolatility => "lowest volatility",
            Self::OwnShare => "own share in the past",
        })
    }
}

/// Score of a baseline on the candles that a model predicted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BaselineResult {
    /// Rule of the baseline.
    pub rule: Baseline,
    /// Score of the baseline.
    #[serde(flatten)]
    pub score: Accuracy,
}

impl BaselineResult {
    /// Baseline with the highest accuracy on the candles that the model predicted and whose close
    /// changed, selected with hindsight; `None` if no accuracy is defined.
    pub fn best(records: &[Record]) -> Option<Self> {
        best(&on_scored_candles(records))
    }
}

/// Baselines with a prediction for every record.
pub(crate) fn available<'a>(
    records: impl Into<ComparedRecords<'a>>,
) -> impl Iterator<Item = Baseline> {
    let records = records.into();
    let all = Baseline::ALL.into_iter();
    all.filter(move |rule| records.iter().all(|record| record.baselines.get(*rule).is_some()))
}

/// Scores of all baselines on the scored candles of a model: those that it predicted and whose
/// close changed. On any other candles a model could gain an edge by predicting only candles on
/// which the baseline does well. A learner that could not be fitted on every fold is left out,
/// because it would be scored on other candles than the model.
pub(crate) fn on_scored_candles<'a>(
    records: impl Into<ComparedRecords<'a>>,
) -> Vec<BaselineResult> {
    let records = records.into();
    available(records).map(|rule| BaselineResult { rule, score: score(rule, records) }).collect()
}

fn score(rule: Baseline, records: ComparedRecords<'_>) -> Accuracy {
    let scored = records.iter().filter(|record| record.is_correct(record.predicted).is_some());
    Accuracy::of(scored, |record| record.baselines.direction(rule))
}

/// Baseline with the highest accuracy, the first one on a tie; `None` if no accuracy is defined.
pub(crate) fn best(rules: &[BaselineResult]) -> Option<BaselineResult> {
    let defined = rules.iter().filter_map(|rule| Some((rule.score.accuracy?, *rule)));
    defined.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use Direction::{Down, Neutral, Up};

    use super::*;
    use crate::score::testing::record;

    fn rules(results: &[BaselineResult]) -> Vec<Baseline> {
        results.iter().map(|result| result.rule).collect()
    }

    #[test]
    fn baseline_predictions_follow_their_rules() {
        let predictions = BaselinePredictions::from_rules(Down, Up).with(Baseline::Logistic, Down);
        assert_eq!(
            Baseline::ALL.map(|rule| predictions.direction(rule)),
            [Up, Up, Down, Up, Down, Neutral, Neutral, Neutral, Neutral]
        );
        let unmoved = BaselinePredictions::from_rules(Neutral, Up).with(Baseline::Logistic, Down);
        let unmoved = unmoved.with(Baseline::BoostedTrees, Up);
        let expected = [Up, Up, Neutral, Neutral, Down, Up, Neutral, Neutral, Neutral];
        assert_eq!(Baseline::ALL.map(|rule| unmoved.direction(rule)), expected);
        assert_eq!(BaselinePredictions::from_rules(Down, Down).direction(Baseline::Majority), Down);
    }

    #[test]
    fn baseline_that_failed_in_one_fold_is_left_out() {
        let mut records: Vec<Record> = (0..10).map(|t| record(t, Up, 0.01)).collect();
        assert_eq!(rules(&on_scored_candles(&records)), Baseline::ALL[..5]);
        records[3].baselines = BaselinePredictions::from_rules(Up, Down);
        assert_eq!(rules(&on_scored_candles(&records)), Baseline::ALL[..4]);
    }

    #[test]
    fn baselines_are_scored_on_the_candles_that_the_model_predicted() {
        let mut records: Vec<Record> = (0..10).map(|t| record(t, Up, 0.01)).collect();
        records.extend((10..30).map(|t| record(t, Neutral, -0.01)));
        records.push(record(30, Up, 0.0));
        let rules = on_scored_candles(&records);
        assert!(rules.iter().all(|rule| rule.score.candles == 10));
        let best = BaselineResult::best(&records).unwrap();
        assert_eq!((best.rule, best.score.accuracy), (Baseline::AlwaysUp, Some(1.0)));
    }

    #[test]
    fn best_baseline_without_predictions_is_undefined() {
        assert_eq!(BaselineResult::best(&[record(0, Neutral, 0.01)]), None);
    }
}
