//! Progress events of a run.
use windvane_candles::Interval;
use windvane_models::train::EpochReport;

/// Progress event of a run, for a progress bar or a log.
///
/// Events come from several threads, in no fixed order.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The tasks are planned.
    Planned {
        /// Number of tasks: one per model or fitted baseline and fold of every group of
        /// instruments.
        tasks: usize,
    },
    /// The training of a model starts.
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
    /// A result was loaded from the cache; its task has no other events.
    Resumed {
        /// Task that was cached.
        task: Task<'a>,
    },
    /// A non-fatal warning.
    Notice {
        /// Text of the warning.
        message: &'a str,
    },
    /// A model has been fitted and tested, or has failed.
    Finished {
        /// Task that finished.
        task: Task<'a>,
        /// Wall time of the task, seconds.
        seconds: f64,
        /// Error message of a failure.
        error: Option<&'a str>,
    },
}

/// Task of a run: one model on one fold of the instruments of one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task<'a> {
    /// Index of the task, counted from 0.
    pub index: usize,
    /// Name of the model.
    pub model: &'a str,
    /// Interval of the candles.
    pub interval: Interval,
    /// Fold, counted from 1.
    pub fold: usize,
    /// Number of folds of the interval.
    pub folds: usize,
    /// Seed of the task's random numbers.
    pub seed: u64,
    /// Index of the fold among those of all intervals.
    pub(crate) fold_index: usize,
    /// Index of the learner in the plan.
    pub(crate) learner: usize,
    /// Index of the seed, counted from 0.
    pub(crate) repeat: usize,
}
