//! Exponentially weighted mean with a half-life.
use crate::{SignalError, StateReader, StateWriter};

/// Normalised exponentially weighted mean.
///
/// **Formula** with λ = 0.5^(1/half-life): `S_t = λ S_{t−1} + x_t`, `W_t = λ W_{t−1} + 1`, mean
/// `S_t / W_t`; undefined until `min` values were seen. A missing value leaves S and W as they are.
/// **Source** pandas `ewm(halflife, adjust=True, ignore_na=True, min_periods)`.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Ewm {
    half_life: usize,
    min: usize,
    /// The decay factor λ.
    decay: f64,
    /// Values so far, up to `min`.
    seen: usize,
    sum: f64,
    weight: f64,
}

impl Ewm {
    pub(crate) fn new(half_life: usize, min: usize) -> Self {
        let decay = 0.5_f64.powf(1.0 / half_life as f64);
        Self { half_life, min, decay, seen: 0, sum: 0.0, weight: 0.0 }
    }

    /// Number of values before the first mean.
    pub(crate) fn min(&self) -> usize {
        self.min
    }

    #[inline]
    pub(crate) fn push(&mut self, x: f64) {
        self.sum = self.decay * self.sum + x;
        self.weight = self.decay * self.weight + 1.0;
        self.seen = (self.seen + 1).min(self.min);
    }

    /// The mean; `None` until `min` values were seen.
    #[inline]
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.seen == self.min).then(|| self.sum / self.weight)
    }

    /// Square root of the mean, the volatility of values that are squares; `None` also where it is
    /// 0.
    #[inline]
    pub(crate) fn root(&self) -> Option<f64> {
        self.mean().map(f64::sqrt).filter(|root| *root > 0.0)
    }

    pub(crate) fn clear(&mut self) {
        (self.seen, self.sum, self.weight) = (0, 0.0, 0.0);
    }

    pub(crate) fn save(&self, state: &mut StateWriter) {
        state.count(self.half_life);
        state.count(self.min);
        state.count(self.seen);
        state.float(self.sum);
        state.float(self.weight);
    }

    pub(crate) fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.half_life)?;
        state.expect(self.min)?;
        let seen = state.count()?;
        if seen > self.min {
            return Err(SignalError::State { what: "a mean has seen more than its minimum" });
        }
        self.seen = seen;
        self.sum = state.float()?;
        self.weight = state.float()?;
        Ok(())
    }
}
