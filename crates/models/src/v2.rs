//! ML v2, the baseline: a weighted average of squashed signals.
//!
//! **Formula** with z the scaled value of channel c in the last row (the scaler is fitted on
//! training rows), w its weight:
//!
//! ```text
//! s   = Σ_c w_c · tanh(z_c / 2) / Σ_c |w_c|          −1 ≤ s ≤ 1
//! p   = softmax(s / 2, −s / 2, −3)                    UP, DOWN, NEUTRAL
//! ```
//!
//! So s = 0 says nothing (NEUTRAL by a tie, 48.8 % each way), and the strongest agreement of
//! all signals is 71 %. The default weights are set by hand and follow the trend:
//!
//! | momentum | trend | rsi | macd | volatility | `volume_change` |
//! |---|---|---|---|---|---|
//! | 0.3 | 0.2 | 0.2 | 0.3 | 0 | 0 |
//!
//! Volatility and volume change have no direction of their own, so by hand they get none.
use std::path::Path;

use serde::{Deserialize, Serialize};
use windvane_signals::{Scaler, Window};

use crate::{
    Artifact, Calibration, DirectionModel, ModelError, ModelId, ModelSpec, Prediction, Scratch,
    TrainingRecord,
};

/// The kind in saved files and the default id.
pub const KIND: &str = "v2";

/// Logit of NEUTRAL beside ± s/2.
const NEUTRAL_LOGIT: f32 = -3.0;

/// What a saved file says beyond its tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    neutral_logit: f32,
}

/// Weighted average of squashed signals (ML v2).
#[derive(Debug, Clone)]
pub struct WeightedSignals {
    id: ModelId,
    spec: ModelSpec,
    scaler: Scaler,
    weights: Vec<f32>,
    neutral_logit: f32,
    calibration: Calibration,
    record: Option<TrainingRecord>,
}

/// The default weight of a channel; 0 for one this table does not know.
pub fn default_weight(channel: &str) -> f32 {
    match channel {
        "momentum" | "macd" => 0.3,
        "trend" | "rsi" => 0.2,
        _ => 0.0,
    }
}

impl WeightedSignals {
    /// A model with given scaler and weights, one per channel of `spec`.
    ///
    /// # Errors
    /// [`ModelError::WindowShape`] when their number differs from the channels',
    /// [`ModelError::Setting`] for a weight that is not finite or when all are 0.
    pub fn new(spec: ModelSpec, scaler: Scaler, weights: Vec<f32>) -> Result<Self, ModelError> {
        spec.validate()?;
        let expected = spec.signals.width();
        for (what, got) in [("weights", weights.len()), ("scaled channels", scaler.width())] {
            if got != expected {
                return Err(ModelError::WindowShape { what, expected, got });
            }
        }
        let total: f32 = weights.iter().map(|weight| weight.abs()).sum();
        if !total.is_finite() || total <= 0.0 {
            return Err(ModelError::Setting {
                setting: "sum of the weights' magnitudes",
                expected: "finite and above 0; give weights for your own channels",
                got: f64::from(total),
            });
        }
        let (id, neutral_logit) = (ModelId::new(KIND), NEUTRAL_LOGIT);
        let calibration = Calibration::NONE;
        Ok(Self { id, spec, scaler, weights, neutral_logit, calibration, record: None })
    }

    /// The weights, one per channel.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The score s of a row, −1 to 1.
    fn score(&self, row: &[f64]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (channel, (&value, &weight)) in row.iter().zip(&self.weights).enumerate() {
            sum += f64::from(weight) * (self.scaler.apply(channel, value) / 2.0).tanh();
            total += f64::from(weight.abs());
        }
        sum / total
    }

    /// Reads a model from a file.
    ///
    /// # Errors
    /// [`ModelError::Io`], [`ModelError::Kind`], or what is wrong with the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        Self::from_artifact(&Artifact::read(path)?)
    }

    /// Reads a model from the bytes of a file, as `include_bytes!` gives them.
    ///
    /// # Errors
    /// [`ModelError::Kind`], or what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::from_artifact(&Artifact::from_bytes(bytes)?)
    }

    pub(crate) fn from_artifact(artifact: &Artifact) -> Result<Self, ModelError> {
        artifact.expect_kind(KIND)?;
        artifact.expect_tensors(&["weights"])?;
        let (spec, scaler) = (artifact.spec().clone(), artifact.scaler()?.clone());
        let Config { neutral_logit } = artifact.config()?;
        if !neutral_logit.is_finite() {
            // JSON's 1e39 is none of f32's numbers, and would be saved as null.
            return Err(artifact.damaged(format!("its neutral logit is {neutral_logit}")));
        }
        let weights = artifact.tensor("weights", &[spec.signals.width()])?.to_vec();
        let model = Self::new(spec, scaler, weights);
        let model = model.map_err(|error| artifact.damaged(error.to_string()))?;
        let (calibration, record) = (artifact.calibration(), artifact.record().cloned());
        Ok(Self { id: artifact.id(), calibration, record, neutral_logit, ..model })
    }
}

impl DirectionModel for WeightedSignals {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, window: Window<'_>, scratch: &mut Scratch) -> Result<Prediction, ModelError> {
        self.spec.check(&window)?;
        scratch.get::<()>()?;
        #[expect(clippy::cast_possible_truncation, reason = "a score of −1 to 1")]
        let score = self.score(window.row(window.steps() - 1)) as f32;
        let logits = [score / 2.0, -score / 2.0, self.neutral_logit];
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        self.calibration.prediction(logits, at, horizon, &self.id)
    }

    fn record(&self) -> Option<&TrainingRecord> {
        self.record.as_ref()
    }

    fn calibration(&self) -> Calibration {
        self.calibration
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), ModelError> {
        self.calibration = calibration;
        Ok(())
    }

    fn to_artifact(&self) -> Result<Artifact, ModelError> {
        let config = Config { neutral_logit: self.neutral_logit };
        let artifact = Artifact::new(KIND, &self.id, &self.spec, &config)?;
        let artifact = artifact.with_scaler(&self.scaler).with_calibration(self.calibration);
        let mut artifact = artifact.with_record(self.record.as_ref());
        artifact.push("weights", &[self.weights.len()], self.weights.clone())?;
        Ok(artifact)
    }
}

/// Fits v2: its scaler on the training rows; the weights stay as given.
#[cfg(feature = "train")]
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedSignalsLearner {
    /// Id of the models it fits; `v2` by default.
    pub id: ModelId,
    /// One weight per channel; `None` for the default weights.
    pub weights: Option<Vec<f32>>,
}

#[cfg(feature = "train")]
impl Default for WeightedSignalsLearner {
    fn default() -> Self {
        Self { id: ModelId::new(KIND), weights: None }
    }
}

#[cfg(feature = "train")]
impl WeightedSignalsLearner {
    /// Fits the model. `validation` and the seed only go into its record: nothing is drawn,
    /// nothing is chosen.
    ///
    /// # Errors
    /// [`ModelError::WindowShape`] and [`ModelError::Setting`] for weights that do not fit,
    /// [`ModelError::Signal`] without rows to scale by, [`ModelError::Validation`].
    pub fn fit_model(
        &self,
        train: &windvane_signals::TrainSet<'_>,
        validation: &windvane_signals::ValidationSet<'_>,
        run: &crate::train::Run<'_>,
    ) -> Result<WeightedSignals, ModelError> {
        let spec = crate::train::spec_of(train, validation)?;
        let scaler = Scaler::fit(train)?;
        let by_hand = || spec.signals.channels.iter().map(|c| default_weight(c.name())).collect();
        let weights = self.weights.clone().unwrap_or_else(by_hand);
        let mut record = crate::train::record_of(train, validation, run.seed());
        record.constant_channels = crate::train::constant_channels(&scaler, &spec);
        let model = WeightedSignals::new(spec, scaler, weights)?;
        Ok(WeightedSignals { id: self.id.clone(), record: Some(record), ..model })
    }
}

#[cfg(feature = "train")]
impl crate::train::Learner for WeightedSignalsLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn fit(
        &self,
        train: &windvane_signals::TrainSet<'_>,
        validation: &windvane_signals::ValidationSet<'_>,
        run: &crate::train::Run<'_>,
    ) -> Result<Box<dyn DirectionModel>, ModelError> {
        Ok(Box::new(self.fit_model(train, validation, run)?))
    }
}
