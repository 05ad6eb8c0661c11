//! What can keep a backtest from giving a report.
use std::path::PathBuf;

use windvane_candles::{Interval, Pair};

/// Why there is no report, or why it could not be written.
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
    /// A file could not be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
