//! Log returns, and their exponentially weighted volatility.
use super::MarketSnapshot;
use super::ewm::Ewm;
use crate::{SignalError, StateReader, StateWriter};

/// Number of returns before the first volatility.
pub(crate) const MIN_RETURNS: usize = 24;

/// Log return of the close over one interval: `r_t = ln c_t − ln c_{t−1}`.
///
/// Undefined at the first candle and after a missing one. **Units** natural logarithm.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogReturn {
    /// ln c of the last candle.
    previous: Option<f64>,
}

impl LogReturn {
    #[inline]
    pub(crate) fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let now = market.log_close();
        let before = self.previous.replace(now)?;
        (market.missing() == 0).then_some(now - before)
    }

    /// Whether no candle has been consumed.
    pub(crate) fn is_empty(&self) -> bool {
        self.previous.is_none()
    }

    pub(crate) fn clear(&mut self) {
        self.previous = None;
    }

    pub(crate) fn save(&self, state: &mut StateWriter) {
        state.floats(self.previous.into_iter());
    }

    pub(crate) fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.previous = state.floats(1)?.first().copied();
        Ok(())
    }
}

/// The volatility σ that the normalised channels divide by.
///
/// **Formula** `σ_t = sqrt(EWM(r²; half-life, min 24))`, r the log return; `σ_t` contains `r_t`. It
/// keeps its value at a candle without a return. **Warm-up** 24.
/// **Source** `RiskMetrics` 1996, with a half-life and normalised weights.
#[derive(Debug, Clone)]
pub(crate) struct ReturnVolatility {
    returns: LogReturn,
    squares: Ewm,
}

impl ReturnVolatility {
    pub(crate) fn new(half_life: usize) -> Self {
        Self { returns: LogReturn::default(), squares: Ewm::new(half_life, MIN_RETURNS) }
    }

    /// Consumes a candle and returns its log return.
    #[inline]
    pub(crate) fn update(&mut self, market: &MarketSnapshot<'_>) -> Option<f64> {
        let change = self.returns.update(market);
        if let Some(change) = change {
            self.squares.push(change * change);
        }
        change
    }

    /// σ after the last candle; `None` while warming up and where it is 0.
    #[inline]
    pub(crate) fn sigma(&self) -> Option<f64> {
        self.squares.root()
    }

    pub(crate) fn clear(&mut self) {
        self.returns.clear();
        self.squares.clear();
    }

    pub(crate) fn save(&self, state: &mut StateWriter) {
        self.returns.save(state);
        self.squares.save(state);
    }

    pub(crate) fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.returns.restore(state)?;
        self.squares.restore(state)
    }
}
