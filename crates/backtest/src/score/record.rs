//! One tested prediction with its outcome.
use windvane_candles::{Direction, Interval, Timestamp};
use windvane_models::Probabilities;

use crate::score::BaselinePredictions;

/// A prediction on a test candle and its outcome: all that metrics are computed from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    /// Close time of the last candle the model saw.
    pub decided_at: Timestamp,
    /// The candles' interval.
    pub interval: Interval,
    /// Index of the instrument.
    pub instrument: usize,
    /// Fold, counted from 1.
    pub fold: usize,
    /// Path through time, counted from 1: 1 under plans that test every candle once.
    pub path: usize,
    /// Row of the decision in its instrument's table: neighbours in time differ by one.
    pub row: usize,
    /// Change of the close over the horizon, a fraction.
    pub change: f64,
    /// Change of the close over the next candle alone, a fraction; 0 where that is not known.
    pub next_change: f64,
    /// The class of that change over the horizon.
    pub label: Direction,
    /// Direction that the model predicted.
    pub predicted: Direction,
    /// Probabilities of the classes.
    pub probabilities: Probabilities,
    /// Share of the fold's validation windows with at least the same |p(UP) − p(DOWN)|: 0 for a
    /// prediction more confident than all of them.
    pub confidence_rank: f64,
    /// Predictions of the baselines for the same candle.
    pub baselines: BaselinePredictions,
}

impl Record {
    /// Direction at full coverage: the sign of the margin p(UP) − p(DOWN); NEUTRAL on a tie.
    pub(crate) fn margin_direction(&self) -> Direction {
        Direction::of_change(f64::from(self.probabilities.margin()))
    }

    /// Probability of what was called.
    pub fn confidence(&self) -> f32 {
        self.probabilities.of(self.predicted)
    }

    /// Whether `call` came true; `None` for NEUTRAL and where the close did not move. Every
    /// accuracy in this crate counts these.
    ///
    /// DOWN is correct exactly where UP is wrong.
    pub fn is_correct(&self, prediction: Direction) -> Option<bool> {
        let outcome = Direction::of_change(self.change);
        let scored = prediction != Direction::Neutral && outcome != Direction::Neutral;
        scored.then(|| prediction == outcome)
    }
}
