//! Choice of temperature, exponent and abstention on candles after the training.
use rayon::prelude::*;
use windvane_signals::{Sample, ValidationSet};

use crate::{Calibration, FittedModel, Probabilities, SettingError, TableReader, TrainError};

/// Share of the validation windows, the last, that calibrates what the others chose.
const SHARE: f64 = 1.0 / 3.0;

/// Spread of ln(temperature) before any candle is seen: a slice must be long to move it far.
const PRIOR: f64 = 0.15;

/// Spread of ln(exponent) before any candle is seen.
const EXPONENT_PRIOR: f64 = 0.5;

/// Fewest windows that the exponent is chosen on.
const MIN_FOR_EXPONENT: usize = 500;

/// ln(0.6 / 0.4), the lead that every exponent leaves as it is.
const PIVOT: f64 = 0.405_465_108_108_164_4;

/// Windows predicted by one thread with one scratch.
const CHUNK: usize = 256;

/// Fits a model's temperature and exponent on windows decided after its training, and sets them.
///
/// **Formula** the T and b of [`Calibration`] with the least
/// `Σ −ln p[label] + (ln T)² / 2σ² + (ln b)² / 2τ²`, σ = 0.15, τ = 0.5: maximum likelihood with a
/// prior around 1. A thousand windows of a nearly random market determine them poorly;
/// without the prior they would make a well-calibrated model worse. Fewer than 500 windows leave
/// the exponent at 1. **Source** Guo, Pleiss, Sun, Weinberger 2017 for the temperature; the rest
/// is ours.
///
/// The learners do this by themselves, on all validation windows. The epoch of a network was
/// chosen on the first two thirds of them: one choice among some twenty, which moves the two
/// numbers less than their own spread on the last third alone does.
///
/// # Errors
/// [`TrainError::Validation`] when the slice begins before the model's training ended,
/// [`TrainError::NotCalibrated`], and what predicting finds wrong; the model stays as it was.
pub fn calibrate(
    model: &mut dyn FittedModel,
    slice: &ValidationSet,
) -> Result<Calibration, TrainError> {
    let min_margin = model.calibration().min_margin();
    let logits = log_probabilities(model, slice)?;
    let labels: Vec<usize> = slice.samples().iter().map(|sample| sample.label.index()).collect();
    #[expect(clippy::cast_possible_truncation, reason = "within 0.1 to 10")]
    let [temperature, exponent] = best(&logits, &labels).map(|number| number as f32);
    let calibration = Calibration::new(temperature, min_margin)?.with_exponent(exponent)?;
    model.set_calibration(calibration)?;
    Ok(calibration)
}

/// Chooses and sets the smallest margin of a call, so that the model predicts UP or DOWN on a
/// `coverage` share of the windows of the slice.
///
/// It predicts where the margin |p(UP) − p(DOWN)| is among the largest. On later candles the
/// coverage differs as far as their margins do.
///
/// # Errors
/// [`TrainError::Setting`] unless `coverage` is above 0 and at most 1; as [`calibrate`].
///
/// # Examples
/// ```
/// # use windvane_models::{FittedModel, TrainError};
/// # use windvane_signals::ValidationSet;
/// # fn example(model: &mut dyn FittedModel, later: &ValidationSet) -> Result<(), TrainError> {
/// // Predict UP or DOWN on the most confident 20 % of the candles.
/// windvane_models::train::abstain(model, later, 0.2)?;
/// # Ok(()) }
/// ```
pub fn abstain(
    model: &mut dyn FittedModel,
    slice: &ValidationSet,
    coverage: f64,
) -> Result<Calibration, TrainError> {
    if !(coverage > 0.0 && coverage <= 1.0) {
        let (setting, expected) = ("coverage", "above 0 and at most 1");
        return Err(SettingError { setting, expected, got: coverage }.into());
    }
    let before = model.calibration();
    let mut edges: Vec<f32> = predictions(model, slice)?.iter().map(|p| p.margin().abs()).collect();
    edges.sort_by(|a, b| b.total_cmp(a));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    let calls = ((coverage * edges.len() as f64).round() as usize).max(1);
    let min_margin = if calls < edges.len() { edges[calls - 1] } else { 0.0 };
    let calibration = Calibration::new(before.temperature(), min_margin)?;
    let calibration = calibration.with_exponent(before.exponent())?;
    model.set_calibration(calibration)?;
    Ok(calibration)
}

/// The validation windows that choose, and the last third, purged, that calibrates; all of them
/// for both where there are too few to cut.
pub fn calibration_parts(validation: &ValidationSet) -> (ValidationSet, ValidationSet) {
    let parts = validation.split(SHARE).ok();
    parts.unwrap_or_else(|| (validation.clone(), validation.clone()))
}

/// ln p of every window, uncalibrated.
fn log_probabilities(
    model: &mut dyn FittedModel,
    slice: &ValidationSet,
) -> Result<Vec<[f64; 3]>, TrainError> {
    let before = model.calibration();
    model.set_calibration(Calibration::NONE)?;
    let predicted = predictions(model, slice);
    model.set_calibration(before)?;
    Ok(predicted?.iter().map(|p| p.classes().map(floored_ln)).collect())
}

/// ln p, finite for a probability of 0 too.
fn floored_ln(p: f32) -> f64 {
    f64::from(p.max(f32::MIN_POSITIVE)).ln()
}

/// Predicts the windows of a validation set, in their order.
///
/// # Errors
/// [`TrainError::Validation`] when the slice begins before the model's training ended, and what
/// predicting finds wrong.
pub fn predictions(
    model: &dyn FittedModel,
    slice: &ValidationSet,
) -> Result<Vec<Probabilities>, TrainError> {
    let (first, learned) = (slice.samples().first(), model.record());
    if let (Some(first), Some(record)) = (first, learned)
        && first.decided_at < record.until
    {
        return Err(TrainError::Validation { what: "time: the slice begins before training ends" });
    }
    // A recurrent state depends on all rows before: one reader for all.
    let together = if model.stateful().is_none() { CHUNK } else { usize::MAX };
    let chunks = slice.samples().par_chunks(together);
    let chunks: Vec<Result<Vec<_>, TrainError>> =
        chunks.map(|samples| chunk_predictions(model, slice, samples)).collect();
    let mut all = Vec::with_capacity(slice.len());
    for chunk in chunks {
        all.extend(chunk?);
    }
    Ok(all)
}

fn chunk_predictions(
    model: &dyn FittedModel,
    slice: &ValidationSet,
    samples: &[Sample],
) -> Result<Vec<Probabilities>, TrainError> {
    let mut reader = TableReader::new(model, slice.tables());
    samples.iter().map(|sample| Ok(reader.predict_sample(sample)?.probabilities)).collect()
}

/// Temperature and exponent: golden-section search over the logarithm of each in turn, until
/// neither moves. Few windows leave the exponent at 1.
fn best(logits: &[[f64; 3]], labels: &[usize]) -> [f64; 2] {
    let cases = Cases { logits, labels };
    let mut log_t = least(10.0_f64.ln(), |log_t| cases.cost(log_t, 0.0));
    let mut log_b = 0.0_f64;
    if logits.len() < MIN_FOR_EXPONENT {
        return [log_t.exp(), 1.0];
    }
    // At a usual lead d the raised one is d (d / r)^(b − 1) / T^b. The exponent is searched with
    // that held still, else the two would creep along a valley.
    let squares: f64 = logits.iter().map(|[up, down, _]| (up - down).powi(2)).sum();
    let usual = (squares / logits.len() as f64).sqrt().clamp(1e-3, 1e3).ln();
    for _ in 0..20 {
        let before = (log_t, log_b);
        let b = log_b.exp();
        let held = b * (usual - log_t) - (b - 1.0) * PIVOT.ln();
        log_b = least(5.0_f64.ln(), |log_b| {
            let b = log_b.exp();
            cases.cost(usual - (held + (b - 1.0) * PIVOT.ln()) / b, log_b)
        });
        log_t = least(10.0_f64.ln(), |log_t| cases.cost(log_t, log_b));
        if (log_t - before.0).abs() + (log_b - before.1).abs() < 1e-3 {
            break;
        }
    }
    [log_t.exp(), log_b.exp()]
}

/// Uncalibrated logits and the labels of the same windows.
struct Cases<'a> {
    logits: &'a [[f64; 3]],
    labels: &'a [usize],
}

impl Cases<'_> {
    /// Summed loss under a temperature and an exponent, plus the prior of both.
    fn cost(&self, log_t: f64, log_b: f64) -> f64 {
        let cases = self.logits.iter().zip(self.labels);
        let losses = cases.map(|(logits, &label)| loss(*logits, log_t, log_b, label));
        let prior = (log_t / PRIOR).powi(2) / 2.0 + (log_b / EXPONENT_PRIOR).powi(2) / 2.0;
        losses.sum::<f64>() + prior
    }
}

/// −ln p(label) under a temperature and an exponent.
fn loss(logits: [f64; 3], log_t: f64, log_b: f64, label: usize) -> f64 {
    let [up, down, neutral] = logits.map(|logit| logit * (-log_t).exp());
    let (lead, middle) = (up - down, f64::midpoint(up, down));
    let raised = if log_b == 0.0 || lead == 0.0 {
        lead
    } else {
        lead * (lead.abs() / PIVOT).powf(log_b.exp() - 1.0)
    };
    let scaled = [middle + raised / 2.0, middle - raised / 2.0, neutral];
    let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scaled.iter().map(|logit| (logit - largest).exp()).sum();
    largest + sum.ln() - scaled[label]
}

/// The two inner points of a bracket at the golden ratio.
fn inner_points(low: f64, high: f64) -> (f64, f64) {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    (high - ratio * (high - low), low + ratio * (high - low))
}

/// Golden-section search: the number within ± `reach` that minimises a cost.
fn least(reach: f64, cost: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-reach, reach);
    let (mut left, mut right) = inner_points(low, high);
    let (mut at_left, mut at_right) = (cost(left), cost(right));
    while high - low > 1e-4 {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = inner_points(low, high).0;
            at_left = cost(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = inner_points(low, high).1;
            at_right = cost(right);
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits of a coin with p(UP) drawn evenly, `sure` times too large, and what came of it.
    fn simulated(n: u64, sure: f64) -> (Vec<[f64; 3]>, Vec<usize>) {
        let cases = (0..n).map(|i| {
            let p = 0.1 + 0.8 * even(i, 0.618_033_988_749_894_9);
            let logit = (p / (1.0 - p)).ln() * sure;
            ([logit, 0.0, -40.0], usize::from(even(i, 0.754_877_666_246_692_8) >= p))
        });
        cases.unzip()
    }

    /// Evenly spread without a generator: multiples of the golden ratio.
    fn even(i: u64, step: f64) -> f64 {
        (i as f64 * step).fract()
    }

    #[test]
    fn the_temperature_undoes_what_made_the_model_too_sure() {
        for sure in [0.5, 1.0, 2.0] {
            // So many that the priors, which draw both to 1, hardly count.
            let (logits, labels) = simulated(400_000, sure);
            let [got, exponent] = best(&logits, &labels);
            assert!((got / sure - 1.0).abs() < 0.03, "{sure}: {got}");
            assert!((exponent - 1.0).abs() < 0.03, "{sure}: {exponent}");
        }
    }

    #[test]
    fn the_exponent_undoes_leads_that_are_mostly_noise() {
        let (logits, labels) = simulated(50_000, 1.0);
        // The root: every lead nearer to the pivot than it should be.
        let flat =
            |[up, _, neutral]: [f64; 3]| [up.signum() * (up.abs() * PIVOT).sqrt(), 0.0, neutral];
        let [_, exponent] = best(&logits.into_iter().map(flat).collect::<Vec<_>>(), &labels);
        assert!((exponent - 2.0).abs() < 0.1, "{exponent}");
    }

    #[test]
    fn few_windows_leave_it_near_one() {
        let (logits, labels) = simulated(30, 3.0);
        let [got, exponent] = best(&logits, &labels);
        assert!(got > 1.0 && got < 2.0, "{got}");
        assert_eq!(exponent.to_bits(), 1.0_f64.to_bits());
        assert!((best(&[], &[])[0] - 1.0).abs() < 1e-3);
    }
}
