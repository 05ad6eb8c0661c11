//! Builder of a predictor with all its settings.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use windvane_candles::{Interval, Pair, Timestamp};
use windvane_signals::Registry;

use super::Predictor;
use crate::{FittedModel, PredictError, TrainingProfile};

/// Maximum number of kept candles, 48 MB.
const MAX_HISTORY: usize = 1_000_000;

/// Builder of a [`Predictor`] with all its settings; created by [`Predictor::builder`].
///
/// # Examples
/// ```
/// use windvane_candles::Interval;
/// use windvane_models::{Predictor, v32};
///
/// let predictor = Predictor::builder(v32::pretrained(), Interval::HOUR)
///     .pair("BTCUSDT".parse()?)
///     .history(500)
///     .stop_at_gaps(true)
///     .expire_after(24 * 365)
///     .build()?;
/// assert_eq!(predictor.candles_needed(), 45);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct PredictorBuilder {
    model: Arc<dyn FittedModel>,
    interval: Interval,
    pair: Option<Pair>,
    registry: Option<Box<Registry>>,
    max_ahead: Option<u32>,
    session_close: Option<Duration>,
    history: Option<usize>,
    stop_at_gaps: bool,
    expiry: Option<Expiry>,
    guard: Option<Arc<TrainingProfile>>,
}

/// Expiry of the model: at a time, or a number of candles after its training.
#[derive(Debug, Clone, Copy)]
enum Expiry {
    At(Timestamp),
    After(u32),
}

impl PredictorBuilder {
    pub(super) fn new(model: Arc<dyn FittedModel>, interval: Interval) -> Self {
        Self {
            model,
            interval,
            pair: None,
            registry: None,
            max_ahead: None,
            session_close: None,
            history: None,
            stop_at_gaps: false,
            expiry: None,
            guard: None,
        }
    }

    /// Sets the pair of the feed. Histories and saved states of another pair are then errors.
    /// Default: the pair of the first [`warm_up`](Predictor::warm_up) or of the restored state.
    pub fn pair(self, pair: Pair) -> Self {
        Self { pair: Some(pair), ..self }
    }

    /// Sets the registry of channels, for a model that reads a bot's own channels. Default: the
    /// built-in channels.
    pub fn registry(self, registry: &Registry) -> Self {
        Self { registry: Some(Box::new(registry.clone())), ..self }
    }

    /// Keeps the last `candles` candles (48 bytes each, allocated at once) for a model that is
    /// [swapped in](Predictor::swap) and reads other channels; at most 1,000,000. Default: the
    /// warm-up of this model.
    pub fn history(self, candles: usize) -> Self {
        Self { history: Some(candles), ..self }
    }

    /// Sets the maximum number of intervals between the last accepted candle and the next one. A
    /// candle further ahead is rejected with [`PredictError::FarAhead`]: its time is in another
    /// unit or damaged, and after it every real candle would be late. The first candle has no
    /// bound. Default: 10,000 (a week of minutes, 13 months of hours).
    pub fn max_ahead(self, intervals: u32) -> Self {
        Self { max_ahead: Some(intervals), ..self }
    }

    /// Sets the time from the open of a candle to its close, for a market whose session ends before
    /// the interval, as that of
    /// [`CandleSeries::with_session_close`](windvane_candles::CandleSeries::with_session_close).
    /// Decisions are made at that time. Default: the interval.
    pub fn session_close(self, close: Duration) -> Self {
        Self { session_close: Some(close), ..self }
    }

    /// Rejects the candle after a gap if the gap policy would reset every channel, and with it
    /// start a new warm-up (45 candles without predictions for the six channels). The error is
    /// [`Gap`](windvane_signals::SignalError::Gap) and the state stays as it was; the predictor
    /// continues after the missing candles, given one by one or through
    /// [`warm_up`](Predictor::warm_up). Default: `false`. Predictions do not depend on it.
    pub fn stop_at_gaps(self, stop: bool) -> Self {
        Self { stop_at_gaps: stop, ..self }
    }

    /// Turns every prediction from the first close after `time` on into NEUTRAL with the reason
    /// [`Expired`](crate::NeutralReason::Expired), until a newer model is swapped in. Default:
    /// never.
    pub fn expire_at(self, time: Timestamp) -> Self {
        Self { expiry: Some(Expiry::At(time)), ..self }
    }

    /// Sets the expiry of [`expire_at`](Self::expire_at) to `candles` candles after the end of the
    /// model's training and validation periods.
    pub fn expire_after(self, candles: u32) -> Self {
        Self { expiry: Some(Expiry::After(candles)), ..self }
    }

    /// Turns predictions into NEUTRAL after drift and in novel windows, as described in
    /// [`Predictor::set_guard`]. Default: no guard.
    pub fn guard(self, profile: Arc<TrainingProfile>) -> Self {
        Self { guard: Some(profile), ..self }
    }

    /// Builds the predictor.
    ///
    /// # Errors
    /// [`PredictError::Interval`] if the model was fitted on candles of another interval,
    /// [`PredictError::Signal`] if a channel cannot be built or the model's own spec is out of
    /// range, [`PredictError::NoRecord`] for [`expire_after`](Self::expire_after) and a model
    /// without a training record, [`PredictError::OtherProfile`] for a profile of other channels,
    /// another interval or another lookback, [`PredictError::Setting`] for a [`history`](Self::history) of more than
    /// 1,000,000 candles, a [`max_ahead`](Self::max_ahead) of 0 or a
    /// [`session_close`](Self::session_close) outside the interval.
    pub fn build(self) -> Result<Predictor, PredictError> {
        if let Some(got) = self.history.filter(|candles| *candles > MAX_HISTORY) {
            let (setting, expected) = ("history", "at most 1,000,000 candles");
            return Err(PredictError::Setting { setting, expected, got });
        }
        if self.max_ahead == Some(0) {
            let (setting, expected) = ("max_ahead", "at least 1 interval");
            return Err(PredictError::Setting { setting, expected, got: 0 });
        }
        if let Some(close) = self.session_close
            && self.interval.session_millis(close).is_none()
        {
            let setting = "session close in milliseconds";
            let expected = "whole milliseconds, above 0 and at most the interval";
            let got = usize::try_from(close.as_millis()).unwrap_or(usize::MAX);
            return Err(PredictError::Setting { setting, expected, got });
        }
        let mut predictor = Predictor::with_defaults(self.model, self.interval, self.registry)?;
        predictor.pair = self.pair;
        if let Some(candles) = self.history {
            predictor.history = predictor.history.resized(candles);
        }
        if let Some(intervals) = self.max_ahead {
            predictor.max_ahead = intervals;
        }
        if let Some(close) = self.session_close {
            predictor.session = close;
        }
        predictor.set_stop_at_gaps(self.stop_at_gaps);
        match self.expiry {
            Some(Expiry::At(time)) => predictor.set_expire_at(time),
            Some(Expiry::After(candles)) => predictor.set_expire_after(candles)?,
            None => {}
        }
        if let Some(profile) = self.guard {
            predictor.set_guard(profile)?;
        }
        Ok(predictor)
    }
}

impl fmt::Debug for PredictorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PredictorBuilder")
            .field("model", self.model.id())
            .field("interval", &self.interval)
            .field("pair", &self.pair)
            .field("max_ahead", &self.max_ahead)
            .field("history", &self.history)
            .field("stop_at_gaps", &self.stop_at_gaps)
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}
