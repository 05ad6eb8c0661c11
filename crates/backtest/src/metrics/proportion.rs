//! Confidence intervals and exact test of a proportion.
use super::Bounds;
use super::distribution::{beta_quantile, binomial_at_least, ln_binomial_mass, normal_quantile};

/// Number of successes among independent trials.
///
/// Predictions at neighbouring times or of related pairs are not independent, so that these
/// intervals are too narrow and the p-values too small for them. The intervals of a
/// [`Report`](crate::Report) resample blocks of time for that reason.
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::{Alternative, Proportion};
///
/// let correct = Proportion::new(560, 1_000).unwrap();
/// let bounds = correct.wilson(0.95).unwrap();
/// assert!((bounds.low - 0.529).abs() < 1e-3 && (bounds.high - 0.590).abs() < 1e-3);
/// assert!(correct.binomial_test(0.5, Alternative::Greater).unwrap() < 1e-4);
/// assert_eq!(Proportion::new(0, 0).unwrap().wilson(0.95), None); // undefined, not 0 to 1
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proportion {
    successes: u64,
    trials: u64,
}

/// Alternative to the null hypothesis of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alternative {
    /// The true value differs from the given one.
    TwoSided,
    /// The true value is greater than the given one.
    Greater,
    /// The true value is less than the given one.
    Less,
}

impl Proportion {
    /// Creates a proportion; `None` for more successes than trials.
    pub fn new(successes: u64, trials: u64) -> Option<Self> {
        (successes <= trials).then_some(Self { successes, trials })
    }

    /// Fraction successes / trials; `None` without trials.
    pub fn share(&self) -> Option<f64> {
        (self.trials > 0).then(|| self.successes as f64 / self.trials as f64)
    }

    /// Wilson's score interval; `None` without trials or for a level outside 0 to 1.
    ///
    /// **Formula** with p the fraction of successes, n the number of trials and z the normal
    /// quantile at (1 + level) / 2:
    ///
    /// ```text
    /// (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
    /// ```
    ///
    /// **Source** Wilson 1927.
    pub fn wilson(&self, level: f64) -> Option<Bounds> {
        let (p, tail) = (self.share()?, tail(level)?);
        let (n, z) = (self.trials as f64, -normal_quantile(tail));
        let ratio = z * z / n;
        let centre = (p + ratio / 2.0) / (1.0 + ratio);
        let half = z * (p * (1.0 - p) / n + ratio / (4.0 * n)).sqrt() / (1.0 + ratio);
        let (low, high) = ((centre - half).max(0.0), (centre + half).min(1.0));
        Some(Bounds::new(low, high))
    }

    /// Exact interval of Clopper and Pearson: all probabilities that neither one-sided binomial
    /// test rejects. `None` without trials or for a level outside 0 to 1.
    ///
    /// **Formula** with a = (1 − level) / 2 and k successes of n: the lower end is the quantile a
    /// of Beta(k, n − k + 1), 0 for k = 0; the upper end is the quantile 1 − a of
    /// Beta(k + 1, n − k), 1 for k = n. **Source** Clopper and Pearson 1934.
    pub fn clopper_pearson(&self, level: f64) -> Option<Bounds> {
        let (_, tail) = (self.share()?, tail(level)?);
        let (k, misses) = (self.successes as f64, (self.trials - self.successes) as f64);
        let low = if self.successes == 0 { 0.0 } else { beta_quantile(tail, k, misses + 1.0) };
        let full = self.successes == self.trials;
        // By symmetry, so that both ends have the same accuracy.
        let high = if full { 1.0 } else { 1.0 - beta_quantile(tail, misses, k + 1.0) };
        Some(Bounds::new(low, high))
    }

    /// P-value of the exact binomial test of success probability `p0`; `None` without trials or
    /// for a `p0` outside 0 to 1.
    ///
    /// The two-sided p-value is the total probability of the outcomes that are at most as likely
    /// as the observed one, including ties up to a relative 1e-7, as in R and `SciPy`.
    pub fn binomial_test(&self, p0: f64, alternative: Alternative) -> Option<f64> {
        let Self { successes: k, trials: n } = *self;
        if n == 0 || !(p0 > 0.0 && p0 < 1.0) {
            return None;
        }
        Some(match alternative {
            Alternative::Greater => binomial_at_least(k, n, p0),
            Alternative::Less => at_most(k, n, p0),
            Alternative::TwoSided if (k as f64).total_cmp(&(n as f64 * p0)).is_eq() => 1.0,
            Alternative::TwoSided => {
                let slack = ln_binomial_mass(k, n, p0) + 1e-7_f64.ln_1p();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a fraction of a count"
                )]
                let mean = (n as f64 * p0) as u64;
                if (k as f64) < n as f64 * p0 {
                    let from =
                        first(mean + 1, n + 1, |other| ln_binomial_mass(other, n, p0) <= slack);
                    (at_most(k, n, p0) + binomial_at_least(from, n, p0)).min(1.0)
                } else {
                    // Number of outcomes from 0 on that are at most as likely.
                    let until = first(0, mean + 1, |other| ln_binomial_mass(other, n, p0) > slack);
                    let low = if until == 0 { 0.0 } else { at_most(until - 1, n, p0) };
                    (binomial_at_least(k, n, p0) + low).min(1.0)
                }
            }
        })
    }
}

/// Probability below the interval, and above it.
fn tail(level: f64) -> Option<f64> {
    (level > 0.0 && level < 1.0).then(|| (1.0 - level) / 2.0)
}

/// First number of `from..until` for which `holds` returns true, by bisection; `until` if there is
/// none. `holds` must not return false again after it.
fn first(from: u64, until: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (from, until);
    while low < high {
        let middle = u64::midpoint(low, high);
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// Lower tail probability P(K ≤ k) of the binomial distribution.
fn at_most(k: u64, n: u64, p0: f64) -> f64 {
    binomial_at_least(n - k, n, 1.0 - p0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn proportion_rejects_invalid_input() {
        assert_eq!(Proportion::new(2, 1), None);
        let empty = Proportion::new(0, 0).unwrap();
        assert_eq!((empty.share(), empty.clopper_pearson(0.95)), (None, None));
        assert_eq!(empty.binomial_test(0.5, Alternative::TwoSided), None);
        let some = Proportion::new(1, 2).unwrap();
        for wrong in [0.0, 1.0, -1.0, f64::NAN] {
            assert_eq!((some.wilson(wrong), some.clopper_pearson(wrong)), (None, None));
            assert_eq!(some.binomial_test(wrong, Alternative::Less), None);
        }
    }

    proptest! {
        #[test]
        fn two_sided_binomial_test_equals_sum_over_outcomes(
            (n, k) in (1_u64..60).prop_flat_map(|n| (Just(n), 0..=n)),
            p0 in 0.01..0.99_f64,
        ) {
            let mass: Vec<f64> = (0..=n).map(|k| ln_binomial_mass(k, n, p0).exp()).collect();
            let observed = mass[usize::try_from(k).unwrap()] * (1.0 + 1e-7);
            let sum: f64 = mass.iter().filter(|mass| **mass <= observed).sum();
            let got = Proportion::new(k, n).unwrap().binomial_test(p0, Alternative::TwoSided);
            prop_assert!((got.unwrap() - sum.min(1.0)).abs() < 1e-10, "{:?} {}", got, sum);
        }

        #[test]
        fn intervals_contain_share_and_clopper_pearson_matches_binomial_test(
            (n, k) in (1_u64..400).prop_flat_map(|n| (Just(n), 0..=n)),
        ) {
            let proportion = Proportion::new(k, n).unwrap();
            let share = proportion.share().unwrap();
            for bounds in [proportion.wilson(0.9), proportion.clopper_pearson(0.9)] {
                let Bounds { low, high, .. } = bounds.unwrap();
                prop_assert!(0.0 <= low && low <= share + 1e-12 && share <= high + 1e-12 && high <= 1.0);
            }
            let Bounds { low, high, .. } = proportion.clopper_pearson(0.9).unwrap();
            if let Some(p) = proportion.binomial_test(low, Alternative::Greater) {
                prop_assert!((p - 0.05).abs() < 1e-9);
            }
            if let Some(p) = proportion.binomial_test(high, Alternative::Less) {
                prop_assert!((p - 0.05).abs() < 1e-9);
            }
        }
    }
}
