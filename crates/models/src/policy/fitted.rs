//! Fitted policy and the positions that it takes.
use serde::{Deserialize, Serialize};

use super::{PolicyConfig, PositionSize};
use crate::{Probabilities, SettingError, TrainError};

/// Rule from scores to positions, with thresholds from validation candles.
///
/// The score of a prediction is its expected move. **Formula** with σ the volatility of
/// [`CloseVolatility`](windvane_signals::CloseVolatility) after the last candle of the window:
///
/// ```text
/// score   s = (p(UP) − p(DOWN)) σ
/// enter   long if s > e, short if s < −e       e: the share of validation scores with |s| > e
/// hold    while ±s > exit · e, at most max_holding candles       + for long, − for short
/// size    1, or min(1, |s| / f) at the entry   f: threshold of a fifth of the share
/// ```
///
/// The position holds over the next candle. A position that is left may be followed at once by a
/// new one, in the same or the other direction. Without a score the position is 0.
///
/// A backtest and a live bot call the same [`next`](Self::next); the thresholds are stored with the
/// model ([`Artifact::with_policy`](crate::Artifact::with_policy)).
///
/// # Examples
/// ```
/// use windvane_models::{Policy, PolicyConfig, Position};
///
/// let scores = (1..=100).map(f64::from); // of validation candles
/// let policy = Policy::fit(PolicyConfig::default(), scores)?;
/// assert_eq!(policy.entry(), 95.0);
///
/// let mut position = Position::NONE;
/// let mut sizes = Vec::new();
/// for score in [90.0, -96.0, -10.0, 3.0, 99.0] {
///     position = policy.next(position, Some(score));
///     sizes.push(position.size());
/// }
/// assert_eq!(sizes, [0.0, -1.0, -1.0, 0.0, 1.0]);
/// # Ok::<(), windvane_models::TrainError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredPolicy", into = "StoredPolicy")]
pub struct Policy {
    config: PolicyConfig,
    entry: f64,
    /// Score from which on a proportional position has the size 1.
    full: f64,
    scores: usize,
}

/// Saved form of a policy, not validated.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPolicy {
    config: PolicyConfig,
    entry: f64,
    full: f64,
    scores: usize,
}

impl From<Policy> for StoredPolicy {
    fn from(Policy { config, entry, full, scores }: Policy) -> Self {
        Self { config, entry, full, scores }
    }
}

impl TryFrom<StoredPolicy> for Policy {
    type Error = SettingError;

    fn try_from(
        StoredPolicy { config, entry, full, scores }: StoredPolicy,
    ) -> Result<Self, SettingError> {
        config.validate()?;
        if !(entry.is_finite() && entry >= 0.0) {
            return SettingError::refuse("entry of a policy", "finite and at least 0", entry);
        }
        if !(full.is_finite() && full >= entry) {
            return SettingError::refuse("full of a policy", "finite, at least the entry", full);
        }
        Ok(Self { config, entry, full, scores })
    }
}

impl Policy {
    /// Policy that trades every candle: it has no threshold and needs no validation.
    pub fn every_candle() -> Self {
        Self { config: PolicyConfig::every_candle(), entry: 0.0, full: 0.0, scores: 0 }
    }

    /// Fits the thresholds on the scores of validation candles, in any order.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for settings out of range and for a score that is not finite,
    /// [`TrainError::TooFewScores`] without scores.
    pub fn fit(
        config: PolicyConfig,
        scores: impl IntoIterator<Item = f64>,
    ) -> Result<Self, TrainError> {
        config.validate()?;
        let mut sizes: Vec<f64> = scores.into_iter().map(f64::abs).collect();
        if let Some(got) = sizes.iter().find(|size| !size.is_finite()) {
            let (setting, expected) = ("score of a validation candle", "finite");
            return Err(SettingError { setting, expected, got: *got }.into());
        }
        if sizes.is_empty() {
            return Err(TrainError::TooFewScores { expected: 1, got: 0 });
        }
        sizes.sort_by(|a, b| b.total_cmp(a));
        let [entry, full] =
            [config.share, config.share / 5.0].map(|share| threshold(&sizes, share));
        Ok(Self { config, entry, full, scores: sizes.len() })
    }

    /// Score of a prediction: its expected move `(p(UP) − p(DOWN)) σ`, natural logarithm.
    pub fn score(probabilities: Probabilities, volatility: f64) -> f64 {
        f64::from(probabilities.margin()) * volatility
    }

    /// Returns the position over the next candle; `position` is the present one. A score of `None`
    /// or NaN leaves the position.
    #[must_use]
    pub fn next(&self, position: Position, score: Option<f64>) -> Position {
        let Some(score) = score else { return Position::NONE };
        let towards = position.size.signum() * score;
        let expired = self.config.max_holding.is_some_and(|most| position.candles >= most);
        if position.size != 0.0 && towards > self.config.exit * self.entry && !expired {
            return Position { candles: position.candles.saturating_add(1), ..position };
        }
        let enters = score.abs() > self.entry && (score > 0.0 || !self.config.long_only);
        if !enters {
            return Position::NONE;
        }
        let size = match self.config.size {
            PositionSize::Full => 1.0,
            PositionSize::Proportional => (score.abs() / self.full).min(1.0),
        };
        Position { size: size * score.signum(), candles: 1 }
    }

    /// Returns the settings.
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// Returns the entry threshold of the absolute score.
    pub fn entry(&self) -> f64 {
        self.entry
    }

    /// Returns the number of validation scores that the thresholds were fitted on.
    pub fn scores(&self) -> usize {
        self.scores
    }
}

/// Threshold that a share of the values, largest first, is above: at most the share if values are
/// equal, and 0 for a share of 1.
fn threshold(sizes: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    let above = (share * sizes.len() as f64 + 1e-9).floor() as usize;
    sizes.get(above).copied().unwrap_or(0.0)
}

/// Position over the next candle.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "(f64, u32)", into = "(f64, u32)")]
pub struct Position {
    size: f64,
    /// Number of candles since the entry, with the next one.
    candles: u32,
}

impl Position {
    /// Absence of a position.
    pub const NONE: Self = Self { size: 0.0, candles: 0 };

    /// Returns the share of the capital, −1 to 1; negative for a short position.
    pub fn size(&self) -> f64 {
        self.size
    }

    /// Returns the holding time in candles, with the next one; 0 without a position.
    pub fn candles(&self) -> u32 {
        self.candles
    }
}

impl From<Position> for (f64, u32) {
    fn from(position: Position) -> Self {
        (position.size, position.candles)
    }
}

impl TryFrom<(f64, u32)> for Position {
    type Error = SettingError;

    fn try_from((size, candles): (f64, u32)) -> Result<Self, SettingError> {
        if !(-1.0..=1.0).contains(&size) {
            return SettingError::refuse("size of a position", "−1 to 1", size);
        }
        Ok(Self { size, candles })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes(policy: &Policy, scores: &[Option<f64>]) -> Vec<f64> {
        let mut position = Position::NONE;
        let steps = scores.iter().map(|score| {
            position = policy.next(position, *score);
            position.size
        });
        steps.collect()
    }

    fn some(scores: &[f64]) -> Vec<Option<f64>> {
        scores.iter().map(|score| Some(*score)).collect()
    }

    /// Policy with the entry threshold 10: two of twenty scores are above it.
    fn fitted(config: PolicyConfig) -> Policy {
        let scores = (1..=18).map(|k| f64::from(k.min(10))).chain([-11.0, 50.0]);
        Policy::fit(PolicyConfig { share: 0.1, ..config }, scores).unwrap()
    }

    // Calculated by hand.
    #[test]
    fn policy_enters_holds_and_leaves_like_a_calculation_by_hand() {
        let policy = fitted(PolicyConfig::default());
        assert_eq!((policy.entry().to_bits(), policy.scores()), (10.0_f64.to_bits(), 20));
        let scores = some(&[10.0, 10.1, 0.1, 0.0, -9.0, -12.0, -1.0, 11.0, -11.0]);
        // Equality with the threshold is no entry; at 0 the sign has turned; reversal at the end.
        assert_eq!(sizes(&policy, &scores), [0.0, 1.0, 1.0, 0.0, 0.0, -1.0, -1.0, 1.0, -1.0]);
        let half = fitted(PolicyConfig { exit: 0.5, ..PolicyConfig::default() });
        assert_eq!(sizes(&half, &some(&[11.0, 5.1, 5.0, 9.0])), [1.0, 1.0, 0.0, 0.0]);
        let through = fitted(PolicyConfig { exit: -1.0, ..PolicyConfig::default() });
        assert_eq!(sizes(&through, &some(&[11.0, -9.9, -10.1])), [1.0, 1.0, -1.0]);
    }

    #[test]
    fn policy_leaves_after_the_maximum_holding_time_and_without_a_score() {
        let policy = fitted(PolicyConfig { max_holding: Some(2), ..PolicyConfig::default() });
        let scores = some(&[11.0, 5.0, 5.0, 11.0, 11.0, 12.0, 5.0, 5.0]);
        // The third 11 starts a new position without an exit.
        assert_eq!(sizes(&policy, &scores), [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]);
        let lost = [Some(11.0), None, Some(5.0), Some(11.0), Some(f64::NAN)];
        assert_eq!(sizes(&policy, &lost), [1.0, 0.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn policy_long_only_never_enters_short() {
        let policy = fitted(PolicyConfig { long_only: true, ..PolicyConfig::default() });
        assert_eq!(sizes(&policy, &some(&[-20.0, 20.0, -20.0])), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn proportional_size_is_chosen_at_the_entry_and_is_at_most_one() {
        // Of 100 scores 1 to 100 ten are above 90 and two above 98.
        let config = PolicyConfig { size: PositionSize::Proportional, ..PolicyConfig::default() };
        let config = PolicyConfig { share: 0.1, ..config };
        let policy = Policy::fit(config, (1..=100).map(f64::from)).unwrap();
        let got = sizes(&policy, &some(&[91.0, 200.0, -1.0, -200.0]));
        assert_eq!(got, [91.0 / 98.0, 91.0 / 98.0, 0.0, -1.0]);
    }

    #[test]
    fn policy_of_every_candle_follows_the_sign_of_the_score() {
        let scores = some(&[0.1, -0.2, 0.0, 1e-300, -3.0]);
        let fitted = Policy::fit(PolicyConfig::every_candle(), [5.0, 6.0]).unwrap();
        for policy in [Policy::every_candle(), fitted] {
            assert_eq!(sizes(&policy, &scores), [1.0, -1.0, 0.0, 1.0, -1.0]);
        }
    }

    #[test]
    fn policy_without_different_scores_never_enters_and_without_any_is_an_error() {
        let flat = Policy::fit(PolicyConfig::default(), [0.2; 50]).unwrap();
        assert_eq!(sizes(&flat, &some(&[0.2, -0.2, 0.3])), [0.0, 0.0, 1.0]);
        let none = Policy::fit(PolicyConfig::default(), []).unwrap_err();
        assert!(none.to_string().contains("at least 1"), "{none}");
        assert!(Policy::fit(PolicyConfig::default(), [1.0, f64::NAN]).is_err());
        let wrong = PolicyConfig { share: 2.0, ..PolicyConfig::default() };
        assert!(Policy::fit(wrong, [1.0]).is_err());
    }

    #[test]
    fn saved_policy_and_position_keep_their_bits_and_refuse_wrong_values() {
        let policy = Policy::fit(PolicyConfig::default(), (0..99).map(|k| 0.1 * f64::from(k)));
        let policy = policy.unwrap();
        let text = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
        let negative = text.replace("\"entry\":", "\"entry\":-");
        assert!(serde_json::from_str::<Policy>(&negative).is_err(), "{negative}");
        assert!(serde_json::from_str::<Policy>(&text.replace("0.05", "1.5")).is_err());
        assert!(serde_json::from_str::<Position>("[1.5,1]").is_err());
    }

    proptest! {
        #[test]
        fn positions_are_bounded_and_do_not_depend_on_later_scores(
            scores in prop::collection::vec(prop::option::of(-2.0..2.0_f64), 1..60),
            share in 0.01..1.0_f64,
            exit in -1.0..0.99_f64,
            cut in 0..60_usize,
        ) {
            let config = PolicyConfig { share, exit, size: PositionSize::Proportional,
                ..PolicyConfig::default() };
            let policy = Policy::fit(config, (0..50).map(|k| 0.04 * f64::from(k))).unwrap();
            let all = sizes(&policy, &scores);
            prop_assert!(all.iter().all(|size| size.abs() <= 1.0));
            let cut = cut.min(scores.len());
            let changed: Vec<Option<f64>> =
                scores.iter().enumerate().map(|(k, s)| if k < cut { *s } else { Some(9.0) }).collect();
            prop_assert_eq!(&sizes(&policy, &changed)[..cut], &all[..cut]);
        }

        #[test]
        fn at_most_the_share_of_the_scores_is_above_the_entry(
            scores in prop::collection::vec(prop_oneof![Just(0.5), -1.0..1.0_f64], 1..80),
            share in 0.01..1.0_f64,
        ) {
            let config = PolicyConfig { share, ..PolicyConfig::default() };
            let policy = Policy::fit(config, scores.iter().copied()).unwrap();
            let above = scores.iter().filter(|score| score.abs() > policy.entry()).count();
            prop_assert!(above as f64 <= share * scores.len() as f64 + 1e-6);
        }
    }
}
