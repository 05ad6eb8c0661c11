//! Calibration of probabilities and the minimum margin of a prediction.
use serde::{Deserialize, Serialize};
use windvane_candles::Timestamp;

use crate::{ModelId, PredictError, Prediction, SettingError};

/// Calibration of a model: temperature and exponent of the probabilities, and minimum margin.
///
/// **Formula** with T the temperature, b the exponent and r = ln 1.5:
///
/// ```text
/// (u, d, n) = logits / T                                     UP, DOWN, NEUTRAL
/// e         = (u − d) · (|u − d| / r)^(b − 1)
/// p         = softmax((u + d)/2 + e/2, (u + d)/2 − e/2, n)
/// ```
///
/// With b = 1 this is softmax(logits / T). Every b leaves 60 % between UP and DOWN unchanged. With
/// b > 1 smaller log odds shrink towards 0 and larger ones grow, which suits a network whose small
/// log odds are mostly noise. The exponent changes neither the more probable of UP and DOWN nor the
/// ranking of their log odds.
///
/// The prediction is UP or DOWN only if |p(UP) − p(DOWN)| ≥ `min_margin`. Otherwise it is NEUTRAL
/// with the reason [`Abstained`](crate::NeutralReason::Abstained).
///
/// All three are fitted on candles between training and test: see `train::calibrate` and
/// `train::abstain`. **Source** temperature scaling: Guo, Pleiss, Sun, Weinberger 2017; the
/// exponent is windvane's own.
///
/// # Examples
/// ```
/// use windvane_models::Calibration;
/// let softer = Calibration::new(2.0, 0.0)?;
/// let [up, down, _] = softer.probabilities([2.0, 0.0, -60.0]);
/// assert!((up / down - 1.0_f32.exp()).abs() < 1e-5);
/// assert!(Calibration::new(0.0, 0.0).is_err());
/// # Ok::<(), windvane_models::SettingError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredCalibration", into = "StoredCalibration")]
pub struct Calibration {
    temperature: f32,
    exponent: f32,
    min_margin: f32,
}

/// Log odds that every exponent leaves unchanged: ln(0.6 / 0.4).
pub(crate) const PIVOT: f32 = 0.405_465_1;

fn one() -> f32 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(exponent: &f32) -> bool {
    exponent.to_bits() == one().to_bits()
}

/// Saved form of a calibration, not validated.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCalibration {
    temperature: f32,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    exponent: f32,
    // The name in files of format 1.
    #[serde(rename = "least_edge")]
    min_margin: f32,
}

impl From<Calibration> for StoredCalibration {
    fn from(Calibration { temperature, exponent, min_margin }: Calibration) -> Self {
        Self { temperature, exponent, min_margin }
    }
}

impl TryFrom<StoredCalibration> for Calibration {
    type Error = SettingError;

    fn try_from(
        StoredCalibration { temperature, exponent, min_margin }: StoredCalibration,
    ) -> Result<Self, SettingError> {
        Self::new(temperature, min_margin)?.with_exponent(exponent)
    }
}

impl Default for Calibration {
    fn default() -> Self {
        Self::NONE
    }
}

impl Calibration {
    /// No calibration: temperature 1, exponent 1 and minimum margin 0, the plain softmax.
    pub const NONE: Self = Self { temperature: 1.0, exponent: 1.0, min_margin: 0.0 };

    /// Creates a calibration with a temperature, 0.001 to 1,000, and a minimum margin, 0 to 1.
    ///
    /// # Errors
    /// [`SettingError`] for a value out of range.
    pub fn new(temperature: f32, min_margin: f32) -> Result<Self, SettingError> {
        if !(1e-3..=1e3).contains(&temperature) {
            return SettingError::refuse("temperature", "0.001 to 1,000", f64::from(temperature));
        }
        if !(0.0..=1.0).contains(&min_margin) {
            return SettingError::refuse("min_margin", "0 to 1", f64::from(min_margin));
        }
        Ok(Self { temperature, exponent: 1.0, min_margin })
    }

    /// Sets the exponent b, 0.1 to 10; [`new`](Self::new) sets it to 1.
    ///
    /// # Errors
    /// [`SettingError`] for a value out of range.
    pub fn with_exponent(self, exponent: f32) -> Result<Self, SettingError> {
        if !(0.1..=10.0).contains(&exponent) {
            return SettingError::refuse("exponent", "0.1 to 10", f64::from(exponent));
        }
        Ok(Self { exponent, ..self })
    }

    /// Temperature T; above 1 it makes the probabilities less extreme, below 1 more extreme.
    pub fn temperature(&self) -> f32 {
        self.temperature
    }

    /// Exponent b of the log odds of UP over DOWN; above 1 it shrinks small log odds and enlarges
    /// large ones, below 1 the reverse.
    pub fn exponent(&self) -> f32 {
        self.exponent
    }

    /// Minimum |p(UP) − p(DOWN)| of a prediction UP or DOWN.
    pub fn min_margin(&self) -> f32 {
        self.min_margin
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Computes calibrated probabilities from logits; log-probabilities are also valid logits.
    pub fn probabilities(&self, logits: [f32; 3]) -> [f32; 3] {
        let scaled = self.raised(logits.map(|logit| logit / self.temperature));
        let largest = scaled.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponentials = scaled.map(|logit| (logit - largest).exp());
        let sum: f32 = exponentials.iter().sum();
        exponentials.map(|exponential| exponential / sum)
    }

    /// Applies the exponent to the log odds of UP over DOWN.
    fn raised(&self, [up, down, neutral]: [f32; 3]) -> [f32; 3] {
        let (log_odds, middle) = (up - down, f32::midpoint(up, down));
        // Log odds of 0 and infinite ones (a class with probability 0) do not change.
        if is_one(&self.exponent) || log_odds == 0.0 || !log_odds.is_finite() {
            return [up, down, neutral];
        }
        let raised = log_odds * (log_odds.abs() / PIVOT).powf(self.exponent - 1.0);
        // Beyond this bound the softmax is 0 or 1; it keeps the sums finite.
        let half = raised.clamp(-1e4, 1e4) / 2.0;
        [middle + half, middle - half, neutral]
    }

    /// Creates a calibrated prediction from logits.
    ///
    /// # Errors
    /// [`PredictError::NotFinite`] for logits that are not numbers.
    pub fn prediction(
        &self,
        logits: [f32; 3],
        decided_at: Timestamp,
        horizon: usize,
        model: &ModelId,
    ) -> Result<Prediction, PredictError> {
        let classes = self.probabilities(logits);
        Prediction::with_min_margin(classes, self.min_margin, decided_at, horizon, model)
    }
}

#[cfg(test)]
mod tests {
    use windvane_candles::Direction;

    use super::*;
    use crate::NeutralReason;

    fn predict(calibration: Calibration, logits: [f32; 3]) -> Prediction {
        let at = Timestamp::from_millis(0);
        calibration.prediction(logits, at, 1, &ModelId::new("test")).unwrap()
    }

    #[test]
    fn calibration_min_margin_turns_unconfident_predictions_neutral() {
        let calibration = Calibration::new(1.0, 0.2).unwrap();
        let confident = predict(calibration, [0.5, 0.0, -20.0]);
        assert_eq!((confident.direction, confident.neutral), (Direction::Up, None));
        let unconfident = predict(calibration, [0.0, 0.3, -20.0]);
        assert_eq!(unconfident.direction, Direction::Neutral);
        assert_eq!(unconfident.neutral, Some(NeutralReason::Abstained));
        // The probabilities do not change.
        let [up, down, neutral] = unconfident.probabilities.classes();
        assert!(down > up);
        assert_eq!(unconfident.confidence.to_bits(), neutral.to_bits());
    }

    #[test]
    fn calibration_keeps_zero_probabilities() {
        let calibration = Calibration::new(1.7, 0.0).unwrap();
        let p = calibration.probabilities([0.25_f32.ln(), 0.75_f32.ln(), f32::NEG_INFINITY]);
        assert!(p[2] == 0.0 && (p[0] + p[1] - 1.0).abs() < 1e-6 && p[0] > 0.25);
    }

    #[test]
    fn calibration_exponent_keeps_sixty_percent_order_and_ties() {
        let sharp = Calibration::NONE.with_exponent(2.0).unwrap();
        let up = |log_odds: f32| sharp.probabilities([log_odds, 0.0, -60.0])[0];
        assert!((up(PIVOT) - 0.6).abs() < 1e-6);
        assert!(up(0.1) < Calibration::NONE.probabilities([0.1, 0.0, -60.0])[0]);
        assert!(up(1.0) > Calibration::NONE.probabilities([1.0, 0.0, -60.0])[0]);
        assert_eq!(up(0.0).to_bits(), 0.5_f32.to_bits());
        let ascending: Vec<f32> = (-60..=60).map(|k| up(k as f32 / 20.0)).collect();
        assert!(ascending.is_sorted(), "{ascending:?}");
        // UP and DOWN are treated alike.
        let [a, b, _] = sharp.probabilities([0.3, -0.2, -1.0]);
        let [c, d, _] = sharp.probabilities([-0.2, 0.3, -1.0]);
        assert_eq!((a.to_bits(), b.to_bits()), (d.to_bits(), c.to_bits()));
        for extreme in [[f32::MAX, -f32::MAX, 0.0], [1e30, 0.0, 0.0], [f32::NEG_INFINITY, 0.0, 0.0]]
        {
            let p = sharp.probabilities(extreme);
            assert!(crate::Probabilities::new(p).is_some(), "{extreme:?}: {p:?}");
        }
    }

    #[test]
    fn calibration_omits_exponent_of_one_in_files() {
        let text = serde_json::to_string(&Calibration::new(2.0, 0.1).unwrap()).unwrap();
        assert_eq!(text, r#"{"temperature":2.0,"least_edge":0.1}"#);
        let sharp = Calibration::new(2.0, 0.1).unwrap().with_exponent(1.7).unwrap();
        let again = serde_json::to_string(&sharp).unwrap();
        assert_eq!(serde_json::from_str::<Calibration>(&again).unwrap(), sharp);
        for wrong in [0.0, -1.0, f32::NAN, 11.0] {
            assert!(sharp.with_exponent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn calibration_rejects_values_out_of_range() {
        for (temperature, margin) in [(f32::NAN, 0.0), (-1.0, 0.0), (1.0, f32::NAN), (1.0, 1.5)] {
            assert!(Calibration::new(temperature, margin).is_err(), "{temperature} {margin}");
        }
        let text = r#"{"temperature":1e9,"least_edge":0.0}"#;
        assert!(serde_json::from_str::<Calibration>(text).is_err());
        assert_eq!(Calibration::NONE.probabilities([f32::NAN; 3]).map(f32::is_nan), [true; 3]);
    }
}
