//! Measures and statistical tests on plain numbers, usable without a backtest.
//!
//! | measure or test | type or function |
//! |---|---|
//! | accuracy, balanced accuracy, precision, recall, F1, Matthews' correlation, Cohen's kappa | [`Confusion`] |
//! | Wilson and Clopper–Pearson intervals, exact binomial test | [`Proportion`] |
//! | accuracy of two models on the same candles | [`McNemar`] |
//! | mean loss of two forecasts on the same candles | [`DieboldMariano`] |
//! | directional accuracy against independence | [`PesaranTimmermann`] |
//! | correction for several tests | [`holm`] |
//! | choice of the best of several variants | [`OverfittingProbability`] |
//! | growth, volatility, drawdown; Sharpe, Sortino, Calmar and omega ratios | [`Returns`] |
//! | probabilistic and deflated Sharpe ratio | [`SharpeRatio`] |
//! | log loss, Brier score, calibration error, reliability table | [`Reliability`] |
//!
//! Undefined values are `None`, never NaN. The results equal those of scikit-learn, `SciPy`,
//! statsmodels and empyrical to 1e-9.
mod bounds;
mod confusion;
mod diebold_mariano;
pub(crate) mod distribution;
mod holm;
mod incomplete_beta;
mod mcnemar;
mod overfitting;
mod pesaran_timmermann;
mod proportion;
pub(crate) mod returns;
mod sharpe;

use serde::Serialize;

pub use bounds::Bounds;
pub use confusion::Confusion;
pub use diebold_mariano::DieboldMariano;
pub use holm::holm;
pub(crate) use holm::holm_with;
pub use mcnemar::McNemar;
pub use overfitting::OverfittingProbability;
pub(crate) use overfitting::PartSum;
pub use pesaran_timmermann::PesaranTimmermann;
pub use proportion::{Alternative, Proportion};
pub use returns::Returns;
pub use sharpe::SharpeRatio;
pub use windvane_models::{Reliability, ReliabilityBin};

/// Statistic and p-value of a statistical test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TestResult {
    /// Value of the test statistic.
    pub statistic: f64,
    /// Probability of a statistic at least as extreme under the null hypothesis.
    pub p_value: f64,
}

/// Largest spread of values, as a fraction of their size, that rounding alone explains.
const ROUNDING: f64 = 1e-12;

/// Whether a spread of values is no more than the rounding of numbers of this size.
///
/// The values of a constant quantity are rarely equal bit by bit: each is the result of a few
/// operations, each with a relative error of 1e-16.
pub(crate) fn is_rounding(spread: f64, size: f64) -> bool {
    spread <= ROUNDING * size
}

/// Largest absolute value; 0 without values.
pub(crate) fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().map(f64::abs).fold(0.0, f64::max)
}

/// Fraction part / whole; `None` if `whole` is 0.
pub(crate) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
