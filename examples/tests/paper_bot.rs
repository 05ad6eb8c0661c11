//! The bot on the practice exchange: over a stream with everything wrong with it, it says what the
//! backtest says.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
#![allow(dead_code, reason = "the mains of the examples are not called")]
#![allow(clippy::duplicate_mod, reason = "what the examples share is in both of them")]
#[path = "../paper_bot/main.rs"]
mod bot;
#[path = "../replay_exchange/main.rs"]
mod exchange;

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;

use bot::Outcome;
use bot::feed::{Feed, FeedStats};
use bot::kline::KlineEvent;
use bot::trader::Trader;
use clap::Parser;
use exchange::script::{Step, script};
use windvane::backtest::{Report, ResultRow};
use windvane::models::v32;
use windvane::models::train::{Learner, Run};
use windvane::models::v2::WeightedSignalsLearner;
use windvane::prelude::*;
use windvane::signals::LabelSpec;

const STREAMED: &str = "150";

/// Runs exchange and bot against each other.
fn play(seed: u64, out: &Path, more: &[&str]) -> (Outcome, Vec<Step>) {
    let seed = seed.to_string();
    let options = ["replay_exchange", "--fast", "--candles", STREAMED, "--seed", &seed];
    let options = exchange::Options::parse_from(options);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let (mut exchange, stream) = exchange::exchange(&options).unwrap();
    let steps = script(&stream, options.seed);
    let played = steps.clone();
    let server = thread::spawn(move || exchange.serve(&listener, &played));
    let out = out.to_str().unwrap();
    let options = [&["paper_bot", "--url", &url, "--out", out], more].concat();
    let outcome = bot::run(&bot::options::Options::parse_from(options), &AtomicBool::new(false));
    let outcome = outcome.unwrap();
    server.join().unwrap().unwrap();
    (outcome, steps)
}

fn count(steps: &[Step], wanted: fn(&Step) -> bool) -> usize {
    steps.iter().filter(|step| wanted(step)).count()
}

/// The running numbers are those of the report.
fn same_numbers(trader: &Trader, report: &Report) {
    let (accuracy, _) = trader.accuracy();
    assert_eq!(accuracy, report.results[0].score);
    assert!(accuracy.scored > 80, "{accuracy:?}");
    let curve = |row: &ResultRow| row.trading.as_ref()?.equity.last().cloned();
    let last = report.results.iter().find_map(curve).unwrap();
    let (net, gross) = trader.equity();
    assert!((net / last.net[0] - 1.0).abs() < 1e-12 && (gross / last.gross - 1.0).abs() < 1e-12);
    assert_eq!(report.run.costs, [trader.cost]);
}

#[test]
fn every_prediction_is_that_of_the_batch_whatever_happens_to_the_stream() {
    let out = tempfile::tempdir().unwrap();
    let (Outcome { trader, feed, report }, steps) = play(7, out.path(), &[]);

    // Batch: all candles but the one that never came.
    let sample = windvane::candles::sample::load("BTCUSDT").unwrap();
    let closes: Vec<Candle> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Close(candle) | Step::CloseUnsent(candle) => Some(*candle),
            _ => None,
        })
        .collect();
    assert_eq!(closes.len(), 149);
    let mut candles = sample.split_at(closes[0].open_time()).0.candles().to_vec();
    candles.drain(..candles.len() - 2_000);
    candles.extend(&closes);
    let series = CandleSeries::new(sample.pair().clone(), Interval::HOUR, candles).unwrap();
    assert!(trader.series().unwrap() == series, "the bot has other candles");
    let table =
        SignalTable::build(&SignalSpec::default(), &Registry::default(), &series, &[]).unwrap();
    let model = v32::pretrained();
    let mut scratch = model.scratch();
    let batch = (2_000..series.len()).filter_map(|row| table.window(row, 20));
    let batch: Vec<Prediction> =
        batch.map(|window| model.predict(window, &mut scratch).unwrap()).collect();
    let live: Vec<Prediction> =
        trader.decisions.iter().map(|decision| decision.prediction.clone()).collect();
    // After the hole the model warms up again.
    assert_eq!(batch.len(), 149 - 44);
    assert_eq!(live, batch);

    // Everything happened that was to happen.
    let ledger = feed.ledger;
    assert_eq!(ledger.disconnections, count(&steps, |s| matches!(s, Step::Disconnect)));
    assert_eq!(ledger.updates, count(&steps, |s| matches!(s, Step::Update(_))));
    assert_eq!(ledger.repeated, count(&steps, |s| matches!(s, Step::Repeat(_))));
    assert_eq!(ledger.fetched, count(&steps, |s| matches!(s, Step::CloseUnsent(_))));
    assert_eq!((ledger.missing, ledger.foreign), (1, 0));
    assert!(ledger.disconnections >= 6 && ledger.fetched > ledger.disconnections, "{ledger:?}");

    same_numbers(&trader, &report);
    for file in ["report.md", "report.json", "report.html"] {
        assert!(out.path().join(file).metadata().unwrap().len() > 1_000, "{file}");
    }
    assert!(report.to_markdown().contains("all 105 live predictions equal"));
}

#[test]
fn a_saved_model_that_looks_further_ahead_is_traded_as_in_the_backtest() {
    let sample = windvane::candles::sample::load("BTCUSDT").unwrap();
    let past = sample.split_at(sample.candles()[1_000].open_time()).0;
    let table =
        SignalTable::build(&SignalSpec::default(), &Registry::default(), &past, &[]).unwrap();
    let tables = [table];
    let labels = LabelSpec { horizon: 3, ..LabelSpec::default() };
    let samples = SampleSet::collect(&tables, 20, labels).unwrap();
    let split = Split::for_live(&samples, 0.3).unwrap();
    let (train, validation) = (split.train(&samples).unwrap(), split.validation(&samples).unwrap());
    let learner = WeightedSignalsLearner::learned();
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("model.safetensors");
    learner.fit(&train, &validation, &Run::new(1)).unwrap().save(&file).unwrap();
    let more = ["--model", file.to_str().unwrap(), "--cost", "2"];
    let (Outcome { trader, report, .. }, _) = play(8, out.path(), &more);
    assert_eq!(report.run.labels.horizon, 3);
    same_numbers(&trader, &report);
}

#[test]
fn the_bot_stops_when_it_has_seen_enough() {
    let out = tempfile::tempdir().unwrap();
    let options = ["replay_exchange", "--fast", "--candles", "40"];
    let options = exchange::Options::parse_from(options);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let (mut exchange, stream) = exchange::exchange(&options).unwrap();
    // The exchange is left waiting for the next bot.
    thread::spawn(move || exchange.serve(&listener, &script(&stream, 1)));
    let arguments = ["paper_bot", "--url", &url, "--candles", "10"];
    let arguments = [&arguments[..], &["--out", out.path().to_str().unwrap()]].concat();
    let options = bot::options::Options::parse_from(arguments);
    let outcome = bot::run(&options, &AtomicBool::new(false)).unwrap();
    assert_eq!((outcome.trader.streamed(), outcome.trader.decisions.len()), (10, 10));
}

/// A feed after its first candle, and the events of the candles that follow.
fn feed() -> (Feed, Vec<String>) {
    let sample = windvane::candles::sample::load("BTCUSDT").unwrap();
    let (past, stream) = sample.split_at(sample.candles()[100].open_time());
    let text = |candle: &Candle| {
        let event = KlineEvent::new(sample.pair(), Interval::HOUR, candle, true);
        serde_json::to_string(&event).unwrap()
    };
    let events: Vec<String> = stream.candles()[..200].iter().map(text).collect();
    let mut feed = Feed::new(&past);
    assert_eq!(feed.hear(&events[0]).closed.len(), 101);
    (feed, events)
}

#[test]
fn an_exchange_that_does_not_answer_is_not_waited_for_forever() {
    let (mut feed, events) = feed();
    let news = feed.hear(&events[2]);
    assert!(news.closed.is_empty() && news.ask.unwrap().contains("klines"));
    assert!(feed.hear(r#"{"id":0,"status":429,"result":[]}"#).closed.is_empty());
    let told: Vec<usize> = events[3..].iter().map(|event| feed.hear(event).closed.len()).collect();
    let first = told.iter().position(|count| *count > 0).unwrap();
    assert_eq!((first, told[first], told[first + 1]), (59, 61, 1));
    assert_eq!((feed.ledger.missing, feed.ledger.fetched), (1, 0));
    // The candle itself comes too late now.
    assert!(feed.hear(&events[1]).closed.is_empty());
    assert_eq!(feed.ledger.repeated, 1);
}

#[test]
fn what_is_no_candle_of_the_pair_changes_nothing() {
    let (mut feed, events) = feed();
    let (good, ledger) = (&events[1], feed.ledger);
    let wrong = [
        "no JSON".to_string(),
        r#"{"result":null,"id":1}"#.to_string(),
        good.replace("BTCUSDT", "ETHUSDT"),
        good.replace("\"i\":\"1h\"", "\"i\":\"5m\""),
        good.replace("\"v\":\"", "\"v\":\"-"),
        good.replace("\"t\":1", "\"t\":7"),
    ];
    for (index, text) in wrong.iter().enumerate() {
        assert_ne!(text, good, "{index}");
        let news = feed.hear(text);
        assert!(news.closed.is_empty() && news.ask.is_none(), "{text}");
        let foreign = index + 1;
        assert_eq!(feed.ledger, FeedStats { foreign, ..ledger }, "{text}");
    }
    assert_eq!(feed.hear(good).closed.len(), 1);
}

#[test]
fn the_same_seed_makes_the_same_stream() {
    let sample = windvane::candles::sample::load("BTCUSDT").unwrap();
    let candles = &sample.candles()[..200];
    assert_eq!(script(candles, 3), script(candles, 3));
    assert_ne!(script(candles, 3), script(candles, 4));
}
