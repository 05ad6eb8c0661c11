//! Adaptive conformal prediction sets with a target coverage.
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use windvane_candles::Direction;

use crate::{Prediction, Probabilities, SettingError};

/// Prediction set: one direction or both; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectionSet {
    /// The set {UP}.
    Up,
    /// The set {DOWN}.
    Down,
    /// Both: the model cannot exclude either at the target coverage.
    Both,
}

impl DirectionSet {
    /// The call: the direction that stands alone, else NEUTRAL.
    pub fn call(self) -> Direction {
        match self {
            Self::Up => Direction::Up,
            Self::Down => Direction::Down,
            Self::Both => Direction::Neutral,
        }
    }

    /// Whether the outcome is in the set; `None` for NEUTRAL, which sets do not cover.
    pub fn holds(self, outcome: Direction) -> Option<bool> {
        (outcome != Direction::Neutral).then(|| self == Self::Both || self.call() == outcome)
    }
}

/// Prediction set of one prediction. Pass it to [`AdaptiveConformal::settle`] with the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConformalCall {
    /// The prediction set.
    pub set: DirectionSet,
    /// p(UP) / (p(UP) + p(DOWN)); a half where both are 0.
    pub up: f32,
}

/// Settings of the sets: target coverage, step of the level, number of scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConformalSettings {
    /// Share of outcomes, UP or DOWN, that the sets are to hold; between 0 and 1.
    pub coverage: f64,
    /// Step γ of the level after each outcome, above 0 and at most 1.
    pub step: f64,
    /// Number of past scores compared with, 10 to 100,000.
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
            return SettingError::refuse("window of scores", "10 to 100000", self.window as f64);
        }
        Ok(())
    }
}

/// Adaptive conformal sets of directions: {UP}, {DOWN} or both, that hold what comes as often as
/// asked, on a market that changes and with a model that is wrong about its own sureness.
///
/// **Formula** with q = p(UP) / (p(UP) + p(DOWN)), the score of a direction is what the model
/// leaves to the other one, `s(UP) = 1 − q`, `s(DOWN) = q`. With the n last scores of what came,
/// sorted, and the level `α_t`, starting at α = 1 − coverage:
///
/// ```text
/// k       = ⌈(1 − α_t)(n + 1)⌉
/// set_t   = directions with a score of at most the k-th score       all of them for k > n
/// α_{t+1} = min(α_t + γ(α − err_t), 1)             err_t = 1 where set_t missed what came, else 0
/// ```
///
/// A set without any direction becomes the likelier one, or both where they tie: a bot gets UP,
/// DOWN or no call.
///
/// **What holds** for T settled outcomes, each before the next set, whatever they and the
/// predictions are: at most α T + (α + γ) / γ misses. With γ = 0.01 and 10,000 outcomes the
/// coverage is never more than 0.11 points below 90 %. It is above it by at most
/// (1 − α) / (γ T), 0.9 points, as long as `α_t` stays below 1; that is so unless the model's plain
/// calls are right more often than the wished coverage, when they are all there is to give.
/// Coverage holds over time, not within every kind of candle; how much it says is seen in how
/// often a direction stands alone.
///
/// **NEUTRAL** outcomes, such as an unchanged close, are in no set: they count neither for nor
/// against and change nothing. Coverage is meant among candles that moved.
///
/// **Live** ask for a set with every prediction, keep what comes back until its outcome is known,
/// then settle it: one per candle for a horizon of 1, a short queue for more (the bound then
/// grows by the horizon's number of misses). One of these serves one stream of predictions. What
/// it has learned is saved with serde, and goes on with the same bits. No call allocates.
///
/// **Source** Gibbs and Candès 2021, "Adaptive conformal inference under distribution shift";
/// never-empty sets and the upper bound of `α_t` are ours.
///
/// # Examples
/// ```
/// use windvane_models::{AdaptiveConformal, ConformalSettings, DirectionSet, Probabilities};
/// use windvane_models::candles::Direction;
///
/// let mut sets = AdaptiveConformal::new(ConformalSettings { coverage: 0.8, ..Default::default() })?;
/// let p = Probabilities::new([0.7, 0.3, 0.0]).unwrap();
/// // Nothing is known yet: both.
/// assert_eq!(sets.call_on(&p).set, DirectionSet::Both);
/// let mut held = 0;
/// for candle in 0..5_000 {
///     let call = sets.call_on(&p); // with a `Prediction`: `sets.call(&prediction)`
///     let outcome = if candle % 10 < 7 { Direction::Up } else { Direction::Down };
///     held += usize::from(sets.settle(&call, outcome) == Some(true));
/// }
/// assert!((held as f64 / 5_000.0 - 0.8).abs() < 0.01);
/// # Ok::<(), windvane_models::SettingError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredConformal", into = "StoredConformal")]
pub struct AdaptiveConformal {
    settings: ConformalSettings,
    /// Error level `α_t` of the next set.
    level: f64,
    settled: u64,
    held: u64,
    /// Scores of what came, oldest first.
    scores: VecDeque<f32>,
    /// The same, smallest first.
    sorted: Vec<f32>,
}

/// The state as it is stored; it may hold anything.
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
        if scores.len() > settings.window || held > settled {
            return SettingError::refuse(
                "number of scores or hits",
                "within the window",
                scores.len() as f64,
            );
        }
        if let Some(&wrong) = scores.iter().find(|score| !(0.0..=1.0).contains(*score)) {
            return SettingError::refuse("a conformal score", "0 to 1", f64::from(wrong));
        }
        for score in scores {
            state.remember(score);
        }
        Ok(Self { level, settled, held, ..state })
    }
}

impl AdaptiveConformal {
    /// Without any past: the first sets are both directions.
    ///
    /// # Errors
    /// [`SettingError`] out of range.
    pub fn new(settings: ConformalSettings) -> Result<Self, SettingError> {
        settings.check()?;
        let scores = VecDeque::with_capacity(settings.window);
        let sorted = Vec::with_capacity(settings.window);
        let level = 1.0 - settings.coverage;
        Ok(Self { settings, level, settled: 0, held: 0, scores, sorted })
    }

    /// Takes a past prediction beside what came as something to compare with, without counting it
    /// as a set: predictions on windows between training and going live, oldest first. NEUTRAL
    /// outcomes are passed over.
    pub fn seed(&mut self, probabilities: &Probabilities, outcome: Direction) {
        if let Some(score) = score(share_of_up(probabilities), outcome) {
            self.remember(score);
        }
    }

    /// The set for a prediction.
    pub fn call(&self, prediction: &Prediction) -> ConformalCall {
        self.call_on(&prediction.probabilities)
    }

    /// The set for probabilities.
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

    /// Learns what came of a set: whether it was held; `None`, and nothing learned, for NEUTRAL.
    pub fn settle(&mut self, call: &ConformalCall, outcome: Direction) -> Option<bool> {
        let held = call.set.holds(outcome)?;
        let wished = 1.0 - self.settings.coverage;
        let missed = f64::from(u8::from(!held));
        self.level = (self.level + self.settings.step * (wished - missed)).min(1.0);
        self.settled += 1;
        self.held += u64::from(held);
        // A call read from a file may hold anything.
        if let Some(score) = score(call.up, outcome).filter(|score| (0.0..=1.0).contains(score)) {
            self.remember(score);
        }
        Some(held)
    }

    /// Settings of the sets.
    pub fn settings(&self) -> ConformalSettings {
        self.settings
    }

    /// The level `α_t` of the next set: small where sets must be wide.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Sets whose outcome is known.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Share of settled sets that held what came; `None` without any.
    pub fn coverage(&self) -> Option<f64> {
        (self.settled > 0).then(|| self.held as f64 / self.settled as f64)
    }

    /// The largest score that is still in a set.
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

    /// Adds a score, and forgets the oldest of a full window.
    fn remember(&mut self, score: f32) {
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

/// p(UP) among UP and DOWN.
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
