//! Combinatorial purged cross-validation.
use windvane_candles::Timestamp;

use super::embargo::{Embargo, check_share, quantile};
use super::{Period, Split};
use crate::{SampleSet, SignalError};

/// Maximum number of splits of a plan: every model is fitted once per split.
const MAX_SPLITS: usize = 1_000;

/// Combinatorial purged cross-validation.
///
/// The time of all samples is divided into N groups with equal numbers of samples, and every choice
/// of k groups is tested on once: N! / (k! (N − k)!) splits. A model trains on the other groups,
/// **before and after** the tested ones; a trader does not have the later candles. The purge and
/// the embargo prevent leaks: no label of a training sample overlaps a test, and the time of the
/// embargo is left out before and after each test. With an embargo of at least the lookback, no
/// training window reaches back into a test (except over missing candles); the default embargo is
/// the default lookback.
///
/// The last `validation` share of the samples that overlap no test validates, so that the
/// validation samples come after all training samples.
///
/// Every group is tested in `(N − 1)! / ((k − 1)! (N − k)!)` splits. This is the number of
/// [`paths`](Self::paths): complete sequences of tested groups.
///
/// **Source** López de Prado 2018, chapter 12.
///
/// # Examples
/// ```
/// use windvane_signals::Combinatorial;
/// let plan = Combinatorial::default();
/// assert_eq!((plan.groups, plan.test_groups), (6, 2));
/// assert_eq!((plan.combinations().len(), plan.paths()), (15, 5));
/// assert_eq!(plan.combinations()[1], [0, 2]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combinatorial {
    /// Number of groups, N.
    pub groups: usize,
    /// Number of tested groups per split, k.
    pub test_groups: usize,
    /// Share of validation samples among the samples outside the tests.
    pub validation: f64,
    /// Time left out before and after each test beyond the purge, in candles.
    pub embargo: u32,
}

impl Default for Combinatorial {
    fn default() -> Self {
        Self { groups: 6, test_groups: 2, validation: 0.15, embargo: 20 }
    }
}

impl Combinatorial {
    /// Returns the tested groups (from 0) of each split, in the order of the splits.
    pub fn combinations(&self) -> Vec<Vec<usize>> {
        let mut all = vec![Vec::new()];
        for _ in 0..self.test_groups {
            let mut longer = Vec::new();
            for chosen in &all {
                let next = chosen.last().map_or(0, |last| last + 1);
                longer.extend((next..self.groups).map(|group| [&chosen[..], &[group]].concat()));
            }
            all = longer;
        }
        all
    }

    /// Returns the number of splits in which each group is tested.
    pub fn paths(&self) -> usize {
        self.split_count().saturating_mul(self.test_groups) / self.groups.max(1)
    }

    /// Number of choices of tested groups; `usize::MAX` for more than a million.
    fn split_count(&self) -> usize {
        let Some(others) = self.groups.checked_sub(self.test_groups) else { return 0 };
        // Multiplying and dividing in turn keeps every intermediate value a binomial coefficient.
        let mut choices = 1_usize;
        for i in 0..self.test_groups.min(others) {
            choices = choices.saturating_mul(self.groups - i) / (i + 1);
            if choices > 1_000_000 {
                return usize::MAX;
            }
        }
        choices
    }

    /// Creates the splits, one per choice of tested groups.
    ///
    /// # Errors
    /// The errors of [`validate`](Self::validate), and [`SignalError::EmptyPart`] if there are too few
    /// samples.
    pub fn splits(&self, pool: &SampleSet) -> Result<Vec<Split>, SignalError> {
        self.validate()?;
        let groups = self.group_periods(pool)?;
        let mut splits = Vec::new();
        for chosen in self.combinations() {
            let tests: Vec<Period> = chosen.into_iter().map(|group| groups[group]).collect();
            let embargo = Embargo::new(pool, self.embargo);
            let free = pool.filtered(|sample| embargo.keeps_apart(&tests, sample));
            let hint = "use fewer groups, a shorter embargo or more candles";
            let few = SignalError::EmptyPart { part: "training", hint };
            let validate_from = quantile(&free, 1.0 - self.validation).ok_or(few)?;
            splits.push(Split::around(tests, validate_from, self.embargo)?);
        }
        Ok(splits)
    }

    /// Checks the settings, which [`splits`](Self::splits) does as well.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless there are 2 to 100 groups, at least one tested and at least
    /// one not tested, at most 1,000 splits, and a validation share between 0 and 1.
    pub fn validate(&self) -> Result<(), SignalError> {
        check_share(self.validation)?;
        if !(2..=100).contains(&self.groups) {
            return SignalError::setting("groups", "2 to 100", self.groups as f64);
        }
        if !(1..self.groups).contains(&self.test_groups) {
            let (setting, expected) =
                ("number of tested groups", "at least 1 and less than groups");
            return SignalError::setting(setting, expected, self.test_groups as f64);
        }
        let choices = self.split_count();
        if choices > MAX_SPLITS {
            let expected = "at most 1000; test on fewer groups";
            return SignalError::setting("number of splits", expected, choices as f64);
        }
        Ok(())
    }

    /// Periods of the groups, in order of time.
    fn group_periods(&self, pool: &SampleSet) -> Result<Vec<Period>, SignalError> {
        let hint = "use fewer groups or more candles";
        let few = SignalError::EmptyPart { part: "test", hint };
        let positions = (0..self.groups).map(|group| group as f64 / self.groups as f64);
        let starts: Option<Vec<Timestamp>> = positions.map(|at| quantile(pool, at)).collect();
        let starts = starts.ok_or(few.clone())?;
        if starts.windows(2).any(|two| two[0] >= two[1]) {
            return Err(few);
        }
        let mut periods = Vec::with_capacity(starts.len());
        for (group, from) in starts.iter().enumerate() {
            periods.push(Period { from: *from, until: starts.get(group + 1).copied() });
        }
        Ok(periods)
    }
}
