//! Errors of channels, pipelines, sample sets and splits.
use std::path::PathBuf;

use windvane_candles::{Interval, Pair, Timestamp};

use crate::GapPolicy;

/// Error of a channel, pipeline, sample set or split.
///
/// A live feed can cause [`Gap`](Self::Gap), [`Duplicate`](Self::Duplicate), [`Late`](Self::Late),
/// [`Misaligned`](Self::Misaligned), [`Overlap`](Self::Overlap) and
/// [`OutOfSync`](Self::OutOfSync); none of them changes the state of the pipeline. All other variants are errors of the settings.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// Candles are missing, and the gap policy or the pipeline's settings reject gaps.
    #[error("{missing} candle(s) missing from {from} on; feed them first")]
    Gap {
        /// Open time of the first missing candle.
        from: Timestamp,
        /// Number of missing candles.
        missing: u64,
    },
    /// A candle has the open time of the last candle consumed.
    #[error("candle {open_time} is a duplicate of the last candle; drop it")]
    Duplicate {
        /// Open time of both candles.
        open_time: Timestamp,
    },
    /// A candle is out of order: it is earlier than the last candle consumed.
    #[error(
        "candle {open_time} is out of order: it is earlier than the last candle, {last}; drop it"
    )]
    Late {
        /// Open time of the rejected candle.
        open_time: Timestamp,
        /// Open time of the last candle consumed.
        last: Timestamp,
    },
    /// A candle is further ahead of the latest one than the bound allows.
    #[error(
        "candle {open_time} is more than {max_ahead} intervals of {interval} after the latest candle, \
         {last}; check the unit of its time"
    )]
    FarAhead {
        /// Open time of the rejected candle.
        open_time: Timestamp,
        /// Open time of the latest accepted candle.
        last: Timestamp,
        /// Interval of the feed.
        interval: Interval,
        /// Maximum number of intervals.
        max_ahead: u32,
    },
    /// The open time of a candle is not on the grid of the interval.
    #[error("candle {open_time} is not on the grid of {interval} candles; check the interval")]
    Misaligned {
        /// Open time of the rejected candle.
        open_time: Timestamp,
        /// The pipeline's interval.
        interval: Interval,
    },
    /// A candle by session opens before the last candle consumed has closed.
    #[error(
        "candle {open_time} opens less than one interval of {interval} after the last candle, {last}; check the interval"
    )]
    Overlap {
        /// Open time of the rejected candle.
        open_time: Timestamp,
        /// Open time of the last candle consumed.
        last: Timestamp,
        /// The pipeline's interval.
        interval: Interval,
    },
    /// Candles by session have no grid, and the gap policy counts intervals on one.
    #[error(
        "{interval} candles have no fixed grid, as the gap policy {got:?} requires; use Sessions, Reset or Error"
    )]
    SessionGaps {
        /// The pipeline's interval.
        interval: Interval,
        /// Gap policy of the spec.
        got: GapPolicy,
    },
    /// The candle of another pair has another open time than the own candle.
    #[error("{pair}: expected the candle that opens at {expected}, got the one at {got}")]
    OutOfSync {
        /// Name of the other pair.
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
    /// A channel reads a pair whose series is missing.
    #[error("a channel reads {pair}, whose candles were not given; add its series")]
    MissingPair {
        /// Name of the missing pair.
        pair: Pair,
    },
    /// A candle belongs to a pair that the panel does not have.
    #[error("{pair} is not a pair of this panel; declare it when the panel is created")]
    UnknownPair {
        /// The candle's pair.
        pair: Pair,
    },
    /// A panel is declared with the same pair twice.
    #[error("the panel has {pair} twice; remove one")]
    RepeatedPair {
        /// The repeated pair.
        pair: Pair,
    },
    /// A panel has the gap policy that makes a missing candle an error.
    #[error(
        "a panel cannot stop at a missing candle of one pair; use another gap policy than error, such as by_clock"
    )]
    PanelGaps,
    /// The session close of a pair is outside its interval.
    #[error(
        "{pair}: the session close must be whole milliseconds, above 0 and at most {interval}, got {got:?}"
    )]
    SessionClose {
        /// Pair with this session close.
        pair: Pair,
        /// Interval of the candles.
        interval: Interval,
        /// Time from open to close that was given.
        got: std::time::Duration,
    },
    /// No channel with this name is registered.
    #[error("unknown channel {name:?}; the known channels are {}", known.join(", "))]
    UnknownChannel {
        /// Requested name.
        name: String,
        /// Registered names.
        known: Vec<String>,
    },
    /// A channel does not have a parameter with this name.
    #[error(
        "channel {channel:?} has no parameter {parameter:?}; its parameters are: {}",
        known.join(", ")
    )]
    UnknownParameter {
        /// The channel's name.
        channel: String,
        /// Name of the unknown parameter.
        parameter: String,
        /// Names of the channel's parameters.
        known: Vec<String>,
    },
    /// A parameter of a channel is out of range.
    #[error("channel {channel:?}: {parameter} must be {expected}, got {got}")]
    Parameter {
        /// The channel's name.
        channel: String,
        /// The parameter's name.
        parameter: String,
        /// Description of the valid range.
        expected: String,
        /// Value of the parameter or setting.
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
    /// A spec has the wrong number of other pairs for its channel.
    #[error("channel {channel:?} reads {expected} other pair(s), but its spec names {got}")]
    ChannelPairs {
        /// The channel's name.
        channel: String,
        /// Number of pairs that the channel reads.
        expected: usize,
        /// Number of pairs in the spec.
        got: usize,
    },
    /// The hold policy is combined with a channel that reads another pair.
    #[error(
        "the hold policy cannot fill in candles of {pair}, which a channel reads; use the gap policy reset or sessions"
    )]
    HoldReadsPair {
        /// Name of the other pair.
        pair: Pair,
    },
    /// A setting of the pipeline, the labels or a split is out of range.
    #[error("{setting} must be {expected}, got {got}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// Description of the valid range.
        expected: &'static str,
        /// Value of the parameter or setting.
        got: f64,
    },
    /// A text is no label.
    #[error(
        "label {text:?}: {problem}; write next, horizon:H, band:K, barrier:A,H, relative:H or cost:BP, such as barrier:2,24"
    )]
    LabelText {
        /// The text, cut after 40 characters.
        text: String,
        /// The part that cannot be read.
        problem: String,
    },
    /// A panel has too few pairs for a relative label.
    #[error(
        "a relative label compares at least {expected} pairs of one interval, got {got}; give more pairs or choose another label"
    )]
    SmallPanel {
        /// Minimum number of pairs.
        expected: usize,
        /// Number of pairs given.
        got: usize,
    },
    /// A saved state is invalid, or of another pipeline or channel than the one that restores it.
    #[error("cannot restore the saved state: {what}")]
    State {
        /// Reason why it cannot be restored.
        what: &'static str,
    },
    /// A saved state belongs to a panel with other pairs or another spec.
    #[error("cannot restore the saved state: its {what} is {got}, expected {expected}")]
    StateMismatch {
        /// Name of the property that differs.
        what: &'static str,
        /// Value of the panel that restores the state.
        expected: String,
        /// Value in the state.
        got: String,
    },
    /// A required time of a split is not set.
    #[error("the split has no {setter}; call SplitBuilder::{setter}")]
    SplitTime {
        /// Method of the builder that sets it.
        setter: &'static str,
    },
    /// The times of a split do not rise.
    #[error(
        "the times of a split must rise, but are: {}validation from {validate_from}, test from {test_from}{}",
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
    /// A set of samples is empty.
    #[error("no samples for {part}: {hint}")]
    EmptyPart {
        /// Name of the set: training, validation or test.
        part: &'static str,
        /// Suggestion for the user.
        hint: &'static str,
    },
    /// Tables of one sample set differ in channels or interval.
    #[error("series {index} has {what} {got}, but the first series has {expected}")]
    TableMismatch {
        /// Index of the table.
        index: usize,
        /// Name of the property that differs.
        what: &'static str,
        /// Value of the first table.
        expected: String,
        /// Value of this table.
        got: String,
    },
    /// The temporary file of table values cannot be created, written or read.
    #[error(
        "{}: cannot {action} the temporary file of the table values: {problem}; free space there, or \
         choose another folder (TMPDIR) or a larger memory budget", folder.display()
    )]
    File {
        /// Folder of the file.
        folder: PathBuf,
        /// Failed operation: create, write or read.
        action: &'static str,
        /// Kind of the error, such as `StorageFull`.
        kind: std::io::ErrorKind,
        /// Message of the operating system.
        problem: String,
    },
    /// A learner reads windows at random and needs the values of all tables in memory.
    #[error(
        "{reader} needs the values of the tables in memory, and they are in a file; build them with \
         TableStore::memory, or choose another model"
    )]
    InFile {
        /// Name of the learner.
        reader: &'static str,
    },
    /// A row has another number of channels than the model or scaler was fitted on.
    #[error("expected rows of {expected} channels, got {got}")]
    Width {
        /// Expected number of channels.
        expected: usize,
        /// Number of channels given.
        got: usize,
    },
}

impl SignalError {
    /// Returns the error of a channel's setting.
    pub(crate) fn channel(channel: &str, problem: impl Into<String>) -> Self {
        Self::ChannelSetting { channel: channel.to_string(), problem: problem.into() }
    }

    /// Returns the error of a setting that is out of range.
    pub(crate) fn setting<T>(
        setting: &'static str,
        expected: &'static str,
        got: f64,
    ) -> Result<T, Self> {
        Err(Self::Setting { setting, expected, got })
    }
}
