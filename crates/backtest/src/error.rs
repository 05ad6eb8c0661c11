//! Errors of backtests and audits.
use std::path::PathBuf;

use windvane_candles::{Interval, Pair, Timestamp};

/// Error of a backtest, an audit, or of writing their report.
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
        /// Pair that is given twice.
        pair: Pair,
        /// The candles' interval.
        interval: Interval,
    },
    /// Two learners have one id: their results could not be distinguished.
    #[error("two models have the id {id}; give each learner its own")]
    DuplicateLearner {
        /// Id of the model.
        id: String,
    },
    /// A cost of trading that is none.
    #[error("a cost of trading is {cost}, expected 0 to 10000 basis points")]
    Cost {
        /// Cost in basis points.
        cost: f64,
    },
    /// Every fit failed, so there is nothing to report.
    #[error("nothing could be evaluated ({failures} failure(s)); the first: {first}")]
    NothingEvaluated {
        /// Number of failures.
        failures: usize,
        /// The first one.
        first: String,
    },
    /// There are too few candles to audit with.
    #[error("an audit needs at least {expected} candles, got {got}")]
    TooFewCandles {
        /// Fewest candles needed.
        expected: usize,
        /// Number of candles given.
        got: usize,
    },
    /// An audited signal did not give one row per candle.
    #[error("the audited signal gave {got} rows for {expected} candles; give None where undefined")]
    AuditedRows {
        /// Number of candles.
        expected: usize,
        /// Number of rows.
        got: usize,
    },
    /// An audited fit function gave an impossible forecast.
    #[error("the audited forecast of {decided_at}: {problem}")]
    AuditedForecast {
        /// Time of the decision as the forecast states it.
        decided_at: Timestamp,
        /// Reason why it is impossible.
        problem: &'static str,
    },
    /// Audited code put out too little to see anything in.
    #[error("{audited} put out {got} rows or forecasts {place}, an audit needs {expected}")]
    TooFewOutputs {
        /// Name of the audited code.
        audited: String,
        /// Part of the candles that was examined.
        place: String,
        /// Fewest outputs needed.
        expected: usize,
        /// Number of outputs.
        got: usize,
    },
    /// Audited code gave two answers to one question, so that a changed answer says nothing.
    #[error("{audited} gave two answers to the same candles; fix its seed and its threads")]
    NotRepeatable {
        /// Name of the audited code.
        audited: String,
    },
    /// Audited code failed.
    #[error("{audited} failed with {given}: {source}")]
    Audited {
        /// Name of the audited code.
        audited: String,
        /// Description of its inputs.
        given: String,
        /// Error of the audited code.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file could not be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
}
