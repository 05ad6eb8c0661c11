//! The last candles of a feed, for models that are swapped in and for telling repeated candles.
use std::collections::VecDeque;

use windvane_candles::{Candle, Interval, Ohlcv, Timestamp};
use windvane_signals::{StateReader, StateWriter};

use super::misfit;
use crate::PredictError;

#[derive(Debug)]
pub(super) struct History {
    candles: VecDeque<Candle>,
    most: usize,
    /// Whether a candle since the start or the last reset is no longer here.
    cut: bool,
}

impl History {
    /// Room for the last `most` candles, at least one.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { candles: VecDeque::with_capacity(most), most, cut: false }
    }

    #[inline]
    pub(super) fn push(&mut self, candle: &Candle, restarted: bool) {
        if restarted {
            self.candles.clear();
            self.cut = false;
        } else if self.candles.len() == self.most {
            self.candles.pop_front();
            self.cut = true;
        }
        self.candles.push_back(*candle);
    }

    /// The candles since the last reset that are here, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Candle> {
        self.candles.iter()
    }

    /// Whether no candle since the start or the last reset is missing.
    pub(super) fn is_whole(&self) -> bool {
        !self.cut
    }

    /// The candle of that time, if it is still here.
    pub(super) fn at(&self, open_time: Timestamp) -> Option<&Candle> {
        let place = self.candles.binary_search_by_key(&open_time, Candle::open_time);
        place.ok().and_then(|place| self.candles.get(place))
    }

    /// The same candles, as many as fit, in a history of another length.
    pub(super) fn resized(&self, most: usize) -> Self {
        let mut resized = Self { cut: self.cut, ..Self::new(most) };
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

    /// A history of the same length with the candles that [`save`](Self::save) wrote, as far as
    /// they fit.
    pub(super) fn restored(
        &self,
        state: &mut StateReader<'_>,
        interval: Interval,
    ) -> Result<Self, PredictError> {
        let mut history = Self::new(self.most);
        history.cut = state.count()? != 0;
        let mut last = None;
        for _ in 0..state.count()? {
            let open_time = Timestamp::from_millis(state.int()?);
            let (open, high, low) = (state.float()?, state.float()?, state.float()?);
            let values = Ohlcv { open, high, low, close: state.float()?, volume: state.float()? };
            let Ok(candle) = Candle::new(open_time, values) else {
                return misfit("a kept candle is broken");
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
