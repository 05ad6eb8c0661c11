//! Measures and tests, each from plain numbers: usable without a backtest.
//!
//! | what | where |
//! |---|---|
//! | accuracy, balanced accuracy, precision, recall, F1, Matthews, kappa | [`Confusion`] |
//! | Wilson and Clopper–Pearson intervals, exact binomial test | [`Proportion`] |
//! | two models on the same candles: who is right | [`McNemar`] |
//! | two models on the same candles: who loses less | [`DieboldMariano`] |
//! | more hits than the shares of ups give | [`PesaranTimmermann`] |
//! | several tests at once | [`holm`] |
//! | growth, volatility, Sharpe, Sortino, drawdown, Calmar, omega | [`Returns`] |
//! | the Sharpe ratio's error, and what the best of many has by chance | [`SharpeRatio`] |
//! | log loss, Brier, calibration error, reliability table | [`Reliability`] |
//!
//! What is undefined is `None`; no measure is ever NaN. All agree with scikit-learn, `SciPy`,
//! statsmodels and empyrical to 1e-9.
mod bounds;
mod confusion;
mod diebold_mariano;
pub(crate) mod distribution;
mod holm;
mod mcnemar;
mod pesaran_timmermann;
mod proportion;
mod returns;
mod sharpe;

use serde::Serialize;

pub use bounds::Bounds;
pub use confusion::Confusion;
pub use diebold_mariano::DieboldMariano;
pub use holm::holm;
pub use mcnemar::McNemar;
pub use pesaran_timmermann::PesaranTimmermann;
pub use proportion::{Alternative, Proportion};
pub use returns::Returns;
pub use sharpe::SharpeRatio;
/// Calibration of probabilities.
pub use windvane_models::{Reliability, ReliabilityBin};

/// Statistic and p-value of a test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Test {
    /// The statistic.
    pub statistic: f64,
    /// Probability of a statistic as extreme under the null hypothesis.
    pub p_value: f64,
}

/// part / whole; `None` for an empty whole.
pub(crate) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
