//! The last values of a sequence as one slice.
use crate::{SignalError, StateReader, StateWriter};

/// The last `size` values of a sequence, readable as one slice, oldest first.
///
/// Each value is stored twice, `size` places apart, so that the window never wraps around the end
/// of the buffer. Sums over the slice depend on the values only, not on the number of values seen
/// before; therefore a restored window continues with the same bits.
#[derive(Debug, Clone)]
pub(crate) struct RollingWindow {
    /// Twice `size` places.
    values: Box<[f64]>,
    /// Place of the next value in the first half.
    next: usize,
    len: usize,
}

impl RollingWindow {
    /// Creates an empty window; `size` is at least 1.
    pub(crate) fn new(size: usize) -> Self {
        Self { values: vec![0.0; 2 * size].into(), next: 0, len: 0 }
    }

    pub(crate) fn size(&self) -> usize {
        self.values.len() / 2
    }

    #[inline]
    pub(crate) fn push(&mut self, value: f64) {
        let size = self.size();
        self.values[self.next] = value;
        self.values[self.next + size] = value;
        self.next = if self.next + 1 == size { 0 } else { self.next + 1 };
        self.len = (self.len + 1).min(size);
    }

    /// The values, oldest first; fewer than `size` in the beginning.
    #[inline]
    pub(crate) fn values(&self) -> &[f64] {
        let end = self.next + self.size();
        &self.values[end - self.len..end]
    }

    /// The values if there are `size` of them.
    #[inline]
    pub(crate) fn full(&self) -> Option<&[f64]> {
        (self.len == self.size()).then(|| self.values())
    }

    /// Arithmetic mean of the values if there are `size` of them.
    #[inline]
    pub(crate) fn mean(&self) -> Option<f64> {
        self.full().map(|values| sum(values) / values.len() as f64)
    }

    pub(crate) fn clear(&mut self) {
        (self.next, self.len) = (0, 0);
    }

    pub(crate) fn save(&self, state: &mut StateWriter) {
        state.count(self.size());
        state.floats(self.values().iter().copied());
    }

    pub(crate) fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.size())?;
        let values = state.floats(self.size())?;
        self.clear();
        for value in values {
            self.push(value);
        }
        Ok(())
    }
}

/// Sum in four lanes: the additions of one lane do not wait for those of another.
#[inline]
pub(crate) fn sum(values: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let chunks = values.chunks_exact(4);
    let rest: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for lane in 0..4 {
            lanes[lane] += chunk[lane];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

/// The smallest value; infinity for an empty slice.
#[inline]
pub(crate) fn min(values: &[f64]) -> f64 {
    extreme(values, f64::INFINITY, |value, least| value < least)
}

/// The largest value; minus infinity for an empty slice.
#[inline]
pub(crate) fn max(values: &[f64]) -> f64 {
    extreme(values, f64::NEG_INFINITY, |value, most| value > most)
}

/// The value that is better than all others, searched in four lanes.
#[inline]
fn extreme(values: &[f64], start: f64, is_better: impl Fn(f64, f64) -> bool + Copy) -> f64 {
    let mut lanes = [start; 4];
    let chunks = values.chunks_exact(4);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..4 {
            lanes[lane] =
                if is_better(chunk[lane], lanes[lane]) { chunk[lane] } else { lanes[lane] };
        }
    }
    let all = lanes.iter().chain(rest);
    all.fold(start, |best, value| if is_better(*value, best) { *value } else { best })
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "whole numbers")]
mod tests {
    use super::*;

    #[test]
    fn rolling_window_returns_last_values_oldest_first() {
        let mut window = RollingWindow::new(3);
        let lens: Vec<usize> = (0..8)
            .map(|k| {
                window.push(f64::from(k));
                window.values().len()
            })
            .collect();
        assert_eq!(lens, [1, 2, 3, 3, 3, 3, 3, 3]);
        assert_eq!(window.values(), [5.0, 6.0, 7.0]);
        assert_eq!(window.mean(), Some(6.0));
        assert_eq!((min(window.values()), max(window.values())), (5.0, 7.0));
    }

    #[test]
    fn sum_of_ten_values_adds_every_value() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(sum(&values), 55.0);
    }
}
