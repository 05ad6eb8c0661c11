//! Results of a model on an instrument, an interval or all instruments.
use std::borrow::Cow;

use serde::Serialize;
use windvane_candles::Interval;

use crate::metrics::Bounds;
use crate::metrics::{Confusion, Reliability, ReliabilityBin};
use crate::score::bootstrap::ScoreSettings;
use crate::score::comparison::Comparison;
use crate::score::most_confident::{CoveragePoint, MostConfident, curve};
use crate::score::period::{PeriodScore, accuracy_by_period};
use crate::score::regime::RegimeScore;
use crate::score::{
    Accuracy, AnomalyScore, Baseline, BaselineResult, Confidence, Economics, ExcessAccuracy,
    NonOverlapping, Record, Trading, warning,
};

/// Scope of a row: one instrument, one interval or everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// One instrument.
    Instrument,
    /// All instruments of one interval.
    Interval,
    /// All instruments of all intervals.
    All,
}

/// Accuracy within one fold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FoldScore {
    /// Fold, counted from 1.
    pub fold: usize,
    /// Score in the fold.
    #[serde(flatten)]
    pub score: Accuracy,
}

/// Accuracy on one path through time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PathScore {
    /// Path, counted from 1.
    pub path: usize,
    /// Score on the path.
    #[serde(flatten)]
    pub score: Accuracy,
}

/// Accuracy of the models of one seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SeedScore {
    /// Seed of the run.
    pub seed: u64,
    /// Score of the models with this seed.
    #[serde(flatten)]
    pub score: Accuracy,
}

/// Result of a model on one instrument, or on several instruments pooled.
///
/// Under [`Plan::Combinatorial`](crate::Plan::Combinatorial) every candle is predicted by several
/// models. All numbers except [`folds`](Self::folds) and [`paths`](Self::paths) are those of path
/// 1, on which every candle is predicted once, so no candle counts twice.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ResultRow {
    /// Name of the model.
    pub model: String,
    /// Scope of the row.
    pub scope: Scope,
    /// The instrument, or `all`.
    pub instrument: String,
    /// Interval of the candles; `None` if several are pooled.
    pub interval: Option<Interval>,
    /// Accuracy and coverage of the model's predictions.
    #[serde(flatten)]
    pub score: Accuracy,
    /// 95 % interval of the accuracy: block bootstrap over calendar time.
    pub interval_95: Option<Bounds>,
    /// Number of blocks of the bootstrap.
    pub(crate) blocks: Option<usize>,
    /// Accuracy at full coverage: every candle is predicted by the sign of p(UP) − p(DOWN).
    pub full_coverage: Accuracy,
    /// Whether the accuracy at [`full_coverage`](Self::full_coverage) is implausibly high; audit
    /// the model for leaks.
    pub suspicious: bool,
    /// Most confident 100, 50, 20 and 10 % of the predictions.
    pub most_confident: Vec<MostConfident>,
    /// Accuracy against coverage, at 5, 10, … 100 %.
    pub(crate) coverage_curve: Vec<CoveragePoint>,
    /// Baselines on the scored candles, without the model itself and learners that could not be
    /// fitted on all of its folds.
    pub baselines: Vec<BaselineResult>,
    /// Best baseline on the scored candles, selected with hindsight; `None` if nothing was scored.
    pub best_baseline: Option<Baseline>,
    /// Excess accuracy of the model over the best baseline.
    pub excess_accuracy: Option<ExcessAccuracy>,
    /// Result on every h-th candle of each instrument; `None` for the horizon h = 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_overlapping: Option<NonOverlapping>,
    /// Confusion matrix of labels and predictions.
    pub confusion: Confusion,
    /// Mean recall over the labels that occur.
    pub balanced_accuracy: Option<f64>,
    /// Mean −ln p(label), nats.
    pub log_loss: Option<f64>,
    /// Brier score of the three classes, 0 to 2.
    pub brier: Option<f64>,
    /// Expected calibration error in 15 bins, a fraction.
    pub calibration_error: Option<f64>,
    /// Reliability diagram: non-empty bins of the 15.
    pub(crate) reliability: Vec<ReliabilityBin>,
    /// Confidence of the predictions.
    pub(crate) confidence: Confidence,
    /// Results of trading the predictions; `None` if several intervals are pooled.
    pub trading: Option<Trading>,
    /// Economic value of the predictions and results of the policies; pooled rows of one interval
    /// only.
    pub economics: Option<Economics>,
    /// Scores by fold; empty for single instruments.
    pub folds: Vec<FoldScore>,
    /// Scores by period of calendar time; empty for single instruments.
    pub(crate) over_time: Vec<PeriodScore>,
    /// Scores by regime of the market; empty for single instruments and over all intervals.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) by_regime: Vec<RegimeScore>,
    /// Scores on the candles that an anomaly gate would veto, and on the others; `None` for single
    /// instruments, over all intervals, and without a gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) anomalies: Option<AnomalyScore>,
    /// Scores by path if there are several, else empty. Their spread shows the effect of the
    /// training windows; it is not a confidence interval, because all paths test the same candles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathScore>,
    /// Scores by seed if there are several, else empty; all other numbers are of the first seed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<SeedScore>,
}

impl ResultRow {
    /// Computes a row from the records; at least one must be on path 1. On return, `records` holds path
    /// 1 only; for the row of everything it is empty, because a copy of the largest list of a run
    /// would double its memory.
    pub(crate) fn of(
        model: &str,
        place: &RowScope,
        records: &mut Vec<Record>,
        settings: ScoreSettings<'_>,
    ) -> Self {
        let folds = if place.scope == Scope::Interval { by_fold(records) } else { Vec::new() };
        let paths = by_path(records);
        records.retain(|record| record.path == 1);
        let row = Self { folds, paths, ..Self::of_path(model, place, records, settings) };
        let over_time = match place.scope {
            Scope::Instrument => Vec::new(),
            Scope::Interval => accuracy_by_period(Cow::Borrowed(records), settings),
            Scope::All => accuracy_by_period(Cow::Owned(std::mem::take(records)), settings),
        };
        Self { over_time, ..row }
    }

    /// Computes the numbers of one path.
    fn of_path(
        model: &str,
        place: &RowScope,
        records: &[Record],
        settings: ScoreSettings<'_>,
    ) -> Self {
        let Comparison { interval_95, blocks, baselines, best, excess_accuracy } =
            Comparison::of(records, settings);
        let full_coverage = Accuracy::of(records, Record::margin_direction);
        let confusion = Confusion::from_predictions(
            records.iter().map(|record| (record.label, record.predicted)),
        );
        let mut reliability = Reliability::default();
        for record in records {
            reliability.add(&record.probabilities, record.label);
        }
        let pooled = place.scope != Scope::Instrument;
        let most_confident = MostConfident::all(records, settings);
        // The first share is all predictions, those at full coverage.
        let interval_of_all = most_confident.first().and_then(|all| all.interval_95);
        Self {
            model: model.to_string(),
            scope: place.scope,
            instrument: place.instrument.clone(),
            interval: place.interval,
            score: Accuracy::of(records, |record| record.predicted),
            interval_95,
            blocks,
            suspicious: warning::too_good(&full_coverage, interval_of_all, place.interval),
            full_coverage,
            most_confident,
            coverage_curve: curve(records),
            baselines,
            best_baseline: best.map(|best| best.rule),
            excess_accuracy,
            non_overlapping: NonOverlapping::of(records, settings),
            confusion,
            balanced_accuracy: confusion.balanced_accuracy(),
            log_loss: reliability.log_loss(),
            brier: reliability.brier(),
            calibration_error: reliability.calibration_error(),
            reliability: reliability.bins().filter(|bin| bin.cases > 0).collect(),
            confidence: Confidence::of(records),
            trading: Trading::of(records, settings, pooled),
            economics: None,
            folds: Vec::new(),
            over_time: Vec::new(),
            by_regime: Vec::new(),
            anomalies: None,
            paths: Vec::new(),
            seeds: Vec::new(),
        }
    }

    /// Returns the row of everything for a run of one interval, whose row this is: it has the same
    /// records.
    pub(crate) fn over_all(&self, place: &RowScope) -> Self {
        let interval_of_all = self.most_confident.first().and_then(|all| all.interval_95);
        Self {
            scope: place.scope,
            instrument: place.instrument.clone(),
            interval: place.interval,
            suspicious: warning::too_good(&self.full_coverage, interval_of_all, place.interval),
            economics: None,
            folds: Vec::new(),
            by_regime: Vec::new(),
            anomalies: None,
            ..self.clone()
        }
    }

    /// Adds the score of the models of another seed.
    pub(crate) fn add_seed(&mut self, seed: u64, records: impl Iterator<Item = Record>) {
        let first = records.filter(|record| record.path == 1);
        let score = Accuracy::of(first, |record| record.predicted);
        self.seeds.push(SeedScore { seed, score });
    }

    /// Best baseline with its score.
    pub fn best_baseline_result(&self) -> Option<&BaselineResult> {
        self.baselines.iter().find(|baseline| Some(baseline.rule) == self.best_baseline)
    }
}

/// Scope of a row with its instrument and interval.
#[derive(Debug, Clone)]
pub(crate) struct RowScope {
    pub(crate) scope: Scope,
    pub(crate) instrument: String,
    pub(crate) interval: Option<Interval>,
}

fn by_fold(records: &[Record]) -> Vec<FoldScore> {
    let folds = by(records, |record| record.fold).into_iter();
    folds.map(|(fold, score)| FoldScore { fold, score }).collect()
}

fn by_path(records: &[Record]) -> Vec<PathScore> {
    let paths = by(records, |record| record.path);
    if paths.len() < 2 {
        return Vec::new();
    }
    paths.into_iter().map(|(path, score)| PathScore { path, score }).collect()
}

/// Scores of the records grouped by a number, in ascending order of the number.
fn by(records: &[Record], number: impl Fn(&Record) -> usize) -> Vec<(usize, Accuracy)> {
    let mut numbers: Vec<usize> = records.iter().map(&number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let scores = numbers.into_iter().map(|wanted| {
        let own = records.iter().filter(|record| number(record) == wanted);
        (wanted, Accuracy::of(own, |record| record.predicted))
    });
    scores.collect()
}

#[cfg(test)]
pub(crate) fn row(records: &[Record]) -> ResultRow {
    let interval = Some(Interval::HOUR);
    let place = RowScope { scope: Scope::Instrument, instrument: "SIM".into(), interval };
    let settings = ScoreSettings { horizon: 1, seed: 7, costs: &[5.0] };
    ResultRow::of("test", &place, &mut records.to_vec(), settings)
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction::Neutral;

    use super::*;
    use crate::score::testing::{mostly_right, record};

    #[test]
    fn row_without_predictions_has_no_accuracy() {
        let records: Vec<Record> = (0..370).map(|t| record(t, Neutral, 0.01)).collect();
        let row = row(&records);
        assert_eq!((row.score.accuracy, row.score.coverage), (None, Some(0.0)));
        assert_eq!((row.interval_95, row.excess_accuracy, row.best_baseline), (None, None, None));
        assert!(row.baselines.iter().all(|baseline| baseline.score.accuracy.is_none()));
        assert!(row.log_loss.is_some());
    }

    #[test]
    fn row_of_one_interval_gives_the_row_of_everything() {
        // Two folds, of two paths, and times for several periods.
        let all: Vec<Record> = mostly_right(900)
            .into_iter()
            .enumerate()
            .map(|(k, record)| Record { fold: k / 450, path: 1 + k / 800, ..record })
            .collect();
        let settings = ScoreSettings { horizon: 1, seed: 7, costs: &[5.0] };
        let of = |scope, interval| {
            let place = RowScope { scope, instrument: "all".into(), interval };
            ResultRow::of("test", &place, &mut all.clone(), settings)
        };
        let of_interval = of(Scope::Interval, Some(Interval::HOUR));
        let all = RowScope { scope: Scope::All, instrument: "all".into(), interval: None };
        let json = |row: &ResultRow| serde_json::to_string(row).unwrap();
        assert_eq!(json(&of_interval.over_all(&all)), json(&of(Scope::All, None)));
        assert_eq!((of_interval.folds.len(), of_interval.paths.len()), (2, 2));
    }

    #[test]
    fn excess_accuracy_is_the_difference_to_the_best_baseline() {
        // Three of four closes rise; the model also predicts every second fall.
        let row = row(&mostly_right(800));
        assert_eq!(row.best_baseline, Some(Baseline::AlwaysUp));
        assert_eq!(row.score.accuracy, Some(0.875));
        assert!((row.excess_accuracy.unwrap().value - 0.125).abs() < 1e-12);
    }

    #[test]
    fn full_coverage_predicts_by_the_margin_where_the_model_abstains() {
        let classes = windvane_models::Probabilities::new([0.3, 0.2, 0.5]).unwrap();
        let records: Vec<Record> = (0..10)
            .map(|t| Record { probabilities: classes, ..record(t, Neutral, 0.01) })
            .collect();
        let row = row(&records);
        assert_eq!(row.score.predictions, 0);
        assert_eq!(row.full_coverage.accuracy, Some(1.0));
        assert_eq!(row.full_coverage.coverage, Some(1.0));
    }
}
