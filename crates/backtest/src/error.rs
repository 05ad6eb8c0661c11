//! Errors of backtests and audits.
use std::path::PathBuf;

use windvane_candles::{Interval, Pair, Timestamp};
use windvane_models::SettingError;
use windvane_signals::SignalError;

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
    /// A setting of a policy is out of its range.
    #[error(transparent)]
    Policy(#[from] SettingError),
    /// The temporary file of the table values cannot be read.
    #[error(transparent)]
    Tables(#[from] SignalError),
    /// Every fit failed, so there is nothing to report.
    #[error("nothing could be evaluated ({failures} failure(s)); the first: {first}")]
    NothingEvaluated {
        /// Number of failures.
        failures: usize,
        /// The first one.
        first: String,
    },
    /// The audit has too few candles.
    #[error("an audit needs at least {expected} candles, got {got}")]
    TooFewCandles {
        /// Minimum number of candles.
        expected: usize,
        /// Number of candles given.
        got: usize,
    },
    /// The audited signal did not return one row per candle.
    #[error(
        "the audited signal returned {got} rows for {expected} candles; return one row per candle, \
         None where undefined"
    )]
    AuditedRows {
        /// Number of candles.
        expected: usize,
        /// Number of rows.
        got: usize,
    },
    /// The audited fit function returned an invalid forecast.
    #[error("invalid forecast decided at {decided_at}: {problem}")]
    AuditedForecast {
        /// Decision time of the forecast.
        decided_at: Timestamp,
        /// Reason why the forecast is invalid.
        problem: &'static str,
    },
    /// The audited code returned too few rows or forecasts.
    #[error(
        "{audited} returned {got} rows or forecasts {place}; an audit needs at least {expected}"
    )]
    TooFewOutputs {
        /// Name of the audited code.
        audited: String,
        /// Candles for which outputs were counted.
        place: String,
        /// Minimum number of outputs.
        expected: usize,
        /// Number of outputs.
        got: usize,
    },
    /// Two runs of the audited code on the same candles differ, so that changes prove nothing.
    #[error(
        "{audited} returned different outputs for the same candles; make it deterministic (seed, \
         threads)"
    )]
    NotRepeatable {
        /// Name of the audited code.
        audited: String,
    },
    /// The audited code returned an error.
    #[error("{audited} failed with {given}: {source}")]
    Audited {
        /// Name of the audited code.
        audited: String,
        /// Description of its inputs.
        given: String,
        /// Error of the audited code.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A line of a log of trials cannot be read.
    #[error("{}, line {line}: not a trial: {problem}; repair or delete the line", path.display())]
    TrialLog {
        /// Path of the log.
        path: PathBuf,
        /// Number of the line, counted from 1.
        line: usize,
        /// Problem with the line.
        problem: String,
    },
    /// A learner has no settings, so its results cannot be identified.
    #[error(
        "model {model} has no settings that identify its fits, so its results cannot be shared by \
         several processes; implement Learner::settings"
    )]
    NoLearnerSettings {
        /// Id of the model.
        model: String,
    },
    /// The environment variable `WINDVANE_KERNEL` has no valid value.
    #[error("{problem}")]
    Kernel {
        /// Error message with the valid values.
        problem: String,
    },
    /// A plan was made by another version or with another kernel, whose fits may differ.
    #[error(
        "the plan needs {expected}, and this is {got}; run it with that version and on a processor \
         with that kernel (WINDVANE_KERNEL chooses a slower one), or plan again"
    )]
    OtherProgram {
        /// Version and kernel of the plan.
        expected: String,
        /// Version and kernel of this program.
        got: String,
    },
    /// Tasks of a plan are not among those of the data and settings.
    #[error(
        "{count} of the tasks to run are not tasks of these data and settings, the first is {first}; \
         plan again"
    )]
    UnknownTasks {
        /// Number of unknown tasks.
        count: usize,
        /// Key of the first of them.
        first: String,
    },
    /// Tasks of a sweep have no result yet.
    #[error(
        "{} of {tasks} tasks have no result; run them, or merge without them",
        missing.len()
    )]
    MissingTasks {
        /// Keys of the missing tasks.
        missing: Vec<String>,
        /// Number of tasks of the sweep.
        tasks: usize,
    },
    /// The result of a task is damaged, or is that of another task.
    #[error("{}: damaged result ({reason}); run the task again, which replaces it", path.display())]
    DamagedResult {
        /// File of the result.
        path: PathBuf,
        /// Description of the damage.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
}
