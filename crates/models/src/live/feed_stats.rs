//! Feed statistics: counts of accepted, rejected and missing candles.
use serde::{Deserialize, Serialize};
use windvane_candles::Candle;
use windvane_signals::{SignalError, StateReader, StateWriter};

use super::history::History;
use crate::{CandleOutcome, PredictError};

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
    /// Rejected candles that were too far ahead of the last one.
    pub far_ahead: u64,
}

/// Number of counts in a saved state of version 1.
const COUNTS_OF_VERSION_1: usize = 12;

impl FeedStats {
    /// Returns all counts in the order of a saved state.
    fn counts(&mut self) -> [&mut u64; 13] {
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
            &mut self.far_ahead,
        ]
    }

    /// Counts a candle that the pipeline rejected. Returns the outcome of an ordinary event, and the
    /// error otherwise.
    #[cold]
    pub(super) fn refuse(
        &mut self,
        error: SignalError,
        candle: &Candle,
        history: &History,
    ) -> Result<CandleOutcome, PredictError> {
        let open_time = candle.open_time();
        let last = match error {
            SignalError::Late { last, .. } => last,
            SignalError::Duplicate { open_time } => open_time,
            error => {
                let is_gap = matches!(error, SignalError::Gap { .. });
                add(if is_gap { &mut self.refused_gaps } else { &mut self.misaligned }, 1);
                return Err(error.into());
            }
        };
        let (count, outcome) = match history.at(open_time) {
            None => (&mut self.late, CandleOutcome::Late { open_time, last }),
            Some(kept) if kept == candle => {
                (&mut self.repeated, CandleOutcome::Duplicate { open_time })
            }
            Some(_) => (&mut self.contradicting, CandleOutcome::Revised { open_time }),
        };
        add(count, 1);
        Ok(outcome)
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

    /// Reads the counts that [`save`](Self::save) of a state's version wrote.
    pub(super) fn restored(
        state: &mut StateReader<'_>,
        version: u64,
    ) -> Result<Self, PredictError> {
        let mut stats = Self::default();
        let known = if version == 1 { COUNTS_OF_VERSION_1 } else { usize::MAX };
        for count in stats.counts().into_iter().take(known) {
            *count = state.int()?.cast_unsigned();
        }
        Ok(stats)
    }
}

/// Adds to a count with saturation: a restored count may have any value.
pub(super) fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}
