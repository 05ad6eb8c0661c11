//! Log returns of the pairs of a market at one close, their mean and its volatility.
use windvane_candles::Pair;

use super::shared::MarketQuantity;
use crate::channels::MarketClose;
use crate::channels::ewm::Ewm;
use crate::channels::returns::MIN_RETURNS;
use crate::{SignalError, StateReader, StateWriter};

/// Log returns of the declared pairs over one interval.
///
/// A pair has a return if it has a candle at this close and one interval before.
#[derive(Debug, Clone)]
pub(super) struct PairReturns {
    pairs: Box<[Pair]>,
    /// ln c at the last close; `None` without a candle.
    closes: Box<[Option<f64>]>,
    returns: Box<[Option<f64>]>,
    /// Number of returns.
    count: usize,
    /// Number of returns above 0.
    rising: usize,
    /// Mean of the returns; `None` if there are fewer than 2.
    mean: Option<f64>,
    /// True once a pair had a candle.
    started: bool,
}

impl PairReturns {
    pub(super) fn new(pairs: &[Pair]) -> Self {
        let none = vec![None; pairs.len()].into_boxed_slice();
        let (closes, returns) = (none.clone(), none);
        let (count, rising) = (0, 0);
        Self { pairs: pairs.into(), closes, returns, count, rising, mean: None, started: false }
    }

    /// Returns whether a pair of the market had a candle yet.
    pub(super) fn has_started(&self) -> bool {
        self.started
    }

    /// The returns that exist.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.returns.iter().flatten().copied()
    }

    /// Number of returns.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Number of returns above 0.
    pub(super) fn rising(&self) -> usize {
        self.rising
    }

    /// Mean of the returns; `None` if there are fewer than 2.
    pub(super) fn mean(&self) -> Option<f64> {
        self.mean
    }
}

impl MarketQuantity for PairReturns {
    fn step(&mut self, close: &MarketClose<'_>) {
        for (place, pair) in self.pairs.iter().enumerate() {
            let now = close.log_close_at(place, pair);
            let before = std::mem::replace(&mut self.closes[place], now);
            let both = now.zip(before).filter(|_| close.elapsed() == 1);
            self.returns[place] = both.map(|(now, before)| now - before);
            self.started |= now.is_some();
        }
        self.count = self.values().count();
        self.rising = self.values().filter(|value| *value > 0.0).count();
        self.mean = (self.count >= 2).then(|| self.values().sum::<f64>() / self.count as f64);
    }

    fn clear(&mut self) {
        self.closes.fill(None);
        self.returns.fill(None);
        (self.count, self.rising) = (0, 0);
        (self.mean, self.started) = (None, false);
    }

    fn save(&self, state: &mut StateWriter) {
        state.count(self.pairs.len());
        state.count(usize::from(self.started));
        for close in &self.closes {
            state.floats(close.iter().copied());
        }
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        state.expect(self.pairs.len())?;
        self.started = state.count()? != 0;
        for close in &mut self.closes {
            *close = state.floats(1)?.first().copied();
        }
        self.returns.fill(None);
        (self.count, self.rising, self.mean) = (0, 0, None);
        Ok(())
    }
}

/// Move of the market: the mean return m of its pairs, and the volatility σ^m of that mean.
///
/// **Formula** `m_t` = mean of r over the declared pairs that have one, at least 2;
/// `σ^m_t = sqrt(EWM(m²; half-life, min 24))`.
#[derive(Debug, Clone)]
pub(super) struct MarketMove {
    pub(super) returns: PairReturns,
    squares: Ewm,
    /// σ^m after the last close.
    sigma: Option<f64>,
}

impl MarketMove {
    pub(super) fn new(pairs: &[Pair], half_life: usize) -> Self {
        let squares = Ewm::new(half_life, MIN_RETURNS);
        Self { returns: PairReturns::new(pairs), squares, sigma: None }
    }

    /// m of the last close.
    pub(super) fn mean(&self) -> Option<f64> {
        self.returns.mean()
    }

    /// σ^m after the last close; `None` while warming up and where it is 0.
    pub(super) fn sigma(&self) -> Option<f64> {
        self.sigma
    }
}

impl MarketQuantity for MarketMove {
    fn step(&mut self, close: &MarketClose<'_>) {
        self.returns.step(close);
        if let Some(mean) = self.mean() {
            self.squares.push(mean * mean);
        }
        self.sigma = self.squares.root();
    }

    fn clear(&mut self) {
        self.returns.clear();
        self.squares.clear();
        self.sigma = None;
    }

    fn save(&self, state: &mut StateWriter) {
        self.returns.save(state);
        self.squares.save(state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.returns.restore(state)?;
        self.squares.restore(state)?;
        self.sigma = None;
        Ok(())
    }
}
