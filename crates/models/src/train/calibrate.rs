//! Calibration after training: temperature, exponent and minimum margin.
use rayon::prelude::*;
use windvane_signals::{Sample, ValidationSet};

use crate::{Calibration, FittedModel, Probabilities, SettingError, TableReader, TrainError};

/// Share of the validation windows, the last ones, that [`calibration_parts`] returns for
/// calibration.
const SHARE: f64 = 1.0 / 3.0;

/// Standard deviation of the prior of ln(temperature).
const PRIOR: f64 = 0.15;

/// Standard deviation of the prior of ln(exponent).
const EXPONENT_PRIOR: f64 = 0.5;

/// Minimum number of windows for fitting the exponent.
const MIN_FOR_EXPONENT: usize = 500;

/// Log odds that every exponent leaves unchanged: ln(0.6 / 0.4).
const PIVOT: f64 = 0.405_465_108_108_164_4;

/// Number of windows per parallel task.
const CHUNK: usize = 256;

/// Fits the temperature and the exponent of a model on windows after its training period and sets
/// them.
///
/// **Formula** T and b of [`Calibration`] that minimise
/// `Σ −ln p[label] + (ln T)² / 2σ² + (ln b)² / 2τ²`, σ = 0.15, τ = 0.5: maximum a posteriori with a
/// prior around 1. A thousand windows of a nearly random market determine the two parameters
/// poorly; without the prior the fit could make a well-calibrated model worse. With fewer than 500
/// windows the exponent stays 1. **Source** Guo, Pleiss, Sun, Weinberger 2017 for the temperature;
/// the exponent and the priors are windvane's own.
///
/// The learners call this on all validation windows. Early stopping of a network selects one of
/// about twenty epochs on the first two thirds of the same windows. That bias is smaller than the
/// standard error of a fit on the last third alone.
///
/// # Errors
/// [`TrainError::Validation`] if the windows begin before the end of the model's training period,
/// [`TrainError::NotCalibrated`], and errors of the predictions. The model is then unchanged.
pub fn calibrate(
    model: &mut dyn FittedModel,
    slice: &ValidationSet,
) -> Result<Calibration, TrainError> {
    let min_margin = model.calibration().min_margin();
    let logits = log_probabilities(model, slice)?;
    let labels: Vec<usize> = slice.samples().iter().map(|sample| sample.label().index()).collect();
    #[expect(clippy::cast_possible_truncation, reason = "within 0.1 to 10")]
    let [temperature, exponent] = fit_parameters(&logits, &labels).map(|number| number as f32);
    let calibration = Calibration::new(temperature, min_margin)?.with_exponent(exponent)?;
    model.set_calibration(calibration)?;
    Ok(calibration)
}

/// Sets the minimum margin of a model so that it predicts UP or DOWN on a `coverage` share of the
/// given windows.
///
/// These are the windows with the largest margins |p(UP) − p(DOWN)|. On later candles the coverage
/// depends on the distribution of their margins.
///
/// # Errors
/// [`TrainError::Setting`] unless `coverage` is above 0 and at most 1, and the errors of
/// [`calibrate`].
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
    let mut margins: Vec<f32> =
        predictions(model, slice)?.iter().map(|p| p.margin().abs()).collect();
    margins.sort_by(|a, b| b.total_cmp(a));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    let confident = ((coverage * margins.len() as f64).round() as usize).max(1);
    let min_margin = if confident < margins.len() { margins[confident - 1] } else { 0.0 };
    let calibration = Calibration::new(before.temperature(), min_margin)?;
    let calibration = calibration.with_exponent(before.exponent())?;
    model.set_calibration(calibration)?;
    Ok(calibration)
}

/// Splits validation windows into the part for early stopping and the purged last third for
/// calibration. With too few windows for a split, both parts contain all of them.
pub fn calibration_parts(validation: &ValidationSet) -> (ValidationSet, ValidationSet) {
    let parts = validation.split(SHARE).ok();
    parts.unwrap_or_else(|| (validation.clone(), validation.clone()))
}

/// Log-probabilities of all windows without calibration.
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

/// ln p, floored so that it is finite for p = 0.
fn floored_ln(p: f32) -> f64 {
    f64::from(p.max(f32::MIN_POSITIVE)).ln()
}

/// Predicts the probabilities of the windows of a validation set, in order.
///
/// # Errors
/// [`TrainError::Validation`] if the windows begin before the end of the model's training period,
/// and errors of the predictions.
pub fn predictions(
    model: &dyn FittedModel,
    slice: &ValidationSet,
) -> Result<Vec<Probabilities>, TrainError> {
    let (first, learned) = (slice.samples().first(), model.record());
    if let (Some(first), Some(record)) = (first, learned)
        && first.decided_at < record.until
    {
        let what = "time: the validation windows begin before the training period ends";
        return Err(TrainError::Validation { what });
    }
    // A recurrent state depends on all earlier rows, so one reader processes all windows.
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

/// Fits temperature and exponent: golden-section search over the logarithm of each in turn, and over
/// both along the valley of equal log odds, until both converge. With few windows the exponent
/// stays 1.
fn fit_parameters(logits: &[[f64; 3]], labels: &[usize]) -> [f64; 2] {
    let cases = CalibrationCases { logits, labels };
    let mut log_t = minimise(10.0_f64.ln(), |log_t| cases.cost(log_t, 0.0));
    let mut log_b = 0.0_f64;
    if logits.len() < MIN_FOR_EXPONENT {
        return [log_t.exp(), 1.0];
    }
    // Typical log odds d become d (d / r)^(b − 1) / T^b. The search for the exponent keeps that
    // value constant. Otherwise the alternating search would converge slowly along a valley.
    let squares: f64 = logits.iter().map(|[up, down, _]| (up - down).powi(2)).sum();
    let typical = (squares / logits.len() as f64).sqrt().clamp(1e-3, 1e3).ln();
    for _ in 0..20 {
        let before = (log_t, log_b);
        let b = log_b.exp();
        let held = b * (typical - log_t) - (b - 1.0) * PIVOT.ln();
        log_b = minimise(5.0_f64.ln(), |log_b| {
            let b = log_b.exp();
            cases.cost(typical - (held + (b - 1.0) * PIVOT.ln()) / b, log_b)
        });
        log_t = minimise(10.0_f64.ln(), |log_t| cases.cost(log_t, log_b));
        // If the share of NEUTRAL differs from that in training, it determines the temperature. The
        // valley is then no way to the minimum, because every step along it changes p(NEUTRAL).
        log_b = minimise(5.0_f64.ln(), |log_b| cases.cost(log_t, log_b));
        if (log_t - before.0).abs() + (log_b - before.1).abs() < 1e-3 {
            break;
        }
    }
    [log_t.exp(), log_b.exp()]
}

/// Uncalibrated logits and labels of the same windows.
struct CalibrationCases<'a> {
    logits: &'a [[f64; 3]],
    labels: &'a [usize],
}

impl CalibrationCases<'_> {
    /// Summed loss for a temperature and an exponent, plus the penalty of their priors.
    fn cost(&self, log_t: f64, log_b: f64) -> f64 {
        let cases = self.logits.iter().zip(self.labels);
        let losses = cases.map(|(logits, &label)| loss(*logits, log_t, log_b, label));
        let prior = (log_t / PRIOR).powi(2) / 2.0 + (log_b / EXPONENT_PRIOR).powi(2) / 2.0;
        losses.sum::<f64>() + prior
    }
}

/// Loss −ln p(label) for a temperature and an exponent.
fn loss(logits: [f64; 3], log_t: f64, log_b: f64, label: usize) -> f64 {
    let [up, down, neutral] = logits.map(|logit| logit * (-log_t).exp());
    let (log_odds, middle) = (up - down, f64::midpoint(up, down));
    let raised = if log_b == 0.0 || log_odds == 0.0 {
        log_odds
    } else {
        log_odds * (log_odds.abs() / PIVOT).powf(log_b.exp() - 1.0)
    };
    let scaled = [middle + raised / 2.0, middle - raised / 2.0, neutral];
    let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scaled.iter().map(|logit| (logit - largest).exp()).sum();
    largest + sum.ln() - scaled[label]
}

/// Inner points of a bracket at the golden ratio.
fn inner_points(low: f64, high: f64) -> (f64, f64) {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    (high - ratio * (high - low), low + ratio * (high - low))
}

/// Minimises a cost over the interval ± `reach` by golden-section search.
fn minimise(reach: f64, cost: impl Fn(f64) -> f64) -> f64 {
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

    /// Logits and labels of outcomes with uniformly distributed p(UP); the logits are multiplied by
    /// `overconfidence`.
    fn simulated(n: u64, overconfidence: f64) -> (Vec<[f64; 3]>, Vec<usize>) {
        let cases = (0..n).map(|i| {
            let p = 0.1 + 0.8 * uniform(i, 0.618_033_988_749_894_9);
            let logit = (p / (1.0 - p)).ln() * overconfidence;
            ([logit, 0.0, -40.0], usize::from(uniform(i, 0.754_877_666_246_692_8) >= p))
        });
        cases.unzip()
    }

    /// Quasi-random numbers, uniform from 0 to 1: fractional parts of multiples of an irrational
    /// number.
    fn uniform(i: u64, step: f64) -> f64 {
        (i as f64 * step).fract()
    }

    #[test]
    fn calibrate_temperature_recovers_overconfidence() {
        for overconfidence in [0.5, 1.0, 2.0] {
            // With this number of windows the priors have almost no effect.
            let (logits, labels) = simulated(400_000, overconfidence);
            let [temperature, exponent] = fit_parameters(&logits, &labels);
            assert!(
                (temperature / overconfidence - 1.0).abs() < 0.03,
                "{overconfidence}: {temperature}"
            );
            assert!((exponent - 1.0).abs() < 0.03, "{overconfidence}: {exponent}");
        }
    }

    #[test]
    fn calibrate_exponent_recovers_compressed_log_odds() {
        let (logits, labels) = simulated(50_000, 1.0);
        // The square root moves all log odds towards the pivot.
        let compress =
            |[up, _, neutral]: [f64; 3]| [up.signum() * (up.abs() * PIVOT).sqrt(), 0.0, neutral];
        let logits: Vec<[f64; 3]> = logits.into_iter().map(compress).collect();
        let [_, exponent] = fit_parameters(&logits, &labels);
        assert!((exponent - 2.0).abs() < 0.1, "{exponent}");
    }

    #[test]
    fn calibrate_finds_the_minimum_where_neutral_became_more_frequent() {
        // P(UP) between 42 and 58 % is right, and NEUTRAL is four times as frequent as predicted.
        // The temperature raises P(NEUTRAL), and the exponent undoes its effect on the log odds.
        let cases = (0..20_000).map(|i| {
            let up = 0.42 + 0.16 * uniform(i, 0.618_033_988_749_894_9);
            let direction = usize::from(uniform(i, 0.754_877_666_246_692_8) >= up);
            let unchanged = uniform(i, 0.569_840_290_998_053_3) < 0.014;
            let logits = [up, 1.0 - up, 0.0035].map(f64::ln);
            (logits, if unchanged { 2 } else { direction })
        });
        let (logits, labels): (Vec<_>, Vec<_>) = cases.unzip();
        let cases = CalibrationCases { logits: &logits, labels: &labels };
        let [temperature, exponent] = fit_parameters(&logits, &labels).map(f64::ln);
        let found = cases.cost(temperature, exponent);
        for t in 0..=8 {
            for b in -8..=8 {
                let (log_t, log_b) = (f64::from(t) / 20.0, f64::from(b) / 10.0);
                let other = cases.cost(log_t, log_b);
                assert!(found < other + 0.1, "{found}, at {log_t} and {log_b} {other}");
            }
        }
    }

    #[test]
    fn calibrate_few_windows_stays_near_one() {
        let (logits, labels) = simulated(30, 3.0);
        let [temperature, exponent] = fit_parameters(&logits, &labels);
        assert!(temperature > 1.0 && temperature < 2.0, "{temperature}");
        assert_eq!(exponent.to_bits(), 1.0_f64.to_bits());
        assert!((fit_parameters(&[], &[])[0] - 1.0).abs() < 1e-3);
    }
}
