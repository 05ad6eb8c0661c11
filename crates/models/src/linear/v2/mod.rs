//! ML v2, the baseline: a weighted average of squashed signals.
//!
//! **Formula** with z the scaled value of channel c in the last row (the scaler is fitted on
//! training rows), w its weight, g the gain:
//!
//! ```text
//! s   = Σ_c w_c · tanh(z_c / 2) / Σ_c |w_c|          −1 ≤ s ≤ 1
//! p   = softmax(g s / 2, −g s / 2, ν)                 UP, DOWN, NEUTRAL
//! ```
//!
//! **Hand-set** weights follow the trend, with g = 1 and ν = −3. With s = 0, UP and DOWN have 48.8
//! % each, a tie that is predicted as NEUTRAL. If all signals fully agree (s = ±1), the direction
//! has 71 %. The weights:
//!
//! | momentum | trend | rsi | macd | volatility | `volume_change` |
//! |---|---|---|---|---|---|
//! | 0.3 | 0.2 | 0.2 | 0.3 | 0 | 0 |
//!
//! Volatility and volume change have no direction, so their hand-set weight is 0.
//!
//! **Learned** weights (`v2-learned`, [`WeightedSignalsLearner::learned`]) are fitted by penalised
//! maximum likelihood, with g = `Σ_c |w_c|` and the ν for which NEUTRAL has its share of the
//! training labels. As ln p(UP)/p(DOWN) = g s = `Σ_c w_c tanh(z_c / 2)`, this is a logistic
//! regression. It has no intercept, so that a rising market during training does not by itself lead
//! to predictions of UP. [`WeightedSignals::importance`] returns the effect of each channel.
#[cfg(feature = "train")]
mod fit;
mod importance;
#[cfg(feature = "onnx")]
mod onnx;

use std::path::Path;

use serde::{Deserialize, Serialize};
use windvane_signals::{Scaler, Window};

use crate::{
    Artifact, Calibration, DirectionModel, FittedModel, Kinds, LoadError, ModelId, ModelSpec,
    PredictError, Prediction, Scratch, SettingError, TrainError, TrainingRecord,
};

#[cfg(feature = "train")]
pub use fit::{WeightedSignalsLearner, Weights};
pub use importance::SignalImportance;

/// Kind in saved files, and the default id.
pub const KIND: &str = "v2";

/// Logit of NEUTRAL for hand-set weights; those of UP and DOWN are ± s/2.
const NEUTRAL_LOGIT: f32 = -3.0;

/// Configuration in a saved file. Fields that hand-set weights do not need are omitted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightedSignalsConfig {
    neutral_logit: f32,
    #[serde(default = "hand_gain", skip_serializing_if = "is_hand_gain")]
    gain: f32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    importance: Vec<SignalImportance>,
}

/// Returns the gain of hand-set weights.
fn hand_gain() -> f32 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_hand_gain(gain: &f32) -> bool {
    gain.to_bits() == hand_gain().to_bits()
}

/// Model of a weighted average of squashed signals (ML v2).
#[derive(Debug, Clone)]
pub struct WeightedSignals {
    id: ModelId,
    spec: ModelSpec,
    scaler: Scaler,
    weights: Vec<f32>,
    gain: f32,
    neutral_logit: f32,
    importance: Vec<SignalImportance>,
    calibration: Calibration,
    record: Option<TrainingRecord>,
}

impl WeightedSignals {
    /// Creates a model from a scaler and weights, one per channel of `spec`.
    ///
    /// # Errors
    /// [`TrainError::Setting`] when the number of weights or the width of the scaler is not the
    /// number of channels, for a weight that is not finite and when all weights are 0.
    pub fn new(spec: ModelSpec, scaler: Scaler, weights: Vec<f32>) -> Result<Self, TrainError> {
        spec.validate()?;
        let width = spec.signals.width();
        for (setting, got) in [
            ("number of weights", weights.len()),
            ("number of channels of the scaler", scaler.width()),
        ] {
            if got != width {
                let (expected, got) = ("the number of channels of the spec", got as f64);
                return Err(SettingError { setting, expected, got }.into());
            }
        }
        let total: f32 = weights.iter().map(|weight| weight.abs()).sum();
        if !total.is_finite() || total <= 0.0 {
            return Err(SettingError {
                setting: "sum of the magnitudes of the weights",
                expected: "finite and above 0 (only momentum, macd, trend and rsi have hand-set \
                           weights; give weights for other channels)",
                got: f64::from(total),
            }
            .into());
        }
        Ok(Self {
            id: ModelId::new(KIND),
            spec,
            scaler,
            weights,
            gain: hand_gain(),
            neutral_logit: NEUTRAL_LOGIT,
            importance: Vec::new(),
            calibration: Calibration::NONE,
            record: None,
        })
    }

    /// Returns the same model with another gain g: a larger gain increases every confidence.
    ///
    /// # Errors
    /// [`SettingError`] unless `gain` is 0 to 1000.
    pub fn with_gain(self, gain: f32) -> Result<Self, SettingError> {
        if !(0.0..=1e3).contains(&gain) {
            let (setting, expected, got) = ("gain", "0 to 1000", f64::from(gain));
            return Err(SettingError { setting, expected, got });
        }
        Ok(Self { gain, ..self })
    }

    /// Returns the gain g: ln p(UP)/p(DOWN) if all signals fully agree on UP.
    pub fn gain(&self) -> f32 {
        self.gain
    }

    /// Returns the importance of each channel, in their order; empty unless the weights are
    /// learned.
    pub fn importance(&self) -> &[SignalImportance] {
        &self.importance
    }

    /// Returns the weights, one per channel.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Squashes a scaled value to −1 to 1.
    fn squash(scaled: f64) -> f64 {
        (scaled / 2.0).tanh()
    }

    /// Computes the score s of a row, −1 to 1.
    fn score(&self, row: &[f64]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (channel, (&value, &weight)) in row.iter().zip(&self.weights).enumerate() {
            sum += f64::from(weight) * Self::squash(self.scaler.apply(channel, value));
            total += f64::from(weight.abs());
        }
        sum / total
    }

    /// Reads a model from a file.
    ///
    /// # Errors
    /// [`LoadError::Io`] when the file cannot be read, [`LoadError::Kind`] for a model of another
    /// kind, and the other variants of [`LoadError`] for an invalid file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::read(path)?)
    }

    /// Reads a model from the bytes of a file, such as those of `include_bytes!`.
    ///
    /// # Errors
    /// [`LoadError::Kind`] for a model of another kind, and the other variants of [`LoadError`] for
    /// invalid bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::from_bytes(bytes)?)
    }

    pub(crate) fn from_artifact(artifact: &Artifact) -> Result<Self, LoadError> {
        artifact.expect_kind(KIND)?;
        artifact.expect_tensors(&["weights"])?;
        let (spec, scaler) = (artifact.spec().clone(), artifact.scaler()?.clone());
        let WeightedSignalsConfig { neutral_logit, gain, importance } = artifact.config()?;
        if !neutral_logit.is_finite() {
            // A number such as 1e39 in JSON is infinite in f32 and would be saved as null.
            let problem = format!("its neutral logit is {neutral_logit}, expected a finite number");
            return Err(artifact.damaged(problem));
        }
        let (width, got) = (spec.signals.width(), importance.len());
        if got != 0 && got != width {
            let problem = format!("its importance is that of {got} channels, expected {width}");
            return Err(artifact.damaged(problem));
        }
        let weights = artifact.tensor("weights", &[width])?.to_vec();
        let model = Self::new(spec, scaler, weights).and_then(|model| Ok(model.with_gain(gain)?));
        let model = model.map_err(|error| artifact.damaged(error.to_string()))?;
        let (calibration, record) = (artifact.calibration(), artifact.record().cloned());
        Ok(Self { id: artifact.id(), calibration, record, neutral_logit, importance, ..model })
    }
}

/// Loads a model of this kind.
pub(crate) fn loader(artifact: &Artifact, _: &Kinds) -> Result<Box<dyn FittedModel>, LoadError> {
    Ok(Box::new(WeightedSignals::from_artifact(artifact)?))
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

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        scratch.get::<()>()?;
        #[expect(clippy::cast_possible_truncation, reason = "a score of −1 to 1")]
        let score = self.score(window.row(window.steps() - 1)) as f32;
        let half = self.gain * score / 2.0;
        let logits = [half, -half, self.neutral_logit];
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        self.calibration.prediction(logits, at, horizon, &self.id)
    }
}

impl FittedModel for WeightedSignals {
    fn record(&self) -> Option<&TrainingRecord> {
        self.record.as_ref()
    }

    fn scaler(&self) -> Option<&Scaler> {
        Some(&self.scaler)
    }

    fn calibration(&self) -> Calibration {
        self.calibration
    }

    fn set_calibration(&mut self, calibration: Calibration) -> Result<(), TrainError> {
        self.calibration = calibration;
        Ok(())
    }

    fn to_artifact(&self) -> Result<Artifact, LoadError> {
        let Self { neutral_logit, gain, .. } = *self;
        let config =
            WeightedSignalsConfig { neutral_logit, gain, importance: self.importance.clone() };
        let artifact = Artifact::new(KIND, &self.id, &self.spec, &config)?;
        let artifact = artifact.with_scaler(&self.scaler).with_calibration(self.calibration);
        let mut artifact = artifact.with_record(self.record.as_ref());
        artifact.push("weights", &[self.weights.len()], self.weights.clone())?;
        Ok(artifact)
    }
}
