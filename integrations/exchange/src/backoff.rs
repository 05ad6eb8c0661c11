//! Growing pauses between attempts.
use std::time::Duration;

/// Pause before the first repetition, and the longest pause.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

/// Exponential back-off: each pause is twice the one before, at most a minute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    next: Duration,
    /// Number of failures since the last success.
    pub(crate) failures: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST, failures: 0 }
    }
}

impl Backoff {
    /// Counts a failure and returns the pause before the next attempt.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (2 * pause).min(LONGEST);
        self.failures += 1;
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_a_minute() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> = (0..10).map(|_| backoff.pause().as_millis()).collect();
        assert_eq!(pauses[..4], [500, 1_000, 2_000, 4_000]);
        assert_eq!(pauses[9], 60_000);
        assert_eq!(backoff.failures, 10);
    }
}
