//! Cutting samples by calendar time, so that nothing fitted has seen what it is tested on.
use std::ops::Deref;

use windvane_candles::{Interval, Timestamp};

use crate::{Sample, SampleSet, SignalError};

/// Samples that something may be fitted on: no outcome of theirs meets a test or validation.
///
/// Only a [`Split`] makes one, so a scaler or network cannot be fitted on other rows.
#[derive(Debug, Clone)]
pub struct TrainSet {
    samples: SampleSet,
    from: Option<Timestamp>,
    until: Timestamp,
    /// Times between which, ends excluded, rows are a test's: none where it comes after `until`.
    hidden: Vec<(Timestamp, Timestamp)>,
}

/// Samples between training and test, for choosing: early stopping, calibration, thresholds.
#[derive(Debug, Clone)]
pub struct ValidationSet {
    samples: SampleSet,
}

impl Deref for TrainSet {
    type Target = SampleSet;

    fn deref(&self) -> &SampleSet {
        &self.samples
    }
}

impl Deref for ValidationSet {
    type Target = SampleSet;

    fn deref(&self) -> &SampleSet {
        &self.samples
    }
}

impl TrainSet {
    /// Everything in the set was known at this moment; rows after it must not be looked at, nor
    /// those before it that are not [`covered`](Self::covers).
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Whether a row may be looked at whose candle closed at that time: not after
    /// [`until`](Self::until), not before the training's window begins, not in a test.
    pub fn covers(&self, close_time: Timestamp) -> bool {
        close_time <= self.until
            && self.from.is_none_or(|from| close_time >= from)
            && self.hidden.iter().all(|(from, until)| close_time <= *from || close_time >= *until)
    }
}

impl ValidationSet {
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

/// A stretch of calendar time: from a moment on, up to another or to the end of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it; `None` for the end of the data.
    pub until: Option<Timestamp>,
}

impl Stretch {
    /// Whether the moment lies in it.
    pub fn contains(&self, time: Timestamp) -> bool {
        time >= self.from && self.until.is_none_or(|until| time < until)
    }

    /// Whether a sample's decision and its outcome lie in it.
    fn holds(&self, sample: &Sample) -> bool {
        self.contains(sample.decided_at)
            && self.until.is_none_or(|until| sample.outcome.settled_at <= until)
    }
}

/// Stretches of calendar time: train, validate, test.
///
/// A sample belongs to a stretch when its decision **and** its outcome lie in it, so a label's
/// span never reaches into another stretch (the purge); the time of `embargo` more candles is
/// left out between stretches.
///
/// Validation always comes after all training. The test comes after both, but for a split
/// [`around`](Self::around) tests: that learns on both sides of them.
///
/// # Examples
/// ```
/// use windvane_candles::Timestamp;
/// use windvane_signals::Split;
///
/// let (validate_from, test_from): (Timestamp, Timestamp) = ("2023-01-01".parse()?, "2023-07-01".parse()?);
/// let split = Split::new(validate_from, test_from, None, 24)?;
/// assert_eq!((split.test_from(), split.test_until()), (test_from, None));
/// assert!(Split::new(test_from, validate_from, None, 24).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    train_from: Option<Timestamp>,
    validate_from: Timestamp,
    validate_until: Option<Timestamp>,
    tests: Vec<Stretch>,
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
        if !rising {
            return Err(SignalError::SplitOrder { validate_from, test_from, test_until });
        }
        Ok(Self {
            train_from: None,
            validate_from,
            validate_until: Some(test_from),
            tests: vec![Stretch { from: test_from, until: test_until }],
            embargo,
        })
    }

    /// The same with training that begins only at `train_from`.
    ///
    /// # Errors
    /// [`SignalError::TrainOrder`] unless that is before validation.
    pub fn learning_from(self, train_from: Timestamp) -> Result<Self, SignalError> {
        let validate_from = self.validate_from;
        if train_from >= validate_from {
            return Err(SignalError::TrainOrder { train_from, validate_from });
        }
        Ok(Self { train_from: Some(train_from), ..self })
    }

    /// A split that learns on both sides of its tests: what is decided before `validate_from` and
    /// meets no test trains, what is decided from then on and meets none validates. So a model is
    /// tested on candles **before** some that it learned from.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] without a test, [`SignalError::SplitOrder`] unless their times
    /// rise.
    pub fn around(
        tests: Vec<Stretch>,
        validate_from: Timestamp,
        embargo: u32,
    ) -> Result<Self, SignalError> {
        if tests.is_empty() {
            return Err(SignalError::EmptyPart { part: "test", hint: "give a stretch to test on" });
        }
        for (index, test) in tests.iter().enumerate() {
            let next = tests.get(index + 1).map(|next| next.from);
            let ends = test.until.is_none_or(|until| test.from < until);
            let apart = next.is_none_or(|next| test.until.is_some_and(|until| until <= next));
            if !(ends && apart) {
                let (test_from, test_until) = (test.from, test.until);
                return Err(SignalError::SplitOrder { validate_from, test_from, test_until });
            }
        }
        Ok(Self { train_from: None, validate_from, validate_until: None, tests, embargo })
    }

    /// Where training begins; `None` for the beginning of the data.
    pub fn train_from(&self) -> Option<Timestamp> {
        self.train_from
    }

    /// Where training ends and validation begins.
    pub fn validate_from(&self) -> Timestamp {
        self.validate_from
    }

    /// The stretches tested on, in order of time: at least one.
    pub fn tests(&self) -> &[Stretch] {
        &self.tests
    }

    /// Where the first test begins.
    pub fn test_from(&self) -> Timestamp {
        self.tests[0].from
    }

    /// Where the last test ends; `None` for the end of the data.
    pub fn test_until(&self) -> Option<Timestamp> {
        self.tests[self.tests.len() - 1].until
    }

    /// Candles whose time is left out between stretches, beyond the purge.
    pub fn embargo(&self) -> u32 {
        self.embargo
    }

    /// The samples settled before validation begins, of which none meets a test.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] when there is none.
    pub fn train(&self, pool: &SampleSet) -> Result<TrainSet, SignalError> {
        let embargo = Embargo::of(pool, self.embargo);
        let end = embargo.before(self.validate_from);
        let samples = pool.filtered(|sample| {
            self.train_from.is_none_or(|from| sample.decided_at >= from)
                && sample.outcome.settled_at <= end
                && embargo.keeps_apart(&self.tests, sample)
        });
        let until = samples.samples().iter().map(|sample| sample.outcome.settled_at).max();
        let until = until.ok_or(SignalError::EmptyPart {
            part: "training",
            hint: "start the test later or give more history",
        })?;
        let hidden = self.tests.iter().map(|test| embargo.around(test)).collect();
        Ok(TrainSet { samples, from: self.train_from, until, hidden })
    }

    /// The samples decided from the start of validation on, of which none meets a test.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] when there is none.
    pub fn validation(&self, pool: &SampleSet) -> Result<ValidationSet, SignalError> {
        let embargo = Embargo::of(pool, self.embargo);
        let end = self.validate_until.map(|until| embargo.before(until));
        let samples = pool.filtered(|sample| {
            sample.decided_at >= self.validate_from
                && end.is_none_or(|end| sample.outcome.settled_at <= end)
                && embargo.keeps_apart(&self.tests, sample)
        });
        if samples.is_empty() {
            let hint = "move the test into the data, or give more candles before it";
            return Err(SignalError::EmptyPart { part: "validation", hint });
        }
        Ok(ValidationSet { samples })
    }

    /// The samples decided and settled in one of the tests' stretches.
    #[must_use]
    pub fn test(&self, samples: &SampleSet) -> SampleSet {
        samples.filtered(|sample| self.tests.iter().any(|test| test.holds(sample)))
    }

    /// A split without a test, for the model that goes live: the last `share` of the samples
    /// validates, the rest trains.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless `share` lies between 0 and 1,
    /// [`SignalError::EmptyPart`] without samples.
    pub fn for_live(pool: &SampleSet, share: f64) -> Result<Self, SignalError> {
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

/// The time left out beside a boundary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Embargo {
    interval: Option<Interval>,
    candles: i64,
}

impl Embargo {
    pub(crate) fn of(pool: &SampleSet, candles: u32) -> Self {
        let interval = pool.tables().first().map(crate::SignalTable::interval);
        Self { interval, candles: i64::from(candles) }
    }

    fn shifted(self, boundary: Timestamp, candles: i64) -> Timestamp {
        let shifted = self.interval.and_then(|interval| boundary.plus(interval, candles));
        shifted.unwrap_or(boundary)
    }

    fn before(self, boundary: Timestamp) -> Timestamp {
        self.shifted(boundary, -self.candles)
    }

    /// The times between which, ends excluded, nothing may be looked at for the sake of a test.
    fn around(self, test: &Stretch) -> (Timestamp, Timestamp) {
        let end = Timestamp::from_millis(i64::MAX);
        (self.before(test.from), test.until.map_or(end, |until| self.shifted(until, self.candles)))
    }

    /// Whether a sample is settled before every test or decided after it.
    pub(crate) fn keeps_apart(self, tests: &[Stretch], sample: &Sample) -> bool {
        tests.iter().all(|test| {
            let (before, after) = self.around(test);
            sample.outcome.settled_at <= before || sample.decided_at >= after
        })
    }
}

pub(crate) fn check_share(share: f64) -> Result<(), SignalError> {
    if share > 0.0 && share < 1.0 {
        return Ok(());
    }
    let (setting, expected) = ("validation share", "between 0 and 1");
    Err(SignalError::Setting { setting, expected, got: share })
}

/// Time of the decision at that position (0 to 1) of the pool.
pub(crate) fn quantile(pool: &SampleSet, position: f64) -> Option<Timestamp> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position in 0..1 times a length"
    )]
    let index = (position * pool.len() as f64) as usize;
    pool.samples().get(index).map(|sample| sample.decided_at)
}
