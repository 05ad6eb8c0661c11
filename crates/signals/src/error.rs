//! What can go wrong between a candle and a signal row.
use windvane_candles::{Interval, Pair, Timestamp};

/// Why signals, windows, labels or splits could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// No channel of that name is registered.
    #[error("unknown channel {name:?}; known are {}", known.join(", "))]
    UnknownChannel {
        /// The name asked for.
        name: String,
        /// The registered names.
        known: Vec<String>,
    },
    /// A channel does not have that parameter.
    #[error("channel {channel:?} has no parameter {parameter:?}; it takes {}", known.join(", "))]
    UnknownParameter {
        /// The channel's name.
        channel: String,
        /// The parameter given.
        parameter: String,
        /// The parameters it takes.
        known: Vec<String>,
    },
    /// A parameter is outside its range.
    #[error("channel {channel:?}: {parameter} must be {expected}, got {got}")]
    Parameter {
        /// The channel's name.
        channel: String,
        /// The parameter's name.
        parameter: String,
        /// What is allowed.
        expected: String,
        /// What was given.
        got: f64,
    },
    /// A channel names the wrong number of other pairs.
    #[error("channel {channel:?} reads {expected} other pair(s), its spec names {got}")]
    ChannelPairs {
        /// The channel's name.
        channel: String,
        /// How many it reads.
        expected: usize,
        /// How many the spec names.
        got: usize,
    },
    /// A setting of the pipeline, the labels or a split is outside its range.
    #[error("{setting} must be {expected}, got {got}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was given.
        got: f64,
    },
    /// A candle is not later than the one before it.
    #[error("candle {open_time} is not later than the last one, {last}; drop it")]
    Late {
        /// Open time of the candle offered.
        open_time: Timestamp,
        /// Open time of the last candle taken.
        last: Timestamp,
    },
    /// A candle's open time is not on the interval's grid.
    #[error("candle {open_time} is not on the grid of {interval} candles")]
    Misaligned {
        /// Open time of the candle offered.
        open_time: Timestamp,
        /// The pipeline's interval.
        interval: Interval,
    },
    /// Candles are missing, and the gap policy is `Error` or the pipeline was told to stop.
    #[error("{missing} candle(s) missing from {from} on; feed them first")]
    Gap {
        /// Open time of the first missing candle.
        from: Timestamp,
        /// How many are missing.
        missing: u64,
    },
    /// A series has another interval than the pipeline.
    #[error("{pair}: expected {expected} candles, got {got}")]
    SeriesInterval {
        /// The series' pair.
        pair: Pair,
        /// The pipeline's interval.
        expected: Interval,
        /// The series' interval.
        got: Interval,
    },
    /// A channel reads a pair whose candles were not given.
    #[error("a channel reads {pair}, whose candles were not given")]
    MissingPair {
        /// The declared pair.
        pair: Pair,
    },
    /// Another pair's candle does not close together with the pair's own.
    #[error("{pair}: expected a candle that opens at {expected}, got {got}")]
    OtherTime {
        /// The other pair.
        pair: Pair,
        /// Open time of the own candle.
        expected: Timestamp,
        /// Open time of the other pair's candle.
        got: Timestamp,
    },
    /// Saved state does not fit what it is restored into.
    #[error("saved state does not fit: {what}")]
    State {
        /// What differs.
        what: &'static str,
    },
    /// The stretches of a split do not follow one another.
    #[error(
        "a split's times must rise: validation from {validate_from}, test from {test_from}{}",
        test_until.map_or(String::new(), |until| format!(" until {until}"))
    )]
    SplitOrder {
        /// Start of validation.
        validate_from: Timestamp,
        /// Start of the test.
        test_from: Timestamp,
        /// End of the test.
        test_until: Option<Timestamp>,
    },
    /// Training begins where it should have ended.
    #[error("training from {train_from} must begin before validation from {validate_from}")]
    TrainOrder {
        /// Start of training.
        train_from: Timestamp,
        /// Start of validation.
        validate_from: Timestamp,
    },
    /// Candles of the own pair would be filled in while a channel reads another pair's.
    #[error(
        "the hold policy cannot fill in {pair}, which a channel reads; choose reset or sessions"
    )]
    HoldReadsPair {
        /// The other pair.
        pair: Pair,
    },
    /// A part of a split has no sample.
    #[error("no sample left for {part}: {hint}")]
    EmptyPart {
        /// Which part: training, validation or test.
        part: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// Tables of different channels or intervals cannot make one sample set.
    #[error("series {index} has {what} {got}, the first has {expected}")]
    TableMismatch {
        /// Index of the table.
        index: usize,
        /// What differs.
        what: &'static str,
        /// The first table's.
        expected: String,
        /// This table's.
        got: String,
    },
    /// A window does not have the width a model or scaler was fitted on.
    #[error("expected rows of {expected} channels, got {got}")]
    Width {
        /// Channels expected.
        expected: usize,
        /// Channels given.
        got: usize,
    },
}
