//! Growth and risk of a series of returns, and their ratios.
use serde::Serialize;

/// Growth and risk of simple returns, one per period.
///
/// **Formula** r the n returns, A the periods of a year, sd with n − 1:
///
/// ```text
/// total             Π (1 + r) − 1
/// annual_return     (1 + total)^(A / n) − 1
/// annual_volatility sd(r) √A
/// sharpe            mean(r) / sd(r) · √A                 no risk-free rate
/// downside_risk     √(mean(min(r, 0)²)) · √A
/// sortino           mean(r) · A / downside_risk
/// max_drawdown      min over time of equity / highest equity so far − 1, both from 1 on; ≤ 0
/// calmar            annual_return / |max_drawdown|
/// omega             sum of gains / sum of losses
/// ```
///
/// What would divide by nothing is `None`, and so is everything that too few returns, or numbers
/// that are not finite, leave open. **Source** Sharpe 1994; Sortino and Price 1994; Young 1991
/// (Calmar); Keating and Shadwick 2002 (omega, threshold 0).
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::Returns;
///
/// let year = Returns::of(&[0.1, -0.2, 0.05], 3.0);
/// assert!((year.total.unwrap() - (1.1 * 0.8 * 1.05 - 1.0)).abs() < 1e-12);
/// assert!((year.max_drawdown.unwrap() + 0.2).abs() < 1e-12);
/// assert_eq!(Returns::of(&[0.01, 0.02], 252.0).omega, None); // never a loss
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Returns {
    /// Growth over all periods, a fraction.
    pub total: Option<f64>,
    /// Growth per year.
    pub annual_return: Option<f64>,
    /// Standard deviation per year.
    pub annual_volatility: Option<f64>,
    /// Return per volatility.
    pub sharpe: Option<f64>,
    /// Root of the mean squared loss, per year.
    pub downside_risk: Option<f64>,
    /// Return per downside risk.
    pub sortino: Option<f64>,
    /// The deepest fall below the highest equity so far, 0 to −1.
    pub max_drawdown: Option<f64>,
    /// Annual return per drawdown.
    pub calmar: Option<f64>,
    /// Gains per losses.
    pub omega: Option<f64>,
}

impl Returns {
    /// All of it. Undefined throughout without returns, when one is not finite, or when
    /// `periods_per_year` is not finite and above 0.
    pub fn of(returns: &[f64], periods_per_year: f64) -> Self {
        let years = periods_per_year.is_finite() && periods_per_year > 0.0;
        if returns.is_empty() || !years || returns.iter().any(|r| !r.is_finite()) {
            return Self::default();
        }
        let (n, root) = (returns.len() as f64, periods_per_year.sqrt());
        let mean = returns.iter().sum::<f64>() / n;
        let (growth, max_drawdown) = curve(returns);
        let annual_return = if growth >= 0.0 {
            finite(growth.powf(periods_per_year / n) - 1.0)
        } else {
            None // More than everything is lost.
        };
        let spread = deviation(returns, mean);
        let squares = returns.iter().map(|r| r.min(0.0).powi(2));
        let downside_risk = finite((squares.sum::<f64>() / n).sqrt() * root);
        let gains: f64 = returns.iter().map(|r| r.max(0.0)).sum();
        let losses: f64 = returns.iter().map(|r| (-r).max(0.0)).sum();
        Self {
            total: finite(growth - 1.0),
            annual_return,
            annual_volatility: spread.and_then(|spread| finite(spread * root)),
            sharpe: spread.and_then(|spread| ratio(mean * root, spread)),
            downside_risk,
            sortino: downside_risk.and_then(|risk| ratio(mean * periods_per_year, risk)),
            max_drawdown,
            calmar: max_drawdown.and_then(|fall| ratio(annual_return?, -fall)),
            omega: ratio(gains, losses),
        }
    }
}

/// The last equity, and the deepest fall below the highest one so far.
fn curve(returns: &[f64]) -> (f64, Option<f64>) {
    let (mut equity, mut highest, mut deepest) = (1.0_f64, 1.0_f64, 0.0_f64);
    for r in returns {
        equity *= 1.0 + r;
        highest = highest.max(equity);
        deepest = deepest.min(equity / highest - 1.0);
    }
    (equity, if equity.is_finite() { finite(deepest) } else { None })
}

/// Standard deviation with n − 1: exactly 0 where all are equal, `None` for a single one.
fn deviation(returns: &[f64], mean: f64) -> Option<f64> {
    if returns.len() < 2 {
        return None;
    }
    if returns.iter().all(|r| r.to_bits() == returns[0].to_bits()) {
        return Some(0.0);
    }
    let squares: f64 = returns.iter().map(|r| (r - mean).powi(2)).sum();
    Some((squares / (returns.len() - 1) as f64).sqrt())
}

fn ratio(above: f64, below: f64) -> Option<f64> {
    if below > 0.0 { finite(above / below) } else { None }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn too_little_is_undefined() {
        assert_eq!(Returns::of(&[], 252.0), Returns::default());
        assert_eq!(Returns::of(&[0.1, f64::NAN], 252.0), Returns::default());
        assert_eq!(Returns::of(&[0.1, 0.2], 0.0), Returns::default());
        let one = Returns::of(&[-0.1], 252.0);
        assert_eq!((one.annual_volatility, one.sharpe), (None, None));
        assert!(one.total.is_some() && one.sortino.is_some());
    }

    #[test]
    fn equal_returns_have_no_sharpe_whatever_rounding_says() {
        let same = Returns::of(&[0.1; 7], 252.0);
        assert_eq!((same.annual_volatility, same.sharpe), (Some(0.0), None));
    }

    #[test]
    fn ruin_is_minus_one_and_worse_has_no_yearly_rate() {
        let ruin = Returns::of(&[0.1, -1.0, 0.1], 252.0);
        assert_eq!((ruin.total, ruin.annual_return), (Some(-1.0), Some(-1.0)));
        assert_eq!(ruin.max_drawdown, Some(-1.0));
        assert_eq!(Returns::of(&[-1.5, 0.1], 252.0).annual_return, None);
    }

    proptest! {
        #[test]
        fn nothing_is_ever_nan(
            returns in prop::collection::vec(prop_oneof![-2.0..2.0_f64, Just(0.0), Just(1e300)], 0..40),
            periods in prop_oneof![1.0..1e6_f64, Just(f64::NAN)],
        ) {
            let got = Returns::of(&returns, periods);
            let all = [
                got.total, got.annual_return, got.annual_volatility, got.sharpe, got.downside_risk,
                got.sortino, got.max_drawdown, got.calmar, got.omega,
            ];
            prop_assert!(all.iter().flatten().all(|value| value.is_finite()), "{:?}", got);
            prop_assert!(got.max_drawdown.is_none_or(|fall| fall <= 0.0));
        }
    }
}
