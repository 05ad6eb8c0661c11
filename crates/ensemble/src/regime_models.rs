//! Models of single regimes behind a gate.
use serde::{Deserialize, Serialize};
use windvane_models::{
    Artifact, DirectionModel, FittedModel, Kinds, LoadError, ModelId, ModelSpec, PredictError,
    Prediction, Scratch, TrainingRecord,
};
use windvane_signals::Window;

use crate::EnsembleError;

/// Kind in saved files.
pub const REGIMES_KIND: &str = "regimes";

/// Number of values of the channel `regime`.
pub(crate) const REGIMES: usize = 6;

/// Model of each [regime](windvane_signals::channels::Regime), chosen by the value of the channel
/// `regime` at the last candle of the window; a regime without a model of its own uses the pooled
/// model.
///
/// All models have the same spec, which contains the channel `regime` once. They predict from the
/// window alone: recurrent state is not carried from candle to candle.
#[derive(Debug)]
pub struct RegimeModels {
    id: ModelId,
    /// The pooled model, then those of single regimes.
    models: Vec<Box<dyn FittedModel>>,
    /// Index of the model of each regime.
    model_of: [usize; REGIMES],
    /// Column of the channel `regime`.
    column: usize,
    record: Option<TrainingRecord>,
}

/// Configuration in a saved file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegimesConfig {
    model_of: [usize; REGIMES],
}

impl RegimeModels {
    /// Creates the gate; `models` begins with the pooled model, and `model_of` has the index of the
    /// model of each regime.
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
        let column = regime_column(pooled.spec())?;
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
        Ok(Self { id, models, model_of, column, record: None })
    }

    #[cfg(feature = "train")]
    pub(crate) fn with_record(self, record: TrainingRecord) -> Self {
        Self { record: Some(record), ..self }
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
        let RegimesConfig { model_of } = artifact.config()?;
        let models: Result<Vec<_>, _> =
            artifact.members()?.iter().map(|member| kinds.model(member)).collect();
        let gate = Self::new(artifact.id(), models?, model_of);
        let mut gate = gate.map_err(|error| artifact.damaged(error.to_string()))?;
        if gate.spec() != artifact.spec() {
            return Err(artifact.damaged("its spec differs from that of its models".into()));
        }
        gate.record = artifact.record().cloned();
        Ok(gate)
    }

    /// Index of the model for a window of the right shape.
    fn choose(&self, window: &Window<'_>) -> usize {
        let value = window.row(window.steps() - 1)[self.column];
        let regime = (0..REGIMES).find(|regime| (value - *regime as f64).abs() < 0.5);
        regime.map_or(0, |regime| self.model_of[regime])
    }
}

/// Column of the channel `regime`.
pub(crate) fn regime_column(spec: &ModelSpec) -> Result<usize, EnsembleError> {
    let channels = spec.signals.channels.iter().enumerate();
    let mut regimes = channels.filter(|(_, channel)| channel.name() == "regime");
    match (regimes.next(), regimes.count()) {
        (Some((column, _)), 0) => Ok(column),
        (first, more) => {
            Err(EnsembleError::RegimeChannel { got: usize::from(first.is_some()) + more })
        }
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
    fn record(&self) -> Option<&TrainingRecord> {
        self.record.as_ref()
    }

    fn to_artifact(&self) -> Result<Artifact, LoadError> {
        let config = RegimesConfig { model_of: self.model_of };
        let artifact = Artifact::new(REGIMES_KIND, &self.id, self.spec(), &config)?;
        let mut artifact = artifact.with_record(self.record.as_ref());
        for model in &self.models {
            artifact.push_member(model.to_artifact()?);
        }
        Ok(artifact)
    }
}
