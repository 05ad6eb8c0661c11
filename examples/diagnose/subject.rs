//! The model that is looked at: trained on the past, or loaded.
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};
use windvane::ensemble;
use windvane::models::network::NetworkLearner;
use windvane::models::{v3, v31, v32};
use windvane::models::ModelSpec;
use windvane::models::train::{EpochReport, Learner, Recipe, Run};
use windvane::models::v2::WeightedSignalsLearner;
use windvane::prelude::*;
use windvane::signals::{GapPolicy, LabelSpec};

use super::calendar::months_before;
use super::options::{Model, Options, QUICK_EPOCHS};

type Error = Box<dyn std::error::Error>;

/// Rows per window of a model that is trained here.
const LOOKBACK: usize = 20;

/// Share of the samples before the test that serve for choosing.
const VALIDATION: f64 = 0.15;

/// A model and what was heard of its training.
pub(crate) struct Subject {
    pub(crate) model: Box<dyn FittedModel>,
    /// Empty for a model that was loaded, and for one that does not descend.
    pub(crate) epochs: Vec<EpochReport>,
}

/// A saved model of any kind.
pub(crate) fn load(path: &Path, interval: Interval) -> Result<Subject, Error> {
    let model = ensemble::kinds().load(path)?;
    let expected = model.spec().interval;
    if expected != interval {
        return Err(PredictError::Interval { expected, got: interval }.into());
    }
    Ok(Subject { model, epochs: Vec::new() })
}

/// What a model that is trained here reads: the six signals.
pub(crate) fn spec(series: &CandleSeries) -> ModelSpec {
    let signals = SignalSpec { gaps: gaps(series), ..SignalSpec::default() };
    let (interval, labels) = (series.interval(), LabelSpec::default());
    ModelSpec { signals, interval, lookback: LOOKBACK, labels }
}

/// A market that closes at times has more than 1 % of its candles missing.
fn gaps(series: &CandleSeries) -> GapPolicy {
    let missing: f64 = series.gaps().map(|gap| gap.missing as f64).sum();
    if missing <= 0.01 * (missing + series.len() as f64) {
        return GapPolicy::Reset;
    }
    let week = Interval::DAY.millis() * 7 / series.interval().millis();
    GapPolicy::Sessions { max_missing: u32::try_from(week).unwrap_or(u32::MAX) }
}

/// Fits a model to the samples before the last months.
pub(crate) fn fit(options: &Options, samples: &SampleSet<'_>) -> Result<Subject, Error> {
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
    let split = Split::new(validate_from.decided_at, test_from, None, 1)?;
    let (train, validation) = (split.train(samples)?, split.validation(samples)?);

    let epochs = Mutex::new(Vec::new());
    let style = ProgressStyle::with_template("{bar:30} epoch {pos}/{len}  {msg}")?;
    let bar = ProgressBar::new(1).with_style(style);
    let on_epoch = |report: &EpochReport| {
        bar.set_length(report.max_epochs as u64);
        bar.set_position(report.epoch as u64);
        bar.set_message(format!("loss {:.4}", report.train_loss));
        if let Ok(mut epochs) = epochs.lock() {
            epochs.push(*report);
        }
        ControlFlow::Continue(())
    };
    let run = Run::new(options.seed).on_epoch(&on_epoch);
    let model = learner(options).fit(&train, &validation, &run)?;
    bar.finish_and_clear();
    let epochs = epochs.into_inner().map_err(|_| "the training's reports are lost")?;
    Ok(Subject { model, epochs })
}

fn learner(options: &Options) -> Box<dyn Learner> {
    let quick = |recipe: Recipe| {
        if options.quick { Recipe { epochs: QUICK_EPOCHS, ..recipe } } else { recipe }
    };
    match options.model {
        Model::V2 => Box::new(WeightedSignalsLearner::default()),
        Model::V2Learned => Box::new(WeightedSignalsLearner::learned()),
        Model::V3 => {
            let learner = v3::learner();
            Box::new(NetworkLearner { recipe: quick(learner.recipe), ..learner })
        }
        Model::V31 => {
            let learner = v31::learner();
            Box::new(NetworkLearner { recipe: quick(learner.recipe), ..learner })
        }
        Model::V32 => {
            let learner = v32::learner();
            Box::new(NetworkLearner { recipe: quick(learner.recipe), ..learner })
        }
    }
}
