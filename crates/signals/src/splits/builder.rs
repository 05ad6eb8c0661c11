//! Builder of splits with one test period.
use windvane_candles::Timestamp;

use super::{Period, Split};
use crate::SignalError;

/// Builder of a [`Split`] into training, validation and one test, by calendar time.
///
/// [`validate_from`](Self::validate_from) and [`test_from`](Self::test_from) are required. By
/// default training begins with the data, the test ends with it, and the embargo is one candle.
///
/// # Examples
/// ```
/// use windvane_candles::Timestamp;
/// use windvane_signals::Split;
///
/// let (validate_from, test_from): (Timestamp, Timestamp) = ("2023-01-01".parse()?, "2023-07-01".parse()?);
/// let split = Split::builder().validate_from(validate_from).test_from(test_from).embargo(24).build()?;
/// assert_eq!((split.test_from(), split.test_until(), split.embargo()), (test_from, None, 24));
///
/// let reversed = Split::builder().validate_from(test_from).test_from(validate_from).build();
/// assert!(reversed.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SplitBuilder {
    train_from: Option<Timestamp>,
    validate_from: Option<Timestamp>,
    test_from: Option<Timestamp>,
    test_until: Option<Timestamp>,
    embargo: u32,
}

impl SplitBuilder {
    pub(super) fn new() -> Self {
        Self {
            train_from: None,
            validate_from: None,
            test_from: None,
            test_until: None,
            embargo: 1,
        }
    }

    /// Sets the beginning of training; by default training begins with the data.
    #[must_use]
    pub fn train_from(mut self, time: impl Into<Option<Timestamp>>) -> Self {
        self.train_from = time.into();
        self
    }

    /// Sets the end of training, where validation begins.
    #[must_use]
    pub fn validate_from(mut self, time: Timestamp) -> Self {
        self.validate_from = Some(time);
        self
    }

    /// Sets the end of validation, where the test begins.
    #[must_use]
    pub fn test_from(mut self, time: Timestamp) -> Self {
        self.test_from = Some(time);
        self
    }

    /// Sets the end of the test; by default the test ends with the data.
    #[must_use]
    pub fn test_until(mut self, time: impl Into<Option<Timestamp>>) -> Self {
        self.test_until = time.into();
        self
    }

    /// Sets the embargo: the time left out between the periods beyond the purge, in candles.
    #[must_use]
    pub fn embargo(mut self, candles: u32) -> Self {
        self.embargo = candles;
        self
    }

    /// Builds the split.
    ///
    /// # Errors
    /// [`SignalError::SplitTime`] if `validate_from` or `test_from` is not set,
    /// [`SignalError::SplitOrder`] unless the times rise.
    pub fn build(self) -> Result<Split, SignalError> {
        let (train_from, test_until) = (self.train_from, self.test_until);
        let validate_from = required("validate_from", self.validate_from)?;
        let test_from = required("test_from", self.test_from)?;
        let rising = train_from.is_none_or(|from| from < validate_from)
            && validate_from < test_from
            && test_until.is_none_or(|until| test_from < until);
        if !rising {
            return Err(SignalError::SplitOrder {
                train_from,
                validate_from,
                test_from,
                test_until,
            });
        }
        Ok(Split {
            train_from,
            validate_from,
            validate_until: Some(test_from),
            tests: vec![Period { from: test_from, until: test_until }],
            embargo: self.embargo,
        })
    }
}

fn required(setter: &'static str, time: Option<Timestamp>) -> Result<Timestamp, SignalError> {
    time.ok_or(SignalError::SplitTime { setter })
}
