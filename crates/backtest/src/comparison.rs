//! A model's calls beside the best naive rule on the same candles.
use serde::Serialize;

use crate::bootstrap::{Bootstrap, Terms};
use crate::naive::{best, on_called};
use crate::{Accuracy, Bounds, NaiveResult, Record};

/// Level of the confidence intervals in reports.
pub(crate) const LEVEL: f64 = 0.95;

/// Accuracy of a model less that of a naive rule, or of another model, on the same candles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lead {
    /// The difference, a fraction.
    pub lead: f64,
    /// Its 95 % interval, paired; `None` where undefined.
    pub interval_95: Option<Bounds>,
    /// How often there is as great a lead or a greater one where truly there is none: one-sided,
    /// from the same blocks of time, not corrected for other comparisons. `None` where undefined.
    pub p_value: Option<f64>,
}

impl Lead {
    /// What resamples say of a lead.
    pub(crate) fn of(lead: f64, bootstrap: Option<&Bootstrap<crate::bootstrap::Tally>>) -> Self {
        Self {
            lead,
            interval_95: bootstrap.and_then(|b| b.lead(LEVEL)),
            p_value: bootstrap.and_then(Bootstrap::lead_p_value),
        }
    }
}

/// What can be said of a model's calls.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) interval_95: Option<Bounds>,
    pub(crate) blocks: Option<usize>,
    pub(crate) naive: [NaiveResult; 4],
    pub(crate) best: Option<NaiveResult>,
    pub(crate) lead: Option<Lead>,
}

impl Comparison {
    pub(crate) fn of(records: &[Record], terms: Terms<'_>) -> Self {
        let naive = on_called(records);
        let best = best(&naive);
        let bootstrap = best.and_then(|best| Bootstrap::new(records, best.rule, terms));
        let accuracy = Accuracy::of(records, |record| record.called).accuracy;
        let lead = best
            .and_then(|best| Some(Lead::of(accuracy? - best.score.accuracy?, bootstrap.as_ref())));
        Self {
            interval_95: bootstrap.as_ref().and_then(|b| b.accuracy(LEVEL)),
            blocks: bootstrap.as_ref().map(Bootstrap::blocks),
            naive,
            best,
            lead,
        }
    }
}
