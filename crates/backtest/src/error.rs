//! What can keep a backtest from giving a report.
use std::path::PathBuf;

use windvane_candles::{Interval, Pair, Timestamp};

/// Why there is no report or audit, or why it could not be written.
///
/// A model that cannot be fitted is no error of the run: the report lists it among its failures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BacktestError {
    /// There is nothing to test on.
    #[error("no instruments were given")]
    NoInstruments,
    /// There is nothing to test.
    #[error("no models were given")]
    NoLearners,
    /// An instrument was given twice: its candles would count twice.
    #[error("{pair} with {interval} candles was given twice")]
    DuplicateInstrument {
        /// The pair.
        pair: Pair,
        /// The candles' interval.
        interval: Interval,
    },
    /// Two learners have one id: their results could not be told apart.
    #[error("two models have the id {id}; give each learner its own")]
    DuplicateLearner {
        /// The id.
        id: String,
    },
    /// A cost of trading that is none.
    #[error("a cost of trading is {cost}, expected 0 to 10000 basis points")]
    Cost {
        /// The cost.
        cost: f64,
    },
    /// Every fit failed, so there is nothing to report.
    #[error("nothing could be evaluated ({failures} failure(s)); the first: {first}")]
    NothingEvaluated {
        /// How many failures there were.
        failures: usize,
        /// The first one.
        first: String,
    },
    /// There are too few candles to audit with.
    #[error("an audit needs at least {expected} candles, got {got}")]
    TooFewCandles {
        /// The least.
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// An audited signal did not give one row per candle.
    #[error("the audited signal gave {got} rows for {expected} candles; give None where undefined")]
    AuditedRows {
        /// Candles.
        expected: usize,
        /// Rows.
        got: usize,
    },
    /// An audited fit function gave an impossible forecast.
    #[error("the audited forecast of {decided_at}: {problem}")]
    AuditedForecast {
        /// When it claims to be decided.
        decided_at: Timestamp,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Audited code put out too little to see anything in.
    #[error("{audited} put out {got} rows or forecasts {place}, an audit needs {expected}")]
    TooFewOutputs {
        /// What was audited.
        audited: String,
        /// Where.
        place: String,
        /// The least.
        expected: usize,
        /// What there was.
        got: usize,
    },
    /// Audited code gave two answers to one question, so that a changed answer says nothing.
    #[error("{audited} gave two answers to the same candles; fix its seed and its threads")]
    NotRepeatable {
        /// What was audited.
        audited: String,
    },
    /// Audited code failed.
    #[error("{audited} failed with {given}: {source}")]
    Audited {
        /// What was audited.
        audited: String,
        /// What it was given.
        given: String,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file could not be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
