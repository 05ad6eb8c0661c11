//! Market quantities that a panel computes once for all its pairs, and the candles of one close.
use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;

use windvane_candles::{Candle, Pair};

use crate::channels::{CandleLogs, MarketClose};
use crate::{SignalError, StateReader, StateWriter};

/// The part of a market channel that has the same value for every pair.
pub(crate) trait MarketQuantity: Any + Debug + Send + Sync {
    /// Consumes a close of the market.
    fn step(&mut self, close: &MarketClose<'_>);

    /// Resets the state, as if no close had been consumed.
    fn clear(&mut self);

    /// Writes the state for [`restore`](Self::restore).
    fn save(&self, state: &mut StateWriter);

    /// Restores a state written by [`save`](Self::save).
    fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError>;
}

/// Market quantity of a channel: the channel's own, or that of a panel.
#[derive(Debug)]
pub(crate) enum SharedQuantity<Q> {
    /// The channel advances it.
    Own(Q),
    /// The panel advances it once per close; its place in the [`SharedMarket`].
    Panel(usize),
}

impl<Q: MarketQuantity> SharedQuantity<Q> {
    /// Consumes a close, unless the panel has done so, and returns the quantity after it.
    pub(crate) fn step<'a>(&'a mut self, close: &MarketClose<'a>) -> Option<&'a Q> {
        match self {
            Self::Own(quantity) => {
                quantity.step(close);
                Some(quantity)
            }
            Self::Panel(place) => close.shared(*place),
        }
    }

    pub(crate) fn clear(&mut self) {
        if let Self::Own(quantity) = self {
            quantity.clear();
        }
    }

    /// Writes the channel's own quantity; the panel saves its own.
    pub(crate) fn save(&self, state: &mut StateWriter) {
        if let Self::Own(quantity) = self {
            quantity.save(state);
        }
    }

    pub(crate) fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        match self {
            Self::Own(quantity) => quantity.restore(state),
            Self::Panel(_) => Ok(()),
        }
    }
}

/// Market quantities of a panel, by the place of their channel in the spec.
#[derive(Debug, Default)]
pub(crate) struct SharedMarket {
    quantities: Vec<Option<Box<dyn MarketQuantity>>>,
}

/// Market of a panel under construction, and the place of the channel that is built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sharing<'a> {
    pub(crate) market: &'a RefCell<SharedMarket>,
    pub(crate) place: usize,
}

impl SharedMarket {
    /// Adds the quantity of the channel at `place`, unless another pair's channel has added it.
    pub(crate) fn add<Q: MarketQuantity>(
        &mut self,
        place: usize,
        build: impl FnOnce() -> Result<Q, SignalError>,
    ) -> Result<(), SignalError> {
        if self.quantities.len() <= place {
            self.quantities.resize_with(place + 1, || None);
        }
        if self.quantities[place].is_none() {
            self.quantities[place] = Some(Box::new(build()?));
        }
        Ok(())
    }

    /// Returns whether the channel at `place` has a quantity.
    pub(crate) fn contains(&self, place: usize) -> bool {
        self.quantities.get(place).is_some_and(Option::is_some)
    }

    /// Returns the quantity of the channel at `place`.
    pub(crate) fn get<Q: MarketQuantity>(&self, place: usize) -> Option<&Q> {
        let quantity: &dyn Any = &**self.quantities.get(place)?.as_ref()?;
        quantity.downcast_ref()
    }

    pub(crate) fn step(&mut self, close: &MarketClose<'_>) {
        for quantity in self.quantities.iter_mut().flatten() {
            quantity.step(close);
        }
    }

    pub(crate) fn save(&self, state: &mut StateWriter) {
        for quantity in self.quantities.iter().flatten() {
            quantity.save(state);
        }
    }

    pub(crate) fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.quantities.iter_mut().flatten().try_for_each(|quantity| quantity.restore(state))
    }
}

/// A candle with its logarithms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClosedCandle {
    pub(crate) candle: Candle,
    pub(crate) logs: CandleLogs,
}

/// Candles of many pairs at one close of the market, each at the place of its pair.
#[derive(Debug)]
pub(crate) struct CloseCandles {
    pairs: Box<[Pair]>,
    places: BTreeMap<Pair, usize>,
    candles: Box<[Option<ClosedCandle>]>,
}

impl CloseCandles {
    /// Creates a close without candles.
    pub(crate) fn new(pairs: &[Pair]) -> Self {
        let places = pairs.iter().cloned().enumerate().map(|(place, pair)| (pair, place));
        Self {
            pairs: pairs.into(),
            places: places.collect(),
            candles: vec![None; pairs.len()].into(),
        }
    }

    /// Returns the candle of a pair that is probably at `place`, a shortcut for many pairs.
    pub(crate) fn at(&self, place: usize, pair: &Pair) -> Option<&ClosedCandle> {
        match self.pairs.get(place) {
            Some(of) if of == pair => self.candles[place].as_ref(),
            _ => self.get(pair),
        }
    }

    /// Returns the candle of a pair.
    pub(crate) fn get(&self, pair: &Pair) -> Option<&ClosedCandle> {
        self.candles[*self.places.get(pair)?].as_ref()
    }

    /// Returns the candle at a place.
    pub(crate) fn at_place(&self, place: usize) -> Option<&ClosedCandle> {
        self.candles[place].as_ref()
    }

    /// Sets the candle at every place; returns whether there is any.
    pub(crate) fn fill(&mut self, mut candle_at: impl FnMut(usize) -> Option<Candle>) -> bool {
        for (place, closed) in self.candles.iter_mut().enumerate() {
            *closed = candle_at(place)
                .map(|candle| ClosedCandle { candle, logs: CandleLogs::of(&candle) });
        }
        self.candles.iter().any(Option::is_some)
    }
}
