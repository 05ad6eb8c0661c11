//! Choosing temperature and abstention on candles behind the training.
use rayon::prelude::*;
use windvane_signals::{Sample, ValidationSet};

use crate::{Calibration, DirectionModel, ModelError, Probabilities};

/// Share of the validation windows, the last, that calibrates what the others chose.
const SHARE: f64 = 1.0 / 3.0;

/// Spread of ln(temperature) before any candle is seen: a slice must be long to move it far.
const PRIOR: f64 = 0.25;

/// Windows predicted by one thread with one scratch.
const CHUNK: usize = 256;

/// Fits a model's temperature on windows decided after its training, and sets it.
///
/// **Formula** the temperature T with the least `Σ −ln softmax(logits / T)[label] + (ln T)² / 2σ²`,
/// σ = 0.25: maximum likelihood with a prior around 1. A thousand windows of a market that is
/// nearly a coin say little of T; without the prior they would make a well-calibrated model
/// worse. **Source** Guo, Pleiss, Sun, Weinberger 2017; the prior is ours.
///
/// The learners of networks do this by themselves on the last third of the validation windows;
/// the epoch is chosen on the other two, so the temperature has not seen what chose the weights.
///
/// # Errors
/// [`ModelError::Validation`] when the slice begins before the model's training ended,
/// [`ModelError::NotCalibrated`], and what predicting finds wrong; the model stays as it was.
pub fn calibrate(
    model: &mut dyn DirectionModel,
    slice: &ValidationSet<'_>,
) -> Result<Calibration, ModelError> {
    let least_edge = model.calibration().least_edge();
    let logits = log_probabilities(model, slice)?;
    let labels: Vec<usize> = slice.samples().iter().map(|sample| sample.label.index()).collect();
    #[expect(clippy::cast_possible_truncation, reason = "within 0.1 to 10")]
    let temperature = best_temperature(&logits, &labels) as f32;
    let calibration = Calibration::new(temperature, least_edge)?;
    model.set_calibration(calibration)?;
    Ok(calibration)
}

/// Chooses how sure a model must be to call, so that it calls on a `coverage` share of the
/// windows of the slice, and sets it.
///
/// It calls where |p(UP) − p(DOWN)| is among the largest. Coverage on later candles differs as
/// far as they do.
///
/// # Errors
/// [`ModelError::Setting`] unless `coverage` is above 0 and at most 1; as [`calibrate`].
///
/// # Examples
/// ```
/// # use windvane_models::{DirectionModel, ModelError};
/// # use windvane_signals::ValidationSet;
/// # fn example(model: &mut dyn DirectionModel, later: &ValidationSet) -> Result<(), ModelError> {
/// // Call on the surest fifth of the candles.
/// windvane_models::train::abstain(model, later, 0.2)?;
/// # Ok(()) }
/// ```
pub fn abstain(
    model: &mut dyn DirectionModel,
    slice: &ValidationSet<'_>,
    coverage: f64,
) -> Result<Calibration, ModelError> {
    if !(coverage > 0.0 && coverage <= 1.0) {
        let (setting, expected) = ("coverage", "above 0 and at most 1");
        return Err(ModelError::Setting { setting, expected, got: coverage });
    }
    let temperature = model.calibration().temperature();
    let mut edges: Vec<f32> = predictions(model, slice)?.iter().map(|p| p.edge().abs()).collect();
    edges.sort_by(|a, b| b.total_cmp(a));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    let calls = ((coverage * edges.len() as f64).round() as usize).max(1);
    let least_edge = if calls < edges.len() { edges[calls - 1] } else { 0.0 };
    let calibration = Calibration::new(temperature, least_edge)?;
    model.set_calibration(calibration)?;
    Ok(calibration)
}

/// The validation windows that choose, and the last third, purged, that calibrates; all of them
/// for both where there are too few to cut.
pub fn calibration_parts<'a>(
    validation: &ValidationSet<'a>,
) -> (ValidationSet<'a>, ValidationSet<'a>) {
    let parts = validation.split(SHARE).ok();
    parts.unwrap_or_else(|| (validation.clone(), validation.clone()))
}

/// ln p of every window at temperature 1.
fn log_probabilities(
    model: &mut dyn DirectionModel,
    slice: &ValidationSet<'_>,
) -> Result<Vec<[f64; 3]>, ModelError> {
    let before = model.calibration();
    model.set_calibration(Calibration::NONE)?;
    let predicted = predictions(model, slice);
    model.set_calibration(before)?;
    let floor = |p: f32| f64::from(p.max(f32::MIN_POSITIVE)).ln();
    Ok(predicted?.iter().map(|p| p.classes().map(floor)).collect())
}

/// What a model says to windows decided after its training, in their order.
///
/// # Errors
/// [`ModelError::Validation`] when the slice begins before the model's training ended, and what
/// predicting finds wrong.
pub fn predictions(
    model: &dyn DirectionModel,
    slice: &ValidationSet<'_>,
) -> Result<Vec<Probabilities>, ModelError> {
    let (first, learned) = (slice.samples().first(), model.record());
    if let (Some(first), Some(record)) = (first, learned)
        && first.decided_at < record.until
    {
        return Err(ModelError::Validation { what: "time: the slice begins before training ends" });
    }
    let chunk = |samples: &[Sample]| {
        let mut scratch = model.scratch();
        let predict = |sample| model.predict(slice.window(sample), &mut scratch);
        samples.iter().map(predict).map(|p| Ok(p?.probabilities)).collect()
    };
    let chunks: Vec<Result<Vec<_>, ModelError>> =
        slice.samples().par_chunks(CHUNK).map(chunk).collect();
    let mut all = Vec::with_capacity(slice.len());
    for chunk in chunks {
        all.extend(chunk?);
    }
    Ok(all)
}

/// The temperature by golden-section search over its logarithm.
fn best_temperature(logits: &[[f64; 3]], labels: &[usize]) -> f64 {
    let cost = |log_t: f64| {
        let of = |(logits, &label): (&[f64; 3], &usize)| {
            let scaled = logits.map(|logit| logit * (-log_t).exp());
            let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scaled.iter().map(|logit| (logit - largest).exp()).sum();
            largest + sum.ln() - scaled[label]
        };
        let loss: f64 = logits.iter().zip(labels).map(of).sum();
        loss + log_t * log_t / (2.0 * PRIOR * PRIOR)
    };
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (-10.0_f64.ln(), 10.0_f64.ln());
    let inner = |low: f64, high: f64| (high - ratio * (high - low), low + ratio * (high - low));
    let (mut left, mut right) = inner(low, high);
    let (mut at_left, mut at_right) = (cost(left), cost(right));
    while high - low > 1e-6 {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = inner(low, high).0;
            at_left = cost(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = inner(low, high).1;
            at_right = cost(right);
        }
    }
    f64::midpoint(low, high).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits of a coin with p(UP) drawn evenly, `sure` times too large, and what came of it.
    fn simulated(n: u64, sure: f64) -> (Vec<[f64; 3]>, Vec<usize>) {
        // Evenly spread, without a generator: the golden ratio's multiples.
        let even = |i: u64, step: f64| (i as f64 * step).fract();
        let one = |i: u64| {
            let p = 0.1 + 0.8 * even(i, 0.618_033_988_749_894_9);
            let logit = (p / (1.0 - p)).ln() * sure;
            ([logit, 0.0, -40.0], usize::from(even(i, 0.754_877_666_246_692_8) >= p))
        };
        (0..n).map(one).unzip()
    }

    #[test]
    fn the_temperature_undoes_what_made_the_model_too_sure() {
        for sure in [0.5, 1.0, 2.0] {
            let (logits, labels) = simulated(50_000, sure);
            let got = best_temperature(&logits, &labels);
            assert!((got / sure - 1.0).abs() < 0.03, "{sure}: {got}");
        }
    }

    #[test]
    fn few_windows_leave_it_near_one() {
        let (logits, labels) = simulated(30, 3.0);
        let got = best_temperature(&logits, &labels);
        assert!(got > 1.0 && got < 2.0, "{got}");
        assert!((best_temperature(&[], &[]) - 1.0).abs() < 1e-5);
    }
}
