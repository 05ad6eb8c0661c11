//! Feed statistics: counts of candles taken, rejected and missing.
use serde::{Deserialize, Serialize};
use windvane_candles::Candle;
use windvane_signals::{SignalError, StateReader, StateWriter};

use super::history::History;
use crate::PredictError;

/// Feed statistics since the predictor was created, including those of a restored state.
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
    /// Candles taken.
    pub taken: u64,
    /// Refused: they had not closed yet.
    pub unfinished: u64,
    /// Refused: older than the last one, and no longer kept to compare with.
    pub late: u64,
    /// Refused: the same candle again.
    pub repeated: u64,
    /// Refused: another candle of a time that was taken before, as exchanges send corrections.
    pub contradicting: u64,
    /// Refused: off the grid of the interval, or beside another pair's candle of another time.
    pub misaligned: u64,
    /// Refused: the gap policy stops at missing candles.
    pub refused_gaps: u64,
    /// Places where candles were missing and the next one was taken.
    pub gaps: u64,
    /// Candles missing there.
    pub missing: u64,
    /// Flat candles put in the place of missing ones.
    pub held: u64,
    /// Gaps at which every channel started anew.
    pub resets: u64,
    /// Candles without a prediction though the predictor had seen enough: a channel was
    /// undefined somewhere in the window.
    pub undefined: u64,
}

impl FeedStats {
    /// All counts, in the order of a saved state.
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

    /// Counts a candle that was refused.
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

    /// Counts a gap before a candle that was taken.
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

/// A count that stays where it is at its end: a saved state may hold anything.
pub(super) fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}
