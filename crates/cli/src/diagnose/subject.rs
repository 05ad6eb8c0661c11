//! The model to diagnose: trained on the past, or loaded.
use std::path::Path;

use windvane::models::ModelSpec;
use windvane::models::train::{EpochReport, Run};
use windvane::prelude::*;

use super::options::Options;
use crate::Error;
use crate::calendar::months_before;
use crate::progress::Epochs;
use crate::series::gap_policy;

/// Rows per window of a model that is trained here.
const LOOKBACK: usize = 20;

/// Share of the samples before the test that serve for choosing.
const VALIDATION: f64 = 0.15;

/// A model and the reports of its training.
pub(super) struct Subject {
    pub(super) model: Box<dyn FittedModel>,
    /// Empty for a loaded model, and for one without gradient descent.
    pub(super) epochs: Vec<EpochReport>,
}

/// A saved model of any kind.
pub(super) fn load(path: &Path, interval: Interval) -> Result<Subject, Error> {
    let model = windvane::load(path)?;
    let expected = model.spec().interval;
    if expected != interval {
        return Err(PredictError::Interval { expected, got: interval }.into());
    }
    Ok(Subject { model, epochs: Vec::new() })
}

/// Input of a model that is trained here: the six default signals.
pub(super) fn spec(series: &CandleSeries) -> ModelSpec {
    let signals =
        SignalSpec { gaps: gap_policy(std::slice::from_ref(series)), ..SignalSpec::default() };
    let (interval, labels) = (series.interval(), LabelSpec::default());
    ModelSpec { signals, interval, lookback: LOOKBACK, labels }
}

/// Fits a model to the samples before the last months.
pub(super) fn fit(options: &Options, samples: &SampleSet) -> Result<Subject, Error> {
    let last = samples.samples().last().ok_or("too few candles for a single window")?;
    let test_from = months_before(last.outcome.settled_at, options.held_back());
    let before = samples.filtered(|sample| sample.outcome.settled_at <= test_from);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    let first_validation = (before.len() as f64 * (1.0 - VALIDATION)) as usize;
    let validate_from = before.samples().get(first_validation).ok_or_else(|| {
        format!("no candle is older than the last {} months; hold back less", options.held_back())
    })?;
    let split =
        Split::builder().validate_from(validate_from.decided_at).test_from(test_from).build()?;
    let (train, validation) = (split.train(samples)?, split.validation(samples)?);

    let epochs = Epochs::new();
    let on_epoch = |report: &EpochReport| epochs.on(report);
    let run = Run::new(options.seed).on_epoch(&on_epoch);
    let model = options.learner().fit(&train, &validation, &run)?;
    Ok(Subject { model, epochs: epochs.finish() })
}
