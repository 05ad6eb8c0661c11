//! Walk-forward folds.
use windvane_candles::Timestamp;

use super::Split;
use super::embargo::{check_share, quantile};
use crate::{SampleSet, SignalError};

/// Walk-forward folds through calendar time, with a growing or a rolling training period.
///
/// The time of all samples is divided into `folds + 1` periods with equal numbers of samples. Fold
/// k tests on period k + 1 and trains on the time before it: on all of it, or on the last `window`
/// candles' time. The last `validation` share of that time's samples validates.
///
/// # Examples
/// ```
/// use windvane_signals::WalkForward;
/// let plan = WalkForward::default();
/// assert_eq!((plan.folds, plan.validation), (4, 0.15));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WalkForward {
    /// Number of test periods.
    pub folds: usize,
    /// Share of validation samples among the samples before a test.
    pub validation: f64,
    /// Length of training and validation together, in candles' time; `None`, the default, for all
    /// time before the test.
    pub window: Option<u32>,
    /// Time left out between periods beyond the purge, in candles.
    pub embargo: u32,
}

impl Default for WalkForward {
    fn default() -> Self {
        Self { folds: 4, validation: 0.15, window: None, embargo: 1 }
    }
}

impl WalkForward {
    /// Creates the splits, one per fold.
    ///
    /// # Errors
    /// [`SignalError::Setting`] for 0 folds, a window of 0 or a share outside 0 to 1,
    /// [`SignalError::EmptyPart`] if there are too few samples.
    pub fn splits(&self, pool: &SampleSet) -> Result<Vec<Split>, SignalError> {
        check_share(self.validation)?;
        if self.folds == 0 {
            return SignalError::setting("number of folds", "at least 1", 0.0);
        }
        if self.window == Some(0) {
            return SignalError::setting("training window", "at least 1 candle", 0.0);
        }
        (1..=self.folds).map(|fold| self.fold(fold, pool)).collect()
    }

    /// Creates the split of one fold, counted from 1.
    fn fold(&self, fold: usize, pool: &SampleSet) -> Result<Split, SignalError> {
        let periods = self.folds as f64 + 1.0;
        let start = fold as f64 / periods;
        let test_from = cut(pool, start)?;
        let test_until =
            if fold < self.folds { Some(cut(pool, (fold as f64 + 1.0) / periods)?) } else { None };
        let train_from = self.train_from(pool, test_from);
        let before = train_from.map_or(0.0, |from| position(pool, from));
        let validate_from = cut(pool, before + (start - before) * (1.0 - self.validation))?;
        let split = Split::builder()
            .train_from(train_from)
            .validate_from(validate_from)
            .test_from(test_from)
            .test_until(test_until)
            .embargo(self.embargo)
            .build();
        split.map_err(|_| TOO_FEW)
    }

    /// Beginning of the training window before a test.
    fn train_from(&self, pool: &SampleSet, test_from: Timestamp) -> Option<Timestamp> {
        let interval = pool.tables().first()?.interval();
        test_from.plus(interval, -i64::from(self.window?))
    }
}

const TOO_FEW: SignalError =
    SignalError::EmptyPart { part: "test", hint: "use fewer folds or more candles" };

/// Quantile of the decision times of the pool, or the error that there are too few samples.
fn cut(pool: &SampleSet, position: f64) -> Result<Timestamp, SignalError> {
    quantile(pool, position).ok_or(TOO_FEW)
}

/// Share of the samples that are decided before a time.
fn position(pool: &SampleSet, time: Timestamp) -> f64 {
    let before = pool.samples().partition_point(|sample| sample.decided_at < time);
    before as f64 / pool.len().max(1) as f64
}
