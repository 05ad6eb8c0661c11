//! Comparison of a model with the best baseline on the same candles.
use serde::Serialize;

use crate::metrics::Bounds;
use crate::score::baseline::{best, on_scored_candles};
use crate::score::bootstrap::{Bootstrap, PairedCounts, ScoreSettings};
use crate::score::{Accuracy, BaselineResult, Record, ResultRow};

/// Level of the confidence intervals in reports.
pub(crate) const LEVEL: f64 = 0.95;

/// Accuracy of a model minus that of a baseline, or of another model, on the same candles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExcessAccuracy {
    /// Difference of the two accuracies, a fraction.
    pub value: f64,
    /// 95 % interval of the difference from paired resamples; `None` where undefined.
    pub interval_95: Option<Bounds>,
    /// One-sided p-value from the same blocks of time, not corrected for multiple comparisons;
    /// `None` where undefined.
    pub p_value: Option<f64>,
}

impl ExcessAccuracy {
    /// Adds the interval and the p-value of the resamples to a difference.
    pub(crate) fn of(value: f64, bootstrap: Option<&Bootstrap<PairedCounts>>) -> Self {
        Self {
            value,
            interval_95: bootstrap.and_then(|b| b.excess_accuracy(LEVEL)),
            p_value: bootstrap.and_then(Bootstrap::excess_p_value),
        }
    }
}

/// Records that a model is compared on: all of a list, or the most confident ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ComparedRecords<'a> {
    records: &'a [Record],
    /// Largest confidence rank; `None` for all records.
    max_rank: Option<f64>,
}

impl<'a> From<&'a [Record]> for ComparedRecords<'a> {
    fn from(records: &'a [Record]) -> Self {
        Self { records, max_rank: None }
    }
}

impl<'a> From<&'a Vec<Record>> for ComparedRecords<'a> {
    fn from(records: &'a Vec<Record>) -> Self {
        records[..].into()
    }
}

impl<'a> ComparedRecords<'a> {
    /// Selects the records up to a confidence rank, with the direction of the margin as prediction.
    pub(crate) fn most_confident(records: &'a [Record], max_rank: f64) -> Self {
        Self { records, max_rank: Some(max_rank) }
    }

    /// Iterates over the records. A list of copies would double the memory of a report.
    pub(crate) fn iter(self) -> impl Iterator<Item = Record> + Clone {
        self.records.iter().filter_map(move |record| match self.max_rank {
            None => Some(*record),
            Some(max_rank) => (record.confidence_rank <= max_rank)
                .then(|| Record { predicted: record.margin_direction(), ..*record }),
        })
    }
}

/// Comparison of a model with its baselines.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// 95 % interval of the model's accuracy.
    pub(crate) interval_95: Option<Bounds>,
    /// Number of blocks of the bootstrap.
    pub(crate) blocks: Option<usize>,
    pub(crate) baselines: Vec<BaselineResult>,
    pub(crate) best: Option<BaselineResult>,
    /// Excess accuracy over the best baseline.
    pub(crate) excess_accuracy: Option<ExcessAccuracy>,
}

impl Comparison {
    pub(crate) fn of<'a>(
        records: impl Into<ComparedRecords<'a>>,
        settings: ScoreSettings<'_>,
    ) -> Self {
        let records = records.into();
        let baselines = on_scored_candles(records);
        let best = best(&baselines);
        let bootstrap = best.and_then(|best| Bootstrap::new(records, best.rule, settings));
        let accuracy = Accuracy::of(records.iter(), |record| record.predicted).accuracy;
        let excess_accuracy = best.and_then(|best| {
            Some(ExcessAccuracy::of(accuracy? - best.score.accuracy?, bootstrap.as_ref()))
        });
        Self {
            interval_95: bootstrap.as_ref().and_then(|b| b.accuracy(LEVEL)),
            blocks: bootstrap.as_ref().map(Bootstrap::blocks),
            baselines,
            best,
            excess_accuracy,
        }
    }
}

/// Number of edges over the best baseline whose interval lies above 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExcessAccuracyCount {
    /// Number of edges with an interval.
    pub(crate) all: usize,
    /// Number of those whose interval lies above 0.
    pub(crate) above: usize,
    /// Expected number above 0 if all models are equal to the best baseline.
    pub(crate) by_chance: f64,
}

impl ExcessAccuracyCount {
    pub(crate) fn new<'a>(rows: impl Iterator<Item = &'a ResultRow>) -> Self {
        let bounds: Vec<Bounds> = rows.filter_map(|row| row.excess_accuracy?.interval_95).collect();
        let above = bounds.iter().filter(|bounds| bounds.is_above_zero()).count();
        Self { all: bounds.len(), above, by_chance: 0.025 * bounds.len() as f64 }
    }
}
