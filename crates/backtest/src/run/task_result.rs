//! Result of a task: the predictions of a model on a fold and its training record.
use serde::{Deserialize, Serialize};
use windvane_candles::Direction;
use windvane_models::{Probabilities, TrainingRecord};

use crate::report::EpochLoss;
use crate::score::MaskingEffect;

/// Result of a task, or the message of its failure, as stored in the cache.
pub(crate) type StoredResult = Result<TaskResult, String>;

/// Result of a task.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskResult {
    /// Predictions for the test windows of the fold, in their order.
    pub(crate) predictions: Vec<TestPrediction>,
    /// Predictions for the later test windows of the fold, if it has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) later: Vec<TestPrediction>,
    /// Bits of the probabilities on the validation windows of the fold, in their order.
    pub(crate) validated: Vec<[u32; 3]>,
    /// Effects of masking each channel, by channel.
    pub(crate) effects: Vec<Vec<MaskingEffect>>,
    /// Losses by epoch, as reported by the learner.
    pub(crate) epochs: Vec<EpochLoss>,
    pub(crate) training: Option<TrainingRecord>,
    pub(crate) fit_seconds: f64,
    /// Prediction time, summed over threads.
    pub(crate) predict_seconds: f64,
}

/// Prediction for a test window.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(into = "StoredPrediction", try_from = "StoredPrediction")]
pub(crate) struct TestPrediction {
    pub(crate) direction: Direction,
    pub(crate) probabilities: Probabilities,
    /// Share of the validation windows with at least the same margin:
    /// [`Record::confidence_rank`](crate::Record::confidence_rank).
    pub(crate) confidence_rank: f64,
}

/// Stored prediction: direction, bits of the probabilities, confidence rank.
type StoredPrediction = (Direction, [u32; 3], f64);

impl From<TestPrediction> for StoredPrediction {
    fn from(prediction: TestPrediction) -> Self {
        let bits = prediction.probabilities.classes().map(f32::to_bits);
        (prediction.direction, bits, prediction.confidence_rank)
    }
}

impl TryFrom<StoredPrediction> for TestPrediction {
    type Error = &'static str;

    fn try_from((direction, bits, confidence_rank): StoredPrediction) -> Result<Self, Self::Error> {
        let probabilities = Probabilities::new(bits.map(f32::from_bits));
        let probabilities = probabilities.ok_or("the probabilities do not sum to 1")?;
        Ok(Self { direction, probabilities, confidence_rank })
    }
}

impl TestPrediction {
    /// Direction at full coverage: the sign of the margin p(UP) − p(DOWN).
    pub(crate) fn margin_direction(&self) -> Direction {
        Direction::from_change(f64::from(self.probabilities.margin()))
    }
}
