//! Selective accuracy: accuracy of the most confident calls, by coverage.
use serde::Serialize;

use crate::metrics::Bounds;
use crate::metrics::share;
use crate::score::baseline::known;
use crate::score::bootstrap::Terms;
use crate::score::comparison::Comparison;
use crate::score::portfolio::side;
use crate::score::{Accuracy, Baseline, BaselineResult, Lead, Record};

/// Shares of all candles that reports give in full.
const SHARES: [f64; 4] = [1.0, 0.5, 0.2, 0.1];
/// Points of the curve.
const POINTS: usize = 20;

/// A model on the candles it is surest of, calling each of them by the sign of p(UP) − p(DOWN).
///
/// The threshold on |p(UP) − p(DOWN)| is that of the asked share of the fold's **validation**
/// windows, all instruments together: nothing of the test is needed to choose it, so what is
/// scored is what a bot with that threshold would have had. The realised share is the
/// coverage of the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Selected {
    /// The share asked for, on validation windows.
    pub share: f64,
    /// Score of the selected calls; its coverage is the realised share.
    #[serde(flatten)]
    pub score: Accuracy,
    /// 95 % interval of the accuracy: block bootstrap over calendar time.
    pub interval_95: Option<Bounds>,
    /// The best baseline on the candles scored, chosen with hindsight.
    pub best_baseline: Option<BaselineResult>,
    /// The model's lead over it.
    pub lead: Option<Lead>,
    /// Mean of the change in the called direction over the horizon, a fraction, before costs.
    pub mean_return: Option<f64>,
}

impl Selected {
    /// At 100, 50, 20 and 10 %.
    pub(crate) fn all(records: &[Record], terms: Terms<'_>) -> Vec<Self> {
        SHARES.iter().map(|share| Self::of(*share, records, terms)).collect()
    }

    fn of(share: f64, records: &[Record], terms: Terms<'_>) -> Self {
        let chosen = records.iter().filter(|record| record.top_share <= share);
        let calls: Vec<Record> =
            chosen.map(|record| Record { called: record.edge_call(), ..*record }).collect();
        let Comparison { interval_95, best, lead, .. } = Comparison::of(&calls, terms);
        let score = Accuracy::of(&calls, |record| record.called);
        let gains: f64 = calls.iter().map(|record| side(record.called) * record.change).sum();
        Self {
            share,
            score: score.among(records.len()),
            interval_95,
            best_baseline: best,
            lead,
            mean_return: (score.calls > 0).then(|| gains / score.calls as f64),
        }
    }
}

/// A point of the accuracy-coverage curve, chosen like [`Selected`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct CoveragePoint {
    /// The share asked for, on validation windows.
    pub(crate) share: f64,
    /// The realised share of the test candles; `None` without any.
    pub(crate) coverage: Option<f64>,
    /// Calls on a close that moved.
    pub(crate) scored: usize,
    /// Share of those that came true; `None` without any.
    pub(crate) accuracy: Option<f64>,
    /// Accuracy of the baseline that does best on those candles, with hindsight.
    pub(crate) best_baseline_accuracy: Option<f64>,
}

/// Calls and hits of the records between two thresholds.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    calls: usize,
    scored: usize,
    hits: usize,
    baselines: [(usize, usize); Baseline::ALL.len()],
}

impl Bin {
    fn add(&mut self, record: &Record) {
        let call = record.edge_call();
        self.calls += usize::from(call != windvane_candles::Direction::Neutral);
        let Some(hit) = record.hit(call) else { return };
        self.scored += 1;
        self.hits += usize::from(hit);
        for (rule, (hits, scored)) in Baseline::ALL.iter().zip(&mut self.baselines) {
            let hit = record.hit(record.baselines.call(*rule));
            *hits += usize::from(hit == Some(true));
            *scored += usize::from(hit.is_some());
        }
    }

    fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.scored += other.scored;
        self.hits += other.hits;
        for (own, more) in self.baselines.iter_mut().zip(&other.baselines) {
            *own = (own.0 + more.0, own.1 + more.1);
        }
    }
}

/// Share of a point of the curve.
fn share_of(point: usize) -> f64 {
    (point + 1) as f64 / POINTS as f64
}

/// The curve at 5, 10, … 100 %.
pub(crate) fn curve(records: &[Record]) -> Vec<CoveragePoint> {
    let mut bins = [Bin::default(); POINTS];
    for record in records {
        let bin = (0..POINTS - 1).find(|point| record.top_share <= share_of(*point));
        bins[bin.unwrap_or(POINTS - 1)].add(record);
    }
    let known: Vec<Baseline> = known(records).collect();
    let mut sum = Bin::default();
    let points = bins.iter().enumerate().map(|(point, bin)| {
        sum.merge(bin);
        let tallies = known.iter().map(|rule| sum.baselines[*rule as usize]);
        let best = tallies.filter_map(|(hits, scored)| share(hits, scored)).reduce(f64::max);
        CoveragePoint {
            share: share_of(point),
            coverage: share(sum.calls, records.len()),
            scored: sum.scored,
            accuracy: share(sum.hits, sum.scored),
            best_baseline_accuracy: best,
        }
    });
    points.collect()
}

/// Sorted margins of a model on validation windows, to rank predictions by confidence.
#[derive(Debug)]
pub(crate) struct Sureness(Vec<f32>);

impl Sureness {
    /// Of the windows' p(UP) − p(DOWN).
    pub(crate) fn new(edges: impl Iterator<Item = f32>) -> Self {
        let mut sorted: Vec<f32> = edges.map(f32::abs).collect();
        sorted.sort_by(f32::total_cmp);
        Self(sorted)
    }

    /// Share of the windows with an edge at least as far from 0; 1 without windows.
    pub(crate) fn top_share(&self, edge: f32) -> f64 {
        let below = self.0.partition_point(|other| *other < edge.abs());
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

    const TERMS: Terms<'_> = Terms { horizon: 1, seed: 7, costs: &[] };

    /// An hour called with the given sureness, by a model that abstains.
    fn sure(t: i64, top_share: f64, up: f32, change: f64) -> Record {
        let probabilities = Probabilities::new([up, 1.0 - up, 0.0]).unwrap();
        Record { probabilities, top_share, ..record(t, Neutral, change) }
    }

    #[test]
    fn sureness_is_the_share_of_windows_at_least_as_sure() {
        let sureness = Sureness::new([0.1, -0.3, 0.2, -0.2].into_iter());
        for (edge, expected) in [
            (0.0, 1.0),
            (0.1, 1.0),
            (-0.15, 0.75),
            (0.2, 0.75),
            (0.25, 0.25),
            (-0.3, 0.25),
            (0.4, 0.0),
        ] {
            let got = sureness.top_share(edge);
            assert!((got - expected).abs() < 1e-12, "{edge}: {got}");
        }
        // A model that is always as sure has no surest calls.
        let flat = Sureness::new([0.2_f32; 9].into_iter());
        assert!((flat.top_share(0.2) - 1.0).abs() < 1e-12);
        assert!((Sureness::new(std::iter::empty()).top_share(0.5) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_surest_are_chosen_by_validation_and_the_realised_share_is_told() {
        // 40 hours in the top tenth of validation, all right; 60 in the second half, all wrong.
        let mut records: Vec<Record> = (0..40).map(|t| sure(t, 0.1, 0.8, 0.01)).collect();
        records.extend((40..100).map(|t| sure(t, 0.7, 0.6, -0.02)));
        let all = Selected::all(&records, TERMS);
        let brief: Vec<(usize, Option<f64>, Option<f64>)> =
            all.iter().map(|s| (s.score.calls, s.score.coverage, s.score.accuracy)).collect();
        let surest = (40, Some(0.4), Some(1.0));
        assert_eq!(brief, [(100, Some(1.0), Some(0.4)), surest, surest, surest]);
        assert!((all[3].mean_return.unwrap() - 0.01).abs() < 1e-12);
        assert!((all[0].mean_return.unwrap() - (0.4 - 1.2) / 100.0).abs() < 1e-12);
        assert_eq!(all[3].best_baseline.unwrap().rule, Baseline::AlwaysUp);
        assert_eq!(all[3].lead.unwrap().lead.abs().to_bits(), 0);
    }

    #[test]
    fn where_no_candle_is_sure_enough_all_is_undefined() {
        let records: Vec<Record> = (0..50).map(|t| sure(t, 0.9, 0.6, 0.01)).collect();
        let surest = &Selected::all(&records, TERMS)[3];
        assert_eq!((surest.score.coverage, surest.score.accuracy), (Some(0.0), None));
        assert_eq!((surest.mean_return, surest.lead, surest.best_baseline), (None, None, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_curve_and_the_shares_agree(
            mut records in any_records(1..80),
            shares in prop::collection::vec(0..=20_u8, 80),
        ) {
            for (record, share) in records.iter_mut().zip(shares) {
                record.top_share = f64::from(share) / 20.0;
            }
            let points = curve(&records);
            prop_assert!(points.windows(2).all(|two| two[0].scored <= two[1].scored));
            for selected in Selected::all(&records, TERMS) {
                let at = points.iter().find(|point| (point.share - selected.share).abs() < 1e-9);
                let at = at.unwrap();
                prop_assert_eq!(at.accuracy, selected.score.accuracy);
                prop_assert_eq!(at.coverage, selected.score.coverage);
                let baseline = selected.best_baseline.and_then(|baseline| baseline.score.accuracy);
                prop_assert_eq!(at.best_baseline_accuracy, baseline);
            }
            let whole = Accuracy::of(&records, Record::edge_call);
            prop_assert_eq!(points[19].accuracy, whole.accuracy);
        }
    }

    #[test]
    fn an_unsure_side_is_called_too() {
        let records = [sure(0, 1.0, 0.4, -0.01)];
        assert_eq!(records[0].edge_call(), Down);
        assert_eq!(curve(&records)[19].accuracy, Some(1.0));
    }
}
