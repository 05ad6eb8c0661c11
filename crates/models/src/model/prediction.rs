//! Predictions, probabilities and votes.
use std::fmt;
use std::sync::Arc;

use windvane_candles::{Direction, Timestamp};

use crate::PredictError;

/// Name of a fitted model, part of every prediction; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(Arc<str>);

impl ModelId {
    /// Creates an id from a name.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Probabilities of the three classes: finite, at least 0, with the sum 1.
///
/// # Examples
/// ```
/// use windvane_models::Probabilities;
/// let p = Probabilities::new([0.5, 0.3, 0.2]).unwrap();
/// assert!((p.margin() - 0.2).abs() < 1e-6);
/// assert!(Probabilities::new([0.5, 0.3, f32::NAN]).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probabilities([f32; 3]);

impl Probabilities {
    /// Creates probabilities of UP, DOWN, NEUTRAL; `None` unless each is from 0 to 1 and their sum
    /// is within 1e-4 of 1.
    pub fn new(classes: [f32; 3]) -> Option<Self> {
        let valid = classes.iter().all(|p| (0.0..=1.0).contains(p))
            && (classes.iter().sum::<f32>() - 1.0).abs() <= 1e-4;
        valid.then_some(Self(classes))
    }

    /// Probability of a class.
    pub fn of(&self, class: Direction) -> f32 {
        self.0[class.index()]
    }

    /// Returns the probabilities of UP, DOWN, NEUTRAL.
    pub fn classes(&self) -> [f32; 3] {
        self.0
    }

    /// Margin p(UP) − p(DOWN). Its sign is the predicted direction without abstention.
    pub fn margin(&self) -> f32 {
        self.0[0] - self.0[1]
    }
}

/// Reason for a NEUTRAL prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NeutralReason {
    /// NEUTRAL is the most probable class.
    Class,
    /// UP and DOWN have exactly the same probability.
    Tie,
    /// The margin is below the minimum margin of the calibration.
    Abstained,
    /// The agreement of the ensemble's members is below its minimum.
    Disagreement,
    /// The model is older than the expiry set on the predictor.
    Expired,
    /// The recent market differs from the training period.
    Drift,
    /// The window lies outside the range of the training windows.
    Novelty,
    /// The last candle is an anomaly, such as a bad tick or a stuck price.
    Anomaly,
}

/// Writes the reason in words, such as `the model has expired`.
impl fmt::Display for NeutralReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Class => "the most probable class",
            Self::Tie => "UP and DOWN tie",
            Self::Abstained => "the margin is below the minimum margin",
            Self::Disagreement => "the members disagree",
            Self::Expired => "the model has expired",
            Self::Drift => "the market has drifted",
            Self::Novelty => "the window is outside the training range",
            Self::Anomaly => "the last candle is an anomaly",
        })
    }
}

/// Vote of an ensemble's member.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Vote {
    /// Id of the member.
    pub model: ModelId,
    /// Weight of the member; the weights of all members sum to 1.
    pub weight: f32,
    /// Direction that the member predicts.
    pub direction: Direction,
    /// Probability of that direction.
    pub confidence: f32,
}

impl Vote {
    /// Creates an empty vote: NEUTRAL with the confidence 0.
    pub fn new(model: ModelId, weight: f32) -> Self {
        Self { model, weight, direction: Direction::Neutral, confidence: 0.0 }
    }
}

/// Predicted direction of the close, with its probability.
///
/// # Examples
/// ```
/// use windvane_candles::{Direction, Timestamp};
/// use windvane_models::{ModelId, NeutralReason, Prediction};
///
/// let (now, model) = (Timestamp::from_millis(0), ModelId::new("mine"));
/// let prediction = Prediction::new([0.5, 0.25, 0.25], now, 1, &model)?;
/// assert_eq!((prediction.direction, prediction.confidence), (Direction::Up, 0.5));
///
/// let tie = Prediction::new([0.5, 0.5, 0.0], now, 1, &model)?;
/// assert_eq!(tie.direction, Direction::Neutral);
/// assert_eq!(tie.neutral, Some(NeutralReason::Tie));
/// # Ok::<(), windvane_models::PredictError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// Predicted direction; NEUTRAL for ties and for the reasons in `neutral`.
    pub direction: Direction,
    /// Probability of that direction. After [`into_neutral`](Self::into_neutral), the probability
    /// of the direction that the model predicted before.
    pub confidence: f32,
    /// Probabilities of all classes, as the model returned them.
    pub probabilities: Probabilities,
    /// Time of the decision: the close time of the last candle in the window.
    pub decided_at: Timestamp,
    /// Horizon of the prediction, candles.
    pub horizon: usize,
    /// Id of the model that predicted.
    pub model: ModelId,
    /// Reason for NEUTRAL; `None` for UP and DOWN.
    pub neutral: Option<NeutralReason>,
    /// Agreement of an ensemble, 0 to 1: total weight of the members that predict its direction.
    pub agreement: Option<f32>,
}

impl Prediction {
    /// Creates a prediction from the probabilities of UP, DOWN, NEUTRAL.
    ///
    /// # Errors
    /// [`PredictError::NotFinite`] if they are not probabilities.
    pub fn new(
        classes: [f32; 3],
        decided_at: Timestamp,
        horizon: usize,
        model: &ModelId,
    ) -> Result<Self, PredictError> {
        Self::with_min_margin(classes, 0.0, decided_at, horizon, model)
    }

    /// Creates a prediction that is NEUTRAL if the absolute margin is below `min_margin`.
    pub(crate) fn with_min_margin(
        classes: [f32; 3],
        min_margin: f32,
        decided_at: Timestamp,
        horizon: usize,
        model: &ModelId,
    ) -> Result<Self, PredictError> {
        let probabilities = Probabilities::new(classes)
            .ok_or_else(|| PredictError::NotFinite { model: model.to_string(), got: classes })?;
        let [up, down, neutral] = classes;
        let (direction, reason) = if neutral >= up.max(down) {
            (Direction::Neutral, Some(NeutralReason::Class))
        } else if probabilities.margin().abs() < min_margin {
            (Direction::Neutral, Some(NeutralReason::Abstained))
        } else if up > down {
            (Direction::Up, None)
        } else if down > up {
            (Direction::Down, None)
        } else {
            (Direction::Neutral, Some(NeutralReason::Tie))
        };
        Ok(Self {
            direction,
            confidence: probabilities.of(direction),
            probabilities,
            decided_at,
            horizon,
            model: model.clone(),
            neutral: reason,
            agreement: None,
        })
    }

    /// Turns the prediction into NEUTRAL for a reason.
    ///
    /// The probabilities and the confidence stay those of the model: `confidence` remains the
    /// probability of the suppressed direction, which the sign of
    /// [`margin`](Probabilities::margin) tells.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::{Direction, Timestamp};
    /// use windvane_models::{ModelId, NeutralReason, Prediction};
    ///
    /// let (now, model) = (Timestamp::from_millis(0), ModelId::new("mine"));
    /// let up = Prediction::new([0.75, 0.25, 0.0], now, 1, &model)?;
    /// let expired = up.into_neutral(NeutralReason::Expired);
    /// assert_eq!((expired.direction, expired.confidence), (Direction::Neutral, 0.75));
    /// assert!(expired.probabilities.margin() > 0.0); // the model predicted UP
    /// assert_eq!(
    ///     expired.to_string(),
    ///     "NEUTRAL, the model has expired (UP 75.0 %, DOWN 25.0 %, NEUTRAL 0.0 %)"
    /// );
    /// # Ok::<(), windvane_models::PredictError>(())
    /// ```
    #[must_use]
    pub fn into_neutral(self, reason: NeutralReason) -> Self {
        Self { direction: Direction::Neutral, neutral: Some(reason), ..self }
    }
}

/// Writes the direction with its probability, such as `UP with 61.2 %`. For NEUTRAL for another
/// reason than its probability, writes the reason and all probabilities.
impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = self.direction;
        match self.neutral {
            None | Some(NeutralReason::Class) => {
                write!(f, "{direction} with {:.1} %", 100.0 * self.confidence)
            }
            Some(reason) => {
                let [up, down, neutral] = self.probabilities.classes().map(|p| 100.0 * p);
                write!(
                    f,
                    "{direction}, {reason} (UP {up:.1} %, DOWN {down:.1} %, NEUTRAL {neutral:.1} %)"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predict(classes: [f32; 3]) -> Prediction {
        Prediction::new(classes, Timestamp::from_millis(0), 1, &ModelId::new("test")).unwrap()
    }

    #[test]
    fn prediction_takes_most_probable_class() {
        assert_eq!(predict([0.5, 0.3, 0.2]).direction, Direction::Up);
        assert_eq!(predict([0.3, 0.5, 0.2]).direction, Direction::Down);
        let neutral = predict([0.3, 0.3, 0.4]);
        assert_eq!(
            (neutral.direction, neutral.neutral),
            (Direction::Neutral, Some(NeutralReason::Class))
        );
        assert!((neutral.confidence - 0.4).abs() < 1e-6);
    }

    #[test]
    fn prediction_tie_is_neutral() {
        let third = 1.0 / 3.0;
        assert_eq!(predict([third, third, third]).direction, Direction::Neutral);
        assert_eq!(predict([0.45, 0.45, 0.1]).neutral, Some(NeutralReason::Tie));
    }

    #[test]
    fn prediction_rejects_invalid_probabilities() {
        for wrong in
            [[f32::NAN, 0.5, 0.5], [1.5, -0.5, 0.0], [0.2, 0.2, 0.2], [f32::INFINITY, 0.0, 0.0]]
        {
            let id = ModelId::new("test");
            assert!(
                Prediction::new(wrong, Timestamp::from_millis(0), 1, &id).is_err(),
                "{wrong:?}"
            );
        }
    }
}
