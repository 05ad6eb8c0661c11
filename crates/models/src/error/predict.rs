//! Errors of predictions and of the live loop.
use windvane_candles::{Interval, Pair, Timestamp};
use windvane_signals::SignalError;

/// A candle, window or setting that a model or a predictor refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// A window has another shape than the model was fitted on.
    #[error("the model reads windows of {expected} {what}, got {got}")]
    WindowShape {
        /// Axis that differs: rows or channels.
        what: &'static str,
        /// Size that the model was fitted on.
        expected: usize,
        /// Size of the window given.
        got: usize,
    },
    /// The candles are of another interval than the model was fitted on.
    #[error("the model was fitted on {expected} candles, the feed has {got}")]
    Interval {
        /// Interval that the model was fitted on.
        expected: Interval,
        /// Interval of the feed.
        got: Interval,
    },
    /// A candle has not closed yet.
    #[error("the {interval} candle of {open_time} has not closed yet; wait for its last update")]
    Unfinished {
        /// Its open time.
        open_time: Timestamp,
        /// The feed's interval.
        interval: Interval,
    },
    /// Candles are missing before this one, and the gap policy or the predictor stops at gaps.
    #[error("{missing} candle(s) missing from {from} on; feed them first")]
    Gap {
        /// Open time of the first missing candle.
        from: Timestamp,
        /// Number of missing candles.
        missing: u64,
    },
    /// A candle of the time of the last one.
    #[error("candle {open_time} is not later than the last one, {open_time}; drop it")]
    Duplicate {
        /// Open time of both candles.
        open_time: Timestamp,
    },
    /// A candle before the last one.
    #[error("candle {open_time} is not later than the last one, {last}; drop it")]
    Late {
        /// Open time of the candle offered.
        open_time: Timestamp,
        /// Open time of the last candle taken.
        last: Timestamp,
    },
    /// A candle whose open time is not on the grid of the interval.
    #[error("candle {open_time} is not on the grid of {interval} candles")]
    Misaligned {
        /// Open time of the candle offered.
        open_time: Timestamp,
        /// The feed's interval.
        interval: Interval,
    },
    /// A candle of another pair that does not open with the pair's own.
    #[error("{pair}: expected a candle that opens at {expected}, got {got}")]
    OutOfSync {
        /// The other pair.
        pair: Pair,
        /// Open time of the own candle.
        expected: Timestamp,
        /// Open time of the other pair's candle.
        got: Timestamp,
    },
    /// The channels of a spec cannot be built, or a candle of another pair is missing.
    #[error(transparent)]
    Signal(SignalError),
    /// The scratch space was made by another kind of model.
    #[error("the scratch space belongs to another model; make it with this model's scratch()")]
    ForeignScratch,
    /// A model's output is not a number.
    #[error("model {model} gave probabilities that are no numbers: {got:?}")]
    NotFinite {
        /// The model's id.
        model: String,
        /// Up, down, neutral.
        got: [f32; 3],
    },
    /// The saved state of a predictor cannot be taken over.
    #[error("the saved state does not fit: {problem}")]
    State {
        /// The mismatch or damage.
        problem: &'static str,
    },
    /// A model does not say what it was fitted on.
    #[error("model {model} has no training record: nothing says how old it is")]
    NoRecord {
        /// The model's id.
        model: String,
    },
    /// A market profile was measured on windows of another shape or other channels.
    #[error("the market profile is of other channels or rows than model {model} reads")]
    OtherProfile {
        /// The model's id.
        model: String,
    },
}

impl From<SignalError> for PredictError {
    fn from(error: SignalError) -> Self {
        match error {
            SignalError::Gap { from, missing } => Self::Gap { from, missing },
            SignalError::Duplicate { open_time } => Self::Duplicate { open_time },
            SignalError::Late { open_time, last } => Self::Late { open_time, last },
            SignalError::Misaligned { open_time, interval } => {
                Self::Misaligned { open_time, interval }
            }
            SignalError::OutOfSync { pair, expected, got } => {
                Self::OutOfSync { pair, expected, got }
            }
            SignalError::State { what } => Self::State { problem: what },
            other => Self::Signal(other),
        }
    }
}
