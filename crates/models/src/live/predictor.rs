//! Predictor for live loops: takes candles, returns predictions.
use std::borrow::Cow;
use std::fmt;

use windvane_candles::{Candle, CandleSeries, Direction, Interval, Timestamp};
use windvane_signals::{MarketSnapshot, Registry, SignalPipeline};

use super::builder::PredictorBuilder;
use super::feed_stats::{self, FeedStats};
use super::guard::Guard;
use super::history::History;
use super::recurrent;
use super::rows::RowRing;
use crate::{FittedModel, ModelSpec, NeutralReason, PredictError, Prediction, Scratch};

/// Predictor for live loops: takes candles one by one and predicts after each.
///
/// It uses the same pipeline and the same model as a backtest, so the predictions have the same
/// bits. After construction it allocates nothing. Many predictors can share one model in an `Arc`;
/// each has a few KB of its own.
///
/// # Examples
/// With a fitted or loaded `model`:
/// ```
/// # use windvane_models::{FittedModel, Predictor, PredictError};
/// # use windvane_candles::{Candle, Interval};
/// # fn live(model: impl FittedModel + 'static, feed: Vec<Candle>) -> Result<(), PredictError> {
/// let mut predictor = Predictor::new(model, Interval::HOUR)?;
/// for candle in feed {
///     if let Some(prediction) = predictor.on_candle(&candle)? {
///         println!("{} with {:.0} %", prediction.direction, 100.0 * prediction.confidence);
///     }
/// }
/// # Ok(()) }
/// ```
pub struct Predictor {
    pub(super) model: Box<dyn FittedModel>,
    /// Own registry of channels; `None` for the built-in channels.
    pub(super) registry: Option<Box<Registry>>,
    pub(super) pipeline: SignalPipeline,
    pub(super) scratch: Scratch,
    pub(super) rows: RowRing,
    /// Recurrent state of a stateful model; empty for others.
    pub(super) state: Vec<f32>,
    /// Number of rows since the start or the last reset.
    pub(super) seen: usize,
    pub(super) history: History,
    pub(super) stats: FeedStats,
    /// Time after which every prediction is NEUTRAL.
    pub(super) valid_until: Option<Timestamp>,
    pub(super) guard: Option<Box<Guard>>,
}

/// Shows model, interval and position in the feed, without the kept candles and rows.
impl fmt::Debug for Predictor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Predictor")
            .field("model", self.model.id())
            .field("interval", &self.pipeline.interval())
            .field("last_open_time", &self.last_open_time())
            .field("candles_needed", &self.candles_needed())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// Construction.
impl Predictor {
    /// Creates a predictor with default settings for a feed of `interval` candles. To share a model
    /// between predictors, pass an `Arc` of it. A model with own channels needs
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// [`PredictError::Interval`] if the model was fitted on candles of another interval,
    /// [`PredictError::Signal`] if a channel cannot be built or the model's own spec is out of
    /// range.
    pub fn new(
        model: impl FittedModel + 'static,
        interval: Interval,
    ) -> Result<Self, PredictError> {
        Self::builder(model, interval).build()
    }

    /// Creates a builder for a predictor with settings: own channels, kept candles, gaps, expiry,
    /// guard.
    pub fn builder(model: impl FittedModel + 'static, interval: Interval) -> PredictorBuilder {
        PredictorBuilder::new(Box::new(model), interval)
    }

    pub(super) fn with_defaults(
        model: Box<dyn FittedModel>,
        interval: Interval,
        registry: Option<Box<Registry>>,
    ) -> Result<Self, PredictError> {
        let spec = model.spec();
        check(spec, interval)?;
        let pipeline = SignalPipeline::new(&spec.signals, interval, &known(registry.as_deref()))?;
        let rows = RowRing::new(spec.lookback, pipeline.width());
        let history = History::new(pipeline.warm_up() + spec.lookback);
        let (scratch, stats) = (model.scratch(), FeedStats::default());
        let state = vec![0.0; recurrent::state_len(&*model)];
        Ok(Self {
            model,
            registry,
            pipeline,
            scratch,
            rows,
            state,
            seen: 0,
            history,
            stats,
            valid_until: None,
            guard: None,
        })
    }
}

/// Candles in, predictions out.
impl Predictor {
    /// Takes a closed candle, optionally with other pairs' candles of the same time, and predicts.
    /// Returns `None` during the warm-up.
    ///
    /// The candle must have closed: its close, high, low and volume are final. For a feed that also
    /// sends updates of unfinished candles, use [`on_update`](Self::on_update).
    ///
    /// # Errors
    /// [`PredictError::Duplicate`], [`PredictError::Late`], [`PredictError::Misaligned`],
    /// [`PredictError::Overlap`], [`PredictError::OutOfSync`], [`PredictError::Gap`] and
    /// [`PredictError::Signal`] for a rejected candle. The state is then unchanged, except for the
    /// [`feed_stats`](Self::feed_stats). If the model returns an error, as
    /// [`predict`](crate::DirectionModel::predict) describes, the candle has still been consumed;
    /// sending it again is rejected as a duplicate.
    pub fn on_candle<'m>(
        &mut self,
        market: impl Into<MarketSnapshot<'m>>,
    ) -> Result<Option<Prediction>, PredictError> {
        let market = market.into();
        let decided_at = market.own().close_time(self.pipeline.interval());
        self.take(market)?;
        self.decide(decided_at)
    }

    /// Takes an update of a feed that also sends unfinished candles: `closed` is the feed's flag
    /// for the final update of a candle.
    ///
    /// # Errors
    /// [`PredictError::Unfinished`] for an unfinished candle, with the state unchanged; otherwise
    /// the errors of [`on_candle`](Self::on_candle).
    pub fn on_update<'m>(
        &mut self,
        market: impl Into<MarketSnapshot<'m>>,
        closed: bool,
    ) -> Result<Option<Prediction>, PredictError> {
        let market = market.into();
        if closed {
            return self.on_candle(market);
        }
        feed_stats::add(&mut self.stats.unfinished, 1);
        let open_time = market.own().open_time();
        Err(PredictError::Unfinished { open_time, interval: self.pipeline.interval() })
    }

    /// Takes historical candles without predicting. Later predictions are the same as if
    /// [`on_candle`](Self::on_candle) had taken these candles.
    /// [`candles_needed`](Self::candles_needed) is the required number.
    ///
    /// Candles up to the [last accepted one](Self::last_open_time) are skipped, so the same method
    /// catches up after a pause and fills a gap.
    ///
    /// # Errors
    /// [`PredictError::Interval`] for a series of another interval, and the errors of
    /// [`on_candle`](Self::on_candle) for its candles. The candles before the rejected one have
    /// been consumed.
    pub fn warm_up(&mut self, history: &CandleSeries) -> Result<(), PredictError> {
        let expected = self.pipeline.interval();
        if history.interval() != expected {
            return Err(PredictError::Interval { expected, got: history.interval() });
        }
        let last = self.last_open_time();
        for candle in history.iter().filter(|candle| last.is_none_or(|l| candle.open_time() > l)) {
            self.take(candle.into())?;
            let window = self.rows.window(candle.close_time(expected));
            if let (Some(guard), Some(window)) = (&mut self.guard, window) {
                guard.take(&window);
            }
        }
        Ok(())
    }

    /// Updates pipeline, rows, recurrent state, history and statistics with a candle. A rejected
    /// candle changes only the statistics.
    #[inline]
    fn take(&mut self, market: MarketSnapshot<'_>) -> Result<(), PredictError> {
        let candle: &Candle = market.own();
        let last = self.pipeline.last_open_time();
        let rows = match self.pipeline.update(market) {
            Ok(rows) => rows,
            Err(error) => {
                self.stats.refuse(&error, candle, &self.history);
                return Err(error.into());
            }
        };
        let restarted = rows.restarted();
        let held = rows.len() - 1;
        self.rows.take(rows);
        let updated =
            recurrent::take(&*self.model, rows, restarted, &mut self.state, &mut self.scratch);
        self.seen = if restarted { 0 } else { self.seen }.saturating_add(held + 1);
        self.history.push(candle, restarted);
        feed_stats::add(&mut self.stats.taken, 1);
        let interval = self.pipeline.interval();
        if let Some(last) = last.filter(|last| last.plus(interval, 1) != Some(candle.open_time())) {
            // A day by session may be an hour shorter or longer without a gap.
            let missing = interval.missing_between(last, candle.open_time());
            if missing > 0 {
                self.stats.gap(missing, held, restarted);
            }
        }
        if self.rows.run() < self.rows.lookback() && self.warming() == 0 {
            feed_stats::add(&mut self.stats.undefined, 1);
        }
        updated
    }

    fn decide(&mut self, decided_at: Timestamp) -> Result<Option<Prediction>, PredictError> {
        let Some(window) = self.rows.window(decided_at) else { return Ok(None) };
        if let Some(guard) = &mut self.guard {
            guard.take(&window);
        }
        let prediction = match self.model.stateful().filter(|_| !self.state.is_empty()) {
            Some(model) => model.predict_with_state(window, &self.state, &mut self.scratch)?,
            None => self.model.predict(window, &mut self.scratch)?,
        };
        if prediction.direction == Direction::Neutral {
            return Ok(Some(prediction));
        }
        let expired = self.valid_until.is_some_and(|until| decided_at > until);
        let veto = match &self.guard {
            _ if expired => Some(NeutralReason::Expired),
            Some(guard) => guard.veto(&window),
            None => None,
        };
        Ok(Some(match veto {
            Some(reason) => prediction.into_neutral(reason),
            None => prediction,
        }))
    }

    /// Changes [`PredictorBuilder::stop_at_gaps`], for example to accept the candle after an outage
    /// of the exchange, whose missing candles will never be available.
    pub fn set_stop_at_gaps(&mut self, stop: bool) {
        self.pipeline.stop_at_gaps(stop);
    }

    /// Open time of the last accepted candle; after a pause, fetch the candles that follow it.
    pub fn last_open_time(&self) -> Option<Timestamp> {
        self.pipeline.last_open_time()
    }

    /// Number of candles until the first prediction; 0 after the warm-up. It takes longer if a
    /// channel is undefined for a while, for example because another pair's candle is missing.
    pub fn candles_needed(&self) -> usize {
        self.warming().max(self.rows.lookback() - self.rows.run())
    }

    /// Number of candles until the first prediction if no channel is undefined after its warm-up.
    fn warming(&self) -> usize {
        (self.pipeline.warm_up() + self.rows.lookback()).saturating_sub(self.seen)
    }

    /// Feed statistics: counts of accepted, rejected and missing candles.
    pub fn feed_stats(&self) -> FeedStats {
        self.stats
    }

    /// Returns the model.
    pub fn model(&self) -> &dyn FittedModel {
        &*self.model
    }
}

/// Returns the given registry of channels, or the built-in one.
pub(super) fn known(registry: Option<&Registry>) -> Cow<'_, Registry> {
    registry.map_or_else(|| Cow::Owned(Registry::default()), Cow::Borrowed)
}

/// Validates a spec and compares its interval with that of the feed.
pub(super) fn check(spec: &ModelSpec, interval: Interval) -> Result<(), PredictError> {
    spec.validate()?;
    if spec.interval == interval {
        return Ok(());
    }
    Err(PredictError::Interval { expected: spec.interval, got: interval })
}
