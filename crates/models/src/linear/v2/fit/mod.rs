//! Fitting v2, with hand-set or maximum-likelihood weights.
mod likelihood;

use serde::Serialize;
use windvane_candles::Direction;
use windvane_signals::{Scaler, TrainSet, ValidationSet};

use likelihood::{Outcomes, WeightEstimate, student_975};

use super::{KIND, SignalImportance, WeightedSignals};
use crate::train::{Learner, Run, calibrate, check_directions, record_of, spec_of};
use crate::{FittedModel, ModelId, ModelSpec, TrainError};

/// Minimum number of training windows labelled UP or DOWN for learned weights.
const MIN_WINDOWS: usize = 50;

/// Minimum length of a time block for the standard errors, in candles.
const MIN_BLOCK_LENGTH: usize = 20;

/// Source of the weights.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Weights {
    /// Hand-set: 0.3 for `momentum` and `macd`, 0.2 for `trend` and `rsi`, 0 for other channels.
    #[default]
    ByHand,
    /// Given weights, one per channel.
    Given(Vec<f32>),
    /// Maximum likelihood on the training windows.
    Learned,
}

/// Learner of v2, which fits the scaler on the training rows and uses the configured weights.
///
/// **Learned weights** minimise `Σ −ln p(outcome | UP or DOWN) + |w|² / 2` over the training
/// windows labelled UP or DOWN, by Newton's method. The prior with standard deviation 1 keeps the
/// weights finite if a signal is always right, and small if there are few windows. The model is
/// then calibrated on the validation windows, which have no other use.
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
    /// Id of the fitted models; `v2` by default.
    pub id: ModelId,
    /// Source of the weights.
    pub weights: Weights,
}

impl Default for WeightedSignalsLearner {
    /// Returns the learner with hand-set weights.
    fn default() -> Self {
        Self { id: ModelId::new(KIND), weights: Weights::ByHand }
    }
}

impl WeightedSignalsLearner {
    /// Creates a learner with learned weights, under the id `v2-learned`.
    pub fn learned() -> Self {
        Self { id: ModelId::new("v2-learned"), weights: Weights::Learned }
    }

    /// Fits the model.
    ///
    /// The seed is recorded but has no effect, because no random numbers are drawn. `validation` is
    /// used to calibrate learned weights, and otherwise only recorded.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for weights that do not fit the channels. With learned weights,
    /// [`TrainError::TooFewWindows`] for fewer than 50 windows labelled UP or DOWN, and
    /// [`TrainError::EmptyClass`] when one of the two directions does not occur.
    /// [`TrainError::Signal`] when there are no rows to fit the scaler on,
    /// [`TrainError::Validation`] when the two sets do not belong together.
    pub fn fit_model(
        &self,
        train: &TrainSet,
        validation: &ValidationSet,
        run: &Run<'_>,
    ) -> Result<WeightedSignals, TrainError> {
        let spec = spec_of(train, validation)?;
        let scaler = Scaler::fit(train)?;
        let record = record_of(train, validation, run.seed())?.with_scaler(&scaler, &spec);
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

    /// A channel of the scaler; for learned weights also the squashed signals, the outcome and the
    /// block of every window, in lists that grow by doubling.
    fn row_memory(&self, width: usize) -> Option<usize> {
        let window = (width + 1) * size_of::<f64>() + 1;
        Some(if self.weights == Weights::Learned { 2 * window } else { size_of::<f64>() })
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

/// Returns the hand-set weight of a channel.
fn weight_by_hand(channel: &str) -> f32 {
    match channel {
        "momentum" | "macd" => 0.3,
        "trend" | "rsi" => 0.2,
        _ => 0.0,
    }
}

/// Fits a model with maximum-likelihood weights, without calibration.
fn learn(spec: ModelSpec, scaler: Scaler, train: &TrainSet) -> Result<WeightedSignals, TrainError> {
    let outcomes = outcomes(&spec, &scaler, train)?;
    let estimate = outcomes.fit();
    let neutral = train.class_counts()[Direction::Neutral.index()];
    let importance = importance(&spec, &outcomes, &estimate);
    #[expect(clippy::cast_possible_truncation, reason = "logits; the prior keeps them small")]
    let (weights, neutral_logit) = (
        estimate.weights.iter().map(|weight| *weight as f32).collect::<Vec<f32>>(),
        outcomes.neutral_logit(&estimate.weights, neutral) as f32,
    );
    let gain: f32 = weights.iter().map(|weight| weight.abs()).sum();
    // If all weights are 0, equal weights with a gain of 0 have the same result.
    let weights = if gain > 0.0 { weights } else { vec![1.0; weights.len()] };
    let model = WeightedSignals::new(spec, scaler, weights)?.with_gain(gain)?;
    Ok(WeightedSignals { neutral_logit, importance, ..model })
}

/// Collects the squashed signals of every window labelled UP or DOWN.
fn outcomes(spec: &ModelSpec, scaler: &Scaler, train: &TrainSet) -> Result<Outcomes, TrainError> {
    check_directions(train, MIN_WINDOWS)?;
    let length = MIN_BLOCK_LENGTH.max(2 * spec.labels.horizon);
    let span = spec.interval.millis().saturating_mul(i64::try_from(length).unwrap_or(i64::MAX));
    let mut outcomes = Outcomes { width: spec.signals.width(), ..Outcomes::default() };
    let mut reader = train.reader();
    let samples = train.samples().iter();
    for sample in samples.filter(|sample| sample.label() != Direction::Neutral) {
        let window = reader.window_of(sample, spec.lookback)?;
        let row = window.row(spec.lookback - 1);
        outcomes.rows.extend(
            row.iter()
                .enumerate()
                .map(|(channel, value)| WeightedSignals::squash(scaler.apply(channel, *value))),
        );
        outcomes.rose.push(sample.label() == Direction::Up);
        outcomes.block.push(sample.decided_at.millis().div_euclid(span));
    }
    Ok(outcomes)
}

/// Computes the importance of each channel.
fn importance(
    spec: &ModelSpec,
    outcomes: &Outcomes,
    estimate: &WeightEstimate,
) -> Vec<SignalImportance> {
    let deviations = outcomes.deviations();
    let effects = estimate.weights.iter().zip(&deviations);
    let effects: Vec<f64> = effects.map(|(weight, deviation)| weight * deviation / 4.0).collect();
    let total: f64 = effects.iter().map(|effect| effect.abs()).sum();
    let channels = effects.into_iter().enumerate();
    let importance = channels.map(|(channel, effect)| {
        let margin = estimate.errors.as_ref().filter(|_| deviations[channel] > 0.0).map(|errors| {
            student_975(estimate.blocks as f64 - 1.0) * errors[channel] * deviations[channel] / 4.0
        });
        SignalImportance {
            channel: spec.signals.channels[channel].to_string(),
            effect,
            interval_95: margin.map(|margin| [effect - margin, effect + margin]),
            share: (total > 0.0).then(|| effect.abs() / total),
        }
    });
    importance.collect()
}
