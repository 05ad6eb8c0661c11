//! Adaptive conformal prediction sets with a target coverage.
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use windvane_candles::Direction;

use crate::{Prediction, Probabilities, SettingError};

/// Prediction set of directions: UP, DOWN or both; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectionSet {
    /// The set {UP}.
    Up,
    /// The set {DOWN}.
    Down,
    /// The set {UP, DOWN}: at the target coverage no direction can be excluded.
    Both,
}

impl DirectionSet {
    /// Returns the only direction of the set; NEUTRAL for both.
    pub fn call(self) -> Direction {
        match self {
            Self::Up => Direction::Up,
            Self::Down => Direction::Down,
            Self::Both => Direction::Neutral,
        }
    }

    /// Returns whether the set contains the outcome; `None` for NEUTRAL, which is in no set.
    pub fn holds(self, outcome: Direction) -> Option<bool> {
        (outcome != Direction::Neutral).then(|| self == Self::Both || self.call() == outcome)
    }
}

/// Prediction set for one prediction. Pass it to [`AdaptiveConformal::settle`] with the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConformalCall {
    /// Prediction set of directions.
    pub set: DirectionSet,
    /// Probability p(UP) / (p(UP) + p(DOWN)); 0.5 if both are 0.
    pub up: f32,
}

/// Settings of adaptive conformal prediction: target coverage, step size, number of scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConformalSettings {
    /// Target coverage: share of the outcomes UP or DOWN that are in their sets, between 0 and 1.
    pub coverage: f64,
    /// Step size γ of the level after each outcome, above 0 and at most 1.
    pub step: f64,
    /// Number of past scores that are kept, 10 to 100,000.
    pub window: usize,
}

impl Default for ConformalSettings {
    /// Coverage 90 %, step 0.01, the last 500 scores.
    fn default() -> Self {
        Self { coverage: 0.9, step: 0.01, window: 500 }
    }
}

impl ConformalSettings {
    fn check(&self) -> Result<(), SettingError> {
        if !(self.coverage > 0.0 && self.coverage < 1.0) {
            return SettingError::refuse("coverage", "between 0 and 1", self.coverage);
        }
        if !(self.step > 0.0 && self.step <= 1.0) {
            return SettingError::refuse("step of the level", "above 0 and at most 1", self.step);
        }
        if !(10..=100_000).contains(&self.window) {
            return SettingError::refuse("window of scores", "10 to 100,000", self.window as f64);
        }
        Ok(())
    }
}

/// Adaptive conformal prediction sets of directions: {UP}, {DOWN} or both, with a target coverage
/// that holds even if the market changes or the model is overconfident.
///
/// **Formula** With q = p(UP) / (p(UP) + p(DOWN)), the nonconformity score of a direction is the
/// probability of the other one: `s(UP) = 1 − q`, `s(DOWN) = q`. With the sorted scores of the
/// last n outcomes and the level `α_t`, which starts at α = 1 − coverage:
///
/// ```text
/// k       = ⌈(1 − α_t)(n + 1)⌉
/// set_t   = directions with a score of at most the k-th score             all of them for k > n
/// α_{t+1} = min(α_t + γ(α − err_t), 1)        err_t = 1 if set_t misses the outcome, otherwise 0
/// ```
///
/// An empty set is replaced by the more probable direction, or by both for a tie.
///
/// **Guarantee** For T outcomes, each settled before the next set: at most α T + (α + γ) / γ
/// misses, for any sequence of predictions and outcomes. With γ = 0.01 and T = 10,000 the coverage
/// is at least 90 % − 0.11 points. It exceeds 90 % by at most (1 − α) / (γ T) = 0.9 points as long
/// as `α_t` stays below 1. The level reaches 1 only if single directions are correct more often
/// than the target coverage; the coverage is then higher. The guarantee holds on average over time,
/// not for every kind of candle. The share of sets with a single direction shows how informative
/// they are.
///
/// **NEUTRAL** outcomes, such as an unchanged close, are in no set. They are ignored: coverage
/// refers to candles whose close moved.
///
/// **Live** Request a set with every prediction, keep it until its outcome is known, then settle
/// it: one per candle for a horizon of 1, a short queue for longer horizons (the bound then grows
/// by as many misses as the horizon has candles). Use one value per stream of predictions. The
/// state is saved with serde and continues with the same bits. No method allocates.
///
/// **Source** Gibbs and Candès 2021, "Adaptive conformal inference under distribution shift"; the
/// replacement of empty sets and the upper bound of `α_t` are windvane's own.
///
/// # Examples
/// ```
/// use windvane_models::{AdaptiveConformal, ConformalSettings, DirectionSet, Probabilities};
/// use windvane_models::candles::Direction;
///
/// let settings = ConformalSettings { coverage: 0.8, ..ConformalSettings::default() };
/// let mut sets = AdaptiveConformal::new(settings)?;
/// let p = Probabilities::new([0.7, 0.3, 0.0]).unwrap();
/// // No scores yet: both directions.
/// assert_eq!(sets.call_on(&p).set, DirectionSet::Both);
/// let mut covered = 0;
/// for candle in 0..5_000 {
///     let call = sets.call_on(&p); // with a `Prediction`: `sets.call(&prediction)`
///     let outcome = if candle % 10 < 7 { Direction::Up } else { Direction::Down };
///     covered += usize::from(sets.settle(&call, outcome) == Some(true));
/// }
/// assert!((covered as f64 / 5_000.0 - 0.8).abs() < 0.01);
/// # Ok::<(), windvane_models::SettingError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredConformal", into = "StoredConformal")]
pub struct AdaptiveConformal {
    settings: ConformalSettings,
    /// Error level `α_t` of the next set.
    level: f64,
    settled: u64,
    /// Number of settled sets that contained the outcome.
    held: u64,
    /// Scores of the outcomes, oldest first.
    scores: VecDeque<f32>,
    /// Scores of the outcomes, smallest first.
    sorted: Vec<f32>,
}

/// Saved form of the state, not validated.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredConformal {
    settings: ConformalSettings,
    level: f64,
    settled: u64,
    held: u64,
    scores: Vec<f32>,
}

impl From<AdaptiveConformal> for StoredConformal {
    fn from(state: AdaptiveConformal) -> Self {
        let AdaptiveConformal { settings, level, settled, held, scores, .. } = state;
        Self { settings, level, settled, held, scores: scores.into() }
    }
}

impl TryFrom<StoredConformal> for AdaptiveConformal {
    type Error = SettingError;

    fn try_from(parts: StoredConformal) -> Result<Self, SettingError> {
        let StoredConformal { settings, level, settled, held, scores } = parts;
        let mut state = Self::new(settings)?;
        if !level.is_finite() || level > 1.0 {
            return SettingError::refuse(
                "level of a conformal state",
                "finite and at most 1",
                level,
            );
        }
        if scores.len() > settings.window {
            let (setting, got) = ("number of conformal scores", scores.len() as f64);
            return SettingError::refuse(setting, "at most the window", got);
        }
        if held > settled {
            let setting = "number of sets that contain the outcome";
            return SettingError::refuse(setting, "at most the settled ones", held as f64);
        }
        if let Some(&wrong) = scores.iter().find(|score| !(0.0..=1.0).contains(*score)) {
            return SettingError::refuse("every conformal score", "0 to 1", f64::from(wrong));
        }
        for score in scores {
            state.add_score(score);
        }
        Ok(Self { level, settled, held, ..state })
    }
}

impl AdaptiveConformal {
    /// Creates a state without scores; the first sets contain both directions.
    ///
    /// # Errors
    /// [`SettingError`] for a setting out of range.
    pub fn new(settings: ConformalSettings) -> Result<Self, SettingError> {
        settings.check()?;
        let scores = VecDeque::with_capacity(settings.window);
        let sorted = Vec::with_capacity(settings.window);
        let level = 1.0 - settings.coverage;
        Ok(Self { settings, level, settled: 0, held: 0, scores, sorted })
    }

    /// Adds the score of a past prediction without counting a set, for example of the windows
    /// between training and live operation, oldest first. NEUTRAL outcomes are ignored.
    pub fn seed(&mut self, probabilities: &Probabilities, outcome: Direction) {
        if let Some(score) = score(share_of_up(probabilities), outcome) {
            self.add_score(score);
        }
    }

    /// Returns the prediction set for a prediction.
    pub fn call(&self, prediction: &Prediction) -> ConformalCall {
        self.call_on(&prediction.probabilities)
    }

    /// Returns the prediction set for probabilities.
    pub fn call_on(&self, probabilities: &Probabilities) -> ConformalCall {
        let up = share_of_up(probabilities);
        let bound = self.bound();
        let (has_up, has_down) = (1.0 - up <= bound, up <= bound);
        let set = match has_up.cmp(&has_down) {
            std::cmp::Ordering::Greater => DirectionSet::Up,
            std::cmp::Ordering::Less => DirectionSet::Down,
            std::cmp::Ordering::Equal if has_up => DirectionSet::Both,
            std::cmp::Ordering::Equal if up > 0.5 => DirectionSet::Up,
            std::cmp::Ordering::Equal if up < 0.5 => DirectionSet::Down,
            std::cmp::Ordering::Equal => DirectionSet::Both,
        };
        ConformalCall { set, up }
    }

    /// Updates the level and the scores with an outcome and returns whether the set contained it.
    /// A NEUTRAL outcome changes nothing and returns `None`.
    pub fn settle(&mut self, call: &ConformalCall, outcome: Direction) -> Option<bool> {
        let held = call.set.holds(outcome)?;
        let target = 1.0 - self.settings.coverage;
        let missed = f64::from(u8::from(!held));
        self.level = (self.level + self.settings.step * (target - missed)).min(1.0);
        self.settled += 1;
        self.held += u64::from(held);
        // A deserialised `call` is not validated.
        if let Some(score) = score(call.up, outcome).filter(|score| (0.0..=1.0).contains(score)) {
            self.add_score(score);
        }
        Some(held)
    }

    /// Settings of the prediction sets.
    pub fn settings(&self) -> ConformalSettings {
        self.settings
    }

    /// Error level `α_t` of the next set; a small level gives large sets.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Number of settled sets.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Coverage: share of the settled sets that contained the outcome; `None` without any.
    pub fn coverage(&self) -> Option<f64> {
        (self.settled > 0).then(|| self.held as f64 / self.settled as f64)
    }

    /// Largest score of a direction in the next set.
    fn bound(&self) -> f32 {
        let n = self.sorted.len();
        let rank = ((1.0 - self.level) * (n as f64 + 1.0)).ceil();
        if rank > n as f64 {
            return f32::INFINITY;
        }
        if rank < 1.0 {
            return f32::NEG_INFINITY;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to n")]
        let rank = rank as usize;
        self.sorted[rank - 1]
    }

    /// Adds a score and drops the oldest one of a full window.
    fn add_score(&mut self, score: f32) {
        if self.scores.len() == self.settings.window
            && let Some(oldest) = self.scores.pop_front()
        {
            let at = self.sorted.partition_point(|other| *other < oldest);
            self.sorted.remove(at);
        }
        self.scores.push_back(score);
        let at = self.sorted.partition_point(|other| *other < score);
        self.sorted.insert(at, score);
    }
}

/// Probability p(UP) / (p(UP) + p(DOWN)); 0.5 if both are 0.
fn share_of_up(probabilities: &Probabilities) -> f32 {
    let [up, down, _] = probabilities.classes();
    let both = up + down;
    if both > 0.0 { up / both } else { 0.5 }
}

/// Nonconformity score: probability of the other direction; `None` for NEUTRAL.
fn score(up: f32, outcome: Direction) -> Option<f32> {
    match outcome {
        Direction::Up => Some(1.0 - up),
        Direction::Down => Some(up),
        Direction::Neutral => None,
    }
}
