//! Predictor for live loops: takes candles, returns predictions.
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use windvane_candles::{Candle, CandleSeries, Direction, Interval, Pair, Timestamp};
use windvane_signals::{MarketSnapshot, Registry, SignalPipeline};

use super::builder::PredictorBuilder;
use super::feed_stats::{self, FeedStats};
use super::guard::Guard;
use super::history::History;
use super::outcome::Sessions;
use super::recurrent;
use super::rows::RowRing;
use crate::{CandleOutcome, FittedModel, ModelSpec, NeutralReason, PredictError, Scratch};

/// Default maximum number of intervals between two candles.
const DEFAULT_MAX_AHEAD: u32 = 10_000;

/// Result for a candle that [`Predictor::take`] did not consume, or that the model failed on.
type NotTaken = Result<CandleOutcome, PredictError>;

/// Predictor for live loops: takes candles one by one and predicts after each.
///
/// It uses the same pipeline and the same model as a backtest, so the predictions have the same
/// bits. After construction it allocates nothing. Many predictors can share one model in an `Arc`;
/// each has a few KB of its own. A clone continues with the same bits; it copies the channels by
/// saving and restoring their state.
///
/// # Examples
/// With a fitted or loaded `model`:
/// ```
/// # use windvane_models::{FittedModel, Predictor, PredictError};
/// # use windvane_candles::{Candle, Interval};
/// # fn live(model: impl FittedModel + 'static, feed: Vec<Candle>) -> Result<(), PredictError> {
/// let mut predictor = Predictor::new(model, Interval::HOUR)?;
/// for candle in feed {
///     println!("{}", predictor.on_candle(&candle)?); // a prediction, or the reason for none
/// }
/// # Ok(()) }
/// ```
pub struct Predictor {
    pub(super) model: Arc<dyn FittedModel>,
    /// Pair of the feed, if it is known.
    pub(super) pair: Option<Pair>,
    /// Own registry of channels; `None` for the built-in channels.
    pub(super) registry: Option<Box<Registry>>,
    pub(super) pipeline: SignalPipeline,
    pub(super) scratch: Scratch,
    pub(super) rows: RowRing,
    /// Recurrent state of a stateful model; empty for others.
    pub(super) state: Vec<f32>,
    /// Number of rows since the start or the last reset.
    pub(super) seen: usize,
    pub(super) sessions: Sessions,
    /// Index and text of the last undefined channel, so that its outcome allocates once.
    pub(super) undefined: Option<(usize, Arc<str>)>,
    pub(super) history: History,
    pub(super) stats: FeedStats,
    /// Time after which every prediction is NEUTRAL.
    pub(super) valid_until: Option<Timestamp>,
    pub(super) guard: Option<Box<Guard>>,
    /// Maximum number of intervals between two candles.
    pub(super) max_ahead: u32,
    /// Time from the open of a candle to its close.
    pub(super) session: Duration,
}

/// Shows model, interval and position in the feed, without the kept candles and rows.
impl fmt::Debug for Predictor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Predictor")
            .field("model", self.model.id())
            .field("pair", &self.pair)
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

    /// Creates a builder for a predictor with settings: pair, own channels, kept candles, gaps,
    /// expiry, guard.
    pub fn builder(model: impl FittedModel + 'static, interval: Interval) -> PredictorBuilder {
        PredictorBuilder::new(Arc::new(model), interval)
    }

    pub(super) fn with_defaults(
        model: Arc<dyn FittedModel>,
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
            pair: None,
            registry,
            pipeline,
            scratch,
            rows,
            state,
            seen: 0,
            sessions: Sessions::default(),
            undefined: None,
            history,
            stats,
            valid_until: None,
            guard: None,
            max_ahead: DEFAULT_MAX_AHEAD,
            session: Duration::from_millis(interval.millis().unsigned_abs()),
        })
    }
}

/// Candles in, predictions out.
impl Predictor {
    /// Takes a closed candle, optionally with other pairs' candles of the same time, and predicts.
    ///
    /// The [`CandleOutcome`] has the prediction, or the reason for none: warm-up, an undefined
    /// channel, or an ignored candle such as a duplicate.
    ///
    /// The candle must have closed: its close, high, low and volume are final. For a feed that also
    /// sends updates of unfinished candles, use [`on_update`](Self::on_update).
    ///
    /// # Errors
    /// Errors that a bot must act on: [`PredictError::Gap`], [`PredictError::FarAhead`],
    /// [`PredictError::Misaligned`], [`PredictError::Overlap`], [`PredictError::OutOfSync`] and
    /// [`PredictError::Signal`] for a rejected candle. The state is then unchanged, except for the
    /// [`feed_stats`](Self::feed_stats). If the model returns an error, as
    /// [`predict`](crate::DirectionModel::predict) describes, the candle has still been consumed;
    /// sending it again is a duplicate.
    pub fn on_candle<'m>(
        &mut self,
        market: impl Into<MarketSnapshot<'m>>,
    ) -> Result<CandleOutcome, PredictError> {
        let market = market.into();
        if let Err(not_taken) = self.take(market) {
            return not_taken;
        }
        self.decide(&market)
    }

    /// Takes an update of a feed that also sends unfinished candles: `closed` is the feed's flag
    /// for the final update of a candle. An unfinished candle changes only the
    /// [`feed_stats`](Self::feed_stats).
    ///
    /// # Errors
    /// The errors of [`on_candle`](Self::on_candle).
    pub fn on_update<'m>(
        &mut self,
        market: impl Into<MarketSnapshot<'m>>,
        closed: bool,
    ) -> Result<CandleOutcome, PredictError> {
        let market = market.into();
        if closed {
            return self.on_candle(market);
        }
        feed_stats::add(&mut self.stats.unfinished, 1);
        Ok(CandleOutcome::Unfinished { open_time: market.own().open_time() })
    }

    /// Takes historical candles without predicting. Later predictions are the same as if
    /// [`on_candle`](Self::on_candle) had taken these candles.
    /// [`candles_needed`](Self::candles_needed) is the required number.
    ///
    /// Candles up to the [last accepted one](Self::last_open_time) are skipped, so the same method
    /// catches up after a pause and fills a gap. All candles must have closed; for a history that
    /// ends with the running candle, use [`warm_up_until`](Self::warm_up_until). A predictor
    /// without a [pair](Self::pair) takes over the pair of the series.
    ///
    /// # Errors
    /// [`PredictError::Interval`] for a series of another interval, [`PredictError::OtherPair`] for
    /// one of another pair, [`PredictError::SessionClose`] for one with another session close, and
    /// the errors of [`on_candle`](Self::on_candle) for its candles. The candles before the rejected
    /// one have been consumed.
    pub fn warm_up(&mut self, history: &CandleSeries) -> Result<(), PredictError> {
        self.warm_up_until(history, Timestamp::from_millis(i64::MAX))
    }

    /// Takes historical candles as [`warm_up`](Self::warm_up) does, without those that close after
    /// `now`. Exchanges send the running candle as the last one of a history; its values may still
    /// change.
    ///
    /// # Errors
    /// The errors of [`warm_up`](Self::warm_up).
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{Interval, simulate::MarketModel};
    /// use windvane_models::{Predictor, v32};
    ///
    /// let history = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 60, 1)?;
    /// let running = history.candles()[59].open_time();
    /// let mut predictor = Predictor::new(v32::pretrained(), Interval::HOUR)?;
    /// predictor.warm_up_until(&history, "2020-01-03 11:30".parse()?)?;
    /// assert!(predictor.last_open_time() < Some(running));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn warm_up_until(
        &mut self,
        history: &CandleSeries,
        now: Timestamp,
    ) -> Result<(), PredictError> {
        let expected = self.pipeline.interval();
        if history.interval() != expected {
            return Err(PredictError::Interval { expected, got: history.interval() });
        }
        self.check_pair("history", history.pair())?;
        if history.session_close() != self.session {
            let (expected, got) = (self.session, history.session_close());
            return Err(PredictError::SessionClose { expected, got });
        }
        self.pair.get_or_insert_with(|| history.pair().clone());
        let last = self.last_open_time();
        let new = history.iter().filter(|candle| last.is_none_or(|l| candle.open_time() > l));
        let session = self.session;
        for candle in new.take_while(|candle| closes_at(candle, session) <= now) {
            if let Err(not_taken) = self.take(candle.into()) {
                not_taken?;
            }
            let window = self.rows.window(closes_at(candle, session));
            if let (Some(guard), Some(window)) = (&mut self.guard, window) {
                guard.take(&window);
            }
        }
        Ok(())
    }

    /// Checks that an input with a pair belongs to this predictor.
    pub(super) fn check_pair(&self, what: &'static str, got: &Pair) -> Result<(), PredictError> {
        match &self.pair {
            Some(expected) if expected != got => {
                let (expected, got) = (expected.clone(), got.clone());
                Err(PredictError::OtherPair { what, expected, got })
            }
            _ => Ok(()),
        }
    }

    /// Updates pipeline, rows, recurrent state, history and statistics with a candle. A rejected
    /// candle changes only the statistics.
    #[inline]
    fn take(&mut self, market: MarketSnapshot<'_>) -> Result<(), NotTaken> {
        let candle: &Candle = market.own();
        let last = self.pipeline.last_open_time();
        let interval = self.pipeline.interval().millis();
        let apart = last.map(|last| candle.open_time().millis().saturating_sub(last.millis()));
        if apart.is_some_and(|apart| apart > interval.saturating_mul(self.max_ahead.into())) {
            return Err(Err(self.refuse_far_ahead(candle)));
        }
        let rows = match self.pipeline.update(market) {
            Ok(rows) => rows,
            Err(error) => return Err(self.stats.refuse(error, candle, &self.history)),
        };
        let restarted = rows.restarted();
        let held = rows.len() - 1;
        self.rows.take(rows);
        let updated =
            recurrent::take(&*self.model, rows, restarted, &mut self.state, &mut self.scratch);
        if restarted {
            self.end_session();
        }
        self.seen = self.seen.saturating_add(held + 1);
        self.history.push(candle, restarted);
        let step = self.pipeline.interval();
        if let Some(guard) = &mut self.guard {
            guard.take_candle(candle, step);
        }
        feed_stats::add(&mut self.stats.taken, 1);
        if let Some(last) = last.filter(|_| apart != Some(interval)) {
            // A day by session may be an hour shorter or longer without a gap.
            let missing = step.missing_between(last, candle.open_time());
            if missing > 0 {
                self.stats.gap(missing, held, restarted);
            }
        }
        if self.rows.run() < self.rows.lookback() && self.warming() == 0 {
            feed_stats::add(&mut self.stats.undefined, 1);
        }
        updated.map_err(Err)
    }

    fn decide(&mut self, market: &MarketSnapshot<'_>) -> Result<CandleOutcome, PredictError> {
        let decided_at = closes_at(market.own(), self.session);
        let Some(window) = self.rows.window(decided_at) else {
            return Ok(self.without_window(market));
        };
        if let Some(guard) = &mut self.guard {
            guard.take(&window);
        }
        let prediction = match self.model.stateful().filter(|_| !self.state.is_empty()) {
            Some(model) => model.predict_with_state(window, &self.state, &mut self.scratch)?,
            None => self.model.predict(window, &mut self.scratch)?,
        };
        if prediction.direction == Direction::Neutral {
            return Ok(CandleOutcome::Prediction(prediction));
        }
        let expired = self.valid_until.is_some_and(|until| decided_at > until);
        let veto = match &self.guard {
            _ if expired => Some(NeutralReason::Expired),
            Some(guard) => guard.veto(&window),
            None => None,
        };
        Ok(CandleOutcome::Prediction(match veto {
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
    pub(super) fn warming(&self) -> usize {
        (self.pipeline.warm_up() + self.rows.lookback()).saturating_sub(self.seen)
    }

    /// Returns the pair of the feed: that of [`PredictorBuilder::pair`], of the first
    /// [`warm_up`](Self::warm_up) or of the restored state; `None` while none of them has set it.
    pub fn pair(&self) -> Option<&Pair> {
        self.pair.as_ref()
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

/// Close time of a candle, when its row becomes known.
fn closes_at(candle: &Candle, session: Duration) -> Timestamp {
    let session = i64::try_from(session.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(candle.open_time().millis().saturating_add(session))
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
