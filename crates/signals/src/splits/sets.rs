//! Training and validation samples of a split.
use std::ops::Deref;

use windvane_candles::Timestamp;

use super::embargo::{check_share, quantile};
use crate::{Sample, SampleSet, SignalError, Split};

/// Training samples: no label horizon overlaps the validation or test period.
///
/// Only a [`Split`](crate::Split) creates one, so a scaler or network cannot be fitted on other
/// samples.
#[derive(Debug, Clone)]
pub struct TrainSet {
    pub(super) samples: SampleSet,
    pub(super) from: Option<Timestamp>,
    pub(super) until: Timestamp,
    /// Periods, ends excluded, whose rows belong to a test or its embargo.
    pub(super) hidden: Vec<(Timestamp, Timestamp)>,
}

/// Validation samples, for early stopping, calibration and thresholds.
#[derive(Debug, Clone)]
pub struct ValidationSet {
    pub(super) samples: SampleSet,
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
    /// Returns the training samples that satisfy `keep`. The period that training may read stays
    /// the same.
    #[must_use]
    pub fn subset(&self, keep: impl Fn(&Sample) -> bool) -> Self {
        Self { samples: self.samples.filtered(keep), ..self.clone() }
    }

    /// Returns the last time at which an outcome of the set was settled. Training must not read
    /// rows after it, nor earlier rows that are not [`covered`](Self::covers).
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Returns the training samples of a split of this set, for models whose predictions on the rest
    /// of the set are needed. Rows that this set does not cover stay hidden.
    ///
    /// # Errors
    /// [`SignalError::EmptyPart`] if there is no training sample.
    pub fn part(&self, split: &Split) -> Result<Self, SignalError> {
        let mut part = split.train(&self.samples)?;
        part.from = part.from.max(self.from);
        part.hidden.extend_from_slice(&self.hidden);
        Ok(part)
    }

    /// Returns whether training may read the row of a candle that closed at `close_time`: it must
    /// not be after [`until`](Self::until), before the training period, or in a test.
    pub fn covers(&self, close_time: Timestamp) -> bool {
        close_time <= self.until
            && self.from.is_none_or(|from| close_time >= from)
            && self.hidden.iter().all(|(from, until)| close_time <= *from || close_time >= *until)
    }
}

impl ValidationSet {
    /// Returns the validation samples that satisfy `keep`.
    #[must_use]
    pub fn subset(&self, keep: impl Fn(&Sample) -> bool) -> Self {
        Self { samples: self.samples.filtered(keep) }
    }

    /// Splits the set by time. The later part has about `share` of the samples; each is decided
    /// after every sample of the earlier part is settled.
    ///
    /// # Errors
    /// [`SignalError::Setting`] unless `share` is between 0 and 1,
    /// [`SignalError::EmptyPart`] if a part would be empty.
    pub fn split(&self, share: f64) -> Result<(Self, Self), SignalError> {
        check_share(share)?;
        let hint = "use a longer validation period";
        let few = SignalError::EmptyPart { part: "validation", hint };
        let cut = quantile(&self.samples, 1.0 - share).ok_or(few.clone())?;
        let earlier = self.samples.filtered(|sample| sample.settled_at() <= cut);
        let later = self.samples.filtered(|sample| sample.decided_at >= cut);
        if earlier.is_empty() || later.is_empty() {
            return Err(few);
        }
        Ok((Self { samples: earlier }, Self { samples: later }))
    }
}
