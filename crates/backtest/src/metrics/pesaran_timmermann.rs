//! The Pesaran–Timmermann test: whether directions are forecast at all.
use super::distribution::normal_cdf;

/// Whether hits are more than the shares of ups give by chance.
///
/// A market that mostly rises and a model that mostly calls UP agree often without any skill;
/// this test asks for more.
///
/// **Formula** a, f the shares of ups in what happened and in the calls, P the share of hits, n
/// the number of candles:
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
/// assert!(PesaranTimmermann::of(skill).unwrap().p_value < 1e-6);
/// // Always UP is right on every rise, and says nothing.
/// assert_eq!(PesaranTimmermann::of((0..100).map(|t| (t % 3 > 0, true))), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PesaranTimmermann {
    /// Share of hits.
    pub hit_rate: f64,
    /// Expected share of hits if calls and directions are independent.
    pub expected: f64,
    /// S, standard normal without skill.
    pub statistic: f64,
    /// One-sided: how often S is as large without skill.
    pub p_value: f64,
}

impl PesaranTimmermann {
    /// The test of candles given as (went up, was called up); leave out candles without a call
    /// and closes that did not move.
    ///
    /// `None` without candles, and where either is always the same.
    pub fn of(candles: impl IntoIterator<Item = (bool, bool)>) -> Option<Self> {
        let (mut count, mut ups, mut calls, mut hits) = (0_u64, 0_u64, 0_u64, 0_u64);
        for (up, called) in candles {
            count += 1;
            ups += u64::from(up);
            calls += u64::from(called);
            hits += u64::from(up == called);
        }
        if ups == 0 || ups == count || calls == 0 || calls == count {
            return None;
        }
        let n = count as f64;
        let (a, f, hit_rate) = (ups as f64 / n, calls as f64 / n, hits as f64 / n);
        let (of_a, of_f) = (a * (1.0 - a), f * (1.0 - f));
        let expected = a * f + (1.0 - a) * (1.0 - f);
        let v = expected * (1.0 - expected) / n;
        let w = ((2.0 * a - 1.0).powi(2) * of_f + (2.0 * f - 1.0).powi(2) * of_a) / n
            + 4.0 * of_a * of_f / (n * n);
        // 4 a(1 − a) f(1 − f) (n − 1) / n² in exact arithmetic.
        if v - w <= 1e-12 / n {
            return None;
        }
        let statistic = (hit_rate - expected) / (v - w).sqrt();
        Some(Self { hit_rate, expected, statistic, p_value: normal_cdf(-statistic) })
    }
}
