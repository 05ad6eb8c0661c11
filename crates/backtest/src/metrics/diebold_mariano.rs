//! Diebold–Mariano test of the mean loss of two forecasts.
use super::distribution::{normal_cdf, student_two_sided};
use super::{is_rounding, largest};

/// Diebold–Mariano test for a difference in the mean loss of two forecasts of the same values.
///
/// **Formula** d = loss of the first minus loss of the second, h the horizon in candles, n the
/// number of candles:
///
/// ```text
/// g_k       = (1/n) Σ_{t>k} (d_t − d̄)(d_{t−k} − d̄)
/// statistic = d̄ / √((g_0 + 2 Σ_{k=1}^{h−1} g_k) / n)
/// corrected = statistic · √((n + 1 − 2h + h(h − 1)/n) / n)        Student's t, n − 1
/// ```
///
/// A negative statistic means that the first forecast has the smaller loss. **Source** Diebold
/// and Mariano 1995; small-sample correction: Harvey, Leybourne, Newbold 1997.
///
/// # Examples
/// Squared errors of two forecasts, one candle ahead:
/// ```
/// use windvane_backtest::metrics::DieboldMariano;
///
/// let actual = [0.2, -0.1, 0.4, 0.0, -0.3, 0.1];
/// let (first, second) = ([0.1, -0.1, 0.3, 0.1, -0.2, 0.1], [0.5, 0.4, -0.2, 0.4, 0.3, 0.3]);
/// fn squared_error(forecast: f64, actual: f64) -> f64 {
///     (actual - forecast).powi(2)
/// }
///
/// let losses = (0..6)
///     .map(|t| (squared_error(first[t], actual[t]), squared_error(second[t], actual[t])));
/// let test = DieboldMariano::new(losses, 1).unwrap();
/// assert!(test.corrected < 0.0 && test.p_value < 0.05);
/// assert_eq!(DieboldMariano::new([(0.1, 0.1); 9], 1), None); // the same forecast twice
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DieboldMariano {
    /// Statistic of Diebold and Mariano.
    pub statistic: f64,
    /// Statistic with the small-sample correction.
    pub corrected: f64,
    /// Two-sided p-value of the corrected statistic, from Student's t distribution.
    pub p_value: f64,
    /// Two-sided p-value of the uncorrected statistic, from the normal distribution.
    pub p_value_normal: f64,
}

impl DieboldMariano {
    /// Tests the losses (first forecast, second forecast) of the candles in order of time.
    ///
    /// `None` for a horizon of 0, for fewer than two candles, for no more candles than the
    /// horizon, for losses that are not finite, for differences that are equal up to rounding, and
    /// for an estimated variance of 0 or less.
    pub fn new(losses: impl IntoIterator<Item = (f64, f64)>, horizon: usize) -> Option<Self> {
        let losses: Vec<(f64, f64)> = losses.into_iter().collect();
        let size = largest(losses.iter().flat_map(|(first, second)| [*first, *second]));
        let d: Vec<f64> = losses.iter().map(|(first, second)| first - second).collect();
        if horizon == 0 || d.len() < 2 || d.len() <= horizon || d.iter().any(|d| !d.is_finite()) {
            return None;
        }
        let (n, h) = (d.len() as f64, horizon as f64);
        let mean = d.iter().sum::<f64>() / n;
        let lags: f64 = (1..horizon).map(|lag| autocovariance(&d, mean, lag)).sum();
        let variance = (autocovariance(&d, mean, 0) + 2.0 * lags) / n;
        let deviation = autocovariance(&d, mean, 0).sqrt();
        if is_rounding(deviation, size) || !variance.is_finite() || variance <= 0.0 {
            return None;
        }
        let statistic = mean / variance.sqrt();
        let corrected = statistic * ((n + 1.0 - 2.0 * h + h * (h - 1.0) / n).max(0.0) / n).sqrt();
        let p_value = student_two_sided(corrected, n - 1.0);
        let p_value_normal = 2.0 * normal_cdf(-statistic.abs());
        Some(Self { statistic, corrected, p_value, p_value_normal })
    }
}

/// Sample autocovariance at a lag, divided by the number of values.
fn autocovariance(values: &[f64], mean: f64, lag: usize) -> f64 {
    let pairs = values[lag..].iter().zip(values);
    pairs.map(|(now, then)| (now - mean) * (then - mean)).sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diebold_mariano_rejects_invalid_losses() {
        let losses = [(1.0, 0.5), (0.2, 0.4), (0.3, 0.1)];
        assert!(DieboldMariano::new(losses, 1).is_some());
        for (losses, horizon) in [
            (&losses[..], 0),
            (&losses[..], 3),
            (&losses[..1], 1),
            (&[], 1),
            (&[(1.0, f64::NAN), (1.0, 2.0), (2.0, 2.0)], 1),
            (&[(0.3, 0.1); 5], 1),
            // Differences of 0.1 up to rounding.
            (&[(0.1, 0.2), (0.2, 0.3), (0.7, 0.8), (1.1, 1.2)], 1),
        ] {
            assert_eq!(DieboldMariano::new(losses.iter().copied(), horizon), None, "{losses:?}");
        }
    }

    #[test]
    fn diebold_mariano_changes_sign_when_forecasts_are_swapped() {
        let losses = [(1.0, 0.5), (0.2, 0.4), (0.3, 0.1), (0.9, 0.2)];
        let one = DieboldMariano::new(losses, 2).unwrap();
        let other = DieboldMariano::new(losses.map(|(a, b)| (b, a)), 2).unwrap();
        assert!((one.statistic + other.statistic).abs() < 1e-12);
        assert!((one.p_value - other.p_value).abs() < 1e-12);
    }
}
