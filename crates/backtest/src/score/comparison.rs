//! A model's calls beside the best baseline on the same candles.
use serde::Serialize;

use crate::metrics::Bounds;
use crate::score::baseline::{best, on_called};
use crate::score::bootstrap::{Bootstrap, Terms};
use crate::score::{Accuracy, BaselineResult, Record, ResultRow};

/// Level of the confidence intervals in reports.
pub(crate) const LEVEL: f64 = 0.95;

/// Accuracy of a model less that of a baseline, or of another model, on the same candles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lead {
    /// The difference, a fraction.
    pub lead: f64,
    /// Its 95 % interval, paired; `None` where undefined.
    pub interval_95: Option<Bounds>,
    /// One-sided p-value of the lead from the same blocks of time, not corrected for other
    /// comparisons; `None` where undefined.
    pub p_value: Option<f64>,
}

impl Lead {
    /// Bounds and p-value of a lead from resamples.
    pub(crate) fn of(
        lead: f64,
        bootstrap: Option<&Bootstrap<crate::score::bootstrap::Tally>>,
    ) -> Self {
        Self {
            lead,
            interval_95: bootstrap.and_then(|b| b.lead(LEVEL)),
            p_value: bootstrap.and_then(Bootstrap::lead_p_value),
        }
    }
}

/// Comparison of a model with its baselines.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) interval_95: Option<Bounds>,
    pub(crate) blocks: Option<usize>,
    pub(crate) baselines: Vec<BaselineResult>,
    pub(crate) best: Option<BaselineResult>,
    pub(crate) lead: Option<Lead>,
}

impl Comparison {
    pub(crate) fn of(records: &[Record], terms: Terms<'_>) -> Self {
        let baselines = on_called(records);
        let best = best(&baselines);
        let bootstrap = best.and_then(|best| Bootstrap::new(records, best.rule, terms));
        let accuracy = Accuracy::of(records, |record| record.called).accuracy;
        let lead = best
            .and_then(|best| Some(Lead::of(accuracy? - best.score.accuracy?, bootstrap.as_ref())));
        Self {
            interval_95: bootstrap.as_ref().and_then(|b| b.accuracy(LEVEL)),
            blocks: bootstrap.as_ref().map(Bootstrap::blocks),
            baselines,
            best,
            lead,
        }
    }
}

/// Number of edges over the best baseline whose interval lies above 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeadCount {
    /// Edges with an interval.
    pub(crate) all: usize,
    pub(crate) above: usize,
    /// Expected number above 0 if no model knew anything.
    pub(crate) by_chance: f64,
}

impl LeadCount {
    pub(crate) fn new<'a>(rows: impl Iterator<Item = &'a ResultRow>) -> Self {
        let bounds: Vec<Bounds> = rows.filter_map(|row| row.lead?.interval_95).collect();
        let above = bounds.iter().filter(|bounds| bounds.low > 0.0).count();
        Self { all: bounds.len(), above, by_chance: 0.025 * bounds.len() as f64 }
    }
}
