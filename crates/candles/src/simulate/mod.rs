//! Simulated markets whose best possible accuracy is known.
//!
//! They test learners: a fitted model should approach the best accuracy; an accuracy clearly above
//! it indicates look-ahead.
//!
//! Let `r[t]` be the log return of close `t`, `s` its standard deviation, `v[t]` the volume and
//! `e`, `n1`, `n2`, `n3` independent standard normal variables.
//!
//! | market | returns | best rule |
//! |---|---|---|
//! | martingale | `r[t] = sqrt(q[t]) e`, `q[t+1] = omega + alpha r[t]² + beta q[t]` | none: 50 % |
//! | first-order autoregression | `r[t+1] = phi r[t] + sigma e` | the sign of `phi r[t]` |
//! | regimes | `r[t] = sigma (m[t] mu_over_sigma + e)`, `m` is +1 or -1 and keeps its value with probability `stay` | the more probable regime by the forward filter of the past returns |
//! | volume lead | `r[t+1] = sigma (S[t] kappa sign(r[t]) + e)`, `S[t]` is 1 if `v[t] / v[t-1] - 1 > theta`, else 0 | after a volume jump the sign of `kappa r[t]`, otherwise none: 50 % |
//!
//! [`LeaderMarket`] is a panel of pairs: `r[t+1] = beta r0[t] + sigma e`, `r0` the returns of the
//! leader; the best rule is the sign of `beta r0[t]`.
//!
//! A candle opens at the previous close, the first one at 100. Its high is
//! `max(open, close) exp(0.5 s |n1|)`, its low `min(open, close) exp(-0.5 s |n2|)`. Prices are
//! rounded to six significant digits. If rounding makes a close equal to the previous close, or
//! reverses the direction, the close is moved one unit in the true direction: there are no ties.
//! The volume is `exp(9 + x[t] + 0.3 |r[t]| / s)` with `x[t] = 0.7 x[t-1] + 0.25 n3`, which is
//! uninformative about the next direction; in the market with a volume lead it is
//! `exp(9 + spread n3)`. Volumes are rounded to whole numbers.

mod best_rule;
mod leader;
mod paths;
#[cfg(test)]
mod tests;

use std::f64::consts::{PI, SQRT_2};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{Candle, CandleError, CandleSeries, Interval, Ohlcv, Pair, Timestamp};

pub use leader::LeaderMarket;

/// Maximum number of candles of a simulation.
const MAX_CANDLES: usize = 10_000_000;

/// Range of the standard deviation of the returns.
const SCALE: std::ops::RangeInclusive<f64> = 1e-4..=0.1;

/// Parameter with its value, whether the value is valid, and the valid range.
type ParameterRange = (&'static str, f64, bool, &'static str);

/// Model of a simulated market, with its parameters.
///
/// The associated constants are models with default parameters.
///
/// # Examples
/// ```
/// use windvane_candles::{Interval, Pair, simulate::MarketModel};
///
/// let series = MarketModel::AR1.candles(Pair::new("SIM")?, Interval::HOUR, 500, 7)?;
/// assert_eq!(series.len(), 500);
/// assert_eq!(series, MarketModel::AR1.candles(Pair::new("SIM")?, Interval::HOUR, 500, 7)?);
///
/// let best = MarketModel::AR1.best_accuracy().unwrap();
/// assert!((best - 0.5804).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Copy, Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum MarketModel {
    /// Martingale with volatility clustering (GARCH); the next direction is unpredictable.
    MartingaleGarch {
        /// Constant term of the variance, above 0.
        omega: f64,
        /// Weight of the last squared return, at least 0.
        alpha: f64,
        /// Weight of the last variance, at least 0; `alpha + beta` is below 1.
        beta: f64,
    },
    /// First-order autoregression: the last return predicts the next one.
    Ar1 {
        /// Weight of the last return, above -1 and below 1.
        phi: f64,
        /// Standard deviation of the innovations.
        sigma: f64,
    },
    /// Two hidden regimes: an up trend and a down trend.
    Regime {
        /// Drift of a regime, in units of `sigma`.
        mu_over_sigma: f64,
        /// Standard deviation of the returns within a regime.
        sigma: f64,
        /// Probability of staying in the regime, 0 to 1.
        stay: f64,
    },
    /// After a volume jump the last return continues (or reverses, if `kappa` is negative).
    VolumeLead {
        /// Standard deviation of the innovations.
        sigma: f64,
        /// Standard deviation of the log volume, above 0, at most 5.
        spread: f64,
        /// Threshold of the relative volume change: a larger one is a jump; above -1.
        theta: f64,
        /// Drift after a jump, in units of `sigma`.
        kappa: f64,
    },
}

/// Error of simulating candles.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// A parameter is out of its range.
    #[error("{parameter} is {got:?}, expected {expected}")]
    Parameter {
        /// Name of the parameter.
        parameter: &'static str,
        /// Description of the valid range.
        expected: &'static str,
        /// Value of the parameter.
        got: f64,
    },
    /// The requested number of candles is above the limit.
    #[error("{got} candles are too many, expected at most {expected}")]
    TooMany {
        /// Largest number of candles.
        expected: usize,
        /// Requested number of candles.
        got: usize,
    },
    /// The simulated prices left the range of valid candles.
    #[error("candle {index}: {source}; simulate fewer candles or weaker trends")]
    InvalidCandle {
        /// Index of the candle.
        index: usize,
        /// Reason why it is invalid.
        source: CandleError,
    },
}

impl MarketModel {
    /// Martingale with `omega` 1e-6, `alpha` 0.08 and `beta` 0.9.
    pub const MARTINGALE_GARCH: Self =
        Self::MartingaleGarch { omega: 1e-6, alpha: 0.08, beta: 0.9 };
    /// Autoregression with `phi` 0.25 and `sigma` 0.005.
    pub const AR1: Self = Self::Ar1 { phi: 0.25, sigma: 0.005 };
    /// Regimes with `mu_over_sigma` 0.45, `sigma` 0.005 and `stay` 0.97.
    pub const REGIME: Self = Self::Regime { mu_over_sigma: 0.45, sigma: 0.005, stay: 0.97 };
    /// Volume lead with `sigma` 0.005, `spread` 0.4, `theta` 0.5 and `kappa` 1.
    pub const VOLUME_LEAD: Self =
        Self::VolumeLead { sigma: 0.005, spread: 0.4, theta: 0.5, kappa: 1.0 };
    /// All four models of one pair with their default parameters.
    pub const ALL: [Self; 4] = [Self::MARTINGALE_GARCH, Self::AR1, Self::REGIME, Self::VOLUME_LEAD];

    /// Returns the name of the model: `martingale_garch`, `ar1`, `regime` or `volume_lead`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MartingaleGarch { .. } => "martingale_garch",
            Self::Ar1 { .. } => "ar1",
            Self::Regime { .. } => "regime",
            Self::VolumeLead { .. } => "volume_lead",
        }
    }

    /// Returns the accuracy of the best possible prediction of the next close's direction, as a
    /// fraction; `None` if it is unknown or a parameter is out of its range.
    ///
    /// # Formula
    /// - Martingale: 1/2.
    /// - Autoregression: 1/2 + arcsin|phi| / π.
    /// - Volume lead: 1/2 + P(S) (Φ(|kappa|) - 1/2), P(S) = Φ(-ln(1 + theta) / (spread √2)).
    /// - Regimes: no closed form. For [`MarketModel::REGIME`] 0.6131, the mean of max(p, 1 - p)
    ///   over 2,000,000 steps of the exact two-state forward filter (standard error 0.0001);
    ///   unknown for other parameters.
    pub fn best_accuracy(&self) -> Option<f64> {
        self.validate().ok()?;
        match *self {
            Self::MartingaleGarch { .. } => Some(0.5),
            Self::Ar1 { phi, .. } => Some(0.5 + phi.abs().asin() / PI),
            Self::Regime { .. } => (*self == Self::REGIME).then_some(0.6131),
            Self::VolumeLead { spread, theta, kappa, .. } => {
                Some(0.5 + jump_probability(spread, theta) * (normal_cdf(kappa.abs()) - 0.5))
            }
        }
    }

    /// Simulates `count` candles of this market; the same seed gives the same candles.
    ///
    /// The first candle contains 2020-01-01 00:00 UTC and opens on the grid of the interval. No
    /// candle is missing.
    ///
    /// # Errors
    /// [`SimulateError`] if a parameter is out of its range, if the standard deviation of the
    /// returns is outside 0.0001 to 0.1, for more than 10,000,000 candles, or if a long trend leads
    /// to prices outside the range of a candle.
    pub fn candles(
        &self,
        pair: Pair,
        interval: Interval,
        count: usize,
        seed: u64,
    ) -> Result<CandleSeries, SimulateError> {
        self.validate()?;
        if count > MAX_CANDLES {
            return Err(SimulateError::TooMany { expected: MAX_CANDLES, got: count });
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let steps = self.steps(count, &mut random);
        let candles = draw(&steps, self.standard_deviation(), interval, &mut random)?;
        Ok(in_series(pair, interval, candles))
    }

    /// Unconditional standard deviation of a return.
    fn standard_deviation(&self) -> f64 {
        match *self {
            Self::MartingaleGarch { omega, alpha, beta } => (omega / (1.0 - alpha - beta)).sqrt(),
            Self::Ar1 { phi, sigma } => sigma / (1.0 - phi * phi).sqrt(),
            Self::Regime { mu_over_sigma, sigma, .. } => {
                sigma * (1.0 + mu_over_sigma * mu_over_sigma).sqrt()
            }
            Self::VolumeLead { sigma, spread, theta, kappa } => {
                sigma * (1.0 + jump_probability(spread, theta) * kappa * kappa).sqrt()
            }
        }
    }

    fn validate(&self) -> Result<(), SimulateError> {
        let ranges: &[ParameterRange] = match *self {
            Self::MartingaleGarch { omega, alpha, beta } => &[
                ("omega", omega, omega > 0.0, "a number above 0"),
                ("alpha", alpha, alpha >= 0.0, "a number from 0"),
                ("beta", beta, beta >= 0.0, "a number from 0"),
                ("alpha + beta", alpha + beta, alpha + beta < 1.0, "a number below 1"),
            ],
            Self::Ar1 { phi, sigma } => &[
                ("phi", phi, phi.abs() < 1.0, "a number above -1 and below 1"),
                ("sigma", sigma, sigma > 0.0, "a number above 0"),
            ],
            Self::Regime { mu_over_sigma, sigma, stay } => &[
                ("mu_over_sigma", mu_over_sigma, mu_over_sigma.is_finite(), "a finite number"),
                ("sigma", sigma, sigma > 0.0, "a number above 0"),
                ("stay", stay, (0.0..=1.0).contains(&stay), "a probability from 0 to 1"),
            ],
            Self::VolumeLead { sigma, spread, theta, kappa } => &[
                ("sigma", sigma, sigma > 0.0, "a number above 0"),
                ("spread", spread, spread > 0.0 && spread <= 5.0, "a number above 0, at most 5"),
                ("theta", theta, theta > -1.0 && theta.is_finite(), "a finite number above -1"),
                ("kappa", kappa, kappa.is_finite(), "a finite number"),
            ],
        };
        let s = self.standard_deviation();
        check_ranges(ranges)?;
        check_ranges(&[("standard deviation", s, SCALE.contains(&s), "0.0001 to 0.1")])
    }
}

/// Candles with these returns, of standard deviation `s`, and volumes.
fn draw(
    steps: &[paths::SimulatedStep],
    s: f64,
    interval: Interval,
    random: &mut ChaCha8Rng,
) -> Result<Vec<Candle>, SimulateError> {
    const START_MS: i64 = 1_577_836_800_000;
    let mut open_time = interval.floor(Timestamp::from_millis(START_MS));
    let wick = 0.5 * s;
    let (mut log_price, mut open) = (100f64.ln(), 100.0);
    let mut candles = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        log_price += step.log_return;
        let close = in_direction(open, six_digits(log_price.exp()), step.log_return);
        let up = paths::normal(random).abs() * wick;
        let down = paths::normal(random).abs() * wick;
        let values = Ohlcv {
            open,
            high: six_digits(open.max(close) * up.exp()),
            low: six_digits(open.min(close) * (-down).exp()),
            close,
            volume: step.volume,
        };
        let candle = Candle::new(open_time, values)
            .map_err(|source| SimulateError::InvalidCandle { index, source })?;
        open_time = candle.close_time(interval);
        open = close;
        candles.push(candle);
    }
    Ok(candles)
}

/// Fails for the first parameter that is out of its range.
fn check_ranges(ranges: &[ParameterRange]) -> Result<(), SimulateError> {
    match ranges.iter().find(|(_, _, right, _)| !right) {
        Some(&(parameter, got, _, expected)) => {
            Err(SimulateError::Parameter { parameter, expected, got })
        }
        None => Ok(()),
    }
}

fn in_series(pair: Pair, interval: Interval, candles: Vec<Candle>) -> CandleSeries {
    let series = CandleSeries::new(pair, interval, candles);
    series.expect("invariant: the open times are one interval apart")
}

/// Probability that one of two independent volumes exceeds the other by more than `theta`.
fn jump_probability(spread: f64, theta: f64) -> f64 {
    normal_cdf(-theta.ln_1p() / (spread * SQRT_2))
}

/// Distribution function of the standard normal distribution, accurate to about 1e-15.
///
/// Source: Marsaglia 2004, "Evaluating the normal distribution".
fn normal_cdf(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut i) = (x, x, 1.0);
    while term.abs() > sum.abs() * 1e-17 {
        i += 2.0;
        term *= x * x / i;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// Rounds a price to six significant digits.
fn six_digits(price: f64) -> f64 {
    format!("{price:.5e}").parse().unwrap_or(price)
}

/// Returns `close` if its direction from `open` has the sign of the return, otherwise the nearest
/// price that has.
fn in_direction(open: f64, close: f64, log_return: f64) -> f64 {
    let unit = 10f64.powf(open.log10().floor() - 5.0);
    if log_return >= 0.0 && close <= open {
        six_digits(open + unit)
    } else if log_return < 0.0 && close >= open {
        six_digits(open - unit)
    } else {
        close
    }
}
