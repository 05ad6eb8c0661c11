//! Report of a run and its writers.
//!
//! Everything except [`Report::timing`] is the same for the same inputs, byte for byte, on any
//! number of threads.
mod anomalies;
mod appendix;
mod economics;
mod format;
mod headline;
#[cfg(feature = "html")]
mod html;
mod markdown;
mod most_confident;
mod policies;
mod refits;
mod regimes;
mod section;
mod sweep;
mod table;
mod trading;
mod write;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use windvane_candles::{CandleSeries, Interval, Timestamp};
use windvane_models::TrainingRecord;
use windvane_signals::{GapPolicy, LabelSpec, RefitSchedule};

use crate::metrics::OverfittingProbability;
use crate::score::{EarlierCount, Importance, RefitGain, ResultRow, Warning, iso};

pub use crate::score::Rank;
pub use sweep::{LabelOverfitting, SweepTiming};
pub use sweep::{SweepReport, SweepSettingRecord, TrialResult};
pub use table::ReportTable;

/// Version of the layout of `report.json`.
pub(crate) const SCHEMA: u32 = 3;

/// Report of a run.
///
/// The caller may set [`RunRecord::command`], [`RunRecord::model_descriptions`],
/// [`RunRecord::notes`] and [`skipped`](Self::skipped), which are empty after a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Version of the layout: 3.
    pub(crate) schema: u32,
    /// Settings of the run.
    pub run: RunRecord,
    /// Instruments by interval, with their folds.
    pub groups: Vec<GroupRecord>,
    /// Instruments in the order of the run.
    pub instruments: Vec<InstrumentRecord>,
    /// Instruments without a tested candle; they have no results.
    pub without_test_rows: Vec<UntestedInstrument>,
    /// Files that could not be read; set by the caller.
    pub skipped: Vec<Skipped>,
    /// Models by pooled accuracy, best first.
    pub ranking: Vec<Rank>,
    /// Probability of backtest overfitting of the ranking; `None` for fewer than ten models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overfitting: Option<OverfittingProbability>,
    /// Number of trials of earlier experiments that the corrections count.
    pub earlier: EarlierCount,
    /// Results of every model on every instrument, then pooled by interval, then over all.
    pub results: Vec<ResultRow>,
    /// Training results of every model.
    pub training: Vec<TrainingResult>,
    /// Importance of each channel to each model, by interval.
    pub importance: Vec<Importance>,
    /// Gain of refitting each model, by interval; empty under plans without refits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refits: Vec<RefitGain>,
    /// Failures of models and groups.
    pub failures: Vec<Failure>,
    /// Warnings about suspicious results.
    pub warnings: Vec<Warning>,
    /// Start and durations of the run; nothing else in the report depends on the clock.
    pub timing: Timing,
}

/// Settings of a run, enough to repeat it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// Version of this crate.
    pub(crate) version: String,
    /// Command line; set by the caller.
    pub command: Option<String>,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Number of consecutive seeds that each model was fitted with.
    pub(crate) seeds: usize,
    /// Number of models over all settings of the sweep that this run is part of, for which Holm's
    /// correction and the deflated Sharpe ratios are computed; `None` outside a sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sweep_trials: Option<usize>,
    /// Instruction set of the kernels.
    pub(crate) kernel: String,
    /// XXH3 hash of the names, intervals and candles of all instruments, in order.
    pub data_hash: String,
    /// Plan of the folds.
    pub(crate) plan: PlanRecord,
    /// Labels that the models predict.
    pub labels: LabelSpec,
    /// Channels of the signals.
    pub channels: Vec<String>,
    /// Gap policy of all intervals; `None` if it was inferred for each interval.
    pub gaps: Option<GapPolicy>,
    /// Number of rows per window.
    pub(crate) lookback: usize,
    /// Trading costs, basis points per unit of turnover.
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
    /// Walk-forward plan.
    WalkForward {
        /// Number of test periods.
        folds: usize,
        /// Share of the samples before a test that are validation samples.
        validation: f64,
        /// Length of the training period in candles; `None` for all candles before the test.
        window: Option<u32>,
        /// Number of candles left out between periods.
        embargo: u32,
    },
    /// Combinatorial purged cross-validation.
    Combinatorial {
        /// Number of groups of time.
        groups: usize,
        /// Number of groups that a fold tests on.
        test_groups: usize,
        /// Number of paths through all of the time.
        paths: usize,
        /// Share of the samples outside the tests that are validation samples.
        validation: f64,
        /// Number of candles left out between periods.
        embargo: u32,
    },
    /// One test whose model is fitted again on a schedule.
    RollingRefit {
        /// Start of the test.
        #[serde(serialize_with = "iso::time")]
        test_from: Timestamp,
        /// Schedule of the refits.
        schedule: RefitSchedule,
        /// Length of the training and validation of a fit in seconds; `None` for all time before
        /// it.
        window_seconds: Option<f64>,
        /// Share of the samples of a fit that are validation samples.
        validation: f64,
        /// Number of candles left out between periods.
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
        /// Number of candles left out between periods.
        embargo: u32,
    },
}

/// Group of the instruments of one interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GroupRecord {
    /// Interval of the candles.
    pub interval: Interval,
    /// Policy for missing candles.
    pub gap_policy: GapPolicy,
    /// Names of the instruments.
    pub instruments: Vec<String>,
    /// Folds of the group.
    pub folds: Vec<FoldRecord>,
}

/// Fold of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FoldRecord {
    /// Number of the fold, counted from 1.
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
    /// Test groups under a combinatorial plan, counted from 1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test_groups: Vec<usize>,
    /// Number of training windows; `None` if the fold has none.
    pub train_windows: Option<usize>,
    /// Number of validation windows; `None` if the fold has none.
    pub validation_windows: Option<usize>,
    /// Number of test windows.
    pub test_windows: usize,
    /// Instruments that were tested without a training window of their own, by a model trained on
    /// other instruments only. Test-only instruments, which never have one, are left out.
    pub untrained: Vec<String>,
}

/// Instrument of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InstrumentRecord {
    /// Name of the instrument.
    pub name: String,
    /// Interval of the candles.
    pub interval: Interval,
    /// Number of candles.
    pub candles: usize,
    /// Open time of the first candle.
    #[serde(serialize_with = "iso::optional_time")]
    pub first: Option<Timestamp>,
    /// Open time of the last candle.
    #[serde(serialize_with = "iso::optional_time")]
    pub last: Option<Timestamp>,
    /// Number of gaps.
    pub gaps: usize,
    /// Number of missing candles in all gaps.
    pub missing: u64,
    /// Whether the instrument was only tested and never used for training.
    pub test_only: bool,
    /// Number of candles that at least one model was tested on, over all folds.
    pub test_candles: usize,
}

/// Instrument without a tested candle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UntestedInstrument {
    /// Name of the instrument.
    pub name: String,
    /// Interval of the candles.
    pub interval: Interval,
}

/// File or instrument that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Name of the file or instrument.
    pub name: String,
    /// Reason of the failure.
    pub reason: String,
}

/// `name: reason`.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.reason)
    }
}

/// Losses of an epoch of training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochLoss {
    /// Network of the model, counted from 1 in the order of training.
    pub member: usize,
    /// Number of the epoch, counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch's training windows, nats.
    pub train_loss: f64,
    /// Mean cross-entropy on the validation windows after the epoch, nats; `None` without any.
    pub validation_loss: Option<f64>,
    /// Whether the weights of the epoch were the best so far.
    pub best: bool,
}

/// Training of a model on a fold.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TrainingResult {
    /// Name of the model.
    pub model: String,
    /// Interval of the candles.
    pub interval: Interval,
    /// Fold, counted from 1.
    pub fold: usize,
    /// Training record of the model.
    #[serde(serialize_with = "iso::record")]
    pub record: TrainingRecord,
    /// Losses by epoch; empty for models without gradient descent.
    pub epochs: Vec<EpochLoss>,
}

/// Failure of a model, an instrument, a fold or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// Name of the model; `None` for all models.
    pub model: Option<String>,
    /// Name of the instrument; `None` for all instruments of the interval.
    pub instrument: Option<String>,
    /// Interval of the candles.
    pub interval: Interval,
    /// Fold, counted from 1; `None` for all folds.
    pub fold: Option<usize>,
    /// Error message.
    pub message: String,
}

impl Failure {
    /// Failure of all models on all folds of an interval.
    pub(crate) fn of_group(interval: Interval, error: &impl fmt::Display) -> Self {
        let message = error.to_string();
        Self { model: None, instrument: None, interval, fold: None, message }
    }

    /// Failure of all models on one instrument.
    pub(crate) fn of_instrument(series: &CandleSeries, error: &impl fmt::Display) -> Self {
        let instrument = Some(series.pair().to_string());
        Self { instrument, ..Self::of_group(series.interval(), error) }
    }
}

/// `v2, 1h, fold 3: message`.
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

/// Start and durations of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timing {
    /// Time at which the run started.
    #[serde(serialize_with = "iso::time")]
    pub started_at: Timestamp,
    /// Wall time of the run, seconds.
    pub wall_seconds: f64,
    /// Number of threads.
    pub threads: usize,
    /// Timing of each model.
    pub models: Vec<ModelTiming>,
}

/// Durations of a model, summed over its tasks.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelTiming {
    /// Name of the model.
    pub(crate) model: String,
    /// Fit time, seconds. Tasks run in parallel, so the sum can exceed the wall time of the run.
    pub fit_seconds: f64,
    /// Prediction time, seconds, summed over threads.
    pub(crate) predict_seconds: f64,
    /// Number of predictions.
    pub(crate) predictions: usize,
    /// Microseconds per prediction; `None` without any.
    pub microseconds_per_prediction: Option<f64>,
}
