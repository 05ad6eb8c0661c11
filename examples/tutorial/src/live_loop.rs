//! Loop of a live bot; the text after these lines is the first block of `docs/live.md`.
#![allow(clippy::missing_errors_doc, unreachable_pub, reason = "a library and a module of a bot")]

use std::{collections::BTreeMap, path::Path, thread::sleep, time::Duration};
use windvane::{models::replace_file, prelude::*};

/// Result of a request; any failure of the connection or the exchange is an error.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Message of the exchange's stream.
#[derive(Debug)]
pub enum Update {
    /// A candle is still forming; exchanges send tens of thousands of these a day.
    Forming,
    /// A candle of a pair has closed.
    Closed(Pair, Candle),
    /// The user ends the bot.
    Stop,
}

/// The parts of a bot that the loop calls.
pub trait Bot {
    /// Opens the stream of updates: at the start, and after every failure of `next`.
    fn connect(&mut self) -> Result<()>;
    /// Waits for the next update; fails if the stream has ended or is silent for too long.
    fn next(&mut self) -> Result<Update>;
    /// Requests the closed candles that open from `from` on (without it: the last few hundred) and
    /// before `to`, oldest first. One page is enough: the loop requests the next one.
    fn fetch(
        &mut self,
        pair: &Pair,
        from: Option<Timestamp>,
        to: Timestamp,
    ) -> Result<CandleSeries>;
    /// Acts on a closed candle and its prediction, which is `None` during the warm-up.
    fn act(&mut self, pair: &Pair, candle: &Candle, prediction: Option<&Prediction>);
    /// Saves the state of a pair's predictor.
    fn save(&mut self, pair: &Pair, state: &[u8]) -> Result<()> {
        Ok(replace_file(Path::new(&format!("{pair}.state")), state)?)
    }
    /// Reports an event in one line.
    fn report(&mut self, line: &str) {
        eprintln!("{line}");
    }
    /// Waits after a failure: 2, 4, 8, … at most 64 seconds.
    fn wait(&mut self, failures: u32) {
        sleep(Duration::from_secs(1 << failures.min(6)));
    }
}

/// Predicts at every closed candle, until [`Update::Stop`].
pub fn run<B: Bot>(bot: &mut B, predictors: &mut BTreeMap<Pair, Predictor>) {
    let mut connected = false;
    loop {
        let update = retry(bot, "stream", |bot| {
            if !connected {
                bot.connect()?;
                connected = true;
            }
            bot.next().inspect_err(|_| connected = false)
        });
        let (pair, candle) = match update {
            Update::Forming => continue,
            Update::Closed(pair, candle) => (pair, candle),
            Update::Stop => return,
        };
        let Some(predictor) = predictors.get_mut(&pair) else { continue };
        let outcome = match predict(bot, predictor, &pair, &candle) {
            Ok(outcome) => outcome,
            Err(error) => {
                bot.report(&format!("{pair}: {error}"));
                continue;
            }
        };
        if !matches!(outcome, CandleOutcome::Prediction(_) | CandleOutcome::WarmingUp { .. }) {
            bot.report(&format!("{pair}: {outcome}")); // such as a duplicate
        }
        if outcome.is_accepted() {
            bot.act(&pair, &candle, outcome.prediction());
            if let Err(error) = bot.save(&pair, &predictor.save()) {
                bot.report(&format!("{pair}: state not saved: {error}"));
            }
        }
    }
}

/// Predicts from a closed candle, after fetching the candles that are missing before it.
fn predict<B: Bot>(
    bot: &mut B,
    predictor: &mut Predictor,
    pair: &Pair,
    candle: &Candle,
) -> Result<CandleOutcome, PredictError> {
    if predictor.last_open_time().is_some() {
        match predictor.on_candle(candle) {
            Err(PredictError::Gap { .. } | PredictError::FarAhead { .. }) => {} // after a pause
            result => return result,
        }
    }
    let (before, resets) = (candle.open_time(), predictor.feed_stats().resets);
    predictor.set_stop_at_gaps(false); // what `fetch` does not return, the exchange does not have
    let result = loop {
        let last = predictor.last_open_time();
        let fetched = retry(bot, "fetch", |bot| bot.fetch(pair, last, before));
        let warmed = predictor.warm_up(&fetched.split_at(before).0);
        if warmed.is_err() || predictor.last_open_time() == last {
            break warmed.and_then(|()| predictor.on_candle(candle));
        }
    };
    predictor.set_stop_at_gaps(true);
    if predictor.feed_stats().resets > resets {
        let needed = predictor.candles_needed();
        bot.report(&format!("{pair}: exchange gap before {before}, {needed} candles of warm-up"));
    }
    result
}

/// Repeats a request until it succeeds; reports the first failure only.
fn retry<B: Bot, T>(bot: &mut B, what: &str, mut request: impl FnMut(&mut B) -> Result<T>) -> T {
    let mut failures = 0;
    loop {
        match request(bot) {
            Ok(answer) => return answer,
            Err(error) if failures == 0 => bot.report(&format!("{what}: {error}; retrying")),
            Err(_) => {}
        }
        failures += 1;
        bot.wait(failures);
    }
}
