//! Training of models.
use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;
use windvane::candles::{CandleSeries, Timestamp};
use windvane::catalog::{Hyperparameters, MODELS, ModelEntry};
use windvane::models::train::{EpochReport, Learner, Run};
use windvane::models::{FittedModel, TrainError};
use windvane::signals::{Dataset, GapPolicy, LabelSpec, SampleSet, SignalError, SignalSpec, Split};

use crate::error::failed;
use crate::model::Model;
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
}

/// Fits a model on series of one interval.
#[pyfunction]
#[pyo3(signature = (
    series, *, model, validate_from, seed, spec, lookback, horizon, epochs, progress,
))]
#[expect(clippy::too_many_arguments, reason = "one per setting of the Python function")]
pub(crate) fn fit(
    py: Python<'_>,
    series: Vec<PyRef<'_, Series>>,
    model: &str,
    validate_from: Option<i64>,
    seed: u64,
    spec: &Bound<'_, PyAny>,
    lookback: usize,
    horizon: usize,
    epochs: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Model> {
    let entry: ModelEntry = model.parse().map_err(failed)?;
    let learner = entry.learner(&Hyperparameters { epochs, ..Hyperparameters::default() });
    let (spec, fixed_gaps) = channels(spec)?;
    let fit = Fit {
        series: copied(&series),
        spec,
        fixed_gaps,
        lookback,
        labels: LabelSpec { horizon, ..LabelSpec::default() },
        validate_from: validate_from.map(Timestamp::from_millis),
        seed,
    };
    let model = progress::run(py, progress, |reporter| fit.run(&*learner, reporter))?;
    Ok(Model(Arc::from(model.map_err(failed)?)))
}

/// Returns the models of the catalog with their descriptions.
#[pyfunction]
pub(crate) fn models() -> BTreeMap<&'static str, &'static str> {
    MODELS.iter().map(|entry| (entry.name, entry.description)).collect()
}

impl Fit {
    fn run(
        &self,
        learner: &dyn Learner,
        reporter: &Reporter,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        let samples = self.samples()?;
        let split = self.split(&samples)?;
        let (train, validation) = (split.train(&samples)?, split.validation(&samples)?);
        let on_epoch = |report: &EpochReport| {
            reporter.step(report.epoch, report.max_epochs, epoch_text(report));
            reporter.stop().flow()
        };
        learner.fit(&train, &validation, &Run::new(self.seed).on_epoch(&on_epoch))
    }

    /// Collects the labelled windows under the gap policy that the training candles imply.
    ///
    /// The start of the validation period depends on the number of windows, hence on the policy: the
    /// earlier of the two possible times counts, as in `windvane fit` and in a backtest.
    fn samples(&self) -> Result<SampleSet, SignalError> {
        let Some(interval) = self.series.first().map(CandleSeries::interval) else {
            let hint = "pass the candles of at least one pair";
            return Err(SignalError::EmptyPart { part: "training", hint });
        };
        if self.fixed_gaps {
            return self.samples_under(self.spec.gaps);
        }
        let [open, sessions] =
            [self.spec.gaps, GapPolicy::sessions(interval)].map(|gaps| self.samples_under(gaps));
        let splits = [&open, &sessions].map(|samples| self.split(samples.as_ref().ok()?).ok());
        let validate_from = splits.iter().flatten().map(Split::validate_from).min();
        let until = validate_from.unwrap_or(Timestamp::from_millis(i64::MIN));
        let before: Vec<CandleSeries> =
            self.series.iter().map(|series| series.split_at(until).0).collect();
        if GapPolicy::infer(&before) == GapPolicy::Reset { open } else { sessions }
    }

    fn samples_under(&self, gaps: GapPolicy) -> Result<SampleSet, SignalError> {
        let spec = SignalSpec { channels: self.spec.channels.clone(), gaps };
        let dataset = Dataset::from_series(&self.series, &spec, self.lookback, self.labels)?;
        Ok(dataset.samples().clone())
    }

    fn split(&self, samples: &SampleSet) -> Result<Split, SignalError> {
        let (Some(validate_from), Some(last)) = (self.validate_from, samples.samples().last())
        else {
            return Split::for_live(samples, VALIDATION);
        };
        let end = Timestamp::from_millis(last.outcome.settled_at.millis().saturating_add(1));
        Split::builder().validate_from(validate_from).test_from(end).embargo(0).build()
    }
}

/// Losses of an epoch, for a progress bar.
pub(crate) fn epoch_text(report: &EpochReport) -> String {
    let validation = report.validation_loss.map(|loss| format!(", validation {loss:.4}"));
    format!("{}: loss {:.4}{}", report.model, report.train_loss, validation.unwrap_or_default())
}
