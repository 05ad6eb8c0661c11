//! Positions of the pairs under the policy of a model.
use std::collections::BTreeMap;

use windvane::models::{Policy, PositionTracker};
use windvane::prelude::*;

/// Positions of the pairs; none for a model without a policy.
pub(super) struct Positions {
    policy: Option<Policy>,
    interval: Interval,
    trackers: BTreeMap<Pair, PositionTracker>,
}

impl Positions {
    pub(super) fn new(policy: Option<Policy>, interval: Interval) -> Self {
        Self { policy, interval, trackers: BTreeMap::new() }
    }

    /// Tracker of a pair, created at its first candle; `None` without a policy.
    pub(super) fn of(&mut self, pair: &Pair) -> Option<&mut PositionTracker> {
        let (policy, interval) = (self.policy?, self.interval);
        let new = || PositionTracker::new(policy, interval);
        Some(self.trackers.entry(pair.clone()).or_insert_with(new))
    }
}
