//! Sharpe ratio with its estimation error: probabilistic and deflated Sharpe ratio.
use serde::Serialize;

use super::distribution::{normal_cdf, normal_quantile};
use super::returns::is_constant;

/// Sharpe ratio of returns, per period, with the moments that determine its standard error.
///
/// **Formula** over n returns r with mean m, central moments m2, m3, m4:
///
/// ```text
/// SR  = m / sd(r)                       sd with n − 1
/// γ3  = m3 / m2^(3/2)      γ4 = m4 / m2²        3 for a normal distribution
/// PSR = Φ((SR − SR*) · √(n − 1) / √(1 − γ3 SR + (γ4 − 1)/4 · SR²))
/// SR0 = √V · ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e)))
/// DSR = PSR with SR* = SR0
/// ```
///
/// Φ is the standard normal distribution function, γ Euler's constant 0.5772, N the number of
/// trials and V the sample variance of their Sharpe ratios. SR0 approximates the expected maximum
/// of N Sharpe ratios without skill; it is 0 for one trial. Returns are assumed independent.
///
/// **Source** Bailey and López de Prado 2012 (PSR), 2014 (DSR).
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::SharpeRatio;
///
/// let one = SharpeRatio::new(&[0.02, -0.01, 0.03, 0.00, 0.01, -0.02, 0.02]).unwrap();
/// let alone = one.deflated(&[one.ratio]).unwrap();
/// let best_of_three = one.deflated(&[one.ratio, 0.1, -0.2]).unwrap();
/// assert!(best_of_three < alone && alone < 0.95); // seven returns prove nothing
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SharpeRatio {
    /// Mean divided by standard deviation, per period (not annualised).
    pub ratio: f64,
    /// Skewness γ3 of the returns.
    pub skewness: f64,
    /// Kurtosis γ4 of the returns; 3 for a normal distribution.
    pub kurtosis: f64,
    /// Number of returns.
    pub periods: usize,
}

impl SharpeRatio {
    /// Computes the ratio and the moments; `None` for fewer than two returns, for returns that are
    /// equal up to rounding, and for returns that are not finite.
    pub fn new(returns: &[f64]) -> Option<Self> {
        let periods = returns.len();
        if periods < 2 {
            return None;
        }
        let n = periods as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let [second, third, fourth] = [2, 3, 4].map(|order| central_moment(returns, mean, order));
        let deviation = (second * n / (n - 1.0)).sqrt();
        if is_constant(returns, deviation) {
            return None;
        }
        let ratio = mean / deviation;
        let (skewness, kurtosis) = (third / second.powf(1.5), fourth / (second * second));
        let finite = [ratio, skewness, kurtosis].iter().all(|value| value.is_finite());
        finite.then_some(Self { ratio, skewness, kurtosis, periods })
    }

    /// Probabilistic Sharpe ratio (PSR): probability that the true ratio is above `benchmark`, per
    /// period; `None` if the estimated variance of the ratio is not positive or not finite.
    pub fn probability_above(&self, benchmark: f64) -> Option<f64> {
        let Self { ratio, skewness, kurtosis, periods } = *self;
        let variance = 1.0 - skewness * ratio + (kurtosis - 1.0) / 4.0 * ratio * ratio;
        let z = (ratio - benchmark) * (periods as f64 - 1.0).sqrt() / variance.sqrt();
        (variance > 0.0 && z.is_finite()).then(|| normal_cdf(z))
    }

    /// Deflated Sharpe ratio (DSR): probability that the true ratio is above the expected maximum
    /// of several trials without skill; `trials` are the ratios per period of all trials, including
    /// this one.
    pub fn deflated(&self, trials: &[f64]) -> Option<f64> {
        self.deflated_with(trials, 0)
    }

    /// Deflated Sharpe ratio over known `trials` and a number of further trials whose ratios are
    /// unknown.
    ///
    /// The variance V is that of the known ratios. With unknown ones it is at least 1 / (n − 1), the
    /// variance of an estimated ratio without skill over the n returns of this one: a few similar
    /// known trials would otherwise make the unknown ones count for nothing.
    pub fn deflated_with(&self, trials: &[f64], unknown: usize) -> Option<f64> {
        let n = trials.len() as f64;
        let mean = trials.iter().sum::<f64>() / n;
        let squares: f64 = trials.iter().map(|trial| (trial - mean).powi(2)).sum();
        let known = if trials.len() < 2 { 0.0 } else { squares / (n - 1.0) };
        let least = if unknown > 0 { 1.0 / (self.periods as f64 - 1.0) } else { 0.0 };
        // Unlike f64::max, the comparison keeps NaN, which leaves the ratio undefined.
        let variance = if known < least { least } else { known };
        let trials = trials.len().checked_add(unknown)?;
        self.probability_above(expected_maximum(variance, trials)?)
    }
}

/// Expected maximum SR0 of the Sharpe ratios of trials without skill.
fn expected_maximum(variance: f64, trials: usize) -> Option<f64> {
    const EULER: f64 = 0.577_215_664_901_532_9;
    match trials {
        0 => None,
        1 => Some(0.0),
        _ => {
            let n = trials as f64;
            let high = normal_quantile(1.0 - 1.0 / n);
            let higher = normal_quantile(1.0 - 1.0 / (n * std::f64::consts::E));
            let best = variance.sqrt() * ((1.0 - EULER) * high + EULER * higher);
            best.is_finite().then_some(best)
        }
    }
}

/// Central moment of an order, divided by n.
fn central_moment(returns: &[f64], mean: f64, order: i32) -> f64 {
    returns.iter().map(|r| (r - mean).powi(order)).sum::<f64>() / returns.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() < tolerance, "{got} {want}");
    }

    // Example of Bailey and López de Prado 2014: 100 trials with an annual variance of 1/2, five
    // years of daily returns, an annual ratio of 2.5.
    #[test]
    fn deflated_sharpe_ratio_equals_published_example() {
        let threshold = expected_maximum(0.5 / 250.0, 100).unwrap();
        close(threshold, 0.1132, 5e-5);
        let ratio = 2.5 / 250.0_f64.sqrt();
        let found = SharpeRatio { ratio, skewness: -3.0, kurtosis: 10.0, periods: 1_250 };
        close(found.probability_above(threshold).unwrap(), 0.9004, 5e-5);
        // According to the paper, the ratio is significant at 95 % with 46 trials.
        let fewer = expected_maximum(0.5 / 250.0, 46).unwrap();
        close(found.probability_above(fewer).unwrap(), 0.95, 2e-3);
    }

    #[test]
    fn unknown_trials_deflate_also_a_single_or_similar_known_ratio() {
        let one = SharpeRatio { ratio: 0.05, skewness: 0.0, kurtosis: 3.0, periods: 1_001 };
        let threshold = expected_maximum(1.0 / 1_000.0, 41).unwrap();
        for known in [&[0.05][..], &[0.05, 0.05 + 1e-9][..]] {
            let unknown = 41 - known.len();
            assert_eq!(one.deflated_with(known, unknown), one.probability_above(threshold));
            assert!(one.deflated_with(known, unknown) < one.deflated(known));
            assert_eq!(one.deflated_with(known, 0), one.deflated(known));
        }
        // Known ratios with a larger variance count as they are.
        let spread = [0.3, -0.3, 0.05];
        let expected = expected_maximum(0.09, 3).unwrap();
        let all = [0.3, -0.3, 0.0];
        assert_eq!(one.deflated_with(&all, 0), one.probability_above(expected));
        assert!(one.deflated_with(&spread, 5) < one.deflated(&spread));
        assert_eq!(one.deflated_with(&spread, usize::MAX), None);
    }

    #[test]
    fn sharpe_ratio_moments_equal_manual_calculation() {
        // Mean 1, deviations −1, −1, −1, 3: m2 = 3, m3 = 6, m4 = 21, sd = 2.
        let one = SharpeRatio::new(&[0.0, 0.0, 0.0, 4.0]).unwrap();
        close(one.ratio, 0.5, 1e-12);
        close(one.skewness, 6.0 / 27.0_f64.sqrt(), 1e-12);
        close(one.kurtosis, 21.0 / 9.0, 1e-12);
        close(one.probability_above(0.5).unwrap(), 0.5, 1e-12);
    }

    #[test]
    fn sharpe_ratio_is_undefined_for_equal_or_invalid_returns() {
        for returns in [&[][..], &[0.1], &[0.1, 0.1, 0.1], &[0.1, f64::NAN], &[1e300, -1e300]] {
            assert_eq!(SharpeRatio::new(returns), None, "{returns:?}");
        }
        let closes: Vec<f64> = (0..400).map(|t| 100.0 * f64::powi(1.001, t)).collect();
        let rounded: Vec<f64> = closes.windows(2).map(|two| two[1] / two[0] - 1.0).collect();
        assert_eq!(SharpeRatio::new(&rounded), None);
        let one = SharpeRatio::new(&[0.1, -0.1, 0.2]).unwrap();
        assert_eq!(one.deflated(&[]), None);
        assert_eq!(one.deflated(&[0.1]), one.probability_above(0.0));
        assert_eq!(one.deflated(&[f64::NAN, 0.1]), None);
    }
}
