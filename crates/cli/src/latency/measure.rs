//! Latency measurement of one model.
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use windvane::prelude::*;

use super::Error;

/// Number of predictions before the first timed one.
const UNTIMED: u32 = 500;

/// Latencies of one model.
pub(super) struct Latency {
    pub(super) model: String,
    /// Label and method, such as `v3.2 (LSTM, 32 units)`; empty for an unknown model.
    pub(super) method: String,
    /// Latencies, nanoseconds, ascending.
    pub(super) times: Vec<u64>,
}

impl Latency {
    /// Returns a quantile (nearest rank), nanoseconds.
    pub(super) fn quantile(&self, quantile: f64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank within the list"
        )]
        let rank = (quantile * self.times.len() as f64).ceil() as usize;
        self.times.get(rank.saturating_sub(1)).copied().unwrap_or(0)
    }

    /// Maximum latency, nanoseconds.
    pub(super) fn max(&self) -> u64 {
        self.times.last().copied().unwrap_or(0)
    }
}

/// Times predictions on a feed, which is repeated until `predictions` are timed. Every repetition
/// starts with a new predictor, whose warm-up is not timed.
pub(super) fn latency(
    (name, method): (&str, String),
    model: &Arc<dyn FittedModel>,
    feed: &CandleSeries,
    predictions: u32,
) -> Result<Latency, Error> {
    let mut times = Vec::with_capacity(usize::try_from(predictions)?);
    let mut made = 0;
    loop {
        let before = made;
        let builder = Predictor::builder(Arc::clone(model), feed.interval());
        let mut predictor = builder.pair(feed.pair().clone()).build()?;
        for candle in feed {
            let start = Instant::now();
            let outcome = black_box(predictor.on_candle(black_box(candle))?);
            let nanos = start.elapsed().as_nanos();
            if outcome.prediction().is_none() {
                continue;
            }
            made += 1;
            if made > UNTIMED {
                times.push(u64::try_from(nanos)?);
            }
            if made == UNTIMED + predictions {
                times.sort_unstable();
                return Ok(Latency { model: name.to_string(), method, times });
            }
        }
        if made == before {
            return Err("too few candles for a single prediction; pass more with --data".into());
        }
    }
}
