//! Result of a task: the predictions of a model on a fold, and what is known of its training.
use serde::{Deserialize, Serialize};
use windvane_candles::Direction;
use windvane_models::{Probabilities, TrainingRecord};

use crate::report::EpochLoss;
use crate::score::Effect;

/// Result of a task, as the cache keeps it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskResult {
    /// One per test window of the fold, in their order.
    pub(crate) predictions: Vec<TestPrediction>,
    /// Effects of replacing each channel by its median, by channel.
    pub(crate) effects: Vec<Vec<Effect>>,
    /// Losses by epoch, as the learner reported them.
    pub(crate) epochs: Vec<EpochLoss>,
    pub(crate) training: Option<TrainingRecord>,
    pub(crate) fit_seconds: f64,
    /// Summed over threads.
    pub(crate) predict_seconds: f64,
}

/// Prediction for one test window.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub(crate) struct TestPrediction {
    pub(crate) direction: Direction,
    pub(crate) probabilities: Probabilities,
    /// Share of the validation windows with at least the same margin:
    /// [`Record::top_share`](crate::Record::top_share).
    pub(crate) top_share: f64,
}

/// Direction, bits of the probabilities and share of a stored prediction.
type Stored = (Direction, [u32; 3], f64);

impl From<TestPrediction> for Stored {
    fn from(prediction: TestPrediction) -> Self {
        let bits = prediction.probabilities.classes().map(f32::to_bits);
        (prediction.direction, bits, prediction.top_share)
    }
}

impl TryFrom<Stored> for TestPrediction {
    type Error = &'static str;

    fn try_from((direction, bits, top_share): Stored) -> Result<Self, Self::Error> {
        let probabilities = Probabilities::new(bits.map(f32::from_bits));
        let probabilities = probabilities.ok_or("the probabilities do not sum to 1")?;
        Ok(Self { direction, probabilities, top_share })
    }
}

impl TestPrediction {
    /// Direction when every candle is called: the sign of p(UP) − p(DOWN).
    pub(crate) fn edge_call(&self) -> Direction {
        Direction::of_change(f64::from(self.probabilities.margin()))
    }
}
