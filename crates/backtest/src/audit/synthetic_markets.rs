//! All candles of an audit, as they are and as they might have been.
use windvane_candles::{CandleSeries, Timestamp};
use windvane_lstm_core::{Purpose, Stream};

use super::future::{self, Turn};
use super::{Audit, Inputs};

/// The own candles and those of other pairs, altered together.
#[derive(Debug)]
pub(super) struct World {
    pub(super) own: CandleSeries,
    beside: Vec<CandleSeries>,
}

impl World {
    pub(super) fn inputs(&self) -> Inputs<'_> {
        Inputs { own: &self.own, beside: &self.beside }
    }

    /// Another future from a candle on.
    pub(super) fn changed(audit: &Audit, cut: usize, turn: Turn) -> Self {
        Self::from(audit, cut, |series, from| future::changed(series, from, turn))
    }

    /// No future from a candle on.
    pub(super) fn cut_off(audit: &Audit, cut: usize) -> Self {
        Self::from(audit, cut, future::cut_off)
    }

    /// Candles whose directions are drawn by fair coins.
    pub(super) fn coins(audit: &Audit, number: u64) -> Self {
        Self::from(audit, 0, |series, _| future::coins(series, audit.seed, number))
    }

    fn from(
        audit: &Audit,
        cut: usize,
        alter: impl Fn(&CandleSeries, usize) -> CandleSeries,
    ) -> Self {
        let time = audit.open_time(cut);
        Self {
            own: alter(&audit.series, first_from(&audit.series, time)),
            beside: audit
                .beside
                .iter()
                .map(|series| alter(series, first_from(series, time)))
                .collect(),
        }
    }
}

/// Index of the first candle that opens at a time or later.
fn first_from(series: &CandleSeries, time: Timestamp) -> usize {
    series.candles().partition_point(|candle| candle.open_time() < time)
}

impl Audit {
    /// The candles as they are.
    pub(super) fn inputs(&self) -> Inputs<'_> {
        Inputs { own: &self.series, beside: &self.beside }
    }

    /// Open time of an own candle; far in the future after the last one.
    pub(super) fn open_time(&self, index: usize) -> Timestamp {
        let candle = self.series.get(index);
        candle.map_or(Timestamp::from_millis(i64::MAX), windvane_candles::Candle::open_time)
    }

    /// The candle at a share of those from `from` on, somewhere between `low` and `high`: where
    /// exactly is drawn, so that cuts do not all fall on ends of days.
    pub(super) fn somewhere(&self, from: usize, [low, high]: [f64; 2], number: u64) -> usize {
        let drawn = Stream::new(self.seed, Purpose::Bootstrap, 0, number).uniform();
        let span = self.series.len().saturating_sub(from) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a length"
        )]
        let offset = (span * (low + (high - low) * drawn)) as usize;
        from + offset
    }
}
