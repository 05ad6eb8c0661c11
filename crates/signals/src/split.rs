//! Cutting samples by calendar time, so that nothing fitted has seen what it is tested on.
use std::ops::Deref;

use windvane_candles::Timestamp;

use crate::{SampleSet, SignalError};

/// Samples that something may be fitted on: all of them were settled before the split.
///
/// Only a [`Split`] makes one, so a scaler or network cannot be fitted on rows after it.
#[derive(Debug, Clone)]
pub struct TrainSet<'a> {
    samples: SampleSet<'a>,
    until: Timestamp,
}

/// Samples between training and test, for choosing: early stopping, calibration, thresholds.
#[derive(Debug, Clone)]
pub struct ValidationSet<'a> {
    samples: SampleSet<'a>,
}

impl<'a> Deref for TrainSet<'a> {
    type Target = SampleSet<'a>;

    fn deref(&self) -> &SampleSet<'a> {
        &self.samples
    }
}

impl<'a> Deref for ValidationSet<'a> {
    type Target = SampleSet<'a>;

    fn deref(&self) -> &SampleSet<'a> {
        &self.samples
    }
}

impl TrainSet<'_> {
    /// Everything in the set was known at this moment; rows after it must not be looked at.
    pub fn until(&self) -> Timestamp {
        self.until
    }
}

/// Three stretches of calendar time: train, validate, test.
///
/// A sample belongs to a stretch when its decision **and** its outcome lie in it, so a label's
/// span never reaches into the next stretch (the purge); `embargo` more candles are left out
/// between stretches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Training ends and validation begins here.
    pub validate_from: Timestamp,
    /// Validation ends and the test begins here.
    pub test_from: Timestamp,
    /// The test ends here; `None` for the end of the data.
    pub test_until: Option<Timestamp>,
    /// Candles left out between stretches, beyond the purge.
    pub embargo: u32,
}

impl Split {
    /// The samples settled before `validate_from`.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] when there is none.
    pub fn train<'a>(&self, pool: &SampleSet<'a>) -> Result<TrainSet<'a>, SignalError> {
        let end = self.before(pool, self.validate_from);
        let samples = pool.filtered(|sample| sample.outcome.settled_at <= end);
        let until = samples.samples().iter().map(|sample| sample.outcome.settled_at).max();
        let until = until.ok_or(SignalError::EmptyPart {
            part: "training",
            hint: "start the test later or give more history",
        })?;
        Ok(TrainSet { samples, until })
    }

    /// The samples decided from `validate_from` on and settled before `test_from`.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] when there is none.
    pub fn validation<'a>(&self, pool: &SampleSet<'a>) -> Result<ValidationSet<'a>, SignalError> {
        let end = self.before(pool, self.test_from);
        let samples = pool.filtered(|sample| {
            sample.decided_at >= self.validate_from && sample.outcome.settled_at <= end
        });
        if samples.is_empty() {
            let hint = "start the test later or give more history";
            return Err(SignalError::EmptyPart { part: "validation", hint });
        }
        Ok(ValidationSet { samples })
    }

    /// The samples decided from `test_from` on, before `test_until`.
    #[must_use]
    pub fn test<'a>(&self, samples: &SampleSet<'a>) -> SampleSet<'a> {
        samples.filtered(|sample| {
            sample.decided_at >= self.test_from
                && self.test_until.is_none_or(|until| sample.decided_at < until)
        })
    }

    fn before(&self, pool: &SampleSet<'_>, boundary: Timestamp) -> Timestamp {
        let interval = pool.tables().first().map(crate::SignalTable::interval);
        interval
            .and_then(|interval| boundary.plus(interval, -i64::from(self.embargo)))
            .unwrap_or(boundary)
    }

    /// A split without a test, for the model that goes live: the last `share` of the samples
    /// validates, the rest trains.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless `share` lies between 0 and 1,
    /// [`SignalError::EmptyPart`] without samples.
    pub fn for_live(pool: &SampleSet<'_>, share: f64) -> Result<Self, SignalError> {
        check_share(share)?;
        let (Some(last), Some(validate_from)) =
            (pool.samples().last(), quantile(pool, 1.0 - share))
        else {
            let hint = "give more candles than warm-up, lookback and horizon together";
            return Err(SignalError::EmptyPart { part: "training", hint });
        };
        let test_from = Timestamp::from_millis(last.outcome.settled_at.millis().saturating_add(1));
        Ok(Self { validate_from, test_from, test_until: None, embargo: 0 })
    }
}

/// Folds that walk forward through calendar time with a growing training part.
///
/// The time of all samples is cut into `folds + 1` stretches with equally many samples. Fold k
/// tests on stretch k + 1 and learns from everything before it, of which the last
/// `validation` share serves for choosing.
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
    /// Candles left out between stretches, beyond the purge.
    pub embargo: u32,
}

impl Default for WalkForward {
    fn default() -> Self {
        Self { folds: 4, validation: 0.15, embargo: 1 }
    }
}

impl WalkForward {
    /// The splits, one per fold.
    ///
    /// # Errors
    /// [`SignalError::Setting`] for 0 folds or a share outside 0 to 1,
    /// [`SignalError::EmptyPart`] when there are too few samples to cut.
    pub fn splits(&self, pool: &SampleSet<'_>) -> Result<Vec<Split>, SignalError> {
        check_share(self.validation)?;
        if self.folds == 0 {
            let (setting, expected) = ("folds", "at least 1");
            return Err(SignalError::Setting { setting, expected, got: 0.0 });
        }
        let stretches = (self.folds + 1) as f64;
        let cut = |position: f64| {
            let hint = "use fewer folds or give more candles";
            quantile(pool, position).ok_or(SignalError::EmptyPart { part: "test", hint })
        };
        (1..=self.folds)
            .map(|fold| {
                let start = fold as f64 / stretches;
                let last = fold == self.folds;
                let split = Split {
                    validate_from: cut(start * (1.0 - self.validation))?,
                    test_from: cut(start)?,
                    test_until: if last { None } else { Some(cut((fold + 1) as f64 / stretches)?) },
                    embargo: self.embargo,
                };
                let rising = split.validate_from < split.test_from
                    && split.test_until.is_none_or(|until| split.test_from < until);
                let hint = "use fewer folds or give more candles";
                if rising { Ok(split) } else { Err(SignalError::EmptyPart { part: "test", hint }) }
            })
            .collect()
    }
}

fn check_share(share: f64) -> Result<(), SignalError> {
    if share > 0.0 && share < 1.0 {
        return Ok(());
    }
    let (setting, expected) = ("validation share", "between 0 and 1");
    Err(SignalError::Setting { setting, expected, got: share })
}

/// Time of the decision at that position (0 to 1) of the pool.
fn quantile(pool: &SampleSet<'_>, position: f64) -> Option<Timestamp> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position in 0..1 times a length"
    )]
    let index = (position * pool.len() as f64) as usize;
    pool.samples().get(index).map(|sample| sample.decided_at)
}
