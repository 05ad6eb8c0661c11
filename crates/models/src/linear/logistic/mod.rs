//! Logistic regression on whole windows or on lags: the baseline for more complex models.
//!
//! **Formula** with x the scaled values of a window that the model reads, w their weights, b the intercept and ν the
//! share of NEUTRAL in training:
//!
//! ```text
//! q = 1 / (1 + exp(−(x·w + b)))
//! p = (1 − ν) q, (1 − ν) (1 − q), ν                   UP, DOWN, NEUTRAL
//! ```
#[cfg(feature = "train")]
mod learner;
#[cfg(feature = "onnx")]
mod onnx;

use std::path::Path;

use serde::{Deserialize, Serialize};
use windvane_signals::{Lags, Scaler, Window};

use super::solver::{long_dot, sigmoid};
use crate::{
    Artifact, Calibration, DirectionModel, FittedModel, Kinds, LoadError, ModelId, ModelSpec,
    PredictError, Prediction, Scratch, SettingError, TrainError, TrainingRecord,
};

#[cfg(feature = "train")]
pub use learner::LogisticLearner;

/// Kind in saved files, and the default id.
pub const KIND: &str = "logistic";

/// Number of `f32` parts whose sum is exactly a weight in `f64`.
const PARTS: usize = 3;

/// Configuration in a saved file, in addition to the tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogisticConfig {
    /// Probability of NEUTRAL.
    neutral: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lags: Option<Lags>,
}

/// Logistic regression of UP against DOWN, with a constant probability of NEUTRAL.
#[derive(Clone)]
pub struct LogisticRegression {
    id: ModelId,
    spec: ModelSpec,
    lags: Option<Lags>,
    scaler: Scaler,
    /// Position of each input in a window; `None` for whole windows.
    positions: Option<Vec<usize>>,
    /// Weight of each input.
    weights: Vec<f64>,
    intercept: f64,
    /// Probability of NEUTRAL.
    neutral: f64,
    calibration: Calibration,
    record: Option<TrainingRecord>,
}

/// Formats sizes instead of weights, to keep the output short.
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
    /// Creates a model from its weights, its intercept and the probability of NEUTRAL. There is one
    /// weight per value of a window `[T, C]`, or with lags one per [position](Lags::positions).
    ///
    /// # Errors
    /// [`TrainError::Signal`] when the lags do not fit the spec; [`TrainError::Setting`] when the
    /// number of weights is not that of the inputs,
    /// when the width of the scaler is not the number of channels, for a weight that is not finite,
    /// and for a probability that is not between 0 and 1.
    pub fn new(
        spec: ModelSpec,
        lags: Option<Lags>,
        scaler: Scaler,
        weights: &[f64],
        intercept: f64,
        neutral: f64,
    ) -> Result<Self, TrainError> {
        spec.validate()?;
        let width = spec.signals.width();
        let positions = lags.as_ref().map(|lags| lags.positions(&spec.signals, spec.lookback));
        let positions = positions.transpose()?;
        let inputs = positions.as_ref().map_or(spec.lookback * width, Vec::len);
        let sizes = [
            (
                ("number of weights", "lookback times channels of the spec, or the number of lags"),
                (inputs, weights.len()),
            ),
            (
                ("number of channels of the scaler", "the number of channels of the spec"),
                (width, scaler.width()),
            ),
        ];
        for ((setting, expected), (size, got)) in sizes {
            if got != size {
                return Err(SettingError { setting, expected, got: got as f64 }.into());
            }
        }
        let (setting, expected) = ("probability of NEUTRAL", "above 0 and below 1");
        if !(neutral > 0.0 && neutral < 1.0) {
            return Err(SettingError { setting, expected, got: neutral }.into());
        }
        // Rounded like the weights in a file, so that a saved and loaded model is identical.
        let weights: Vec<f64> =
            weights.iter().map(|weight| sum_of_parts(split_into_parts(*weight))).collect();
        let intercept = sum_of_parts(split_into_parts(intercept));
        if let Some(got) = weights.iter().chain([&intercept]).find(|weight| !weight.is_finite()) {
            let (setting, expected) = ("weight", "finite and within the range of f32");
            return Err(SettingError { setting, expected, got: *got }.into());
        }
        let (calibration, record) = (Calibration::NONE, None);
        Ok(Self {
            id: ModelId::new(KIND),
            spec,
            lags,
            scaler,
            positions,
            weights,
            intercept,
            neutral,
            calibration,
            record,
        })
    }

    /// Returns the weights of the scaled inputs: `[T, C]`, oldest row first, or one per position of
    /// the [lags](Self::lags).
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Returns the values of a window that the model reads; `None` for all of them.
    pub fn lags(&self) -> Option<&Lags> {
        self.lags.as_ref()
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

    fn from_artifact(artifact: &Artifact) -> Result<Self, LoadError> {
        artifact.expect_kind(KIND)?;
        artifact.expect_tensors(&["weights", "constant"])?;
        let (spec, scaler) = (artifact.spec().clone(), artifact.scaler()?.clone());
        let LogisticConfig { neutral, lags } = artifact.config()?;
        let positions =
            lags.as_ref().map(|lags: &Lags| lags.positions(&spec.signals, spec.lookback));
        let positions =
            positions.transpose().map_err(|error| artifact.damaged(error.to_string()))?;
        let inputs =
            positions.map_or(spec.lookback * spec.signals.width(), |positions| positions.len());
        let stored = artifact.tensor("weights", &[PARTS, inputs])?;
        let weights: Vec<f64> = (0..inputs)
            .map(|input| sum_of_parts(std::array::from_fn(|part| stored[part * inputs + input])))
            .collect();
        let stored = artifact.tensor("constant", &[PARTS])?;
        let intercept = sum_of_parts(std::array::from_fn(|part| stored[part]));
        let model = Self::new(spec, lags, scaler, &weights, intercept, neutral)
            .map_err(|error| artifact.damaged(error.to_string()))?;
        let (calibration, record) = (artifact.calibration(), artifact.record().cloned());
        Ok(Self { id: artifact.id(), calibration, record, ..model })
    }
}

/// Splits a number into three `f32`, of which it is the sum.
#[expect(clippy::cast_possible_truncation, reason = "the next part has the remainder")]
fn split_into_parts(number: f64) -> [f32; PARTS] {
    let mut rest = number;
    std::array::from_fn(|_| {
        let part = rest as f32;
        rest -= f64::from(part);
        part
    })
}

/// Adds up the parts of a number.
fn sum_of_parts(parts: [f32; PARTS]) -> f64 {
    parts.into_iter().map(f64::from).sum()
}

/// Loads a model of this kind.
pub(crate) fn loader(artifact: &Artifact, _: &Kinds) -> Result<Box<dyn FittedModel>, LoadError> {
    Ok(Box::new(LogisticRegression::from_artifact(artifact)?))
}

/// Working memory of a [`LogisticRegression`].
struct LogisticScratch {
    /// Scaled window.
    scaled: Vec<f32>,
    /// Scaled inputs in `f64`, the precision of the sum.
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
        let values = self.spec.lookback * self.spec.signals.width();
        let wide = vec![0.0; self.weights.len()];
        Scratch::new(LogisticScratch { scaled: vec![0.0; values], wide })
    }

    fn predict(
        &self,
        window: Window<'_>,
        scratch: &mut Scratch,
    ) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let LogisticScratch { scaled, wide } = scratch.get()?;
        self.scaler
            .apply_rows(window.values(), scaled)
            .map_err(|_| PredictError::ForeignScratch)?;
        match &self.positions {
            None => wide.iter_mut().zip(scaled).for_each(|(wide, x)| *wide = f64::from(*x)),
            Some(at) => wide.iter_mut().zip(at).for_each(|(wide, i)| *wide = f64::from(scaled[*i])),
        }
        let logit = self.intercept + long_dot(wide, &self.weights);
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
        let config = LogisticConfig { neutral: self.neutral, lags: self.lags.clone() };
        let artifact = Artifact::new(KIND, &self.id, &self.spec, &config)?;
        let artifact = artifact.with_scaler(&self.scaler).with_calibration(self.calibration);
        let mut artifact = artifact.with_record(self.record.as_ref());
        let weights = (0..PARTS)
            .flat_map(|part| self.weights.iter().map(move |weight| split_into_parts(*weight)[part]))
            .collect();
        artifact.push("weights", &[PARTS, self.weights.len()], weights)?;
        artifact.push("constant", &[PARTS], split_into_parts(self.intercept).to_vec())?;
        Ok(artifact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logistic_weight_parts_preserve_every_bit() {
        for number in [0.0, 0.1, -1.0 / 3.0, 1e-9 / 7.0, 12_345.678_901_234_567, f64::EPSILON] {
            assert_eq!(
                sum_of_parts(split_into_parts(number)).to_bits(),
                number.to_bits(),
                "{number}"
            );
        }
        assert!(!sum_of_parts(split_into_parts(1e39)).is_finite());
    }
}
