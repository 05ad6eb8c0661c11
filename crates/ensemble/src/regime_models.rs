//! Models of single regimes behind a gate.
use serde::{Deserialize, Serialize};
use windvane_models::{
    Artifact, DirectionModel, FittedModel, Kinds, LoadError, ModelId, ModelSpec, PredictError,
    Prediction, Scratch, TrainingRecord,
};
use windvane_signals::Window;

use crate::EnsembleError;
use crate::member::whole_record;
use crate::regime_gate::{REGIMES, RegimeGate, RegimeTerciles};

/// Kind in saved files.
pub const REGIMES_KIND: &str = "regimes";

/// Model of each regime, chosen at the last candle of the window; a regime without a model of its
/// own uses the pooled model.
///
/// The regime is the value of the channel [`regime`](windvane_signals::channels::Regime). Without that
/// channel, a fit measures the same quantity: 2 × the tercile of the volatility over the training
/// windows, plus 1 if the trend is up. The volatility is the channel `log_volatility` or
/// `volatility`, the trend the sign of `normalized_momentum(lag=24)` or `trend`.
///
/// All models have the same spec. They predict from the window alone: recurrent state is not carried
/// from candle to candle.
#[derive(Debug)]
pub struct RegimeModels {
    id: ModelId,
    /// The pooled model, then those of single regimes.
    models: Vec<Box<dyn FittedModel>>,
    /// Index of the model of each regime.
    model_of: [usize; REGIMES],
    gate: RegimeGate,
    record: Option<TrainingRecord>,
    /// Own record joined with those of the models.
    whole_record: Option<TrainingRecord>,
}

/// Configuration in a saved file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegimesConfig {
    model_of: [usize; REGIMES],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terciles: Option<RegimeTerciles>,
}

impl RegimeModels {
    /// Creates the gate of the channel `regime`; `models` begins with the pooled model, and `model_of`
    /// has the index of the model of each regime.
    ///
    /// # Errors
    /// [`EnsembleError::Empty`] without a model, [`EnsembleError::RegimeChannel`] if the spec does
    /// not contain the channel `regime` once, [`EnsembleError::RegimeModel`] for an index without a
    /// model, [`EnsembleError::Mismatch`] if the specs differ.
    pub fn new(
        id: ModelId,
        models: Vec<Box<dyn FittedModel>>,
        model_of: [usize; REGIMES],
    ) -> Result<Self, EnsembleError> {
        let Some(pooled) = models.first() else { return Err(EnsembleError::Empty) };
        let gate = RegimeGate::new(pooled.spec(), None)?;
        Self::with_gate(id, models, model_of, gate)
    }

    /// Creates the models with a gate of the pooled model's spec, which begins the models.
    pub(crate) fn with_gate(
        id: ModelId,
        models: Vec<Box<dyn FittedModel>>,
        model_of: [usize; REGIMES],
        gate: RegimeGate,
    ) -> Result<Self, EnsembleError> {
        let Some(pooled) = models.first() else { return Err(EnsembleError::Empty) };
        if let Some(&got) = model_of.iter().find(|index| **index >= models.len()) {
            return Err(EnsembleError::RegimeModel { expected: models.len(), got });
        }
        if let Some(other) = models.iter().find(|model| model.spec() != pooled.spec()) {
            return Err(EnsembleError::Mismatch {
                what: "spec",
                first: pooled.id().to_string(),
                member: other.id().to_string(),
                expected: format!("{:?}", pooled.spec()),
                got: format!("{:?}", other.spec()),
            });
        }
        Ok(Self { id, models, model_of, gate, record: None, whole_record: None }
            .with_whole_record())
    }

    #[cfg(feature = "train")]
    pub(crate) fn with_record(self, record: TrainingRecord) -> Self {
        Self { record: Some(record), ..self }.with_whole_record()
    }

    /// Joins the own record with those of the models.
    fn with_whole_record(self) -> Self {
        let models = self.models.iter().map(|model| &**model);
        let whole_record = whole_record(self.record.as_ref(), models);
        Self { whole_record, ..self }
    }

    /// Returns the model of a regime, 0 to 5; the pooled model for another number.
    pub fn model_of(&self, regime: usize) -> &dyn FittedModel {
        &*self.models[self.model_of.get(regime).copied().unwrap_or(0)]
    }

    /// Returns the model that was fitted on all regimes.
    pub fn pooled(&self) -> &dyn FittedModel {
        &*self.models[0]
    }

    pub(crate) fn from_artifact(artifact: &Artifact, kinds: &Kinds) -> Result<Self, LoadError> {
        artifact.expect_kind(REGIMES_KIND)?;
        artifact.expect_tensors(&[])?;
        let RegimesConfig { model_of, terciles } = artifact.config()?;
        let models: Result<Vec<_>, _> =
            artifact.members()?.iter().map(|member| kinds.model(member)).collect();
        let models = models?;
        let own = RegimeGate::new(artifact.spec(), terciles)
            .and_then(|gate| Self::with_gate(artifact.id(), models, model_of, gate));
        let mut own = own.map_err(|error| artifact.damaged(error.to_string()))?;
        if own.spec() != artifact.spec() {
            return Err(artifact.damaged("its spec differs from that of its models".into()));
        }
        own.record = artifact.record().cloned();
        Ok(own.with_whole_record())
    }

    #[cfg(feature = "onnx")]
    pub(crate) fn gate(&self) -> &RegimeGate {
        &self.gate
    }

    /// Index of the model for a window of the right shape.
    fn choose(&self, window: &Window<'_>) -> usize {
        self.gate.regime(window).map_or(0, |regime| self.model_of[regime])
    }
}

impl DirectionModel for RegimeModels {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        self.models[0].spec()
    }

    fn scratch(&self) -> Scratch {
        Scratch::with_children((), self.models.iter().map(DirectionModel::scratch).collect())
    }

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec().check(&window)?;
        let index = self.choose(&window);
        let ((), children) = scratch.split::<()>()?;
        let scratch = children.get_mut(index).ok_or(PredictError::ForeignScratch)?;
        let mut prediction = self.models[index].predict(window, scratch)?;
        prediction.model = self.id.clone();
        Ok(prediction)
    }
}

impl FittedModel for RegimeModels {
    /// Returns the record of the fit, or that of the models, with the latest end of their periods.
    fn record(&self) -> Option<&TrainingRecord> {
        self.whole_record.as_ref()
    }

    fn to_artifact(&self) -> Result<Artifact, LoadError> {
        let config =
            RegimesConfig { model_of: self.model_of, terciles: self.gate.limits().cloned() };
        let artifact = Artifact::new(REGIMES_KIND, &self.id, self.spec(), &config)?;
        let mut artifact = artifact.with_record(self.record.as_ref());
        for model in &self.models {
            artifact.push_member(model.to_artifact()?);
        }
        Ok(artifact)
    }
}
