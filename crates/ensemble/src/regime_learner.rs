//! Learner of one model per regime.
use std::fmt;
use std::sync::Arc;

use windvane_models::train::{Learner, Run, record_of, spec_of};
use windvane_models::{FittedModel, ModelId, TrainError};
use windvane_signals::{TrainSet, ValidationSet};

use crate::RegimeModels;
use crate::regime_gate::{REGIMES, RegimeGate};

/// Default minimum number of training windows of a regime's own model.
const MIN_WINDOWS: usize = 1_000;
/// Ratio of training windows to the minimum number of validation windows.
const TRAINING_PER_VALIDATION: usize = 20;

/// Learner of [`RegimeModels`]: fits a base learner on all windows, and again on the windows of each
/// regime that has enough of them.
///
/// The regime of a window is that of its last candle, from the channel `regime` or from a volatility
/// and a trend, whose terciles the fit measures on the training windows: [`RegimeModels`]. Each model
/// has its own seed, derived from that of the run.
#[derive(Clone)]
pub struct RegimeLearner {
    /// Id of the fitted models.
    pub id: ModelId,
    /// Learner of the models.
    pub base: Arc<dyn Learner>,
    /// Minimum number of training windows of a regime's own model, and 20 times that of its
    /// validation windows; a regime with fewer uses the pooled model. Default: 1,000.
    pub min_windows: usize,
}

/// Shows the ids and the minimum number of windows.
impl fmt::Debug for RegimeLearner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegimeLearner")
            .field("id", &self.id)
            .field("base", self.base.id())
            .field("min_windows", &self.min_windows)
            .finish()
    }
}

impl RegimeLearner {
    /// Creates a learner; its id is that of the base learner with `@regimes`.
    pub fn new(base: Arc<dyn Learner>) -> Self {
        let id = ModelId::new(format!("{}@regimes", base.id()));
        Self { id, base, min_windows: MIN_WINDOWS }
    }

    /// Fits the models.
    ///
    /// # Errors
    /// The errors of the base learner; [`TrainError::Other`] with an
    /// [`EnsembleError`](crate::EnsembleError) if the windows have neither the channel `regime` once
    /// nor a volatility and a trend; [`TrainError::Signal`] if the volatility is constant.
    pub fn fit_model(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<RegimeModels, TrainError> {
        for samples in [&**train, &**validation] {
            samples.require_memory("a learner of regimes")?;
        }
        let gate = RegimeGate::fit(&spec_of(train, validation)?, train)?;
        let mut models = vec![self.base.fit(train, validation, &run.member(&self.id, 0))?];
        let mut model_of = [0; REGIMES];
        for (seed, (regime, model)) in (1..).zip(model_of.iter_mut().enumerate()) {
            let train = train.subset(|sample| gate.regime(&train.window(sample)) == Some(regime));
            let validation =
                validation.subset(|sample| gate.regime(&validation.window(sample)) == Some(regime));
            let enough = train.len() >= self.min_windows.max(1)
                && validation.len() >= (self.min_windows / TRAINING_PER_VALIDATION).max(1);
            if enough {
                *model = models.len();
                models.push(self.base.fit(&train, &validation, &run.member(&self.id, seed))?);
            }
        }
        let models = RegimeModels::with_gate(self.id.clone(), models, model_of, gate)?;
        Ok(models.with_record(record_of(train, validation, run.seed())?))
    }
}

impl Learner for RegimeLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn settings(&self) -> Option<String> {
        let Self { id, base, min_windows } = self;
        serde_json::to_string(&("regimes", id.as_str(), min_windows, base.settings()?)).ok()
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Ok(Box::new(self.fit_model(train, validation, run)?))
    }
}
