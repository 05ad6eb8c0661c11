//! Regularised incomplete beta function and binomial probabilities for up to 1e9 trials.
//!
//! Logarithms of factorials of large numbers lose all digits when they are subtracted. The terms
//! here are deviations from Stirling's formula and from the mean instead, which are small where a
//! probability is not.
use statrs::function::gamma::ln_gamma;

/// Maximum number of terms of the continued fraction; 4,000 are needed for 1e9 trials.
const MAX_TERMS: u32 = 1_000_000;

/// Regularised incomplete beta function `I_x(a, b)`, a and b positive, 0 ≤ x ≤ 1.
///
/// **Formula** `I_x(a, b) = x^a (1 − x)^b / (a B(a, b)) · F`, F the continued fraction below; for an
/// x above the mean, `1 − I_{1−x}(b, a)`. **Source** Abramowitz and Stegun 1964, 26.5.8; Loader 2000
/// for the factor.
pub(super) fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x >= 1.0 { 1.0 } else { 0.0 };
    }
    let y = 1.0 - x;
    let value = if x <= (a + 1.0) / (a + b + 2.0) {
        factor(a, b, x, y) * continued_fraction(a, b, x)
    } else {
        1.0 - factor(b, a, y, x) * continued_fraction(b, a, y)
    };
    value.clamp(0.0, 1.0)
}

/// Logarithm of the binomial probability of k successes in n trials with probability `p`,
/// 0 < p < 1, also for numbers that are not whole; `q` is 1 − p. **Source** Loader 2000.
pub(super) fn ln_mass(k: f64, n: f64, p: f64, q: f64) -> f64 {
    let misses = n - k;
    if k <= 0.0 {
        return n * if p < 0.1 { (-p).ln_1p() } else { q.ln() };
    }
    if misses <= 0.0 {
        return n * if q < 0.1 { (-q).ln_1p() } else { p.ln() };
    }
    let stirling = stirling_error(n) - stirling_error(k) - stirling_error(misses);
    let deviance = deviance(k, n * p) + deviance(misses, n * q);
    let ratio = std::f64::consts::TAU * k * (misses / n);
    stirling - deviance - 0.5 * ratio.ln()
}

/// Factor `x^a y^b / (a B(a, b))`.
fn factor(a: f64, b: f64, x: f64, y: f64) -> f64 {
    ln_mass(a, a + b, x, y).exp() * b / (a + b)
}

/// Continued fraction of the incomplete beta function, by the modified method of Lentz.
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for number in 1..MAX_TERMS {
        let m = f64::from(number);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut last = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            last = c * d;
            fraction *= last;
        }
        if (last - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

/// Difference of ln Γ(z + 1) from Stirling's formula, `ln Γ(z+1) − (z + 1/2) ln z + z − ln √(2π)`.
fn stirling_error(z: f64) -> f64 {
    if z < 16.0 {
        let half_ln_tau = 0.5 * std::f64::consts::TAU.ln();
        return ln_gamma(z + 1.0) - (z + 0.5) * z.ln() + z - half_ln_tau;
    }
    let square = z * z;
    let terms = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1_260.0, -1.0 / 1_680.0, 1.0 / 1_188.0];
    terms.iter().rev().fold(0.0, |sum, term| term + sum / square) / z
}

/// Deviance `k ln(k / mean) + mean − k`, without cancellation near the mean.
fn deviance(k: f64, mean: f64) -> f64 {
    let difference = k - mean;
    if difference.abs() >= 0.1 * (k + mean) {
        return k * (k / mean).ln() + mean - k;
    }
    let v = difference / (k + mean);
    let (mut sum, mut power) = (difference * v, 2.0 * k * v);
    for term in 1..1_000_u32 {
        power *= v * v;
        let next = sum + power / f64::from(2 * term + 1);
        if (next - sum).abs() <= 0.0 {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use statrs::function::beta::beta_reg;

    use super::*;

    #[test]
    fn incomplete_beta_equals_the_library_for_small_parameters() {
        for a in [0.5, 1.0, 3.5, 40.0, 400.0] {
            for b in [0.5, 2.0, 17.0, 250.0] {
                for x in [1e-9, 0.01, 0.2, 0.5, 0.77, 0.999] {
                    let (got, want) = (incomplete_beta(a, b, x), beta_reg(a, b, x));
                    let error = (got - want).abs();
                    assert!(error < 1e-11, "{a} {b} {x}: {got} {want}");
                }
            }
        }
        let ends = (incomplete_beta(2.0, 3.0, 0.0), incomplete_beta(2.0, 3.0, 1.0));
        assert_eq!(ends, (0.0, 1.0));
    }

    // P(K ≥ n/2) = 1/2 + P(K = n/2) / 2 by symmetry, with the mass by Stirling's series.
    #[test]
    fn incomplete_beta_keeps_its_digits_up_to_a_billion_trials() {
        for n in [1e3, 1e6, 2e7, 2e8, 1e9] {
            let mass = (2.0 / (std::f64::consts::PI * n)).sqrt() * (1.0 - 0.25 / n);
            let got = incomplete_beta(n / 2.0, n / 2.0 + 1.0, 0.5);
            assert!((got - (0.5 + mass / 2.0)).abs() < 1e-9, "{n}: {got}");
            let sum = got + incomplete_beta(n / 2.0 + 1.0, n / 2.0, 0.5);
            assert!((sum - 1.0).abs() < 1e-9, "{n}: {sum}");
        }
    }

    #[test]
    fn ln_mass_sums_to_one_and_is_symmetric() {
        for (n, p) in [(1_u32, 0.3), (20, 0.5), (300, 0.02)] {
            let all = (0..=n).map(|k| ln_mass(f64::from(k), f64::from(n), p, 1.0 - p).exp());
            assert!((all.sum::<f64>() - 1.0).abs() < 1e-12);
        }
        let both = [499_999_000.0, 500_001_000.0].map(|k| ln_mass(k, 1e9, 0.5, 0.5));
        assert!((both[0] - both[1]).abs() < 1e-12, "{both:?}");
    }
}
