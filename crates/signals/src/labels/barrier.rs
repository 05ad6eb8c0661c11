//! Triple barrier: the first of two price barriers, or the end of the horizon.
use windvane_candles::Direction;

use crate::{Outcome, SignalTable};

/// Returns the class and the outcome of barriers at ±`width`, a fraction, around the close of row
/// `index`; `None` without a close at the end of the horizon, or if the width is 0.
pub(super) fn first_touch(
    table: &SignalTable,
    index: usize,
    horizon: usize,
    width: f64,
) -> Option<(Direction, Outcome)> {
    // Also after an early touch the whole horizon must be known. Otherwise the last rows of a
    // series would have a label only if a barrier is reached.
    let last = table.outcome(index, horizon)?;
    let close = table.close(index).filter(|_| width > 0.0)?;
    let (upper, lower) = (close * (1.0 + width), close * (1.0 - width));
    for row in index + 1..=index + horizon {
        let touched = (table.high(row)? >= upper, table.low(row)? <= lower);
        let (class, change) = match touched {
            (false, false) => continue,
            (true, false) => (Direction::Up, width),
            (false, true) => (Direction::Down, -width),
            (true, true) => (Direction::Neutral, 0.0),
        };
        return Some((class, Outcome { change, ..last }));
    }
    Some((Direction::Neutral, last))
}
