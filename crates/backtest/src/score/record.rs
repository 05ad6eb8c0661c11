//! One tested prediction with its outcome.
use windvane_candles::{Direction, Interval, Timestamp};
use windvane_models::Probabilities;

use crate::score::BaselineCalls;

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
    pub called: Direction,
    /// Probabilities of the classes.
    pub probabilities: Probabilities,
    /// Share of the fold's validation windows on which the model was at least as sure: a
    /// |p(UP) − p(DOWN)| as great or greater. 0 is surer than on any of them.
    pub top_share: f64,
    /// Predictions of the baselines for the same candle.
    pub baselines: BaselineCalls,
}

impl Record {
    /// Direction when every candle is called: the sign of p(UP) − p(DOWN); NEUTRAL on a tie.
    pub(crate) fn edge_call(&self) -> Direction {
        Direction::of_change(f64::from(self.probabilities.margin()))
    }

    /// Probability of what was called.
    pub fn confidence(&self) -> f32 {
        self.probabilities.of(self.called)
    }

    /// Whether `call` came true; `None` for NEUTRAL and where the close did not move. Every
    /// accuracy in this crate counts these.
    ///
    /// A wrong sign is a miss, so a call of DOWN is right exactly where UP is wrong.
    pub fn hit(&self, call: Direction) -> Option<bool> {
        let went = Direction::of_change(self.change);
        (call != Direction::Neutral && went != Direction::Neutral).then(|| call == went)
    }
}
