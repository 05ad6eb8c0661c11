//! Kept candles of a feed, for swapped models and for the detection of duplicates.
use std::collections::VecDeque;

use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
use windvane_signals::{StateReader, StateWriter};

use super::misfit;
use crate::PredictError;

/// Last candles of a feed since the start or the last reset, up to a maximum number.
#[derive(Debug)]
pub(super) struct History {
    candles: VecDeque<Candle>,
    max_candles: usize,
    /// Whether a candle since the start or the last reset has been dropped.
    cut: bool,
}

/// Keeps the capacity, so that the copy allocates nothing later.
impl Clone for History {
    fn clone(&self) -> Self {
        self.resized(self.max_candles)
    }
}

impl History {
    /// Creates an empty history of up to `max_candles` candles, at least one.
    pub(super) fn new(max_candles: usize) -> Self {
        let max_candles = max_candles.max(1);
        Self { candles: VecDeque::with_capacity(max_candles), max_candles, cut: false }
    }

    #[inline]
    pub(super) fn push(&mut self, candle: &Candle, restarted: bool) {
        if restarted {
            self.candles.clear();
            self.cut = false;
        } else if self.candles.len() == self.max_candles {
            self.candles.pop_front();
            self.cut = true;
        }
        self.candles.push_back(*candle);
    }

    /// Returns the kept candles, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Candle> {
        self.candles.iter()
    }

    /// Returns whether all candles since the start or the last reset are kept.
    pub(super) fn is_whole(&self) -> bool {
        !self.cut
    }

    /// Returns the kept candle with the given open time.
    pub(super) fn at(&self, open_time: Timestamp) -> Option<&Candle> {
        let index = self.candles.binary_search_by_key(&open_time, Candle::open_time);
        index.ok().and_then(|index| self.candles.get(index))
    }

    /// Copies the last candles into a history with another maximum number.
    pub(super) fn resized(&self, max_candles: usize) -> Self {
        let mut resized = Self { cut: self.cut, ..Self::new(max_candles) };
        self.candles.iter().for_each(|candle| resized.push(candle, false));
        resized
    }

    pub(super) fn save(&self, state: &mut StateWriter) {
        state.count(usize::from(self.cut));
        state.count(self.candles.len());
        for candle in &self.candles {
            let Ohlcv { open, high, low, close, volume } = candle.values();
            state.int(candle.open_time().millis());
            for value in [open, high, low, close, volume] {
                state.float(value);
            }
        }
    }

    /// Reads the candles that [`save`](Self::save) wrote into a history with the same maximum
    /// number.
    pub(super) fn restored(
        &self,
        state: &mut StateReader<'_>,
        interval: Interval,
    ) -> Result<Self, PredictError> {
        let mut history = Self::new(self.max_candles);
        history.cut = state.count()? != 0;
        let mut last = None;
        for _ in 0..state.count()? {
            let open_time = Timestamp::from_millis(state.int()?);
            let (open, high, low) = (state.float()?, state.float()?, state.float()?);
            let values = Ohlcv { open, high, low, close: state.float()?, volume: state.float()? };
            let Ok(candle) = Candle::new(open_time, values) else {
                return misfit("a kept candle is invalid");
            };
            if last.is_some_and(|last| last >= open_time) || !interval.is_aligned(open_time) {
                return misfit("the kept candles are out of order");
            }
            last = Some(open_time);
            history.push(&candle, false);
        }
        Ok(history)
    }

    pub(super) fn last_open_time(&self) -> Option<Timestamp> {
        self.candles.back().map(Candle::open_time)
    }
}
