//! A channel computed on the candles of another pair.
use windvane_candles::Pair;

use crate::channels::{Channel, MarketClose, MarketSnapshot};
use crate::{SignalError, StateReader, StateWriter};

/// Another pair's candles, and a channel that consumes them at every close of the market.
///
/// The channel belongs to that pair: it advances whatever candles the own pair misses, and lags go
/// by the clock of the market's closes.
#[derive(Debug)]
pub(super) struct PairFeed {
    pair: Pair,
    /// Probable place among the candles of a close.
    place: usize,
    /// True once the pair had a candle.
    started: bool,
    /// Intervals without a candle since its last one.
    absent: u64,
    channel: Box<dyn Channel>,
}

impl PairFeed {
    pub(super) fn new(pair: &Pair, place: usize, channel: Box<dyn Channel>) -> Self {
        Self { pair: pair.clone(), place, started: false, absent: 0, channel }
    }

    /// Consumes a close; `None` if the pair has no candle or its channel no value.
    pub(super) fn step(&mut self, close: &MarketClose<'_>) -> Option<f64> {
        let Some(candle) = close.candle_at(self.place, &self.pair) else {
            self.absent = self.absent.saturating_add(close.elapsed());
            return None;
        };
        let missing = self.absent.saturating_add(close.elapsed() - 1);
        let missing = if self.started { missing } else { 0 };
        (self.started, self.absent) = (true, 0);
        let market = MarketSnapshot::from(candle).after_gap(missing, 1);
        self.channel.update(&market).filter(|value| value.is_finite())
    }

    pub(super) fn warm_up(&self) -> usize {
        self.channel.warm_up()
    }

    pub(super) fn clear(&mut self) {
        (self.started, self.absent) = (false, 0);
        self.channel.reset();
    }

    pub(super) fn save(&self, state: &mut StateWriter) {
        state.count(usize::from(self.started));
        state.int(self.absent.cast_signed());
        self.channel.save(state);
    }

    pub(super) fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        self.started = state.count()? != 0;
        self.absent = state.int()?.cast_unsigned();
        self.channel.restore(state)
    }
}

/// Mean of the values that the pairs have at this close; `None` if none has one.
pub(super) fn mean_of(feeds: &mut [PairFeed], close: &MarketClose<'_>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u32);
    for feed in feeds {
        if let Some(value) = feed.step(close) {
            sum += value;
            count += 1;
        }
    }
    (count > 0).then(|| sum / f64::from(count))
}
