//! Logistic regression on whole windows: the learner that more complicated ones must beat.
//!
//! **Formula** with x the scaled values of a window, w their weights, b a constant and ν the share
//! of NEUTRAL in training:
//!
//! ```text
//! q = 1 / (1 + exp(−(x·w + b)))
//! p = (1 − ν) q, (1 − ν) (1 − q), ν                   UP, DOWN, NEUTRAL
//! ```
#[cfg(feature = "train")]
mod learner;

use std::path::Path;

use serde::{Deserialize, Serialize};
use windvane_signals::{Scaler, Window};

use super::solver::{long_dot, sigmoid};
use crate::{
    Artifact, Calibration, DirectionModel, FittedModel, Kinds, LoadError, ModelId, ModelSpec,
    PredictError, Prediction, Scratch, SettingError, TrainError, TrainingRecord,
};

#[cfg(feature = "train")]
pub use learner::LogisticLearner;

/// The kind in saved files and the default id.
pub const KIND: &str = "logistic";

/// Number of f32 whose sum is a weight of double precision, with all of its bits.
const PARTS: usize = 3;

/// Configuration in a saved file, beside the tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    neutral: f64,
}

/// Logistic regression of UP against DOWN beside a constant share of NEUTRAL.
#[derive(Clone)]
pub struct LogisticRegression {
    id: ModelId,
    spec: ModelSpec,
    scaler: Scaler,
    /// One per value of a window, oldest row first.
    weights: Vec<f64>,
    constant: f64,
    /// Probability of NEUTRAL.
    neutral: f64,
    calibration: Calibration,
    record: Option<TrainingRecord>,
}

/// Sizes instead of weights: a model stands in the debug output of everything that holds one.
impl std::fmt::Debug for LogisticRegression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogisticRegression")
            .field("id", &self.id)
            .field("spec", &self.spec)
            .field("weights", &self.weights.len())
            .finish_non_exhaustive()
    }
}

impl LogisticRegression {
    /// A model of given weights, one per value of a window `[T, C]`, a constant, and a probability
    /// of NEUTRAL.
    ///
    /// # Errors
    /// [`TrainError::Setting`] when their number differs from the window's, or the scaler's from
    /// the channels, for a weight that is not finite or a probability
    /// that is not between 0 and 1.
    pub fn new(
        spec: ModelSpec,
        scaler: Scaler,
        weights: &[f64],
        constant: f64,
        neutral: f64,
    ) -> Result<Self, TrainError> {
        spec.validate()?;
        let width = spec.signals.width();
        let sizes = [
            ("number of weights", spec.lookback * width, weights.len()),
            ("number of scaled channels", width, scaler.width()),
        ];
        for (setting, expected, got) in sizes {
            if got != expected {
                let (expected, got) = ("that of the spec's windows", got as f64);
                return Err(SettingError { setting, expected, got }.into());
            }
        }
        let (setting, expected) = ("probability of NEUTRAL", "between 0 and 1");
        if !(neutral > 0.0 && neutral < 1.0) {
            return Err(SettingError { setting, expected, got: neutral }.into());
        }
        // Weights as a file has them, so that a loaded model is the same.
        let weights: Vec<f64> = weights.iter().map(|weight| joined(parts(*weight))).collect();
        let constant = joined(parts(constant));
        if let Some(got) = weights.iter().chain([&constant]).find(|weight| !weight.is_finite()) {
            let (setting, expected) = ("weight", "finite and within the range of f32");
            return Err(SettingError { setting, expected, got: *got }.into());
        }
        let (calibration, record) = (Calibration::NONE, None);
        Ok(Self {
            id: ModelId::new(KIND),
            spec,
            scaler,
            weights,
            constant,
            neutral,
            calibration,
            record,
        })
    }

    /// The weights `[T, C]` of the scaled values, oldest row first.
    pub fn weights(&self) -> &[f64] {
        &self.weights
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

    fn from_artifact(artifact: &Artifact) -> Result<Self, LoadError> {
        artifact.expect_kind(KIND)?;
        artifact.expect_tensors(&["weights", "constant"])?;
        let (spec, scaler) = (artifact.spec().clone(), artifact.scaler()?.clone());
        let Config { neutral } = artifact.config()?;
        let inputs = spec.lookback * spec.signals.width();
        let stored = artifact.tensor("weights", &[PARTS, inputs])?;
        let weights: Vec<f64> = (0..inputs)
            .map(|input| joined(std::array::from_fn(|part| stored[part * inputs + input])))
            .collect();
        let stored = artifact.tensor("constant", &[PARTS])?;
        let constant = joined(std::array::from_fn(|part| stored[part]));
        let model = Self::new(spec, scaler, &weights, constant, neutral)
            .map_err(|error| artifact.damaged(error.to_string()))?;
        let (calibration, record) = (artifact.calibration(), artifact.record().cloned());
        Ok(Self { id: artifact.id(), calibration, record, ..model })
    }
}

/// A number as the sum of three f32.
#[expect(clippy::cast_possible_truncation, reason = "the rest is in the next part")]
fn parts(number: f64) -> [f32; PARTS] {
    let mut rest = number;
    std::array::from_fn(|_| {
        let part = rest as f32;
        rest -= f64::from(part);
        part
    })
}

/// The sum of the parts of a number.
fn joined(parts: [f32; PARTS]) -> f64 {
    parts.into_iter().map(f64::from).sum()
}

/// Loads a model of this kind.
pub(crate) fn loader(artifact: &Artifact, _: &Kinds) -> Result<Box<dyn FittedModel>, LoadError> {
    Ok(Box::new(LogisticRegression::from_artifact(artifact)?))
}

/// A window scaled, and as wide as the sums are.
struct Buffers {
    scaled: Vec<f32>,
    wide: Vec<f64>,
}

impl DirectionModel for LogisticRegression {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        let inputs = self.weights.len();
        Scratch::new(Buffers { scaled: vec![0.0; inputs], wide: vec![0.0; inputs] })
    }

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let Buffers { scaled, wide } = scratch.get()?;
        self.scaler
            .apply_rows(window.values(), scaled)
            .map_err(|_| PredictError::ForeignScratch)?;
        wide.iter_mut().zip(scaled).for_each(|(wide, scaled)| *wide = f64::from(*scaled));
        let logit = self.constant + long_dot(wide, &self.weights);
        let moved = 1.0 - self.neutral;
        #[expect(clippy::cast_possible_truncation, reason = "logarithms of probabilities")]
        let logits = [moved * sigmoid(logit), moved * sigmoid(-logit), self.neutral]
            .map(|p| p.max(1e-30).ln() as f32);
        let (at, horizon) = (window.decided_at(), self.spec.labels.horizon);
        self.calibration.prediction(logits, at, horizon, &self.id)
    }
}

impl FittedModel for LogisticRegression {
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
        let artifact =
            Artifact::new(KIND, &self.id, &self.spec, &Config { neutral: self.neutral })?;
        let artifact = artifact.with_scaler(&self.scaler).with_calibration(self.calibration);
        let mut artifact = artifact.with_record(self.record.as_ref());
        let weights = (0..PARTS)
            .flat_map(|part| self.weights.iter().map(move |weight| parts(*weight)[part]))
            .collect();
        artifact.push("weights", &[PARTS, self.weights.len()], weights)?;
        artifact.push("constant", &[PARTS], parts(self.constant).to_vec())?;
        Ok(artifact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_hold_every_bit() {
        for number in [0.0, 0.1, -1.0 / 3.0, 1e-9 / 7.0, 12_345.678_901_234_567, f64::EPSILON] {
            assert_eq!(joined(parts(number)).to_bits(), number.to_bits(), "{number}");
        }
        assert!(!joined(parts(1e39)).is_finite());
    }
}
