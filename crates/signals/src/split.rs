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

impl ValidationSet<'_> {
    /// Cuts the set by time into an earlier part and a later one with a `share` of the samples,
    /// which were decided only when all of the earlier part was settled.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless `share` lies between 0 and 1,
    /// [`SignalError::EmptyPart`] when a part would be empty.
    pub fn split(&self, share: f64) -> Result<(Self, Self), SignalError> {
        check_share(share)?;
        let hint = "give more candles to validation";
        let few = SignalError::EmptyPart { part: "validation", hint };
        let cut = quantile(&self.samples, 1.0 - share).ok_or(few.clone())?;
        let earlier = self.samples.filtered(|sample| sample.outcome.settled_at <= cut);
        let later = self.samples.filtered(|sample| sample.decided_at >= cut);
        if earlier.is_empty() || later.is_empty() {
            return Err(few);
        }
        Ok((Self { samples: earlier }, Self { samples: later }))
    }
}

/// Three stretches of calendar time: train, validate, test.
///
/// A sample belongs to a stretch when its decision **and** its outcome lie in it, so a label's
/// span never reaches into the next stretch (the purge); the time of `embargo` more candles is
/// left out between stretches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    validate_from: Timestamp,
    test_from: Timestamp,
    test_until: Option<Timestamp>,
    embargo: u32,
}

impl Split {
    /// Training ends and validation begins at `validate_from`; validation ends and the test
    /// begins at `test_from`; the test ends at `test_until`, or with the data.
    ///
    /// # Errors
    /// [`SignalError::SplitOrder`] unless the times rise.
    pub fn new(
        validate_from: Timestamp,
        test_from: Timestamp,
        test_until: Option<Timestamp>,
        embargo: u32,
    ) -> Result<Self, SignalError> {
        let rising = validate_from < test_from && test_until.is_none_or(|until| test_from < until);
        if rising {
            return Ok(Self { validate_from, test_from, test_until, embargo });
        }
        Err(SignalError::SplitOrder { validate_from, test_from, test_until })
    }

    /// Where training ends and validation begins.
    pub fn validate_from(&self) -> Timestamp {
        self.validate_from
    }

    /// Where validation ends and the test begins.
    pub fn test_from(&self) -> Timestamp {
        self.test_from
    }

    /// Where the test ends; `None` for the end of the data.
    pub fn test_until(&self) -> Option<Timestamp> {
        self.test_until
    }

    /// Candles whose time is left out between stretches, beyond the purge.
    pub fn embargo(&self) -> u32 {
        self.embargo
    }

    /// The samples settled before validation begins.
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

    /// The samples decided from the start of validation on and settled before the test.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] when there is none.
    pub fn validation<'a>(&self, pool: &SampleSet<'a>) -> Result<ValidationSet<'a>, SignalError> {
        let end = self.before(pool, self.test_from);
        let samples = pool.filtered(|sample| {
            sample.decided_at >= self.validate_from && sample.outcome.settled_at <= end
        });
        if samples.is_empty() {
            let hint = "move the test into the data, or give more candles before it";
            return Err(SignalError::EmptyPart { part: "validation", hint });
        }
        Ok(ValidationSet { samples })
    }

    /// The samples decided and settled in the test's stretch.
    #[must_use]
    pub fn test<'a>(&self, samples: &SampleSet<'a>) -> SampleSet<'a> {
        samples.filtered(|sample| {
            let until = self.test_until;
            sample.decided_at >= self.test_from
                && until.is_none_or(|until| sample.decided_at < until)
                && until.is_none_or(|until| sample.outcome.settled_at <= until)
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
        Self::new(validate_from, test_from, None, 0)
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
    /// Candles whose time is left out between stretches, beyond the purge.
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
        let stretches = self.folds as f64 + 1.0;
        let hint = "use fewer folds or give more candles";
        let few = SignalError::EmptyPart { part: "test", hint };
        let cut = |position: f64| quantile(pool, position).ok_or(few.clone());
        (1..=self.folds)
            .map(|fold| {
                let start = fold as f64 / stretches;
                let end = (fold < self.folds).then(|| cut((fold as f64 + 1.0) / stretches));
                let validate_from = cut(start * (1.0 - self.validation))?;
                let split = Split::new(validate_from, cut(start)?, end.transpose()?, self.embargo);
                split.map_err(|_| few.clone())
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
