//! Selective accuracy: accuracy of the most confident predictions, by coverage.
use serde::Serialize;

use crate::metrics::Bounds;
use crate::metrics::share;
use crate::score::baseline::available;
use crate::score::bootstrap::ScoreSettings;
use crate::score::comparison::{ComparedRecords, Comparison};
use crate::score::portfolio::side;
use crate::score::{Accuracy, Baseline, BaselineResult, ExcessAccuracy, Record};

/// Shares of all candles with a full entry in reports.
const SHARES: [f64; 4] = [1.0, 0.5, 0.2, 0.1];
/// Number of points of the curve.
const POINTS: usize = 20;

/// Score of the most confident predictions, each made by the sign of the margin p(UP) − p(DOWN).
///
/// A prediction is selected if |p(UP) − p(DOWN)| is at or above a threshold. The threshold is the
/// quantile that gives the requested share on the fold's **validation** windows, all instruments
/// together, and is therefore known before the test. The coverage of the score is the realised
/// share of the test candles.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MostConfident {
    /// Requested share, on validation windows.
    pub share: f64,
    /// Score of the selected predictions; its coverage is the realised share.
    #[serde(flatten)]
    pub score: Accuracy,
    /// 95 % interval of the accuracy: block bootstrap over calendar time.
    pub interval_95: Option<Bounds>,
    /// Best baseline on the scored candles, selected with hindsight.
    pub best_baseline: Option<BaselineResult>,
    /// Excess accuracy of the model over the best baseline.
    pub excess_accuracy: Option<ExcessAccuracy>,
    /// Mean change in the predicted direction over the horizon, a fraction, before costs.
    pub mean_return: Option<f64>,
}

impl MostConfident {
    /// Computes the scores at 100, 50, 20 and 10 %.
    pub(crate) fn all(records: &[Record], settings: ScoreSettings<'_>) -> Vec<Self> {
        SHARES.iter().map(|share| Self::of(*share, records, settings)).collect()
    }

    fn of(share: f64, records: &[Record], settings: ScoreSettings<'_>) -> Self {
        let selected = ComparedRecords::most_confident(records, share);
        let Comparison { interval_95, best, excess_accuracy, .. } =
            Comparison::of(selected, settings);
        let score = Accuracy::of(selected.iter(), |record| record.predicted);
        let gains: f64 = selected.iter().map(|record| side(record.predicted) * record.change).sum();
        Self {
            share,
            score: score.among(records.len()),
            interval_95,
            best_baseline: best,
            excess_accuracy,
            mean_return: (score.predictions > 0).then(|| gains / score.predictions as f64),
        }
    }
}

/// Point of the accuracy-coverage curve, selected like [`MostConfident`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct CoveragePoint {
    /// Requested share, on validation windows.
    pub(crate) share: f64,
    /// Realised share of the test candles; `None` without any.
    pub(crate) coverage: Option<f64>,
    /// Number of predictions on a changed close.
    pub(crate) scored: usize,
    /// Accuracy of the scored predictions; `None` without any.
    pub(crate) accuracy: Option<f64>,
    /// Accuracy of the best baseline on the same candles, selected with hindsight.
    pub(crate) best_baseline_accuracy: Option<f64>,
}

/// Counts of the records between two thresholds of confidence.
#[derive(Debug, Clone, Copy, Default)]
struct CoverageBin {
    predictions: usize,
    scored: usize,
    correct: usize,
    /// Numbers of correct and of scored predictions of each baseline.
    baselines: [(usize, usize); Baseline::ALL.len()],
}

impl CoverageBin {
    fn add(&mut self, record: &Record) {
        let prediction = record.margin_direction();
        self.predictions += usize::from(prediction != windvane_candles::Direction::Neutral);
        let Some(is_correct) = record.is_correct(prediction) else { return };
        self.scored += 1;
        self.correct += usize::from(is_correct);
        for (rule, (correct, scored)) in Baseline::ALL.iter().zip(&mut self.baselines) {
            let outcome = record.is_correct(record.baselines.direction(*rule));
            *correct += usize::from(outcome == Some(true));
            *scored += usize::from(outcome.is_some());
        }
    }

    fn merge(&mut self, other: &Self) {
        self.predictions += other.predictions;
        self.scored += other.scored;
        self.correct += other.correct;
        for (own, more) in self.baselines.iter_mut().zip(&other.baselines) {
            *own = (own.0 + more.0, own.1 + more.1);
        }
    }
}

/// Share of a point of the curve.
fn share_of(point: usize) -> f64 {
    (point + 1) as f64 / POINTS as f64
}

/// Computes the accuracy-coverage curve at 5, 10, … 100 %.
pub(crate) fn curve(records: &[Record]) -> Vec<CoveragePoint> {
    let mut bins = [CoverageBin::default(); POINTS];
    for record in records {
        let bin = (0..POINTS - 1).find(|point| record.confidence_rank <= share_of(*point));
        bins[bin.unwrap_or(POINTS - 1)].add(record);
    }
    let available: Vec<Baseline> = available(records).collect();
    let mut sum = CoverageBin::default();
    let points = bins.iter().enumerate().map(|(point, bin)| {
        sum.merge(bin);
        let counts = available.iter().map(|rule| sum.baselines[*rule as usize]);
        let best = counts.filter_map(|(correct, scored)| share(correct, scored)).reduce(f64::max);
        CoveragePoint {
            share: share_of(point),
            coverage: share(sum.predictions, records.len()),
            scored: sum.scored,
            accuracy: share(sum.correct, sum.scored),
            best_baseline_accuracy: best,
        }
    });
    points.collect()
}

/// Sorted margins of a model on validation windows, to rank predictions by confidence.
#[derive(Debug)]
pub(crate) struct ConfidenceRanks(Vec<f32>);

impl ConfidenceRanks {
    /// Sorts the margins p(UP) − p(DOWN) of the windows by size.
    pub(crate) fn new(margins: impl Iterator<Item = f32>) -> Self {
        let mut sorted: Vec<f32> = margins.map(f32::abs).collect();
        sorted.sort_by(f32::total_cmp);
        Self(sorted)
    }

    /// Share of the windows with at least the same |margin|; 1 without windows.
    pub(crate) fn rank(&self, margin: f32) -> f64 {
        let below = self.0.partition_point(|other| *other < margin.abs());
        share(self.0.len() - below, self.0.len()).unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use windvane_candles::Direction::{Down, Neutral};
    use windvane_models::Probabilities;

    use super::*;
    use crate::score::testing::{any_records, record};

    const SETTINGS: ScoreSettings<'_> = ScoreSettings { horizon: 1, seed: 7, costs: &[] };

    /// Record of an hour with the given rank, by a model that abstains.
    fn hour(t: i64, confidence_rank: f64, up: f32, change: f64) -> Record {
        let probabilities = Probabilities::new([up, 1.0 - up, 0.0]).unwrap();
        Record { probabilities, confidence_rank, ..record(t, Neutral, change) }
    }

    #[test]
    fn confidence_rank_is_the_share_of_windows_with_at_least_the_margin() {
        let ranks = ConfidenceRanks::new([0.1, -0.3, 0.2, -0.2].into_iter());
        for (margin, expected) in [
            (0.0, 1.0),
            (0.1, 1.0),
            (-0.15, 0.75),
            (0.2, 0.75),
            (0.25, 0.25),
            (-0.3, 0.25),
            (0.4, 0.0),
        ] {
            let got = ranks.rank(margin);
            assert!((got - expected).abs() < 1e-12, "{margin}: {got}");
        }
        // Equal margins all have rank 1.
        let flat = ConfidenceRanks::new([0.2_f32; 9].into_iter());
        assert!((flat.rank(0.2) - 1.0).abs() < 1e-12);
        assert!((ConfidenceRanks::new(std::iter::empty()).rank(0.5) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn most_confident_are_selected_by_validation_and_report_the_realised_share() {
        // 40 hours in the top tenth of validation, all right; 60 in the second half, all wrong.
        let mut records: Vec<Record> = (0..40).map(|t| hour(t, 0.1, 0.8, 0.01)).collect();
        records.extend((40..100).map(|t| hour(t, 0.7, 0.6, -0.02)));
        let all = MostConfident::all(&records, SETTINGS);
        let brief: Vec<(usize, Option<f64>, Option<f64>)> =
            all.iter().map(|s| (s.score.predictions, s.score.coverage, s.score.accuracy)).collect();
        let top = (40, Some(0.4), Some(1.0));
        assert_eq!(brief, [(100, Some(1.0), Some(0.4)), top, top, top]);
        assert!((all[3].mean_return.unwrap() - 0.01).abs() < 1e-12);
        assert!((all[0].mean_return.unwrap() - (0.4 - 1.2) / 100.0).abs() < 1e-12);
        assert_eq!(all[3].best_baseline.unwrap().rule, Baseline::AlwaysUp);
        assert_eq!(all[3].excess_accuracy.unwrap().value.abs().to_bits(), 0);
    }

    #[test]
    fn most_confident_without_predictions_are_undefined() {
        let records: Vec<Record> = (0..50).map(|t| hour(t, 0.9, 0.6, 0.01)).collect();
        let top = &MostConfident::all(&records, SETTINGS)[3];
        assert_eq!((top.score.coverage, top.score.accuracy), (Some(0.0), None));
        assert_eq!((top.mean_return, top.excess_accuracy, top.best_baseline), (None, None, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn coverage_curve_agrees_with_the_most_confident_shares(
            mut records in any_records(1..80),
            shares in prop::collection::vec(0..=20_u8, 80),
        ) {
            for (record, share) in records.iter_mut().zip(shares) {
                record.confidence_rank = f64::from(share) / 20.0;
            }
            let points = curve(&records);
            prop_assert!(points.windows(2).all(|two| two[0].scored <= two[1].scored));
            for selected in MostConfident::all(&records, SETTINGS) {
                let at = points.iter().find(|point| (point.share - selected.share).abs() < 1e-9);
                let at = at.unwrap();
                prop_assert_eq!(at.accuracy, selected.score.accuracy);
                prop_assert_eq!(at.coverage, selected.score.coverage);
                let baseline = selected.best_baseline.and_then(|baseline| baseline.score.accuracy);
                prop_assert_eq!(at.best_baseline_accuracy, baseline);
            }
            let whole = Accuracy::of(&records, Record::margin_direction);
            prop_assert_eq!(points[19].accuracy, whole.accuracy);
        }
    }

    #[test]
    fn full_coverage_uses_the_margin_where_the_model_abstains() {
        let records = [hour(0, 1.0, 0.4, -0.01)];
        assert_eq!(records[0].margin_direction(), Down);
        assert_eq!(curve(&records)[19].accuracy, Some(1.0));
    }
}
