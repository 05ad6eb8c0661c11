//! Timing of one model, candle by candle.
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use windvane::prelude::*;

use super::Error;

/// Predictions before the first one that counts.
const UNTIMED: u32 = 500;

/// Times of one model.
pub(super) struct Latency {
    pub(super) model: String,
    /// Nanoseconds, ascending.
    pub(super) times: Vec<u64>,
}

impl Latency {
    /// Quantile by the nearest rank.
    pub(super) fn quantile(&self, quantile: f64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank within the list"
        )]
        let rank = (quantile * self.times.len() as f64).ceil() as usize;
        self.times.get(rank.saturating_sub(1)).copied().unwrap_or(0)
    }

    /// Longest time.
    pub(super) fn max(&self) -> u64 {
        self.times.last().copied().unwrap_or(0)
    }
}

/// Feeds the candles, over and over, until that many predictions are timed. Every round starts with
/// a new predictor, whose warm-up is not timed.
pub(super) fn latency(
    label: &str,
    model: &Arc<dyn FittedModel>,
    feed: &CandleSeries,
    calls: u32,
) -> Result<Latency, Error> {
    let mut times = Vec::with_capacity(usize::try_from(calls)?);
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
                times.push(u64::try_from(nanos)?);
            }
            if made == UNTIMED + calls {
                times.sort_unstable();
                return Ok(Latency { model: label.to_string(), times });
            }
        }
        if made == before {
            return Err("the feed is too short for a single prediction".into());
        }
    }
}
