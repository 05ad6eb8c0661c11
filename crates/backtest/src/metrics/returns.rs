//! Growth and risk of a series of returns.
use serde::Serialize;

use super::{is_rounding, largest};

/// Growth, risk and risk-adjusted ratios of simple returns, one per period.
///
/// **Formula** r the n returns, A the periods per year, sd the standard deviation with n − 1:
///
/// ```text
/// total             Π (1 + r) − 1
/// annual_return     (1 + total)^(A / n) − 1
/// annual_volatility sd(r) √A
/// sharpe            mean(r) / sd(r) · √A                 no risk-free rate
/// downside_risk     √(mean(min(r, 0)²)) · √A
/// sortino           mean(r) · A / downside_risk
/// max_drawdown      min over time of equity / highest equity so far − 1; equity starts at 1
/// calmar            annual_return / |max_drawdown|
/// omega             sum of gains / sum of losses
/// ```
///
/// **Ruin** A loss of the whole capital or more ends the account: the equity stays at 0, total,
/// annual return and maximum drawdown are −1, and the other measures are those of the periods up
/// to the ruin. [`ruined_after`](Self::ruined_after) marks it.
///
/// A measure is `None` if its denominator is 0 up to rounding, if there are too few returns, or if
/// its value is not finite. **Source** Sharpe 1994; Sortino and Price 1994; Young 1991 (Calmar); Keating and
/// Shadwick 2002 (omega, threshold 0).
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::Returns;
///
/// let year = Returns::new(&[0.1, -0.2, 0.05], 3.0);
/// assert!((year.total.unwrap() - (1.1 * 0.8 * 1.05 - 1.0)).abs() < 1e-12);
/// assert!((year.max_drawdown.unwrap() + 0.2).abs() < 1e-12);
/// assert_eq!(Returns::new(&[0.01, 0.02], 252.0).omega, None); // no losses
///
/// let ruin = Returns::new(&[0.1, -1.2, 0.3], 3.0);
/// assert_eq!((ruin.total, ruin.max_drawdown, ruin.ruined_after), (Some(-1.0), Some(-1.0), Some(2)));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Returns {
    /// Total return over all periods, a fraction.
    pub total: Option<f64>,
    /// Compound annual growth rate, a fraction.
    pub annual_return: Option<f64>,
    /// Annualised standard deviation.
    pub annual_volatility: Option<f64>,
    /// Annualised Sharpe ratio: mean return divided by volatility.
    pub sharpe: Option<f64>,
    /// Annualised root mean square of min(r, 0), which counts losses only.
    pub downside_risk: Option<f64>,
    /// Sortino ratio: annualised mean return divided by downside risk.
    pub sortino: Option<f64>,
    /// Maximum drawdown: largest relative fall below the highest equity so far, at most 0.
    pub max_drawdown: Option<f64>,
    /// Calmar ratio: annual return divided by the absolute maximum drawdown.
    pub calmar: Option<f64>,
    /// Omega ratio: sum of gains divided by sum of losses.
    pub omega: Option<f64>,
    /// Number of periods until the equity was 0 or less; `None` if it stayed positive.
    pub ruined_after: Option<usize>,
}

impl Returns {
    /// Computes all measures. All are `None` without returns, if a return is not finite, and if
    /// `periods_per_year` is not a positive finite number.
    pub fn new(returns: &[f64], periods_per_year: f64) -> Self {
        let valid = periods_per_year.is_finite() && periods_per_year > 0.0;
        if returns.is_empty() || !valid || returns.iter().any(|r| !r.is_finite()) {
            return Self::default();
        }
        let ruined_after = ruined_after(returns);
        let returns = until_ruin(returns);
        let (n, root) = (returns.len() as f64, periods_per_year.sqrt());
        let mean = returns.iter().sum::<f64>() / n;
        let (growth, max_drawdown) = curve(returns);
        let annual_return = finite(growth.powf(periods_per_year / n) - 1.0);
        let spread = deviation(returns, mean);
        let squares = returns.iter().map(|r| loss(*r).powi(2));
        let downside_risk = finite((squares.sum::<f64>() / n).sqrt() * root);
        let gains: f64 = returns.iter().map(|r| r.max(0.0)).sum();
        let losses: f64 = returns.iter().map(|r| loss(*r)).sum();
        Self {
            total: finite(growth - 1.0),
            annual_return,
            annual_volatility: spread.and_then(|spread| finite(spread * root)),
            sharpe: spread.and_then(|spread| ratio(mean * root, spread)),
            downside_risk,
            sortino: downside_risk.and_then(|risk| ratio(mean * periods_per_year, risk)),
            max_drawdown,
            calmar: max_drawdown.and_then(|fall| ratio(annual_return?, loss(fall))),
            omega: ratio(gains, losses),
            ruined_after,
        }
    }
}

/// Equity after a period with this return. A loss of the whole capital or more leaves 0, which no
/// later return changes.
pub(crate) fn equity_after(equity: f64, r: f64) -> f64 {
    // Adding 0 turns -0, which the maximum of 0 and -0 may be, into 0.
    (equity * (1.0 + r)).max(0.0) + 0.0
}

/// Number of periods until the equity is 0; `None` if it stays positive.
pub(crate) fn ruined_after(returns: &[f64]) -> Option<usize> {
    returns.iter().position(|r| *r <= -1.0).map(|index| index + 1)
}

/// Returns up to the ruin of the account; all of them without one.
pub(crate) fn until_ruin(returns: &[f64]) -> &[f64] {
    &returns[..ruined_after(returns).unwrap_or(returns.len())]
}

/// Loss of a period as a positive number; rounding of 1 + r is none.
fn loss(r: f64) -> f64 {
    if is_rounding(-r, ROUNDED_RETURN) { 0.0 } else { -r }
}

/// Final equity and maximum drawdown.
fn curve(returns: &[f64]) -> (f64, Option<f64>) {
    let (mut equity, mut highest, mut deepest) = (1.0_f64, 1.0_f64, 0.0_f64);
    for r in returns {
        equity = equity_after(equity, *r);
        highest = highest.max(equity);
        deepest = deepest.min(equity / highest - 1.0);
    }
    (equity, if equity.is_finite() { finite(deepest) } else { None })
}

/// Size of a return whose rounding is that of the ratio of two prices, 1 + r.
const ROUNDED_RETURN: f64 = 1e-3;

/// Whether the spread of returns is only rounding: of the returns themselves, or of the ratios
/// 1 + r of prices that they come from.
pub(crate) fn is_constant(returns: &[f64], deviation: f64) -> bool {
    is_rounding(deviation, largest(returns.iter().copied()).max(ROUNDED_RETURN))
}

/// Standard deviation with n − 1: exactly 0 for returns that are equal up to rounding, `None` for
/// fewer than two.
fn deviation(returns: &[f64], mean: f64) -> Option<f64> {
    if returns.len() < 2 {
        return None;
    }
    let squares: f64 = returns.iter().map(|r| (r - mean).powi(2)).sum();
    let deviation = (squares / (returns.len() - 1) as f64).sqrt();
    Some(if is_constant(returns, deviation) { 0.0 } else { deviation })
}

fn ratio(numerator: f64, denominator: f64) -> Option<f64> {
    if denominator > 0.0 { finite(numerator / denominator) } else { None }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn returns_are_undefined_for_too_few_or_invalid_values() {
        assert_eq!(Returns::new(&[], 252.0), Returns::default());
        assert_eq!(Returns::new(&[0.1, f64::NAN], 252.0), Returns::default());
        assert_eq!(Returns::new(&[0.1, 0.2], 0.0), Returns::default());
        let one = Returns::new(&[-0.1], 252.0);
        assert_eq!((one.annual_volatility, one.sharpe), (None, None));
        assert!(one.total.is_some() && one.sortino.is_some());
    }

    #[test]
    fn returns_all_equal_have_no_sharpe_ratio() {
        let same = Returns::new(&[0.1; 7], 252.0);
        assert_eq!((same.annual_volatility, same.sharpe), (Some(0.0), None));
    }

    #[test]
    fn returns_with_total_loss_are_minus_one() {
        let ruin = Returns::new(&[0.1, -1.0, 0.1], 252.0);
        assert_eq!((ruin.total, ruin.annual_return), (Some(-1.0), Some(-1.0)));
        assert_eq!(ruin.max_drawdown, Some(-1.0));
    }

    #[test]
    fn returns_below_the_capital_end_the_account() {
        for later in [&[][..], &[0.05, 0.05], &[-3.0, -3.0, 9.0]] {
            let ruin = Returns::new(&[&[0.1, -1.2][..], later].concat(), 365.0);
            assert_eq!((ruin.total, ruin.annual_return), (Some(-1.0), Some(-1.0)), "{later:?}");
            assert_eq!((ruin.max_drawdown, ruin.calmar), (Some(-1.0), Some(-1.0)));
            assert_eq!(ruin.ruined_after, Some(2));
            // Nothing after the ruin counts.
            assert_eq!(ruin, Returns::new(&[0.1, -1.2], 365.0));
        }
        assert_eq!(Returns::new(&[0.1, -0.9], 365.0).ruined_after, None);
    }

    #[test]
    fn returns_equal_up_to_rounding_have_no_ratios() {
        for growth in [1.001, 1.000_01, 0.9999] {
            let closes: Vec<f64> = (0..500).map(|t| 100.0 * f64::powi(growth, t)).collect();
            let returns: Vec<f64> = closes.windows(2).map(|two| two[1] / two[0] - 1.0).collect();
            let same = Returns::new(&returns, 8_766.0);
            assert_eq!((same.annual_volatility, same.sharpe), (Some(0.0), None), "{growth}");
        }
        let almost_no_loss = Returns::new(&[0.01, 0.02, -1e-17], 365.0);
        assert_eq!((almost_no_loss.sortino, almost_no_loss.omega), (None, None));
    }

    proptest! {
        #[test]
        fn returns_measures_are_finite(
            returns in prop::collection::vec(prop_oneof![-2.0..2.0_f64, Just(0.0), Just(1e300)], 0..40),
            periods in prop_oneof![1.0..1e6_f64, Just(f64::NAN)],
        ) {
            let got = Returns::new(&returns, periods);
            let all = [
                got.total, got.annual_return, got.annual_volatility, got.sharpe, got.downside_risk,
                got.sortino, got.max_drawdown, got.calmar, got.omega,
            ];
            prop_assert!(all.iter().flatten().all(|value| value.is_finite()), "{:?}", got);
            prop_assert!(got.max_drawdown.is_none_or(|fall| (-1.0..=0.0).contains(&fall)));
            prop_assert!(got.total.is_none_or(|total| total >= -1.0));
            prop_assert!(got.ruined_after.is_none() || got.total == Some(-1.0));
        }
    }
}
