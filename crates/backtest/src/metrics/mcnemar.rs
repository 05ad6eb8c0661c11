//! `McNemar`'s test: which of two models is right where they differ.
use super::Test;
use super::distribution::chi_square_1_above;
use super::proportion::{Alternative, Proportion};

/// Two models on the same candles, counted by who was right.
///
/// Where both are right, or both wrong, they do not differ; the test asks whether the rest falls
/// to one side. It takes the candles for independent. **Source** `McNemar` 1947; the correction:
/// Edwards 1948.
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::McNemar;
///
/// let table = McNemar { both: 29, only_a: 24, only_b: 3, neither: 4 };
/// assert!(table.exact().unwrap() < 1e-4);
/// assert_eq!(McNemar::of([(true, true)]).exact(), None); // they never differ
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct McNemar {
    /// Candles on which both are right.
    pub both: u64,
    /// Candles on which only the first is right.
    pub only_a: u64,
    /// Candles on which only the second is right.
    pub only_b: u64,
    /// Candles on which both are wrong.
    pub neither: u64,
}

impl McNemar {
    /// Counts candles by whether the first and the second model are right.
    pub fn of(candles: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut table = Self::default();
        for candle in candles {
            let count = match candle {
                (true, true) => &mut table.both,
                (true, false) => &mut table.only_a,
                (false, true) => &mut table.only_b,
                (false, false) => &mut table.neither,
            };
            *count += 1;
        }
        table
    }

    /// Two-sided p-value: the binomial test of a half on the candles where they differ; `None`
    /// without any.
    pub fn exact(&self) -> Option<f64> {
        let smaller = self.only_a.min(self.only_b);
        let differ = Proportion::new(smaller, self.only_a + self.only_b)?;
        differ.binomial_test(0.5, Alternative::TwoSided)
    }

    /// (b − c)² / (b + c), chi-square with one degree of freedom; `None` where they never differ.
    pub fn chi_square(&self) -> Option<Test> {
        self.squared(0.0)
    }

    /// The same with the continuity correction, (|b − c| − 1)² / (b + c).
    pub fn chi_square_corrected(&self) -> Option<Test> {
        self.squared(1.0)
    }

    fn squared(&self, correction: f64) -> Option<Test> {
        let sum = self.only_a + self.only_b;
        let lead = (self.only_a.abs_diff(self.only_b) as f64 - correction).max(0.0);
        let statistic = lead * lead / sum as f64;
        (sum > 0).then(|| Test { statistic, p_value: chi_square_1_above(statistic) })
    }
}
