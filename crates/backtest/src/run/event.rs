//! Progress of a run.
use windvane_candles::Interval;
use windvane_models::train::EpochReport;

/// Something that happened during a run: enough for a progress bar and its message.
///
/// Events come from several threads, in no fixed order.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The tasks are planned.
    Planned {
        /// Number of tasks: one per model or baseline to be fitted, and fold of every group of
        /// instruments.
        tasks: usize,
    },
    /// The training of a model begins.
    Started {
        /// Task that starts.
        task: Task<'a>,
    },
    /// A model was trained for one epoch.
    Epoch {
        /// Task that trains.
        task: Task<'a>,
        /// Losses of the epoch.
        report: &'a EpochReport,
    },
    /// A result was loaded from the cache: the task neither starts nor finishes.
    Resumed {
        /// Task that was cached.
        task: Task<'a>,
    },
    /// A non-fatal warning.
    Notice {
        /// The warning's text.
        message: &'a str,
    },
    /// A model is fitted and tested, or has failed.
    Finished {
        /// Task that finished.
        task: Task<'a>,
        /// Wall time it took, seconds.
        seconds: f64,
        /// Reason of the failure.
        error: Option<&'a str>,
    },
}

/// One model on one fold of the instruments of one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task<'a> {
    /// Counted from 0, below the number of tasks.
    pub index: usize,
    /// Name of the model.
    pub model: &'a str,
    /// The candles' interval.
    pub interval: Interval,
    /// Fold, counted from 1.
    pub fold: usize,
    /// Number of folds of that interval.
    pub folds: usize,
    /// Seed of its random draws.
    pub seed: u64,
    /// Index of the fold among those of all intervals.
    pub(crate) fold_index: usize,
    /// Index of the learner in the plan.
    pub(crate) learner: usize,
    /// Index of the seed, counted from 0.
    pub(crate) repeat: usize,
}
