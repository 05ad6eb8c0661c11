//! Position of a live pair, from its candles and predictions.
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use windvane_candles::{Candle, Interval, Timestamp};
use windvane_signals::CloseVolatility;

use super::{Policy, Position};
use crate::{CandleOutcome, NeutralReason, Prediction};

/// Position of one live pair under a [`Policy`].
///
/// It computes the volatility from the pair's closes and has the bits of a backtest over the same
/// candles. A prediction that the guard or the expiry of the [`Predictor`](crate::Predictor) turned
/// into NEUTRAL leaves the position, and so does a candle without a prediction. A model that
/// abstains, or whose members disagree, keeps its score.
///
/// Serialise the tracker to continue after a restart; JSON keeps every bit.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, simulate::MarketModel};
/// use windvane_models::{Policy, PositionTracker, Predictor, v32};
///
/// let series = MarketModel::AR1.candles("SIM".parse()?, Interval::HOUR, 60, 1)?;
/// let mut predictor = Predictor::new(v32::pretrained(), Interval::HOUR)?;
/// let mut tracker = PositionTracker::new(Policy::every_candle(), Interval::HOUR);
/// for candle in &series {
///     let outcome = predictor.on_candle(candle)?;
///     let position = tracker.on_outcome(candle, &outcome);
///     assert_eq!(position.size() != 0.0, outcome.prediction().is_some());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionTracker {
    policy: Policy,
    volatility: CloseVolatility,
    /// Open times and closes of the candles whose predictions have not arrived.
    waiting: VecDeque<(Timestamp, f64)>,
    position: Position,
}

impl PositionTracker {
    /// Creates a tracker without a position for a feed of `interval` candles.
    pub fn new(policy: Policy, interval: Interval) -> Self {
        Self {
            policy,
            volatility: CloseVolatility::new(interval),
            waiting: VecDeque::new(),
            position: Position::NONE,
        }
    }

    /// Takes a candle with the outcome of a [`Predictor`](crate::Predictor) and returns the position
    /// over the next candle. A candle that the predictor ignored changes nothing.
    pub fn on_outcome(&mut self, candle: &Candle, outcome: &CandleOutcome) -> Position {
        if !outcome.is_accepted() {
            return self.position;
        }
        self.take(candle);
        match outcome.prediction() {
            Some(prediction) => self.on_prediction(prediction),
            None => self.without_prediction(Timestamp::from_millis(i64::MAX)),
        }
    }

    /// Takes a closed candle whose prediction comes later, such as one of a
    /// [`PanelPredictor`](crate::PanelPredictor), and candles of a warm-up. A candle that is not
    /// later than the last one is ignored.
    pub fn take(&mut self, candle: &Candle) {
        self.waiting.push_back((candle.open_time(), candle.close()));
    }

    /// Takes the prediction at a close and returns the position over the next candle. The
    /// volatility includes the candles that opened before the decision.
    pub fn on_prediction(&mut self, prediction: &Prediction) -> Position {
        let sigma = self.close(prediction.decided_at);
        let score = sigma.map(|sigma| Policy::score(prediction.probabilities, sigma));
        let score = score.filter(|_| !is_vetoed(prediction));
        self.position = self.policy.next(self.position, score);
        self.position
    }

    /// Leaves the position, because there is no prediction at a close.
    pub fn without_prediction(&mut self, decided_at: Timestamp) -> Position {
        self.close(decided_at);
        self.position = self.policy.next(self.position, None);
        self.position
    }

    /// Updates the volatility with the waiting candles of a close and returns it.
    fn close(&mut self, decided_at: Timestamp) -> Option<f64> {
        while let Some((open_time, close)) = self.waiting.front().copied() {
            if open_time >= decided_at {
                break;
            }
            self.waiting.pop_front();
            self.volatility.update(open_time, close);
        }
        self.volatility.sigma()
    }

    /// Returns the position over the next candle.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Returns the policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// Whether the predictor, and not the model, turned a prediction into NEUTRAL.
fn is_vetoed(prediction: &Prediction) -> bool {
    let own = [
        NeutralReason::Class,
        NeutralReason::Tie,
        NeutralReason::Abstained,
        NeutralReason::Disagreement,
    ];
    prediction.neutral.is_some_and(|reason| !own.contains(&reason))
}
