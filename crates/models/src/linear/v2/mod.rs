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
//! **By hand** the weights follow the trend, g = 1 and ν = −3. So s = 0 says nothing (NEUTRAL by a
//! tie, 48.8 % each way), and the strongest agreement of all signals is 71 %:
//!
//! | momentum | trend | rsi | macd | volatility | `volume_change` |
//! |---|---|---|---|---|---|
//! | 0.3 | 0.2 | 0.2 | 0.3 | 0 | 0 |
//!
//! Volatility and volume change have no direction of their own, so by hand they get none.
//!
//! **Learned** (`v2-learned`, [`WeightedSignalsLearner::learned`]) the weights are those under
//! which what happened is likeliest, g = `Σ_c |w_c|`, and ν gives NEUTRAL its share. As
//! ln p(UP)/p(DOWN) = g s = `Σ_c w_c tanh(z_c / 2)`, that is a logistic regression. It has no
//! constant: a market that rose while the model learned is no reason to call UP. How much each
//! channel counts stands in [`WeightedSignals::importance`].
#[cfg(feature = "train")]
mod fit;
mod importance;

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

/// The kind in saved files and the default id.
pub const KIND: &str = "v2";

/// Logit of NEUTRAL beside ± s/2.
const NEUTRAL_LOGIT: f32 = -3.0;

/// Configuration in a saved file. Fields that weights set by hand do not need are left out.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    neutral_logit: f32,
    #[serde(default = "hand_gain", skip_serializing_if = "is_hand_gain")]
    gain: f32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    importance: Vec<SignalImportance>,
}

/// The gain of weights set by hand.
fn hand_gain() -> f32 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_hand_gain(gain: &f32) -> bool {
    gain.to_bits() == hand_gain().to_bits()
}

/// Weighted average of squashed signals (ML v2).
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
    /// A model with given scaler and weights, one per channel of `spec`.
    ///
    /// # Errors
    /// [`TrainError::Setting`] when their number differs from the channels', for a weight that is
    /// not finite or when all are 0.
    pub fn new(spec: ModelSpec, scaler: Scaler, weights: Vec<f32>) -> Result<Self, TrainError> {
        spec.validate()?;
        let expected = spec.signals.width();
        for (setting, got) in
            [("number of weights", weights.len()), ("number of scaled channels", scaler.width())]
        {
            if got != expected {
                let (expected, got) = ("that of the spec's channels", got as f64);
                return Err(SettingError { setting, expected, got }.into());
            }
        }
        let total: f32 = weights.iter().map(|weight| weight.abs()).sum();
        if !total.is_finite() || total <= 0.0 {
            return Err(SettingError {
                setting: "sum of the weights' magnitudes",
                expected: "finite and above 0; give weights for your own channels",
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

    /// The same with another gain g, which makes every answer surer or less sure.
    ///
    /// # Errors
    /// [`SettingError`] unless it is 0 to 1000.
    pub fn with_gain(self, gain: f32) -> Result<Self, SettingError> {
        if !(0.0..=1e3).contains(&gain) {
            let (setting, expected, got) = ("gain", "0 to 1000", f64::from(gain));
            return Err(SettingError { setting, expected, got });
        }
        Ok(Self { gain, ..self })
    }

    /// The gain g: ln p(UP)/p(DOWN) at the strongest agreement of all signals.
    pub fn gain(&self) -> f32 {
        self.gain
    }

    /// Importance of each channel, in their order; empty unless the weights are learned.
    pub fn importance(&self) -> &[SignalImportance] {
        &self.importance
    }

    /// The weights, one per channel.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// A scaled value between −1 and 1.
    fn squash(scaled: f64) -> f64 {
        (scaled / 2.0).tanh()
    }

    /// The score s of a row, −1 to 1.
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
    /// [`LoadError::Io`], [`LoadError::Kind`], or what is wrong with the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::read(path)?)
    }

    /// Reads a model from the bytes of a file, as `include_bytes!` gives them.
    ///
    /// # Errors
    /// [`LoadError::Kind`], or what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::from_artifact(&Artifact::from_bytes(bytes)?)
    }

    pub(crate) fn from_artifact(artifact: &Artifact) -> Result<Self, LoadError> {
        artifact.expect_kind(KIND)?;
        artifact.expect_tensors(&["weights"])?;
        let (spec, scaler) = (artifact.spec().clone(), artifact.scaler()?.clone());
        let Config { neutral_logit, gain, importance } = artifact.config()?;
        if !neutral_logit.is_finite() {
            // JSON's 1e39 is none of f32's numbers, and would be saved as null.
            return Err(artifact.damaged(format!("its neutral logit is {neutral_logit}")));
        }
        if !importance.is_empty() && importance.len() != spec.signals.width() {
            return Err(artifact.damaged("its importance is of other channels".to_string()));
        }
        let weights = artifact.tensor("weights", &[spec.signals.width()])?.to_vec();
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
        let config = Config { neutral_logit, gain, importance: self.importance.clone() };
        let artifact = Artifact::new(KIND, &self.id, &self.spec, &config)?;
        let artifact = artifact.with_scaler(&self.scaler).with_calibration(self.calibration);
        let mut artifact = artifact.with_record(self.record.as_ref());
        artifact.push("weights", &[self.weights.len()], self.weights.clone())?;
        Ok(artifact)
    }
}
