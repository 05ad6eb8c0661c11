//! Positions of times in the sorted list of the distinct ones.
//!
//! Sums over the values of equal times need this list only. A sorted list of the times with their
//! values has as many entries as a run has predictions, of up to 40 bytes.

/// Distinct times in ascending order, with the position found last.
#[derive(Debug)]
pub(crate) struct TimePlaces<T> {
    times: Vec<T>,
    last: usize,
}

impl<T: Ord + Copy> TimePlaces<T> {
    /// Collects the distinct times.
    pub(crate) fn new(all: impl Iterator<Item = T>) -> Self {
        let mut times = Vec::new();
        for time in all {
            // Neighbours are often equal: the times of several instruments.
            if times.last() != Some(&time) {
                times.push(time);
            }
        }
        if !times.is_sorted() {
            times.sort_unstable();
            times.dedup();
        }
        times.shrink_to_fit();
        Self { times, last: 0 }
    }

    /// Number of distinct times.
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// Position of one of the times. The one found last and its successor are tried first, because
    /// the candles of an instrument follow each other.
    ///
    /// # Panics
    /// May panic, or return a neighbour, for a time that is not in the list.
    pub(crate) fn of(&mut self, time: T) -> usize {
        if self.times[self.last] != time {
            let next = self.last + 1;
            self.last = if self.times.get(next) == Some(&time) {
                next
            } else {
                self.times.partition_point(|other| *other < time)
            };
        }
        debug_assert!(self.times.get(self.last) == Some(&time), "one of the times");
        self.last
    }

    /// Returns the times.
    pub(crate) fn into_times(self) -> Vec<T> {
        self.times
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn time_places_are_those_of_the_sorted_distinct_times(
            times in prop::collection::vec(-20..20_i64, 1..80),
        ) {
            let mut expected = times.clone();
            expected.sort_unstable();
            expected.dedup();
            let mut places = TimePlaces::new(times.iter().copied());
            prop_assert_eq!(places.len(), expected.len());
            for time in times {
                prop_assert_eq!(expected[places.of(time)], time);
            }
            prop_assert_eq!(places.into_times(), expected);
        }
    }
}
