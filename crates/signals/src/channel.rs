//! One input of a model, and what it may look at.
use windvane_candles::{Candle, Pair};

use crate::{Indicator, SignalError, StateReader, StateWriter};

/// What a channel sees at one close: the pair's own candle, and other pairs' of the same time.
///
/// A plain `&Candle` converts into it, the case of a model that reads its own pair only.
#[derive(Debug, Clone, Copy)]
pub struct Market<'a> {
    own: &'a Candle,
    others: &'a [(Pair, Candle)],
}

impl<'a> Market<'a> {
    /// The own candle beside other pairs' candles with the same open time.
    pub fn new(own: &'a Candle, others: &'a [(Pair, Candle)]) -> Self {
        Self { own, others }
    }

    /// The pair's own candle.
    pub fn own(&self) -> &'a Candle {
        self.own
    }

    /// Another pair's candle of the same time; `None` where that pair has none.
    pub fn other(&self, pair: &Pair) -> Option<&'a Candle> {
        self.others.iter().find(|(of, _)| of == pair).map(|(_, candle)| candle)
    }

    pub(crate) fn others(&self) -> &'a [(Pair, Candle)] {
        self.others
    }
}

impl<'a> From<&'a Candle> for Market<'a> {
    fn from(own: &'a Candle) -> Self {
        Self { own, others: &[] }
    }
}

/// One input of a model: a number per candle, from the market up to and including that candle.
///
/// Every [`Indicator`] whose output is a number is one. Implement this trait directly for a
/// channel that reads another pair's candle.
pub trait Channel: Send + Sync + std::fmt::Debug {
    /// Takes the next close; `None` while warming up or where the value is undefined.
    /// A value that is not finite counts as undefined.
    fn update(&mut self, market: &Market<'_>) -> Option<f64>;

    /// Index of the first candle (counted from 0) with a value.
    fn warm_up(&self) -> usize;

    /// Forgets every candle.
    fn reset(&mut self);

    /// Writes the state, so that [`restore`](Self::restore) continues with the same bits.
    fn save(&self, state: &mut StateWriter);

    /// Takes over a state written by [`save`](Self::save) of an equally configured channel.
    ///
    /// # Errors
    /// [`SignalError::State`] when the state does not fit.
    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError>;
}

impl<I: Indicator<Output = f64>> Channel for I {
    #[inline]
    fn update(&mut self, market: &Market<'_>) -> Option<f64> {
        Indicator::update(self, market.own())
    }

    fn warm_up(&self) -> usize {
        Indicator::warm_up(self)
    }

    fn reset(&mut self) {
        Indicator::reset(self);
    }

    fn save(&self, state: &mut StateWriter) {
        Indicator::save(self, state);
    }

    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        Indicator::restore(self, state)
    }
}
