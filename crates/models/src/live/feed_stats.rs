//! Feed statistics: counts of accepted, rejected and missing candles.
use serde::{Deserialize, Serialize};
use windvane_candles::Candle;
use windvane_signals::{SignalError, StateReader, StateWriter};

use super::history::History;
use crate::PredictError;

/// Feed statistics since the predictor was created, including those of a restored state: counts
/// of accepted, rejected and missing candles.
///
/// # Examples
/// ```
/// # use windvane_models::{Predictor, PredictError};
/// # use windvane_candles::CandleSeries;
/// # fn check(predictor: &Predictor) {
/// let stats = predictor.feed_stats();
/// if stats.contradicting > 0 {
///     println!("the exchange corrected {} closed candles", stats.contradicting);
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FeedStats {
    /// Accepted candles.
    pub taken: u64,
    /// Rejected updates of candles that had not closed yet.
    pub unfinished: u64,
    /// Rejected candles that were out of order and older than the kept candles.
    pub late: u64,
    /// Rejected duplicates, equal to the accepted candle of the same time.
    pub repeated: u64,
    /// Rejected candles that differ from the accepted candle of the same time, such as corrections
    /// by the exchange.
    pub contradicting: u64,
    /// Rejected candles off the grid of the interval, less than an interval after the last one, or
    /// with another open time than the candle of another pair.
    pub misaligned: u64,
    /// Rejected candles after a gap, because the predictor stops at gaps.
    pub refused_gaps: u64,
    /// Number of gaps before accepted candles.
    pub gaps: u64,
    /// Number of candles missing in those gaps.
    pub missing: u64,
    /// Flat candles that the gap policy inserted for missing ones.
    pub held: u64,
    /// Number of gaps at which all channels were reset.
    pub resets: u64,
    /// Candles without a prediction after the warm-up, because a channel was undefined in the
    /// window.
    pub undefined: u64,
}

impl FeedStats {
    /// Returns all counts in the order of a saved state.
    fn counts(&mut self) -> [&mut u64; 12] {
        [
            &mut self.taken,
            &mut self.unfinished,
            &mut self.late,
            &mut self.repeated,
            &mut self.contradicting,
            &mut self.misaligned,
            &mut self.refused_gaps,
            &mut self.gaps,
            &mut self.missing,
            &mut self.held,
            &mut self.resets,
            &mut self.undefined,
        ]
    }

    /// Counts a rejected candle.
    #[cold]
    pub(super) fn refuse(&mut self, error: &SignalError, candle: &Candle, history: &History) {
        let count = match error {
            SignalError::Late { .. } | SignalError::Duplicate { .. } => {
                match history.at(candle.open_time()) {
                    None => &mut self.late,
                    Some(kept) if kept == candle => &mut self.repeated,
                    Some(_) => &mut self.contradicting,
                }
            }
            SignalError::Gap { .. } => &mut self.refused_gaps,
            _ => &mut self.misaligned,
        };
        add(count, 1);
    }

    /// Counts a gap before an accepted candle.
    #[cold]
    pub(super) fn gap(&mut self, missing: u64, held: usize, reset: bool) {
        add(&mut self.gaps, 1);
        add(&mut self.missing, missing);
        add(&mut self.held, held as u64);
        add(&mut self.resets, u64::from(reset));
    }

    pub(super) fn save(mut self, state: &mut StateWriter) {
        for count in self.counts() {
            state.int(count.cast_signed());
        }
    }

    pub(super) fn restored(state: &mut StateReader<'_>) -> Result<Self, PredictError> {
        let mut stats = Self::default();
        for count in stats.counts() {
            *count = state.int()?.cast_unsigned();
        }
        Ok(stats)
    }
}

/// Adds to a count with saturation: a restored count may have any value.
pub(super) fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}
