//! `McNemar`'s test for a difference in the accuracy of two models.
use super::TestResult;
use super::distribution::chi_square_1_above;
use super::proportion::{Alternative, Proportion};

/// `McNemar`'s test for a difference in the accuracy of two models on the same candles.
///
/// The test compares the number of candles on which only the first model is right with the number
/// on which only the second is right. It assumes independent candles. **Source** `McNemar` 1947;
/// continuity correction: Edwards 1948.
///
/// # Examples
/// ```
/// use windvane_backtest::metrics::McNemar;
///
/// let table = McNemar { both: 29, only_a: 24, only_b: 3, neither: 4 };
/// assert!(table.exact().unwrap() < 1e-4);
/// assert_eq!(McNemar::new([(true, true)]).exact(), None); // they never differ
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
    /// Counts candles given as (first model is right, second model is right).
    pub fn new(candles: impl IntoIterator<Item = (bool, bool)>) -> Self {
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

    /// Two-sided p-value of the exact binomial test that, where the models differ, each is right
    /// with probability 1/2; `None` if they never differ.
    pub fn exact(&self) -> Option<f64> {
        let smaller = self.only_a.min(self.only_b);
        let differ = Proportion::new(smaller, self.only_a + self.only_b)?;
        differ.binomial_test(0.5, Alternative::TwoSided)
    }

    /// Chi-square test with one degree of freedom; `None` if the models never differ.
    ///
    /// **Formula** (b − c)² / (b + c) with b and c the counts `only_a` and `only_b`.
    pub fn chi_square(&self) -> Option<TestResult> {
        self.squared(0.0)
    }

    /// Chi-square test with the continuity correction; `None` if the models never differ.
    ///
    /// **Formula** (|b − c| − 1)² / (b + c) with b and c the counts `only_a` and `only_b`.
    pub fn chi_square_corrected(&self) -> Option<TestResult> {
        self.squared(1.0)
    }

    fn squared(&self, correction: f64) -> Option<TestResult> {
        let sum = self.only_a + self.only_b;
        let difference = (self.only_a.abs_diff(self.only_b) as f64 - correction).max(0.0);
        let statistic = difference * difference / sum as f64;
        (sum > 0).then(|| TestResult { statistic, p_value: chi_square_1_above(statistic) })
    }
}
