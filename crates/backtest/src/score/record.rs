//! Test predictions with their outcomes.
use windvane_candles::{Direction, Interval, Timestamp};
use windvane_models::Probabilities;

use crate::score::BaselinePredictions;

/// Prediction on a test candle with its outcome, the input of all metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    /// Close time of the last candle of the model's window.
    pub decided_at: Timestamp,
    /// Interval of the candles.
    pub interval: Interval,
    /// Index of the instrument.
    pub instrument: usize,
    /// Fold, counted from 1.
    pub fold: usize,
    /// Path through time, counted from 1; always 1 under plans that test every candle once.
    pub path: usize,
    /// Row of the decision in the table of its instrument; consecutive candles differ by one.
    pub row: usize,
    /// Change of the close over the horizon, a fraction.
    pub change: f64,
    /// Change of the close over the next candle alone, a fraction; 0 where it is unknown.
    pub next_change: f64,
    /// Class of the change over the horizon.
    pub label: Direction,
    /// Direction that the model predicted.
    pub predicted: Direction,
    /// Probabilities of the classes.
    pub probabilities: Probabilities,
    /// Share of the fold's validation windows with at least the same |p(UP) − p(DOWN)|: 0 for a
    /// prediction more confident than all of them.
    pub confidence_rank: f64,
    /// Volatility σ of the closes at the decision,
    /// [`CloseVolatility`](windvane_signals::CloseVolatility); `None` while it warms up.
    pub volatility: Option<f64>,
    /// Predictions of the baselines for the same candle.
    pub baselines: BaselinePredictions,
}

impl Record {
    /// Direction at full coverage: the sign of the margin p(UP) − p(DOWN); NEUTRAL on a tie.
    pub(crate) fn margin_direction(&self) -> Direction {
        Direction::from_change(f64::from(self.probabilities.margin()))
    }

    /// Probability of the predicted direction.
    pub fn confidence(&self) -> f32 {
        self.probabilities.of(self.predicted)
    }

    /// Whether `prediction` has the sign of the change; `None` for NEUTRAL and for an unchanged
    /// close. Every accuracy in this crate counts these results.
    ///
    /// DOWN is correct exactly where UP is wrong.
    pub fn is_correct(&self, prediction: Direction) -> Option<bool> {
        let outcome = Direction::from_change(self.change);
        let scored = prediction != Direction::Neutral && outcome != Direction::Neutral;
        scored.then(|| prediction == outcome)
    }
}
