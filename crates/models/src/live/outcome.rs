//! Outcome of a candle that a predictor received.
use std::fmt;
use std::sync::Arc;

use windvane_candles::{Candle, Pair, Timestamp};
use windvane_signals::{MarketSnapshot, StateReader, StateWriter};

use super::{Predictor, feed_stats};
use crate::{PredictError, Prediction};

/// Outcome of a candle that a [`Predictor`] received, for everything that is
/// ordinary in a live feed.
///
/// [`Prediction`](Self::Prediction), [`WarmingUp`](Self::WarmingUp),
/// [`ShortSessions`](Self::ShortSessions) and [`Undefined`](Self::Undefined) follow an accepted
/// candle. The other outcomes follow a candle that was ignored: only the
/// [`feed_stats`](Predictor::feed_stats) have changed. `Display` writes one line for a log.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, simulate::MarketModel};
/// use windvane_models::{CandleOutcome, Predictor, v32};
///
/// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 60, 1)?;
/// let mut predictor = Predictor::new(v32::pretrained(), Interval::HOUR)?;
/// let first = predictor.on_candle(&series.candles()[0])?;
/// assert_eq!(first, CandleOutcome::WarmingUp { candles_needed: 44 });
/// assert!(first.is_accepted() && first.prediction().is_none());
///
/// let again = predictor.on_candle(&series.candles()[0])?;
/// assert_eq!(again.to_string(), "the candle of 2020-01-01T00:00:00Z is a duplicate");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CandleOutcome {
    /// The candle was accepted, and the model predicted.
    Prediction(Prediction),
    /// The candle was accepted; there is no prediction before the window of the model is complete.
    WarmingUp {
        /// Number of candles until the next prediction.
        candles_needed: usize,
    },
    /// The candle was accepted, and the model warms up again after two sessions in a row that were
    /// each shorter than its warm-up.
    ///
    /// A session is the time from the start or a reset to the next reset. If the market closes
    /// between sessions, there will never be a prediction: use a model that was fitted under the
    /// gap policy [`Sessions`](windvane_signals::GapPolicy::Sessions). If the feed loses candles,
    /// supply them.
    ShortSessions {
        /// Number of candles until the next prediction.
        candles_needed: usize,
        /// Number of candles in the last session.
        session_len: usize,
    },
    /// The candle was accepted, but a channel has no value after its warm-up.
    Undefined {
        /// First channel without a value, in the form of its spec, such as
        /// `leader_return(ETHUSDT)`.
        channel: Arc<str>,
        /// Other pair that the channel reads and whose candle was not given; `None` if all were
        /// given, for example because the channel has just received its first ones.
        pair: Option<Pair>,
    },
    /// The candle was ignored: it equals the accepted candle of the same time.
    Duplicate {
        /// Open time of the candle.
        open_time: Timestamp,
    },
    /// The candle was ignored: it has other values than the accepted candle of the same time, for
    /// example because the exchange has corrected it.
    Revised {
        /// Open time of the candle.
        open_time: Timestamp,
    },
    /// The candle was ignored: it has not closed yet.
    Unfinished {
        /// Open time of the candle.
        open_time: Timestamp,
    },
    /// The candle was ignored: it is older than the last accepted candle and the kept ones.
    Late {
        /// Open time of the candle.
        open_time: Timestamp,
        /// Open time of the last accepted candle.
        last: Timestamp,
    },
}

impl CandleOutcome {
    /// Returns the prediction, if there is one.
    #[inline]
    pub fn prediction(&self) -> Option<&Prediction> {
        match self {
            Self::Prediction(prediction) => Some(prediction),
            _ => None,
        }
    }

    /// Converts into the prediction, if there is one.
    #[inline]
    pub fn into_prediction(self) -> Option<Prediction> {
        match self {
            Self::Prediction(prediction) => Some(prediction),
            _ => None,
        }
    }

    /// Returns whether the candle was accepted: it belongs to the state from now on.
    #[inline]
    pub fn is_accepted(&self) -> bool {
        match self {
            Self::Prediction(_)
            | Self::WarmingUp { .. }
            | Self::ShortSessions { .. }
            | Self::Undefined { .. } => true,
            Self::Duplicate { .. }
            | Self::Revised { .. }
            | Self::Unfinished { .. }
            | Self::Late { .. } => false,
        }
    }
}

/// Writes one line for a log.
impl fmt::Display for CandleOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prediction(prediction) => prediction.fmt(f),
            Self::WarmingUp { candles_needed } => {
                write!(f, "warming up: {candles_needed} more candles until a prediction")
            }
            Self::ShortSessions { candles_needed, session_len } => write!(
                f,
                "warming up: {candles_needed} more candles until a prediction, but the last \
                 session had only {session_len}; use a model fitted under the gap policy sessions"
            ),
            Self::Undefined { channel, pair: Some(pair) } => write!(
                f,
                "no prediction: channel {channel} has no value, because the candle of {pair} was \
                 not given; pass it in a MarketSnapshot"
            ),
            Self::Undefined { channel, pair: None } => {
                write!(f, "no prediction: channel {channel} has no value at this candle")
            }
            Self::Duplicate { open_time } => write!(f, "the candle of {open_time} is a duplicate"),
            Self::Revised { open_time } => write!(
                f,
                "the candle of {open_time} differs from the one that was accepted for this time"
            ),
            Self::Unfinished { open_time } => {
                write!(f, "the candle of {open_time} has not closed yet")
            }
            Self::Late { open_time, last } => {
                write!(f, "the candle of {open_time} is older than the last accepted one, {last}")
            }
        }
    }
}

/// Number of short sessions in a row after which the outcome tells it.
const SHORT_SESSIONS: usize = 2;

/// Sessions in a row that ended before the model was warm.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sessions {
    /// Number of these sessions.
    short: usize,
    /// Number of rows in the last of them.
    last_len: usize,
}

impl Sessions {
    pub(super) fn save(self, state: &mut StateWriter) {
        state.count(self.short);
        state.count(self.last_len);
    }

    pub(super) fn restored(state: &mut StateReader<'_>) -> Result<Self, PredictError> {
        Ok(Self { short: state.count()?, last_len: state.count()? })
    }
}

/// Outcomes of candles without a prediction.
impl Predictor {
    /// Counts the rows since the last reset as a session, and starts the next one.
    #[cold]
    pub(super) fn end_session(&mut self) {
        let is_short = self.warming() > 0;
        let short = if is_short { self.sessions.short.saturating_add(1) } else { 0 };
        self.sessions = Sessions { short, last_len: self.seen };
        self.seen = 0;
    }

    /// Returns the outcome of an accepted candle without a complete window.
    #[cold]
    pub(super) fn without_window(&mut self, market: &MarketSnapshot<'_>) -> CandleOutcome {
        let candles_needed = self.candles_needed();
        match self.pipeline.first_undefined() {
            Some(channel) if self.seen > self.pipeline.warm_up() => {
                self.undefined_channel(channel, market)
            }
            _ if self.sessions.short >= SHORT_SESSIONS => {
                CandleOutcome::ShortSessions { candles_needed, session_len: self.sessions.last_len }
            }
            _ => CandleOutcome::WarmingUp { candles_needed },
        }
    }

    fn undefined_channel(&mut self, index: usize, market: &MarketSnapshot<'_>) -> CandleOutcome {
        let spec = &self.model.spec().signals.channels[index];
        let known = self.undefined.take().filter(|(of, _)| *of == index);
        let (_, channel) =
            self.undefined.insert(known.unwrap_or_else(|| (index, spec.to_string().into())));
        let pair = spec.pairs().iter().find(|pair| market.other(pair).is_none());
        CandleOutcome::Undefined { channel: Arc::clone(channel), pair: pair.cloned() }
    }

    /// Counts a candle too far ahead of the last one and returns its error.
    #[cold]
    pub(super) fn refuse_far_ahead(&mut self, candle: &Candle) -> PredictError {
        feed_stats::add(&mut self.stats.far_ahead, 1);
        let (open_time, interval) = (candle.open_time(), self.pipeline.interval());
        let last = self.last_open_time().unwrap_or(open_time);
        PredictError::FarAhead { open_time, last, interval, max_ahead: self.max_ahead }
    }
}
