//! Modified candles of all pairs of an audit.
use windvane_candles::{CandleSeries, Timestamp};
use windvane_lstm_core::{Purpose, Stream};

use super::modified_series::{self, Jump};
use super::{Audit, AuditCandles};

/// Candles of the audited pair and of the other pairs, modified from the same time on.
#[derive(Debug)]
pub(super) struct SyntheticMarkets {
    pub(super) own: CandleSeries,
    others: Vec<CandleSeries>,
}

impl SyntheticMarkets {
    pub(super) fn candles(&self) -> AuditCandles<'_> {
        AuditCandles { own: &self.own, others: &self.others }
    }

    /// Modifies the candles from index `cut` on.
    pub(super) fn with_modified_future(audit: &Audit, cut: usize, jump: Jump) -> Self {
        Self::modified(audit, cut, |series, from| {
            modified_series::with_modified_future(series, from, jump)
        })
    }

    /// Removes the candles from index `cut` on.
    pub(super) fn truncated(audit: &Audit, cut: usize) -> Self {
        Self::modified(audit, cut, modified_series::truncated)
    }

    /// Draws the direction of every candle at random.
    pub(super) fn with_random_directions(audit: &Audit, number: u64) -> Self {
        Self::modified(audit, 0, |series, _| {
            modified_series::with_random_directions(series, audit.seed, number)
        })
    }

    fn modified(
        audit: &Audit,
        cut: usize,
        modify: impl Fn(&CandleSeries, usize) -> CandleSeries,
    ) -> Self {
        let time = audit.open_time(cut);
        Self {
            own: modify(&audit.series, first_open(&audit.series, time)),
            others: audit
                .others
                .iter()
                .map(|series| modify(series, first_open(series, time)))
                .collect(),
        }
    }
}

/// Index of the first candle that closes after `time`: at that time nobody knows its close, although
/// a candle of a longer interval, or with other hours, may have opened before.
fn first_open(series: &CandleSeries, time: Timestamp) -> usize {
    let is_open = |index: &usize| series.close_time(*index).is_none_or(|close| close > time);
    (0..series.len()).find(is_open).unwrap_or(series.len())
}

impl Audit {
    /// Returns the unmodified candles.
    pub(super) fn candles(&self) -> AuditCandles<'_> {
        AuditCandles { own: &self.series, others: &self.others }
    }

    /// Open time of an own candle; the largest timestamp for an index after the last candle.
    pub(super) fn open_time(&self, index: usize) -> Timestamp {
        let candle = self.series.get(index);
        candle.map_or(Timestamp::from_millis(i64::MAX), windvane_candles::Candle::open_time)
    }

    /// Draws the index of a candle between the fractions `low` and `high` of the candles from
    /// index `from` on. A random position avoids that all cuts fall on the end of a day.
    pub(super) fn draw_cut(&self, from: usize, [low, high]: [f64; 2], number: u64) -> usize {
        let drawn = Stream::new(self.seed, Purpose::Bootstrap, 0, number).uniform();
        let span = self.series.len().saturating_sub(from) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a fraction of a length"
        )]
        let offset = (span * (low + (high - low) * drawn)) as usize;
        from + offset
    }
}
