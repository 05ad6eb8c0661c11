//! What a run tells while it runs.
use windvane_candles::Interval;
use windvane_models::train::EpochReport;

/// Something that happened during a run: enough for a progress bar and its message.
///
/// Events come from several threads, in no fixed order.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run knows its work.
    Planned {
        /// Number of tasks: one per model or baseline to be fitted, and fold of every group of
        /// instruments.
        tasks: usize,
    },
    /// A model begins to learn.
    Started {
        /// Which.
        task: Task<'a>,
    },
    /// A model has learned for one epoch.
    Epoch {
        /// Which.
        task: Task<'a>,
        /// What the epoch came to.
        report: &'a EpochReport,
    },
    /// What a task came to is known from an earlier run: it neither starts nor finishes.
    Resumed {
        /// Which.
        task: Task<'a>,
    },
    /// Something the user should hear of that keeps nothing from going on.
    Notice {
        /// What.
        message: &'a str,
    },
    /// A model is fitted and tested, or has failed.
    Finished {
        /// Which.
        task: Task<'a>,
        /// Wall time it took, seconds.
        seconds: f64,
        /// Why it failed.
        error: Option<&'a str>,
    },
}

/// One model on one fold of the instruments of one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task<'a> {
    /// Counted from 0, below the number of tasks.
    pub index: usize,
    /// The model.
    pub model: &'a str,
    /// The candles' interval.
    pub interval: Interval,
    /// Fold, counted from 1.
    pub fold: usize,
    /// Number of folds of that interval.
    pub folds: usize,
    /// Seed of its random draws.
    pub seed: u64,
}
