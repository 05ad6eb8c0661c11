//! Anomaly gate: single candles that no training candle resembles, such as faults of the feed.
mod checks;
mod forest;
mod mahalanobis;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use windvane_candles::{Candle, CandleSeries, Interval, Timestamp};
use windvane_signals::{SignalError, TrainSet};

use crate::{SettingError, TrainError};

use checks::CHECKS;
pub(super) use checks::CandleChecks;
use forest::IsolationForest;
use mahalanobis::Mahalanobis;

/// Minimum number of training candles.
const MIN_CANDLES: usize = 500;
/// Share of the training candles with a score up to the limit, for each of the two scores.
const NORMAL_SHARE: f64 = 0.997;

/// Anomaly gate: detects single candles that differ from the candles of the training period, such
/// as a bad tick, a stuck price, swapped columns or a volume in another unit.
///
/// It is a part of a [`TrainingProfile`](crate::TrainingProfile), so the guard of a predictor uses
/// it: the prediction at such a candle is NEUTRAL with the reason
/// [`Anomaly`](crate::NeutralReason::Anomaly).
///
/// **Formula** With the log return r over one candle, σ² the mean of r², ranges `ln(high / low)`
/// and volumes v, each candle has a row of five properties:
///
/// ```text
/// asinh(r / σ)
/// ln(|ln(open / previous close)| / σ + 0.01)
/// ln(range / mean range + 0.01)
/// ln(v / exp(mean ln v) + 0.0001)
/// ln(1 + number of unchanged candles in a row)      all four prices equal the previous close
/// ```
///
/// The means are exponential, with a half-life of 48 candles, over the candles before; extreme
/// values are clipped in them. After missing candles the first two are divided by the square root
/// of the number of intervals. Two scores compare a row with those of the training period: the
/// Mahalanobis distance with a shrunk covariance, and an isolation forest of 100 trees. A candle is
/// an anomaly if either score exceeds its 0.997-quantile over the training candles, or if its volume
/// has at least two decimals more than each of the 48 to 96 volumes before. **Source** Mahalanobis
/// 1936; Ledoit and Wolf 2004; Liu, Ting and Zhou 2008; the decimals are windvane's own.
///
/// Volumes are multiples of a lot, such as 0.1. Those in the quote currency have the decimals of the
/// price as well, which shows even where the price is near 1 and the level of the volume stays. After
/// one candle the new unit is known.
///
/// The values of the model's channels are not part of the row: with them, fewer faults were
/// detected, because a fault shows in few of the properties. The guard compares the channels in its
/// checks for novelty and drift.
///
/// **Warm-up** 49 candles, during which no candle is an anomaly; nor is one while no price has
/// changed since the first candle.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, simulate::MarketModel};
/// use windvane_models::{AnomalyGate, TrainingProfile};
/// use windvane_signals::{LabelSpec, Registry, SampleSet, SignalSpec, SignalTable, Split};
///
/// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 1_500, 1)?;
/// let tables =
///     [SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[])?];
/// let samples = SampleSet::collect(&tables, 20, LabelSpec::default())?;
/// let train = Split::for_live(&samples, 0.15)?.train(&samples)?;
///
/// let gate = AnomalyGate::fit(&train, &[series], 1)?;
/// let profile = TrainingProfile::fit(&train, 250)?.with_anomaly_gate(gate);
/// assert!(profile.anomaly_gate().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredGate", into = "StoredGate")]
pub struct AnomalyGate(StoredGate);

/// Saved form of a gate, not validated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredGate {
    mahalanobis: Mahalanobis,
    max_distance: f64,
    forest: IsolationForest,
    max_score: f64,
}

impl From<AnomalyGate> for StoredGate {
    fn from(AnomalyGate(parts): AnomalyGate) -> Self {
        parts
    }
}

impl TryFrom<StoredGate> for AnomalyGate {
    type Error = TrainError;

    fn try_from(parts: StoredGate) -> Result<Self, TrainError> {
        parts.mahalanobis.validate(CHECKS)?;
        parts.forest.validate(CHECKS)?;
        for limit in [parts.max_distance, parts.max_score] {
            if !limit.is_finite() || limit < 0.0 {
                let expected = "finite and at least 0";
                SettingError::refuse::<()>("limit of an anomaly gate", expected, limit)?;
            }
        }
        Ok(Self(parts))
    }
}

impl AnomalyGate {
    /// Fits the gate on the candles of the training period; `series` are the candles of the tables,
    /// others are ignored. Equal seeds give equal gates.
    ///
    /// Between 0.3 and 0.6 % of the training candles are anomalies. The candles of several pairs
    /// are pooled.
    ///
    /// # Errors
    /// [`SignalError::MissingPair`] if the series of a table is missing,
    /// [`TrainError::TooFewWindows`] for fewer than 500 training candles after the warm-up.
    pub fn fit<'a>(
        train: &TrainSet,
        series: impl IntoIterator<Item = &'a CandleSeries>,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let candles = TrainingRows::new(train, series)?;
        let got = candles.counts.iter().sum();
        if got < MIN_CANDLES {
            return Err(TrainError::TooFewWindows { expected: MIN_CANDLES, got });
        }
        let rows = FitRows { count: got, width: CHECKS, each: &|take| candles.each(take) };
        let mahalanobis = Mahalanobis::fit(&rows);
        let forest = IsolationForest::fit(&rows, seed);
        let max_distance = candles.normal_limit(|row| mahalanobis.distance(row));
        let max_score = candles.normal_limit(|row| forest.score(row));
        Ok(Self(StoredGate { mahalanobis, max_distance, forest, max_score }))
    }

    /// Returns the open times of the anomalies of a series, in order. The first 49 candles are not
    /// judged.
    pub fn anomalies(&self, series: &CandleSeries) -> Vec<Timestamp> {
        let mut checks = CandleChecks::default();
        let found =
            series.iter().filter(|candle| self.check(&mut checks, candle, series.interval()));
        found.map(Candle::open_time).collect()
    }

    /// Takes the next candle of a feed and returns whether it is an anomaly.
    pub(super) fn check(
        &self,
        checks: &mut CandleChecks,
        candle: &Candle,
        interval: Interval,
    ) -> bool {
        let row = checks.take(candle, interval);
        row.is_some_and(|row| self.is_anomaly(&row)) || checks.has_finer_volume()
    }

    /// Returns whether a candle with these properties is an anomaly.
    fn is_anomaly(&self, row: &[f64; CHECKS]) -> bool {
        self.0.mahalanobis.distance(row) > self.0.max_distance
            || self.0.forest.score(row) > self.0.max_score
    }
}

/// Candles of the training period with their properties, which every pass computes again: the
/// properties of all candles would take almost as much memory as the candles.
struct TrainingRows<'t, 's> {
    train: &'t TrainSet,
    series: Vec<&'s CandleSeries>,
    /// Number of rows of each series.
    counts: Vec<usize>,
}

/// Number of rows of a series that are collected before their scores are computed.
const BLOCK: usize = 4_096;
/// Number of rows whose scores one task of a thread computes.
const TASK: usize = 64;

impl<'t, 's> TrainingRows<'t, 's> {
    fn new(
        train: &'t TrainSet,
        series: impl IntoIterator<Item = &'s CandleSeries>,
    ) -> Result<Self, SignalError> {
        let by_pair: HashMap<_, _> = series.into_iter().map(|own| (own.pair(), own)).collect();
        let used = train.used_tables().into_iter().flatten();
        let series = used.map(|table| {
            let own = by_pair.get(table.pair()).copied();
            own.ok_or_else(|| SignalError::MissingPair { pair: table.pair().clone() })
        });
        let series = series.collect::<Result<Vec<_>, _>>()?;
        let mut counts = vec![0; series.len()];
        let places = series.iter().zip(&mut counts).collect();
        for_each(places, |(own, count)| *count = rows(train, own).count());
        Ok(Self { train, series, counts })
    }

    fn each(&self, take: &mut TakeRow<'_>) {
        for own in &self.series {
            rows(self.train, own).for_each(|row| take(&row));
        }
    }

    /// Upper quantile of the scores of the rows. They are computed in parallel; each is that of its
    /// row, so the number of threads does not change the quantile.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    fn normal_limit(&self, score: impl Fn(&[f64]) -> f64 + Sync) -> f64 {
        let mut scores = vec![0.0; self.counts.iter().sum()];
        let (mut parts, mut rest) = (Vec::new(), &mut scores[..]);
        for (own, count) in self.series.iter().zip(&self.counts) {
            let (part, others) = rest.split_at_mut(*count);
            parts.push((own, part));
            rest = others;
        }
        for_each(parts, |(own, part)| score_rows(rows(self.train, own), part, &score));
        scores.sort_unstable_by(f64::total_cmp);
        scores[((scores.len() - 1) as f64 * NORMAL_SHARE).ceil() as usize]
    }
}

/// Rows of the candles of a series that training may read.
fn rows(train: &TrainSet, own: &CandleSeries) -> impl Iterator<Item = [f64; CHECKS]> {
    let mut checks = CandleChecks::default();
    own.iter().enumerate().filter_map(move |(index, candle)| {
        let row = checks.take(candle, own.interval())?;
        own.close_time(index).filter(|at| train.covers(*at)).map(|_| row)
    })
}

/// Computes the scores of the rows of a series, block by block.
fn score_rows(
    mut rows: impl Iterator<Item = [f64; CHECKS]>,
    scores: &mut [f64],
    score: &(impl Fn(&[f64]) -> f64 + Sync),
) {
    let mut block = Vec::with_capacity(BLOCK.min(scores.len()));
    for scores in scores.chunks_mut(BLOCK) {
        block.clear();
        block.extend(rows.by_ref().take(scores.len()));
        let tasks = scores.chunks_mut(TASK).zip(block.chunks(TASK)).collect();
        for_each(tasks, |(scores, rows): (&mut [f64], &[[f64; CHECKS]])| {
            for (place, row) in scores.iter_mut().zip(rows) {
                *place = score(row);
            }
        });
    }
}

/// Passes every item to a function, in parallel with the feature `train`.
#[cfg(feature = "train")]
fn for_each<T: Send>(items: Vec<T>, run: impl Fn(T) + Sync + Send) {
    use rayon::prelude::*;
    items.into_par_iter().for_each(run);
}

/// Passes every item to a function.
#[cfg(not(feature = "train"))]
fn for_each<T>(items: Vec<T>, run: impl Fn(T)) {
    items.into_iter().for_each(run);
}

/// Function that takes a row.
type TakeRow<'a> = dyn FnMut(&[f64]) + 'a;

/// Rows to fit a score on, which every pass may compute again.
struct FitRows<'a> {
    /// Number of rows, at least one.
    count: usize,
    width: usize,
    /// Passes every row to a function.
    each: &'a dyn Fn(&mut TakeRow<'_>),
}

impl FitRows<'_> {
    fn each(&self, mut take: impl FnMut(&[f64])) {
        (self.each)(&mut take);
    }
}

#[cfg(test)]
mod tests {
    use super::{FitRows, TakeRow};

    /// Fits a score on rows of `width` values.
    pub(super) fn fit_rows<T>(
        rows: &[f64],
        width: usize,
        fit: impl FnOnce(&FitRows<'_>) -> T,
    ) -> T {
        let each = |take: &mut TakeRow<'_>| rows.chunks_exact(width).for_each(take);
        fit(&FitRows { count: rows.len() / width, width, each: &each })
    }
}
