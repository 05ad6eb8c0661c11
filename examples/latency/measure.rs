//! Timing one model candle by candle.
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use hdrhistogram::Histogram;
use windvane::prelude::*;

type Error = Box<dyn std::error::Error>;

/// Predictions that are made before the first one counts.
const UNTIMED: u32 = 500;

/// Longest time that is told apart, nanoseconds: ten seconds.
const LONGEST: u64 = 10_000_000_000;

/// The times of one model.
pub(crate) struct Latency {
    pub(crate) model: &'static str,
    /// Nanoseconds, to three significant digits.
    pub(crate) times: Histogram<u64>,
}

/// Feeds the candles, over and over, until so many predictions are timed. Every round starts with
/// a new predictor, whose warm-up is not timed.
pub(crate) fn latency(
    label: &'static str,
    model: &Arc<dyn FittedModel>,
    feed: &CandleSeries,
    calls: u32,
) -> Result<Latency, Error> {
    let mut times = Histogram::new_with_bounds(1, LONGEST, 3)?;
    let mut made = 0;
    loop {
        let before = made;
        let mut predictor = Predictor::new(Arc::clone(model), feed.interval())?;
        for candle in feed {
            let start = Instant::now();
            let prediction = black_box(predictor.on_candle(black_box(candle))?);
            let nanos = start.elapsed().as_nanos();
            if prediction.is_none() {
                continue;
            }
            made += 1;
            if made > UNTIMED {
                times.saturating_record(u64::try_from(nanos)?);
            }
            if made == UNTIMED + calls {
                return Ok(Latency { model: label, times });
            }
        }
        if made == before {
            return Err("the feed is too short for a single prediction".into());
        }
    }
}
