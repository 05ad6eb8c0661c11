//! Training of models.
use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;
use windvane::candles::{CandleSeries, Timestamp};
use windvane::catalog::{Hyperparameters, MODELS, ModelEntry};
use windvane::models::train::{EpochReport, Learner, Run};
use windvane::models::{PolicyConfig, TrainError, fit_policy};
use windvane::signals::{Dataset, GapPolicy, LabelSpec, SampleSet, SignalError, SignalSpec, Split};

use crate::error::failed;
use crate::model::Model;
use crate::policy::config;
use crate::profile::profile;
use crate::progress::{self, Reporter};
use crate::series::{Series, copied};
use crate::signals::channels;

/// Share of the last samples for validation, unless the start of the validation is given.
const VALIDATION: f64 = 0.15;

/// Data and settings of a fit.
struct Fit {
    series: Vec<CandleSeries>,
    spec: SignalSpec,
    /// Whether the gap policy of the spec is fixed, instead of inferred.
    fixed_gaps: bool,
    lookback: usize,
    labels: LabelSpec,
    validate_from: Option<Timestamp>,
    seed: u64,
    policy: Option<PolicyConfig>,
    has_profile: bool,
}

/// Fits a model on series of one interval.
#[pyfunction]
#[pyo3(signature = (
    series, *, model, validate_from, seed, average_seeds, spec, lookback, label, epochs, policy, profile,
    progress,
))]
#[expect(clippy::too_many_arguments, reason = "one per setting of the Python function")]
pub(crate) fn fit(
    py: Python<'_>,
    series: Vec<PyRef<'_, Series>>,
    model: &str,
    validate_from: Option<i64>,
    seed: u64,
    average_seeds: Option<usize>,
    spec: &Bound<'_, PyAny>,
    lookback: usize,
    label: &str,
    epochs: Option<usize>,
    policy: Option<&str>,
    profile: bool,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Model> {
    let entry: ModelEntry = model.parse().map_err(failed)?;
    let training = Hyperparameters { epochs, seeds: average_seeds, ..Hyperparameters::default() };
    let learner = entry.averaged_learner(&training);
    let (spec, fixed_gaps) = channels(spec)?;
    let fit = Fit {
        series: copied(&series),
        spec,
        fixed_gaps,
        lookback,
        labels: label.parse().map_err(failed)?,
        validate_from: validate_from.map(Timestamp::from_millis),
        seed,
        policy: policy.map(config).transpose()?,
        has_profile: profile,
    };
    progress::run(py, progress, |reporter| fit.run(&*learner, reporter))?.map_err(failed)
}

/// Returns the models of the catalog with their descriptions.
#[pyfunction]
pub(crate) fn models() -> BTreeMap<&'static str, &'static str> {
    MODELS.iter().map(|entry| (entry.name, entry.description)).collect()
}

impl Fit {
    fn run(&self, learner: &dyn Learner, reporter: &Reporter) -> Result<Model, TrainError> {
        let samples = self.samples()?;
        let split = self.split(&samples)?;
        let (train, validation) = (split.train(&samples)?, split.validation(&samples)?);
        let on_epoch = |report: &EpochReport| {
            reporter.step(report.epoch, report.max_epochs, epoch_text(report));
            reporter.stop().flow()
        };
        let model = learner.fit(&train, &validation, &Run::new(self.seed).on_epoch(&on_epoch))?;
        let policy = self.policy.map(|config| fit_policy(&*model, &validation, config));
        let profile = self.has_profile.then(|| profile(&train, &self.series, self.seed));
        Ok(Model {
            fitted: Arc::from(model),
            policy: policy.transpose()?,
            profile: profile.transpose()?.map(Arc::new),
        })
    }

    /// Collects the labelled windows under the gap policy that the training candles imply.
    fn samples(&self) -> Result<SampleSet, SignalError> {
        if self.series.is_empty() {
            let hint = "pass the candles of at least one pair";
            return Err(SignalError::EmptyPart { part: "training", hint });
        }
        if self.fixed_gaps {
            return self.samples_under(self.spec.gaps);
        }
        let build = |gaps| self.samples_under(gaps);
        GapPolicy::infer_before(&self.series, self.spec.gaps, build, |samples| {
            Some(self.split(samples.as_ref().ok()?).ok()?.validate_from())
        })
    }

    fn samples_under(&self, gaps: GapPolicy) -> Result<SampleSet, SignalError> {
        let spec = SignalSpec { channels: self.spec.channels.clone(), gaps };
        let dataset = Dataset::from_series(&self.series, &spec, self.lookback, self.labels)?;
        Ok(dataset.samples().clone())
    }

    fn split(&self, samples: &SampleSet) -> Result<Split, SignalError> {
        match self.validate_from {
            Some(validate_from) => Split::for_live_from(samples, validate_from),
            None => Split::for_live(samples, VALIDATION),
        }
    }
}

/// Losses of an epoch, for a progress bar.
pub(crate) fn epoch_text(report: &EpochReport) -> String {
    let validation = report.validation_loss.map(|loss| format!(", validation {loss:.4}"));
    format!("{}: loss {:.4}{}", report.model, report.train_loss, validation.unwrap_or_default())
}
