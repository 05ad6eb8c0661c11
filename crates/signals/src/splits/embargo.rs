//! Embargo between periods, and quantiles of the decision times of a pool.
use windvane_candles::{Interval, Timestamp};

use super::Period;
use crate::{Sample, SampleSet, SignalError, SignalTable};

/// Embargo: time left out before or after a boundary between periods.
#[derive(Debug, Clone, Copy)]
pub(super) struct Embargo {
    interval: Option<Interval>,
    candles: i64,
}

impl Embargo {
    pub(super) fn new(pool: &SampleSet, candles: u32) -> Self {
        let interval = pool.tables().first().map(SignalTable::interval);
        Self { interval, candles: i64::from(candles) }
    }

    fn shifted(self, boundary: Timestamp, candles: i64) -> Timestamp {
        let shifted = self.interval.and_then(|interval| boundary.plus(interval, candles));
        shifted.unwrap_or(boundary)
    }

    pub(super) fn before(self, boundary: Timestamp) -> Timestamp {
        self.shifted(boundary, -self.candles)
    }

    /// Test period with the embargo on both sides, ends excluded: training must not use it.
    pub(super) fn around(self, test: &Period) -> (Timestamp, Timestamp) {
        let end = Timestamp::from_millis(i64::MAX);
        (self.before(test.from), test.until.map_or(end, |until| self.shifted(until, self.candles)))
    }

    /// Returns whether a sample is settled before or decided after every test, embargo included.
    pub(super) fn keeps_apart(self, tests: &[Period], sample: &Sample) -> bool {
        tests.iter().all(|test| {
            let (before, after) = self.around(test);
            sample.settled_at() <= before || sample.decided_at >= after
        })
    }
}

pub(super) fn check_share(share: f64) -> Result<(), SignalError> {
    if share > 0.0 && share < 1.0 {
        return Ok(());
    }
    let (setting, expected) = ("validation share", "between 0 and 1");
    Err(SignalError::Setting { setting, expected, got: share })
}

/// Quantile of the decision times of the pool, at a position from 0 to 1.
pub(super) fn quantile(pool: &SampleSet, position: f64) -> Option<Timestamp> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position in 0..1 times a length"
    )]
    let index = (position * pool.len() as f64) as usize;
    pool.samples().get(index).map(|sample| sample.decided_at)
}
