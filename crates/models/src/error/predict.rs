//! Errors of predictions and predictors.
use std::time::Duration;

use windvane_candles::{Interval, Pair, Timestamp};
use windvane_signals::SignalError;

/// Error of a candle, window or setting that a model or a predictor rejects.
///
/// The ordinary events of a feed, such as duplicates, are no errors but a
/// [`CandleOutcome`](crate::CandleOutcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// A window has another shape than the model's spec.
    #[error("the model reads windows of {expected} {what}, got {got}")]
    WindowShape {
        /// Axis that differs: rows or channels.
        what: &'static str,
        /// Size in the model's spec.
        expected: usize,
        /// Size of the given window.
        got: usize,
    },
    /// A table of signals was built with another spec than the model's.
    #[error(
        "model {model} reads the {what} {expected}, the table of {pair} has {got}; build the table \
         with the model's spec from candles of its interval"
    )]
    OtherTable {
        /// Id of the model.
        model: String,
        /// Pair of the table.
        pair: Pair,
        /// Property that differs: interval, channel or gap policy.
        what: &'static str,
        /// Value in the model's spec.
        expected: String,
        /// Value of the table.
        got: String,
    },
    /// The feed has another interval than the candles the model was fitted on.
    #[error(
        "the model was fitted on {expected} candles, the feed has {got}; use a feed of {expected}"
    )]
    Interval {
        /// Interval that the model was fitted on.
        expected: Interval,
        /// Interval of the feed.
        got: Interval,
    },
    /// Candles are missing before this one, and the gap policy or the predictor stops at gaps.
    #[error("{missing} candle(s) missing from {from} on; feed them before this one")]
    Gap {
        /// Open time of the first missing candle.
        from: Timestamp,
        /// Number of missing candles.
        missing: u64,
    },
    /// A candle is too far ahead of the last one, as with times in another unit.
    #[error(
        "candle {open_time} is more than {max_ahead} intervals of {interval} after the last one, \
         {last}; check the unit of the feed's times, or set a larger max_ahead"
    )]
    FarAhead {
        /// Open time of the rejected candle.
        open_time: Timestamp,
        /// Open time of the last accepted candle.
        last: Timestamp,
        /// Interval of the feed.
        interval: Interval,
        /// Maximum number of intervals.
        max_ahead: u32,
    },
    /// Candles or a saved state belong to another pair than the predictor.
    #[error("this predictor is for {expected}, but the {what} is of {got}; use that of {expected}")]
    OtherPair {
        /// Rejected input: history or saved state.
        what: &'static str,
        /// Pair of the predictor.
        expected: Pair,
        /// Pair of the input.
        got: Pair,
    },
    /// A history has another session close than the predictor.
    #[error(
        "the candles of the history close {got:?} after their open, those of the predictor {expected:?}; \
         set session_close of the builder to that of the series"
    )]
    SessionClose {
        /// Time from open to close of the predictor's candles.
        expected: Duration,
        /// Time from open to close of the history's candles.
        got: Duration,
    },
    /// A setting of a predictor is out of range.
    #[error("{setting} must be {expected}, got {got}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// Description of the valid range.
        expected: &'static str,
        /// Value that was given.
        got: usize,
    },
    /// The open time of a candle is not on the grid of the interval.
    #[error(
        "candle {open_time} is not on the grid of {interval} candles; check the feed's interval"
    )]
    Misaligned {
        /// Open time of the rejected candle.
        open_time: Timestamp,
        /// Interval of the feed.
        interval: Interval,
    },
    /// A candle by session opens before the last accepted one has closed.
    #[error(
        "candle {open_time} opens less than one interval of {interval} after the last one, {last}; check the feed's interval"
    )]
    Overlap {
        /// Open time of the rejected candle.
        open_time: Timestamp,
        /// Open time of the last accepted candle.
        last: Timestamp,
        /// Interval of the feed.
        interval: Interval,
    },
    /// The candle of another pair has another open time than the pair's own candle.
    #[error("{pair}: expected a candle that opens at {expected}, got {got}")]
    OutOfSync {
        /// Other pair, which a channel reads.
        pair: Pair,
        /// Open time of the own candle.
        expected: Timestamp,
        /// Open time of the other pair's candle.
        got: Timestamp,
    },
    /// A channel of the spec cannot be built, or the candle of another pair is missing.
    #[error(transparent)]
    Signal(SignalError),
    /// The scratch memory was made by another kind of model.
    #[error("the scratch belongs to another kind of model; make it with this model's scratch()")]
    ForeignScratch,
    /// The output of a model is not a probability distribution.
    #[error(
        "model {model} returned {got:?} for UP, DOWN, NEUTRAL; expected probabilities that sum to 1"
    )]
    NotFinite {
        /// Id of the model.
        model: String,
        /// Output of the model: UP, DOWN, NEUTRAL.
        got: [f32; 3],
    },
    /// The saved state of a predictor cannot be restored.
    #[error("the predictor state cannot be restored: {problem}")]
    State {
        /// Mismatch or damage.
        problem: &'static str,
    },
    /// A model reads other channels than the panel computes.
    #[error(
        "model {model} reads other channels or has another gap policy than the panel; create the panel with the model's signals"
    )]
    OtherChannels {
        /// Id of the model.
        model: String,
    },
    /// A model has no training record, so its age is unknown.
    #[error(
        "model {model} has no training record, so its age is unknown; set a time with expire_at"
    )]
    NoRecord {
        /// Id of the model.
        model: String,
    },
    /// A training profile has other channels, another interval or another lookback than the model.
    #[error(
        "model {model} reads the {what} {expected}, the training profile has {got}; use the profile \
         that was fitted on the model's training windows"
    )]
    OtherProfile {
        /// Id of the model.
        model: String,
        /// Property that differs: interval, lookback, or channels and gap policy.
        what: &'static str,
        /// Value in the model's spec.
        expected: String,
        /// Value of the profile.
        got: String,
    },
}

impl From<SignalError> for PredictError {
    fn from(error: SignalError) -> Self {
        match error {
            SignalError::Gap { from, missing } => Self::Gap { from, missing },
            SignalError::Misaligned { open_time, interval } => {
                Self::Misaligned { open_time, interval }
            }
            SignalError::Overlap { open_time, last, interval } => {
                Self::Overlap { open_time, last, interval }
            }
            SignalError::OutOfSync { pair, expected, got } => {
                Self::OutOfSync { pair, expected, got }
            }
            SignalError::FarAhead { open_time, last, interval, max_ahead } => {
                Self::FarAhead { open_time, last, interval, max_ahead }
            }
            SignalError::State { what } => Self::State { problem: what },
            other => Self::Signal(other),
        }
    }
}
