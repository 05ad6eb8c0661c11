//! Folds whose tests walk forward through time.
use windvane_candles::Timestamp;

use crate::split::{check_share, quantile};
use crate::{SampleSet, SignalError, Split};

/// Folds that walk forward through calendar time with a training part that grows or rolls.
///
/// The time of all samples is cut into `folds + 1` stretches with equally many samples. Fold k
/// tests on stretch k + 1 and learns from everything before it, or from the last `window` candles'
/// time before it. Of that the last `validation` share serves for choosing.
///
/// # Examples
/// ```
/// use windvane_signals::WalkForward;
/// let plan = WalkForward::default();
/// assert_eq!((plan.folds, plan.validation), (4, 0.15));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WalkForward {
    /// Number of test stretches.
    pub folds: usize,
    /// Share of the samples before a test that serves for choosing.
    pub validation: f64,
    /// Candles' time before a test that is learned from, choosing included; `None`, the default,
    /// for all of it.
    pub window: Option<u32>,
    /// Candles whose time is left out between stretches, beyond the purge.
    pub embargo: u32,
}

impl Default for WalkForward {
    fn default() -> Self {
        Self { folds: 4, validation: 0.15, window: None, embargo: 1 }
    }
}

impl WalkForward {
    /// The splits, one per fold.
    ///
    /// # Errors
    /// [`SignalError::Setting`] for 0 folds, a window of 0 or a share outside 0 to 1,
    /// [`SignalError::EmptyPart`] when there are too few samples to cut.
    pub fn splits(&self, pool: &SampleSet) -> Result<Vec<Split>, SignalError> {
        check_share(self.validation)?;
        if self.folds == 0 {
            let (setting, expected) = ("folds", "at least 1");
            return Err(SignalError::Setting { setting, expected, got: 0.0 });
        }
        if self.window == Some(0) {
            let (setting, expected) = ("training window", "at least 1 candle");
            return Err(SignalError::Setting { setting, expected, got: 0.0 });
        }
        let stretches = self.folds as f64 + 1.0;
        let hint = "use fewer folds or give more candles";
        let few = SignalError::EmptyPart { part: "test", hint };
        let cut = |position: f64| quantile(pool, position).ok_or(few.clone());
        (1..=self.folds)
            .map(|fold| {
                let start = fold as f64 / stretches;
                let end = (fold < self.folds).then(|| cut((fold as f64 + 1.0) / stretches));
                let test_from = cut(start)?;
                let train_from = self.train_from(pool, test_from);
                let before = train_from.map_or(0.0, |from| position(pool, from));
                let validate_from = cut(before + (start - before) * (1.0 - self.validation))?;
                let split = Split::new(validate_from, test_from, end.transpose()?, self.embargo);
                let split = split.and_then(|split| match train_from {
                    Some(from) => split.learning_from(from),
                    None => Ok(split),
                });
                split.map_err(|_| few.clone())
            })
            .collect()
    }

    /// Where the window before a test begins.
    fn train_from(&self, pool: &SampleSet, test_from: Timestamp) -> Option<Timestamp> {
        let interval = pool.tables().first()?.interval();
        test_from.plus(interval, -i64::from(self.window?))
    }
}

/// Share of the samples that are decided before that time.
fn position(pool: &SampleSet, time: Timestamp) -> f64 {
    let before = pool.samples().partition_point(|sample| sample.decided_at < time);
    before as f64 / pool.len().max(1) as f64
}
