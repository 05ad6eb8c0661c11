//! The bot itself: predicts at each close, trades the calls on paper, keeps the score.
use std::sync::Arc;
use std::time::Instant;

use hdrhistogram::Histogram;
use windvane::backtest::metrics::Proportion;
use windvane::backtest::{Accuracy, BaselineResult, Bounds, Record, Trading};
use windvane::prelude::*;
use windvane::signals::SignalPipeline;

type Error = Box<dyn std::error::Error>;

/// Longest time that is told apart, nanoseconds: ten seconds.
const LONGEST: u64 = 10_000_000_000;

/// A prediction on a streamed candle.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision {
    /// Index of the candle.
    pub(crate) row: usize,
    pub(crate) prediction: Prediction,
    /// Whether it came true; `None` while open, and for what no accuracy counts.
    pub(crate) hit: Option<bool>,
}

#[derive(Debug)]
pub(crate) struct Trader {
    pub(crate) model: Arc<dyn FittedModel>,
    predictor: Predictor,
    signals: SignalPipeline,
    /// The channels at the last candle; empty while warming up.
    pub(crate) last_signals: Vec<f64>,
    pair: Pair,
    /// All closed candles, those of the past first.
    pub(crate) candles: Vec<Candle>,
    /// Index of the first streamed one.
    pub(crate) live_from: Option<usize>,
    pub(crate) decisions: Vec<Decision>,
    /// Rises less falls of the past, over the horizon.
    rises: i64,
    /// Decisions whose outcome is known.
    records: Vec<Record>,
    /// Basis points per unit of turnover.
    pub(crate) cost: f64,
    /// From a streamed candle to its prediction, nanoseconds.
    pub(crate) latency: Histogram<u64>,
}

impl Trader {
    pub(crate) fn new(
        model: Arc<dyn FittedModel>,
        pair: Pair,
        interval: Interval,
        cost: f64,
    ) -> Result<Self, Error> {
        let predictor = Predictor::new(Arc::clone(&model), interval)?;
        let signals = SignalPipeline::new(&model.spec().signals, interval, &Registry::default())?;
        Ok(Self {
            model,
            predictor,
            signals,
            last_signals: Vec::new(),
            pair,
            candles: Vec::new(),
            live_from: None,
            decisions: Vec::new(),
            rises: 0,
            records: Vec::new(),
            cost,
            latency: Histogram::new_with_bounds(1, LONGEST, 3)?,
        })
    }

    /// Takes a closed candle: one of the past warms up, a streamed one is predicted from.
    pub(crate) fn on_candle(&mut self, candle: &Candle, streamed: bool) -> Result<(), Error> {
        let start = Instant::now();
        let prediction = self.predictor.on_candle(candle)?;
        let nanos = u64::try_from(start.elapsed().as_nanos())?;
        let row = self.candles.len();
        self.candles.push(*candle);
        let signals = self.signals.update(candle)?.last().unwrap_or_default();
        self.last_signals.clear();
        self.last_signals.extend_from_slice(signals);
        if !streamed {
            self.count(row);
            return Ok(());
        }
        self.settle(row);
        self.live_from.get_or_insert(row);
        if let Some(prediction) = prediction {
            self.latency.saturating_record(nanos);
            self.decisions.push(Decision { row, prediction, hit: None });
        }
        Ok(())
    }

    /// Candles until the next prediction.
    pub(crate) fn candles_needed(&self) -> usize {
        self.predictor.candles_needed()
    }

    pub(crate) fn streamed(&self) -> usize {
        self.live_from.map_or(0, |first| self.candles.len() - first)
    }

    /// All closed candles as a series.
    pub(crate) fn series(&self) -> Result<CandleSeries, Error> {
        let interval = self.model.spec().interval;
        Ok(CandleSeries::new(self.pair.clone(), interval, self.candles.clone())?)
    }

    /// Counts where the close went by this row of the past.
    fn count(&mut self, row: usize) {
        let horizon = self.model.spec().labels.horizon;
        let change = row.checked_sub(horizon).and_then(|from| self.change(from, horizon));
        self.rises += match change.map(Direction::of_change) {
            Some(Direction::Up) => 1,
            Some(Direction::Down) => -1,
            _ => 0,
        };
    }

    /// The candle of this row settles the decision of as many candles before as the horizon has. A
    /// decision across a gap is not settled: the change over missing candles is no outcome.
    fn settle(&mut self, row: usize) {
        let horizon = self.model.spec().labels.horizon;
        let Some(decided) = row.checked_sub(horizon) else { return };
        let newest = self.decisions.iter().rposition(|decision| decision.row == decided);
        let (Some(index), Some(change)) = (newest, self.change(decided, horizon)) else { return };
        let Decision { prediction, .. } = &self.decisions[index];
        let before = decided.checked_sub(horizon).and_then(|before| self.change(before, horizon));
        let record = Record {
            decided_at: prediction.decided_at,
            interval: self.model.spec().interval,
            instrument: 0,
            fold: 1,
            path: 1,
            row: decided,
            change,
            next_change: self.change(decided, 1).unwrap_or_default(),
            // No running number depends on the label or on how sure the validation windows were.
            label: Direction::of_change(change),
            called: prediction.direction,
            probabilities: prediction.probabilities,
            top_share: 0.0,
            last: before.map_or(Direction::Neutral, Direction::of_change),
            majority: if self.rises < 0 { Direction::Down } else { Direction::Up },
            logistic: None,
            boosted: None,
        };
        self.decisions[index].hit = record.hit(record.called);
        self.records.push(record);
    }

    /// Change of the close over some candles; `None` across a gap.
    fn change(&self, from: usize, count: usize) -> Option<f64> {
        let (first, last) = (self.candles.get(from)?, self.candles.get(from + count)?);
        let steps = i64::try_from(count).ok()?;
        let together =
            first.open_time().plus(self.model.spec().interval, steps) == Some(last.open_time());
        together.then(|| (last.close() - first.close()) / first.close())
    }

    /// Accuracy so far, with Wilson's 95 % interval.
    pub(crate) fn accuracy(&self) -> (Accuracy, Option<Bounds>) {
        let accuracy = Accuracy::of(&self.records, |record| record.called);
        let proportion = Proportion::new(accuracy.hits as u64, accuracy.scored as u64);
        (accuracy, proportion.and_then(|proportion| proportion.wilson(0.95)))
    }

    /// The rule that knows nothing and does best on the candles scored so far, with hindsight.
    pub(crate) fn best_baseline(&self) -> Option<BaselineResult> {
        BaselineResult::best(&self.records)
    }

    /// What 1 has grown to, after costs and before.
    pub(crate) fn equity(&self) -> (f64, f64) {
        let growth = |cost| Trading::growth(&self.records, self.model.spec().labels.horizon, cost);
        (growth(self.cost), growth(0.0))
    }
}
