//! How accuracy changes when only the calls a model is surest of count.
use serde::Serialize;

use crate::accuracy::share;
use crate::bootstrap::Terms;
use crate::comparison::Comparison;
use crate::trading::side;
use crate::{Accuracy, Bounds, Lead, NaiveResult, NaiveRule, Record};

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
    /// What came of it; its coverage is the realised share.
    #[serde(flatten)]
    pub score: Accuracy,
    /// 95 % interval of the accuracy: block bootstrap over calendar time.
    pub interval_95: Option<Bounds>,
    /// The best naive rule on the candles scored, chosen with hindsight.
    pub best_naive: Option<NaiveResult>,
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
        let chosen = |record: &&Record| record.top_share <= share;
        let called = |record: &Record| Record { called: record.edge_call(), ..*record };
        let calls: Vec<Record> = records.iter().filter(chosen).map(called).collect();
        let Comparison { interval_95, best, lead, .. } = Comparison::of(&calls, terms);
        let score = Accuracy::of(&calls, |record| record.called);
        let gain = |record: &Record| side(record.called) * record.change;
        let gains: f64 = calls.iter().map(gain).sum();
        Self {
            share,
            score: score.among(records.len()),
            interval_95,
            best_naive: best,
            lead,
            mean_return: (score.calls > 0).then(|| gains / score.calls as f64),
        }
    }
}

/// A point of the accuracy-coverage curve, chosen like [`Selected`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CoveragePoint {
    /// The share asked for, on validation windows.
    pub share: f64,
    /// The realised share of the test candles; `None` without any.
    pub coverage: Option<f64>,
    /// Calls on a close that moved.
    pub scored: usize,
    /// Share of those that came true; `None` without any.
    pub accuracy: Option<f64>,
    /// Accuracy of the naive rule that does best on those candles, with hindsight.
    pub best_naive_accuracy: Option<f64>,
}

/// Calls and hits of the records between two thresholds.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    calls: usize,
    scored: usize,
    hits: usize,
    naive: [(usize, usize); NaiveRule::ALL.len()],
}

impl Bin {
    fn add(&mut self, record: &Record) {
        let call = record.edge_call();
        self.calls += usize::from(call != windvane_candles::Direction::Neutral);
        let Some(hit) = record.hit(call) else { return };
        self.scored += 1;
        self.hits += usize::from(hit);
        for (rule, (hits, scored)) in NaiveRule::ALL.iter().zip(&mut self.naive) {
            let hit = record.hit(rule.call(record));
            *hits += usize::from(hit == Some(true));
            *scored += usize::from(hit.is_some());
        }
    }

    fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.scored += other.scored;
        self.hits += other.hits;
        for (own, more) in self.naive.iter_mut().zip(&other.naive) {
            *own = (own.0 + more.0, own.1 + more.1);
        }
    }
}

/// The curve at 5, 10, … 100 %.
pub(crate) fn curve(records: &[Record]) -> Vec<CoveragePoint> {
    let share_of = |point: usize| (point + 1) as f64 / POINTS as f64;
    let mut bins = [Bin::default(); POINTS];
    for record in records {
        let bin = (0..POINTS - 1).find(|point| record.top_share <= share_of(*point));
        bins[bin.unwrap_or(POINTS - 1)].add(record);
    }
    let mut sum = Bin::default();
    let point = |(point, bin): (usize, &Bin)| {
        sum.merge(bin);
        let naive = sum.naive.iter().filter_map(|(hits, scored)| share(*hits, *scored));
        CoveragePoint {
            share: share_of(point),
            coverage: share(sum.calls, records.len()),
            scored: sum.scored,
            accuracy: share(sum.hits, sum.scored),
            best_naive_accuracy: naive.reduce(f64::max),
        }
    };
    bins.iter().enumerate().map(point).collect()
}

/// How sure a model was on validation windows: what thresholds are chosen by.
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
