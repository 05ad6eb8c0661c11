//! Cutting samples by calendar time, so that nothing is fitted on what it is tested on.
use windvane_candles::Timestamp;

use super::embargo::{Embargo, check_share, quantile};
use super::{SplitBuilder, TrainSet, ValidationSet};
use crate::{Sample, SampleSet, SignalError};

/// Period of calendar time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First moment of the period.
    pub from: Timestamp,
    /// First moment after the period; `None` for the end of the data.
    pub until: Option<Timestamp>,
}

impl Period {
    /// Returns whether a moment lies in the period.
    pub fn contains(&self, time: Timestamp) -> bool {
        time >= self.from && self.until.is_none_or(|until| time < until)
    }

    /// Returns whether a sample's decision and its outcome lie in the period.
    fn holds(&self, sample: &Sample) -> bool {
        self.contains(sample.decided_at)
            && self.until.is_none_or(|until| sample.outcome.settled_at <= until)
    }
}

/// Periods of calendar time: training, validation, test.
///
/// A sample belongs to a period if its decision **and** its outcome lie in it, so the span of a
/// label never reaches into another period (the purge). The time of `embargo` more candles is
/// left out between periods.
///
/// Validation always comes after all training. The test comes after both, with one exception: a
/// split [`around`](Self::around) its tests learns on both sides of them.
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
    /// Creates a builder of a split with one test.
    pub fn builder() -> SplitBuilder {
        SplitBuilder::new()
    }

    /// Creates a split that learns on both sides of its tests. Samples decided before
    /// `validate_from` that meet no test train; later ones that meet no test validate. So a model
    /// is tested on candles **before** some of its training samples.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] without a test, [`SignalError::SplitOrder`] unless their times
    /// rise.
    pub fn around(
        tests: Vec<Period>,
        validate_from: Timestamp,
        embargo: u32,
    ) -> Result<Self, SignalError> {
        if tests.is_empty() {
            return Err(SignalError::EmptyPart { part: "test", hint: "give a period to test on" });
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

    /// Beginning of training; `None` for the beginning of the data.
    pub fn train_from(&self) -> Option<Timestamp> {
        self.train_from
    }

    /// End of training, where validation begins.
    pub fn validate_from(&self) -> Timestamp {
        self.validate_from
    }

    /// The test periods in order of time: at least one.
    pub fn tests(&self) -> &[Period] {
        &self.tests
    }

    /// Beginning of the first test.
    pub fn test_from(&self) -> Timestamp {
        self.tests[0].from
    }

    /// End of the last test; `None` for the end of the data.
    pub fn test_until(&self) -> Option<Timestamp> {
        self.tests[self.tests.len() - 1].until
    }

    /// Number of candles whose time is left out between periods, beyond the purge.
    pub fn embargo(&self) -> u32 {
        self.embargo
    }

    /// Returns the training samples: settled before validation begins, apart from every test.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] if there is none.
    pub fn train(&self, pool: &SampleSet) -> Result<TrainSet, SignalError> {
        let embargo = Embargo::new(pool, self.embargo);
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

    /// Returns the validation samples: decided after validation begins, apart from every test.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] if there is none.
    pub fn validation(&self, pool: &SampleSet) -> Result<ValidationSet, SignalError> {
        let embargo = Embargo::new(pool, self.embargo);
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

    /// Returns the samples decided and settled in one of the test periods.
    #[must_use]
    pub fn test(&self, samples: &SampleSet) -> SampleSet {
        samples.filtered(|sample| self.tests.iter().any(|test| test.holds(sample)))
    }

    /// Creates a split without a test, for the model that goes live: the last `share` of the
    /// samples validates, the rest trains.
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
        Self::builder().validate_from(validate_from).test_from(test_from).embargo(0).build()
    }
}
