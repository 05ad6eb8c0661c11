//! Loop of a live bot; the text after these lines is the first block of `docs/live.md`.
#![allow(clippy::missing_errors_doc, unreachable_pub, reason = "a library and a module of a bot")]

use std::{collections::BTreeMap, path::Path, thread::sleep, time::Duration};
use windvane::candles::{Action, Feed};
use windvane::{models::replace_file, prelude::*};

/// Number of candles fetched before the first one of a pair without a saved state.
const HISTORY: u32 = 500;

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
    /// Requests the closed candles that open from `from` on and before `to`, oldest first. One page
    /// is enough: the loop requests the next one.
    fn fetch(&mut self, pair: &Pair, from: Timestamp, to: Timestamp) -> Result<CandleSeries>;
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
    let (mut connected, mut feeds) = (false, BTreeMap::new());
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
        let feed = feeds.entry(pair.clone()).or_insert_with(|| {
            let interval = predictor.model().spec().interval;
            Feed::new(pair.clone(), interval, predictor.last_open_time(), HISTORY)
        });
        let mut action = feed.on_update(&candle, true);
        while let Ok(Action::Fetch { from, to }) = action {
            action = Ok(retry(bot, "fetch", |bot| {
                let answer = bot.fetch(&pair, from, to)?;
                Ok(feed.on_fetched(from, &answer)?)
            }));
        }
        match action {
            Ok(Action::Use { missed, candle, missing }) => {
                predict(bot, predictor, &missed, &candle);
                if missing > 0 {
                    let (time, needed) = (candle.open_time(), predictor.candles_needed());
                    let gap = format!("exchange gap before {time}, {needed} candles of warm-up");
                    bot.report(&format!("{pair}: {gap}"));
                }
            }
            Ok(Action::Ignore(reason)) => bot.report(&format!("{pair}: {reason}")),
            Ok(_) => {} // no fetch is outstanding here
            Err(error) => bot.report(&format!("{pair}: {error}")),
        }
    }
}

/// Predicts from a closed candle, after the missed ones before it, and saves the state.
fn predict<B: Bot>(bot: &mut B, predictor: &mut Predictor, missed: &CandleSeries, candle: &Candle) {
    let pair = missed.pair();
    let outcome = match predictor.warm_up(missed).and_then(|()| predictor.on_candle(candle)) {
        Ok(outcome) => outcome,
        Err(error) => return bot.report(&format!("{pair}: {error}")),
    };
    if !matches!(outcome, CandleOutcome::Prediction(_) | CandleOutcome::WarmingUp { .. }) {
        bot.report(&format!("{pair}: {outcome}")); // such as a channel without a value
    }
    bot.act(pair, candle, outcome.prediction());
    if let Err(error) = bot.save(pair, &predictor.save()) {
        bot.report(&format!("{pair}: state not saved: {error}"));
    }
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
