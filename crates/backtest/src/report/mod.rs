//! One value that holds all of a run, and its writers.
//!
//! Everything but [`Report::timing`] is the same for the same inputs, byte for byte, on any
//! number of threads.
mod appendix;
mod format;
mod headline;
#[cfg(feature = "html")]
mod html;
mod markdown;
mod most_confident;
mod section;
mod table;
mod trading;
mod write;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use windvane_candles::{CandleSeries, Interval, Timestamp};
use windvane_models::TrainingRecord;
use windvane_signals::{GapPolicy, LabelSpec};

use crate::score::{Importance, ResultRow, Warning, iso};

pub use crate::score::Rank;
pub use table::ReportTable;

/// Version of the layout of `report.json`.
pub(crate) const SCHEMA: u32 = 3;

/// All of a run.
///
/// The caller may add what a run cannot know: [`RunRecord::command`], [`RunRecord::notes`] and
/// [`skipped`](Self::skipped).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Version of this layout: 2.
    pub(crate) schema: u32,
    /// Settings of the run.
    pub run: RunRecord,
    /// The instruments by interval, with their folds.
    pub groups: Vec<GroupRecord>,
    /// The instruments as given.
    pub instruments: Vec<InstrumentRecord>,
    /// Instruments without a tested candle; they have no results.
    pub without_test_rows: Vec<UntestedInstrument>,
    /// Files that could not be read; set by the caller.
    pub skipped: Vec<Skipped>,
    /// The models by pooled accuracy, best first.
    pub ranking: Vec<Rank>,
    /// Every model on every instrument, then pooled by interval, then over all.
    pub results: Vec<ResultRow>,
    /// Training results of every model.
    pub training: Vec<TrainingResult>,
    /// Importance of each channel to each model, by interval.
    pub importance: Vec<Importance>,
    /// Failures of models and groups.
    pub failures: Vec<Failure>,
    /// Warnings about suspicious results.
    pub warnings: Vec<Warning>,
    /// Every time that was measured; nothing else in the report depends on the clock.
    pub timing: Timing,
}

/// Settings of a run, enough to repeat it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// Version of this crate.
    pub(crate) version: String,
    /// The command line; set by the caller.
    pub command: Option<String>,
    /// Seed of every random draw.
    pub seed: u64,
    /// With how many seeds, from that one on, each model was fitted.
    pub(crate) seeds: usize,
    /// Instruction set of the inner loops.
    pub(crate) kernel: String,
    /// XXH3 of the names, intervals and candles of all instruments, in order.
    pub data_hash: String,
    /// Plan of the folds.
    pub(crate) plan: PlanRecord,
    /// Labels that the models predict.
    pub labels: LabelSpec,
    /// The channels.
    pub channels: Vec<String>,
    /// The gap policy that was given; `None` where it was guessed for each interval.
    pub gaps: Option<GapPolicy>,
    /// Rows per window.
    pub(crate) lookback: usize,
    /// Costs of trading reckoned with, basis points per unit of turnover.
    pub costs: Vec<f64>,
    /// Names of the models.
    pub models: Vec<String>,
    /// Descriptions of models by name, such as `v3.2 (LSTM, 32 units)`; set by the caller. A model
    /// without one is shown by its name.
    pub model_descriptions: BTreeMap<String, String>,
    /// Notes; set by the caller.
    pub notes: Vec<String>,
}

/// [`Plan`](crate::Plan) as plain data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum PlanRecord {
    /// Several tests that walk forward.
    WalkForward {
        /// Number of test stretches.
        folds: usize,
        /// Share of the samples before a test that serves for choosing.
        validation: f64,
        /// Candles' time before a test that is learned from; `None` for all of it.
        window: Option<u32>,
        /// Candles left out between stretches.
        embargo: u32,
    },
    /// Every choice of some groups of time, learned from on both sides.
    Combinatorial {
        /// Number of groups.
        groups: usize,
        /// Number of groups that a fold tests on.
        test_groups: usize,
        /// Paths through all of the time.
        paths: usize,
        /// Share of the samples outside the tests that serves for choosing.
        validation: f64,
        /// Candles left out between stretches.
        embargo: u32,
    },
    /// One test at the end of the data.
    Holdout {
        /// Start of validation.
        #[serde(serialize_with = "iso::time")]
        validate_from: Timestamp,
        /// Start of the test.
        #[serde(serialize_with = "iso::time")]
        test_from: Timestamp,
        /// Candles left out between stretches.
        embargo: u32,
    },
}

/// Instruments of one interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GroupRecord {
    /// The candles' interval.
    pub interval: Interval,
    /// Treatment of missing candles.
    pub gap_policy: GapPolicy,
    /// Names of the instruments.
    pub instruments: Vec<String>,
    /// Folds of the group.
    pub folds: Vec<FoldRecord>,
}

/// One fold of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FoldRecord {
    /// Counted from 1.
    pub fold: usize,
    /// Start of validation.
    #[serde(serialize_with = "iso::time")]
    pub validate_from: Timestamp,
    /// Start of the test, or of the first of several.
    #[serde(serialize_with = "iso::time")]
    pub test_from: Timestamp,
    /// End of the test, or of the last of several; `None` for the end of the data.
    #[serde(serialize_with = "iso::optional_time")]
    pub test_until: Option<Timestamp>,
    /// The groups tested on under a plan of combinations, counted from 1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test_groups: Vec<usize>,
    /// Windows learned from; `None` where the fold could not be cut.
    pub train_windows: Option<usize>,
    /// Windows for choosing; `None` where the fold could not be cut.
    pub validation_windows: Option<usize>,
    /// Windows tested on.
    pub test_windows: usize,
    /// Instruments tested though the fold had no training window of their own: what was tested
    /// on them was learned from others only. Test-only instruments, of which that is always
    /// true, are not named.
    pub untrained: Vec<String>,
}

/// One instrument as given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InstrumentRecord {
    /// Name of the instrument.
    pub name: String,
    /// The candles' interval.
    pub interval: Interval,
    /// Number of candles.
    pub candles: usize,
    /// Open time of the first.
    #[serde(serialize_with = "iso::optional_time")]
    pub first: Option<Timestamp>,
    /// Open time of the last.
    #[serde(serialize_with = "iso::optional_time")]
    pub last: Option<Timestamp>,
    /// Places where candles are missing.
    pub gaps: usize,
    /// Candles missing there.
    pub missing: u64,
    /// Whether no model learned from it.
    pub test_only: bool,
    /// Candles that at least one model was tested on, over all folds.
    pub test_candles: usize,
}

/// An instrument of which no candle was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UntestedInstrument {
    /// Name of the instrument.
    pub name: String,
    /// The candles' interval.
    pub interval: Interval,
}

/// Something that was to be tested and could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Name of the file or instrument.
    pub name: String,
    /// Reason why it was not read.
    pub reason: String,
}

/// `name: reason`.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.reason)
    }
}

/// One epoch of a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochLoss {
    /// Network of the model, counted from 1 in the order of training.
    pub member: usize,
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch's training windows, nats.
    pub train_loss: f64,
    /// Mean cross-entropy on the validation windows after the epoch, nats; `None` without any.
    pub validation_loss: Option<f64>,
    /// Whether these were the best weights so far.
    pub best: bool,
}

/// Training of a model on a fold.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TrainingResult {
    /// Name of the model.
    pub model: String,
    /// The candles' interval.
    pub interval: Interval,
    /// Fold, counted from 1.
    pub fold: usize,
    /// Record that the model keeps of its training.
    #[serde(serialize_with = "iso::record")]
    pub record: TrainingRecord,
    /// Its losses, epoch by epoch; empty where nothing is learned by descent.
    pub epochs: Vec<EpochLoss>,
}

/// A model, instrument, fold or group that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// The model; `None` for all.
    pub model: Option<String>,
    /// The instrument; `None` for all of the interval.
    pub instrument: Option<String>,
    /// The candles' interval.
    pub interval: Interval,
    /// Fold, counted from 1; `None` for all.
    pub fold: Option<usize>,
    /// Error message.
    pub message: String,
}

impl Failure {
    /// A failure of all models on all folds of an interval.
    pub(crate) fn of_group(interval: Interval, error: &impl fmt::Display) -> Self {
        let message = error.to_string();
        Self { model: None, instrument: None, interval, fold: None, message }
    }

    /// A failure of all models on one instrument.
    pub(crate) fn of_instrument(series: &CandleSeries, error: &impl fmt::Display) -> Self {
        let instrument = Some(series.pair().to_string());
        Self { instrument, ..Self::of_group(series.interval(), error) }
    }
}

/// `v2, 1h, fold 3: why`.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.model.as_deref().unwrap_or("every model"))?;
        if let Some(instrument) = &self.instrument {
            write!(f, "{instrument}, ")?;
        }
        write!(f, "{}", self.interval)?;
        if let Some(fold) = self.fold {
            write!(f, ", fold {fold}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Measured times, seconds of wall clock unless said otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timing {
    /// Time at which the run started.
    #[serde(serialize_with = "iso::time")]
    pub started_at: Timestamp,
    /// Wall time of the run, seconds.
    pub wall_seconds: f64,
    /// Threads it ran on.
    pub threads: usize,
    /// Timing of each model.
    pub models: Vec<ModelTiming>,
}

/// Times of a model, summed over its tasks.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelTiming {
    /// Name of the model.
    pub(crate) model: String,
    /// Fitting. Tasks run side by side and share threads: this can exceed the run's wall time.
    pub fit_seconds: f64,
    /// Predicting, summed over threads.
    pub(crate) predict_seconds: f64,
    /// Predictions made.
    pub(crate) predictions: usize,
    /// Microseconds per prediction; `None` without any.
    pub microseconds_per_prediction: Option<f64>,
}
