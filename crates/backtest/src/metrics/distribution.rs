//! Distribution functions and quantiles for tests and intervals, accurate to about 1e-12, and to 1e-9
//! for up to 1e9 trials.
//!
//! Quantiles are computed by bisection of the distribution function, so that both are consistent.
use statrs::function::erf::erfc;

use super::incomplete_beta::{incomplete_beta, ln_mass};

/// Distribution function P(Z ≤ z) of the standard normal distribution.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    erfc(-z / std::f64::consts::SQRT_2) / 2.0
}

/// Quantile (inverse CDF) of the standard normal distribution, 0 < p < 1.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    quantile(p, normal_cdf)
}

/// Two-sided tail probability P(|T| ≥ |t|) of Student's t distribution.
pub(crate) fn student_two_sided(t: f64, freedom: f64) -> f64 {
    // For small t² the complement keeps more digits.
    let square = t * t;
    if square < freedom {
        1.0 - incomplete_beta(0.5, freedom / 2.0, square / (freedom + square))
    } else {
        incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + square))
    }
}

/// Quantile (inverse CDF) of Student's t distribution, 0 < p < 1.
pub(crate) fn student_quantile(p: f64, freedom: f64) -> f64 {
    quantile(p, |t| student_cdf(t, freedom))
}

fn student_cdf(t: f64, freedom: f64) -> f64 {
    let tail = student_two_sided(t, freedom) / 2.0;
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// Upper tail probability P(X ≥ x) of the chi-square distribution with one degree of freedom.
pub(crate) fn chi_square_1_above(x: f64) -> f64 {
    erfc((x / 2.0).sqrt())
}

/// Quantile (inverse CDF) of the Beta(a, b) distribution, 0 < p < 1.
pub(crate) fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    bisect(0.0, 1.0, |x| incomplete_beta(a, b, x) < p)
}

/// Upper tail probability P(K ≥ k) of the binomial distribution.
pub(crate) fn binomial_at_least(k: u64, trials: u64, p: f64) -> f64 {
    if k == 0 {
        1.0
    } else if k > trials {
        0.0
    } else {
        incomplete_beta(k as f64, (trials - k) as f64 + 1.0, p)
    }
}

/// Logarithm of the probability P(K = k) of the binomial distribution, 0 < p < 1.
pub(crate) fn ln_binomial_mass(k: u64, trials: u64, p: f64) -> f64 {
    ln_mass(k as f64, trials as f64, p, 1.0 - p)
}

/// Quantile of a distribution function on the real line, limited to about ± 1e9.
fn quantile(p: f64, cdf: impl Fn(f64) -> f64) -> f64 {
    let mut limit = 1.0;
    while limit < 1e9 && (cdf(limit) < p || cdf(-limit) > p) {
        limit *= 2.0;
    }
    bisect(-limit, limit, |x| cdf(x) < p)
}

/// Point up to which `below` holds, by bisection of `low..high`.
fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if below(middle) { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-11 * want.abs().max(1.0), "{got} {want}");
    }

    // Expected values computed by mpmath with 30 digits.
    #[test]
    fn quantiles_equal_mpmath() {
        close(normal_quantile(0.975), 1.959_963_984_540_054_2);
        close(normal_quantile(0.5), 0.0);
        close(normal_quantile(1e-6), -4.753_424_308_822_899);
        close(student_quantile(0.975, 1.0), 12.706_204_736_174_694);
        close(student_quantile(0.025, 19.0), -2.093_024_054_408_263);
        close(beta_quantile(0.25, 1.0, 1.0), 0.25);
    }

    #[test]
    fn tail_probabilities_equal_mpmath() {
        close(chi_square_1_above(3.841_458_820_694_124), 0.05);
        close(student_two_sided(0.0, 5.0), 1.0);
        close(student_two_sided(1.0, 1.0), 0.5);
        close(binomial_at_least(3, 5, 0.5), 0.5);
        close(ln_binomial_mass(2, 4, 0.5).exp(), 0.375);
        assert_eq!((binomial_at_least(0, 5, 0.1), binomial_at_least(6, 5, 0.1)), (1.0, 0.0));
    }
}
