//! Every choice of some groups of time to test on.
use windvane_candles::Timestamp;

use super::embargo::{Embargo, check_share, quantile};
use super::{Period, Split};
use crate::{SampleSet, SignalError};

/// Maximum number of splits of a plan: each is a fit of every model.
const MAX_SPLITS: usize = 1_000;

/// Combinatorial purged cross-validation.
///
/// The time of all samples is cut into N groups with equally many samples, and every choice of k
/// of them is tested on once: N! / (k! (N − k)!) splits. A model learns from the other groups, on
/// **both sides** of those it is tested on: from candles that came later, too, which nobody has
/// who trades. What keeps it from knowing the answers are the purge, as no label's span meets a
/// test's, and the embargo, time left out before and after each test. With an embargo of at least
/// the lookback no window learned from reaches back into a test, but over missing candles; the
/// default is the default lookback.
///
/// Of the samples that meet no test the last `validation` share serves for choosing, so that
/// choosing comes after all that is learned from.
///
/// Every group is tested in `(N − 1)! / ((k − 1)! (N − k)!)` splits, so the tests make up so many
/// [`paths`](Self::paths) through all of the time.
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
    /// Number of groups that a split tests on, k.
    pub test_groups: usize,
    /// Share of the samples outside the tests that serves for choosing.
    pub validation: f64,
    /// Candles whose time is left out between stretches, beyond the purge.
    pub embargo: u32,
}

impl Default for Combinatorial {
    fn default() -> Self {
        Self { groups: 6, test_groups: 2, validation: 0.15, embargo: 20 }
    }
}

impl Combinatorial {
    /// The groups that each split tests on, counted from 0, in the order of the splits.
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

    /// Number of splits in which each group is tested.
    pub fn paths(&self) -> usize {
        self.combinations().len() * self.test_groups / self.groups.max(1)
    }

    /// The splits, one per choice of groups.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless there are 2 to 100 groups, at least one of them tested and
    /// one not, with at most 1,000 splits, and for a share outside 0 to 1;
    /// [`SignalError::EmptyPart`] when there are too few samples to cut.
    pub fn splits(&self, pool: &SampleSet) -> Result<Vec<Split>, SignalError> {
        self.check()?;
        let groups = self.group_periods(pool)?;
        let mut splits = Vec::new();
        for chosen in self.combinations() {
            let tests: Vec<Period> = chosen.into_iter().map(|group| groups[group]).collect();
            let embargo = Embargo::new(pool, self.embargo);
            let free = pool.filtered(|sample| embargo.keeps_apart(&tests, sample));
            let hint = "use fewer groups or a shorter embargo, or give more candles";
            let few = SignalError::EmptyPart { part: "training", hint };
            let validate_from = quantile(&free, 1.0 - self.validation).ok_or(few)?;
            splits.push(Split::around(tests, validate_from, self.embargo)?);
        }
        Ok(splits)
    }

    fn check(&self) -> Result<(), SignalError> {
        check_share(self.validation)?;
        if !(2..=100).contains(&self.groups) {
            return SignalError::setting("groups", "2 to 100", self.groups as f64);
        }
        if !(1..self.groups).contains(&self.test_groups) {
            let (setting, expected) = ("groups tested on", "at least 1 and fewer than there are");
            return SignalError::setting(setting, expected, self.test_groups as f64);
        }
        // Multiplied and divided in turn, every number on the way is a number of choices.
        let k = self.test_groups.min(self.groups - self.test_groups);
        let mut choices = 1_usize;
        for i in 0..k {
            choices = choices.saturating_mul(self.groups - i) / (i + 1);
            if choices > MAX_SPLITS {
                let expected = "at most 1000; test on fewer groups";
                return SignalError::setting("splits", expected, choices as f64);
            }
        }
        Ok(())
    }

    /// The periods of the groups, in order of time.
    fn group_periods(&self, pool: &SampleSet) -> Result<Vec<Period>, SignalError> {
        let hint = "use fewer groups or give more candles";
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
