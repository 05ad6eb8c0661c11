//! Fitting v2: weights by hand, or the likeliest.
mod likelihood;

use serde::Serialize;
use windvane_candles::Direction;
use windvane_signals::{Scaler, TrainSet, ValidationSet};

use likelihood::{Maximum, Outcomes, student_975};

use super::{KIND, SignalImportance, WeightedSignals};
use crate::train::{Learner, Run, calibrate, check_directions, record_of, spec_of};
use crate::{FittedModel, ModelId, ModelSpec, TrainError};

/// Fewest windows that moved to learn weights from.
const MIN_WINDOWS: usize = 50;

/// Shortest block of the standard errors, in candles.
const SHORTEST_BLOCK: usize = 20;

/// Source of the weights.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Weights {
    /// Set by hand: 0.3 for `momentum` and `macd`, 0.2 for `trend` and `rsi`, 0 for other channels.
    #[default]
    ByHand,
    /// These, one per channel.
    Given(Vec<f32>),
    /// Maximum likelihood on the training windows.
    Learned,
}

/// Fits v2: its scaler on the training rows, and its weights as asked for.
///
/// **Learned weights** minimise `Σ −ln p(what came | UP or DOWN) + |w|² / 2` over the training
/// windows, NEUTRAL ones left out, by Newton's method: the prior of spread 1 keeps them finite
/// where a signal never errs, and small where there are few windows. The temperature is then
/// chosen on the validation windows, on which nothing else is.
///
/// # Examples
/// ```
/// use windvane_models::v2::{WeightedSignalsLearner, Weights};
/// use windvane_models::train::Learner;
///
/// assert_eq!(WeightedSignalsLearner::default().weights, Weights::ByHand);
/// assert_eq!(WeightedSignalsLearner::learned().id().as_str(), "v2-learned");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedSignalsLearner {
    /// Id of the models it fits; `v2` by default.
    pub id: ModelId,
    /// Source of the weights.
    pub weights: Weights,
}

impl Default for WeightedSignalsLearner {
    /// The original: weights by hand.
    fn default() -> Self {
        Self { id: ModelId::new(KIND), weights: Weights::ByHand }
    }
}

impl WeightedSignalsLearner {
    /// Learned weights, under the id `v2-learned`.
    pub fn learned() -> Self {
        Self { id: ModelId::new("v2-learned"), weights: Weights::Learned }
    }

    /// Fits the model. The seed only goes into its record: nothing is drawn. `validation` too,
    /// but for the temperature of learned weights.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for weights that do not fit,
    /// [`TrainError::TooFewWindows`] and [`TrainError::EmptyClass`] where there is nothing to
    /// learn them from, [`TrainError::Signal`] without rows to scale by,
    /// [`TrainError::Validation`].
    pub fn fit_model(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<WeightedSignals, TrainError> {
        let spec = spec_of(train, validation)?;
        let scaler = Scaler::fit(train)?;
        let record = record_of(train, validation, run.seed()).with_scaler(&scaler, &spec);
        let mut model = match &self.weights {
            Weights::ByHand => {
                let channels = spec.signals.channels.iter();
                let weights = channels.map(|channel| weight_by_hand(channel.name())).collect();
                WeightedSignals::new(spec, scaler, weights)?
            }
            Weights::Given(weights) => WeightedSignals::new(spec, scaler, weights.clone())?,
            Weights::Learned => learn(spec, scaler, train)?,
        };
        (model.id, model.record) = (self.id.clone(), Some(record));
        if self.weights == Weights::Learned {
            calibrate(&mut model, validation)?;
        }
        Ok(model)
    }
}

impl Learner for WeightedSignalsLearner {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn settings(&self) -> Option<String> {
        let Self { id, weights } = self;
        serde_json::to_string(&("v2", id.as_str(), weights)).ok()
    }

    fn fit(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<Box<dyn FittedModel>, TrainError> {
        Ok(Box::new(self.fit_model(train, validation, run)?))
    }
}

fn weight_by_hand(channel: &str) -> f32 {
    match channel {
        "momentum" | "macd" => 0.3,
        "trend" | "rsi" => 0.2,
        _ => 0.0,
    }
}

/// The model with the likeliest weights, before its temperature.
fn learn(spec: ModelSpec, scaler: Scaler, train: &TrainSet) -> Result<WeightedSignals, TrainError> {
    let outcomes = outcomes(&spec, &scaler, train)?;
    let maximum = outcomes.maximum();
    let neutral = train.class_counts()[Direction::Neutral.index()];
    let importance = importance(&spec, &outcomes, &maximum);
    #[expect(clippy::cast_possible_truncation, reason = "logits; the prior keeps them small")]
    let (weights, neutral_logit) = (
        maximum.weights.iter().map(|weight| *weight as f32).collect::<Vec<f32>>(),
        outcomes.neutral_logit(&maximum.weights, neutral) as f32,
    );
    let gain: f32 = weights.iter().map(|weight| weight.abs()).sum();
    // Where no channel says anything all count alike, times nothing.
    let weights = if gain > 0.0 { weights } else { vec![1.0; weights.len()] };
    let model = WeightedSignals::new(spec, scaler, weights)?.with_gain(gain)?;
    Ok(WeightedSignals { neutral_logit, importance, ..model })
}

/// The squashed signals of every window that moved.
fn outcomes(spec: &ModelSpec, scaler: &Scaler, train: &TrainSet) -> Result<Outcomes, TrainError> {
    check_directions(train, MIN_WINDOWS)?;
    let length = SHORTEST_BLOCK.max(2 * spec.labels.horizon);
    let span = spec.interval.millis().saturating_mul(i64::try_from(length).unwrap_or(i64::MAX));
    let mut outcomes = Outcomes { width: spec.signals.width(), ..Outcomes::default() };
    let samples = train.samples().iter();
    for sample in samples.filter(|sample| sample.label != Direction::Neutral) {
        let row = train.window(sample).row(spec.lookback - 1);
        outcomes.rows.extend(
            row.iter()
                .enumerate()
                .map(|(channel, value)| WeightedSignals::squash(scaler.apply(channel, *value))),
        );
        outcomes.rose.push(sample.label == Direction::Up);
        outcomes.block.push(sample.decided_at.millis().div_euclid(span));
    }
    Ok(outcomes)
}

fn importance(spec: &ModelSpec, outcomes: &Outcomes, maximum: &Maximum) -> Vec<SignalImportance> {
    let deviations = outcomes.deviations();
    let effects = maximum.weights.iter().zip(&deviations);
    let effects: Vec<f64> = effects.map(|(weight, deviation)| weight * deviation / 4.0).collect();
    let total: f64 = effects.iter().map(|effect| effect.abs()).sum();
    let channels = effects.into_iter().enumerate();
    let importance = channels.map(|(channel, effect)| {
        let reach = maximum.errors.as_ref().filter(|_| deviations[channel] > 0.0).map(|errors| {
            student_975(maximum.blocks as f64 - 1.0) * errors[channel] * deviations[channel] / 4.0
        });
        SignalImportance {
            channel: spec.signals.channels[channel].to_string(),
            effect,
            interval_95: reach.map(|reach| [effect - reach, effect + reach]),
            share: (total > 0.0).then(|| effect.abs() / total),
        }
    });
    importance.collect()
}
