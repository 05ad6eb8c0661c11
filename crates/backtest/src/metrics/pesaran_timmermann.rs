//! Pesaran–Timmermann test of directional accuracy.
use super::distribution::normal_cdf;

/// Pesaran–Timmermann test: accuracy against that of predictions independent of the directions.
///
/// A model that mostly predicts UP is often right in a market that mostly rises, without any
/// skill. The test requires a higher accuracy than that.
///
/// **Formula** a, f the fractions of UP among the directions and the predictions, P the fraction
/// of correct predictions, n the number of candles:
///
/// ```text
/// P* = a f + (1 − a)(1 − f)             V = P*(1 − P*) / n
/// W  = [(2a − 1)² f(1 − f) + (2f − 1)² a(1 − a)] / n + 4 a f (1 − a)(1 − f) / n²
/// S  = (P − P*) / √(V − W)              p = 1 − Φ(S)
/// ```
///
/// **Source** Pesaran and Timmermann 1992.
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::PesaranTimmermann;
///
/// let skill = (0..100).map(|t| (t % 2 == 0, t % 2 == 0 || t % 10 == 9));
/// assert!(PesaranTimmermann::new(skill).unwrap().p_value < 1e-6);
/// // Undefined for a model that always predicts UP.
/// assert_eq!(PesaranTimmermann::new((0..100).map(|t| (t % 3 > 0, true))), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PesaranTimmermann {
    /// Fraction of correct predictions.
    pub hit_rate: f64,
    /// Expected fraction of correct predictions if they are independent of the directions.
    pub expected: f64,
    /// Statistic S, standard normal if predictions and directions are independent.
    pub statistic: f64,
    /// One-sided p-value: probability of an S at least as large under independence.
    pub p_value: f64,
}

impl PesaranTimmermann {
    /// Tests candles given as (close went up, UP was predicted). Leave out candles without a
    /// prediction or with an unchanged close.
    ///
    /// `None` without candles, and if all directions or all predictions are the same.
    pub fn new(candles: impl IntoIterator<Item = (bool, bool)>) -> Option<Self> {
        let (mut count, mut ups, mut predicted_ups, mut correct) = (0_u64, 0_u64, 0_u64, 0_u64);
        for (up, predicted_up) in candles {
            count += 1;
            ups += u64::from(up);
            predicted_ups += u64::from(predicted_up);
            correct += u64::from(up == predicted_up);
        }
        if ups == 0 || ups == count || predicted_ups == 0 || predicted_ups == count {
            return None;
        }
        let n = count as f64;
        let (a, f, hit_rate) = (ups as f64 / n, predicted_ups as f64 / n, correct as f64 / n);
        let (of_a, of_f) = (a * (1.0 - a), f * (1.0 - f));
        let expected = a * f + (1.0 - a) * (1.0 - f);
        let v = expected * (1.0 - expected) / n;
        let w = ((2.0 * a - 1.0).powi(2) * of_f + (2.0 * f - 1.0).powi(2) * of_a) / n
            + 4.0 * of_a * of_f / (n * n);
        // V − W is 4 a(1 − a) f(1 − f) (n − 1) / n² in exact arithmetic.
        if v - w <= 1e-12 / n {
            return None;
        }
        let statistic = (hit_rate - expected) / (v - w).sqrt();
        Some(Self { hit_rate, expected, statistic, p_value: normal_cdf(-statistic) })
    }
}
