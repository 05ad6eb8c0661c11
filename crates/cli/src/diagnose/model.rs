//! Model to diagnose: trained on earlier candles, or loaded.
use std::path::Path;

use windvane::models::ModelSpec;
use windvane::models::train::{EpochReport, Run};
use windvane::prelude::*;

use super::options::DiagnoseOptions;
use crate::Error;
use crate::calendar::months_before;
use crate::progress::EpochProgress;

/// Number of rows per window of a trained model.
const LOOKBACK: usize = 20;

/// Share of the samples before the test period for validation.
const VALIDATION: f64 = 0.15;

/// Model to diagnose and the reports of its training.
pub(super) struct DiagnosedModel {
    pub(super) model: Box<dyn FittedModel>,
    /// Reports of the epochs; empty for a loaded model and for one without gradient descent.
    pub(super) epochs: Vec<EpochReport>,
}

/// Loads a saved model of any kind.
pub(super) fn load(path: &Path, interval: Interval) -> Result<DiagnosedModel, Error> {
    let model = windvane::load(path)?;
    let expected = model.spec().interval;
    if expected != interval {
        return Err(PredictError::Interval { expected, got: interval }.into());
    }
    Ok(DiagnosedModel { model, epochs: Vec::new() })
}

/// Spec of a trained model: the six default signals.
pub(super) fn spec(series: &CandleSeries) -> ModelSpec {
    let signals = SignalSpec { gaps: GapPolicy::infer([series]), ..SignalSpec::default() };
    let (interval, labels) = (series.interval(), LabelSpec::default());
    ModelSpec { signals, interval, lookback: LOOKBACK, labels }
}

/// Trains a model on the samples before the last months.
pub(super) fn fit(options: &DiagnoseOptions, samples: &SampleSet) -> Result<DiagnosedModel, Error> {
    let last = samples.samples().last();
    let last = last.ok_or("too few candles for a single window; pass more candles")?;
    let test_from = months_before(last.settled_at(), options.held_back());
    let before = samples.filtered(|sample| sample.settled_at() <= test_from);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    let first_validation = (before.len() as f64 * (1.0 - VALIDATION)) as usize;
    let validate_from = before.samples().get(first_validation).ok_or_else(|| {
        let months = options.held_back();
        format!("no candles before the last {months} month(s); reduce --test-months")
    })?;
    let split =
        Split::builder().validate_from(validate_from.decided_at).test_from(test_from).build()?;
    let (train, validation) = (split.train(samples)?, split.validation(samples)?);

    let epochs = EpochProgress::new();
    let on_epoch = |report: &EpochReport| epochs.on(report);
    let run = Run::new(options.seed).on_epoch(&on_epoch);
    let model = options.learner().fit(&train, &validation, &run)?;
    Ok(DiagnosedModel { model, epochs: epochs.finish() })
}
