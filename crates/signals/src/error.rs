//! Errors on the way from candles to signal rows, windows, labels and splits.
use windvane_candles::{Interval, Pair, Timestamp};

/// Error of a channel, pipeline, sample set or split.
///
/// A live feed produces [`Gap`](Self::Gap), [`Duplicate`](Self::Duplicate), [`Late`](Self::Late),
/// [`Misaligned`](Self::Misaligned) and [`OutOfSync`](Self::OutOfSync); after each of them the
/// pipeline is in the state it had before. All other variants are errors of the settings.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// Candles are missing, and the gap policy or the pipeline's settings refuse gaps.
    #[error("{missing} candle(s) missing from {from} on; feed them first")]
    Gap {
        /// Open time of the first missing candle.
        from: Timestamp,
        /// Number of missing candles.
        missing: u64,
    },
    /// A candle has the open time of the last candle consumed.
    #[error(
        "candle {open_time} is not later than the last one: it has the same open time; drop it"
    )]
    Duplicate {
        /// Open time of both candles.
        open_time: Timestamp,
    },
    /// A candle is earlier than the last candle consumed.
    #[error("candle {open_time} is not later than the last one, {last}; drop it")]
    Late {
        /// Open time of the rejected candle.
        open_time: Timestamp,
        /// Open time of the last candle consumed.
        last: Timestamp,
    },
    /// The open time of a candle is not a multiple of the interval.
    #[error("candle {open_time} is not on the grid of {interval} candles; check the interval")]
    Misaligned {
        /// Open time of the rejected candle.
        open_time: Timestamp,
        /// The pipeline's interval.
        interval: Interval,
    },
    /// The candle of another pair does not open together with the own one.
    #[error("{pair}: expected a candle that opens at {expected}, got {got}")]
    OutOfSync {
        /// The other pair.
        pair: Pair,
        /// Open time of the own candle.
        expected: Timestamp,
        /// Open time of the other pair's candle.
        got: Timestamp,
    },
    /// A series has another interval than expected.
    #[error("{pair}: expected {expected} candles, got {got}; resample the series")]
    WrongInterval {
        /// The series' pair.
        pair: Pair,
        /// The expected interval.
        expected: Interval,
        /// The series' interval.
        got: Interval,
    },
    /// A channel reads a pair whose candles were not given.
    #[error("a channel reads {pair}, whose candles were not given; add its series")]
    MissingPair {
        /// The declared pair.
        pair: Pair,
    },
    /// No channel of that name is registered.
    #[error("unknown channel {name:?}; known are {}", known.join(", "))]
    UnknownChannel {
        /// The requested name.
        name: String,
        /// The registered names.
        known: Vec<String>,
    },
    /// A channel does not have a parameter of that name.
    #[error("channel {channel:?} has no parameter {parameter:?}; it takes {}", known.join(", "))]
    UnknownParameter {
        /// The channel's name.
        channel: String,
        /// The given parameter.
        parameter: String,
        /// The parameters of the channel.
        known: Vec<String>,
    },
    /// A parameter is outside its range.
    #[error("channel {channel:?}: {parameter} must be {expected}, got {got}")]
    Parameter {
        /// The channel's name.
        channel: String,
        /// The parameter's name.
        parameter: String,
        /// The allowed range.
        expected: String,
        /// The given value.
        got: f64,
    },
    /// A channel's spec lacks a setting, or has one that does not fit.
    #[error("channel {channel:?}: {problem}")]
    ChannelSetting {
        /// The channel's name.
        channel: String,
        /// The setting, and the remedy.
        problem: String,
    },
    /// A spec names the wrong number of other pairs for its channel.
    #[error("channel {channel:?} reads {expected} other pair(s), its spec names {got}")]
    ChannelPairs {
        /// The channel's name.
        channel: String,
        /// Number of pairs that the channel reads.
        expected: usize,
        /// Number of pairs in the spec.
        got: usize,
    },
    /// Candles of the own pair would be filled in while a channel reads another pair's.
    #[error(
        "the hold policy cannot fill in {pair}, which a channel reads; choose reset or sessions"
    )]
    HoldReadsPair {
        /// The other pair.
        pair: Pair,
    },
    /// A setting of the pipeline, the labels or a split is outside its range.
    #[error("{setting} must be {expected}, got {got}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// The allowed range.
        expected: &'static str,
        /// The given value.
        got: f64,
    },
    /// A saved state does not fit the pipeline or channel that restores it.
    #[error("saved state does not fit: {what}")]
    State {
        /// The difference.
        what: &'static str,
    },
    /// A required time of a split is not set.
    #[error("the split has no {setter}; call SplitBuilder::{setter}")]
    SplitTime {
        /// The method of the builder that sets it.
        setter: &'static str,
    },
    /// The periods of a split do not follow one another.
    #[error(
        "a split's times must rise: {}validation from {validate_from}, test from {test_from}{}",
        train_from.map_or(String::new(), |from| format!("training from {from}, ")),
        test_until.map_or(String::new(), |until| format!(" until {until}"))
    )]
    SplitOrder {
        /// Start of training; `None` for the start of the data.
        train_from: Option<Timestamp>,
        /// Start of validation.
        validate_from: Timestamp,
        /// Start of the test.
        test_from: Timestamp,
        /// End of the test; `None` for the end of the data.
        test_until: Option<Timestamp>,
    },
    /// A part of a split has no sample.
    #[error("no sample left for {part}: {hint}")]
    EmptyPart {
        /// The part: training, validation or test.
        part: &'static str,
        /// The remedy.
        hint: &'static str,
    },
    /// Tables of different channels or intervals cannot make one sample set.
    #[error("series {index} has {what} {got}, the first has {expected}")]
    TableMismatch {
        /// Index of the table.
        index: usize,
        /// The property that differs.
        what: &'static str,
        /// The first table's value.
        expected: String,
        /// This table's value.
        got: String,
    },
    /// A row does not have the width that a model or scaler was fitted on.
    #[error("expected rows of {expected} channels, got {got}")]
    Width {
        /// Channels expected.
        expected: usize,
        /// Channels given.
        got: usize,
    },
}

impl SignalError {
    /// The error of a channel's setting.
    pub(crate) fn channel(channel: &str, problem: impl Into<String>) -> Self {
        Self::ChannelSetting { channel: channel.to_string(), problem: problem.into() }
    }

    /// The error of a setting outside its range, as a result.
    pub(crate) fn setting<T>(
        setting: &'static str,
        expected: &'static str,
        got: f64,
    ) -> Result<T, Self> {
        Err(Self::Setting { setting, expected, got })
    }
}
