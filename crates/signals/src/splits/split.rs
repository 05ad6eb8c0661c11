//! Split of samples by calendar time into training, validation and test.
use windvane_candles::Timestamp;

use super::embargo::{Embargo, check_share, quantile};
use super::{SplitBuilder, TrainSet, ValidationSet};
use crate::{Sample, SampleSet, SignalError};

/// Error of a split of no samples.
const NO_SAMPLES: SignalError = SignalError::EmptyPart {
    part: "training",
    hint: "use more candles than the sum of warm-up, lookback and horizon, without a gap between \
           them; for a market with sessions, choose the gap policy with GapPolicy::infer",
};

/// Half-open period of calendar time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First moment of the period.
    pub from: Timestamp,
    /// First moment after the period; `None` for the end of the data.
    pub until: Option<Timestamp>,
}

impl Period {
    /// Returns whether a time is in the period.
    pub fn contains(&self, time: Timestamp) -> bool {
        time >= self.from && self.until.is_none_or(|until| time < until)
    }

    /// Returns whether a sample's decision and its outcome are in the period.
    fn holds(&self, sample: &Sample) -> bool {
        self.contains(sample.decided_at)
            && self.until.is_none_or(|until| sample.settled_at() <= until)
    }
}

/// Split of calendar time into training, validation and test periods.
///
/// A sample belongs to a period if its decision **and** its outcome are in it, so no label
/// overlaps another period (the purge). In addition, the time of `embargo` candles is left out
/// between periods.
///
/// Validation always comes after all training. The test comes after both, with one exception: a
/// split [`around`](Self::around) its tests trains before and after them.
///
/// # Examples
/// ```
/// use windvane_candles::Timestamp;
/// use windvane_signals::Split;
///
/// let (validate_from, test_from): (Timestamp, Timestamp) = ("2023-01-01".parse()?, "2023-07-01".parse()?);
/// let split = Split::builder().validate_from(validate_from).test_from(test_from).build()?;
/// assert_eq!((split.test_from(), split.test_until()), (test_from, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub(super) train_from: Option<Timestamp>,
    pub(super) validate_from: Timestamp,
    pub(super) validate_until: Option<Timestamp>,
    pub(super) tests: Vec<Period>,
    pub(super) embargo: u32,
}

impl Split {
    /// Creates a builder of a split with one test period.
    pub fn builder() -> SplitBuilder {
        SplitBuilder::new()
    }

    /// Creates a split that trains before and after its tests. Of the samples that overlap no test,
    /// those settled before `validate_from` train, and those decided later validate. So a model is
    /// tested on candles **before** some of its training samples.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] without a test, [`SignalError::SplitOrder`] if a test is empty or
    /// the tests are not in order of time.
    pub fn around(
        tests: Vec<Period>,
        validate_from: Timestamp,
        embargo: u32,
    ) -> Result<Self, SignalError> {
        if tests.is_empty() {
            return Err(SignalError::EmptyPart { part: "test", hint: "add a test period" });
        }
        for (index, test) in tests.iter().enumerate() {
            let next = tests.get(index + 1).map(|next| next.from);
            let ends = test.until.is_none_or(|until| test.from < until);
            let apart = next.is_none_or(|next| test.until.is_some_and(|until| until <= next));
            if !(ends && apart) {
                let (test_from, test_until) = (test.from, test.until);
                let train_from = None;
                return Err(SignalError::SplitOrder {
                    train_from,
                    validate_from,
                    test_from,
                    test_until,
                });
            }
        }
        Ok(Self { train_from: None, validate_from, validate_until: None, tests, embargo })
    }

    /// Returns the beginning of training; `None` for the beginning of the data.
    pub fn train_from(&self) -> Option<Timestamp> {
        self.train_from
    }

    /// Returns the end of training, where validation begins.
    pub fn validate_from(&self) -> Timestamp {
        self.validate_from
    }

    /// Returns the test periods in order of time, at least one.
    pub fn tests(&self) -> &[Period] {
        &self.tests
    }

    /// Returns the beginning of the first test.
    pub fn test_from(&self) -> Timestamp {
        self.tests[0].from
    }

    /// Returns the end of the last test; `None` for the end of the data.
    pub fn test_until(&self) -> Option<Timestamp> {
        self.tests[self.tests.len() - 1].until
    }

    /// Returns the embargo: the time left out between periods beyond the purge, in candles.
    pub fn embargo(&self) -> u32 {
        self.embargo
    }

    /// Returns the training samples: settled before validation begins, without overlap with a test.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] if there is no training sample.
    pub fn train(&self, pool: &SampleSet) -> Result<TrainSet, SignalError> {
        let embargo = Embargo::new(pool, self.embargo);
        let end = embargo.before(self.validate_from);
        let samples = pool.filtered(|sample| {
            self.train_from.is_none_or(|from| sample.decided_at >= from)
                && sample.settled_at() <= end
                && embargo.keeps_apart(&self.tests, sample)
        });
        let until = samples.samples().iter().map(Sample::settled_at).max();
        let until = until.ok_or(SignalError::EmptyPart {
            part: "training",
            hint: "use a later validation and test period, or more candles before them",
        })?;
        let hidden = self.tests.iter().map(|test| embargo.around(test)).collect();
        Ok(TrainSet { samples, from: self.train_from, until, hidden })
    }

    /// Returns the validation samples: decided after validation begins, without overlap with a
    /// test.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] if there is no validation sample.
    pub fn validation(&self, pool: &SampleSet) -> Result<ValidationSet, SignalError> {
        let embargo = Embargo::new(pool, self.embargo);
        let end = self.validate_until.map(|until| embargo.before(until));
        let samples = pool.filtered(|sample| {
            sample.decided_at >= self.validate_from
                && end.is_none_or(|end| sample.settled_at() <= end)
                && embargo.keeps_apart(&self.tests, sample)
        });
        if samples.is_empty() {
            let hint = "choose test_from within the data, or use more candles before it";
            return Err(SignalError::EmptyPart { part: "validation", hint });
        }
        Ok(ValidationSet { samples })
    }

    /// Returns the samples decided and settled in one of the test periods.
    #[must_use]
    pub fn test(&self, samples: &SampleSet) -> SampleSet {
        samples.filtered(|sample| self.tests.iter().any(|test| test.holds(sample)))
    }

    /// Creates a split without a test, for a model in live use: the last `share` of the samples
    /// validates, the rest trains.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless `share` is between 0 and 1,
    /// [`SignalError::EmptyPart`] without samples.
    pub fn for_live(pool: &SampleSet, share: f64) -> Result<Self, SignalError> {
        check_share(share)?;
        let (Some(last), Some(validate_from)) =
            (pool.samples().last(), quantile(pool, 1.0 - share))
        else {
            return Err(NO_SAMPLES);
        };
        Self::until(last, validate_from)
    }

    /// Creates a split without a test like [`for_live`](Self::for_live), with a date at which the
    /// validation begins.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] without samples, [`SignalError::SplitOrder`] for a date after the
    /// last outcome.
    pub fn for_live_from(pool: &SampleSet, validate_from: Timestamp) -> Result<Self, SignalError> {
        match pool.samples().last() {
            Some(last) => Self::until(last, validate_from),
            None => Err(NO_SAMPLES),
        }
    }

    /// Split with a validation up to the last sample.
    fn until(last: &Sample, validate_from: Timestamp) -> Result<Self, SignalError> {
        let test_from = Timestamp::from_millis(last.settled_at().millis().saturating_add(1));
        Self::builder().validate_from(validate_from).test_from(test_from).embargo(0).build()
    }
}
