//! Bot and simulated exchange: with every fault of the stream, the bot's predictions equal those of
//! the batch path.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test may panic; bits are compared")]
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use tungstenite::{Message, WebSocket};
use windvane::candles::sample;
use windvane::models::{Policy, PolicyConfig, PositionTracker};
use windvane::prelude::*;
use windvane_paper_bot::bot::Bot;
use windvane_paper_bot::connection::{Connection, TIMEOUT};
use windvane_paper_bot::exchange::{Exchange, StreamStep, script};
use windvane_paper_bot::lines::LiveFeed;
use windvane_paper_bot::wire;

const STREAMED: usize = 150;

/// Connects a bot that trades every prediction to the exchange; returns the bot, the number of
/// reconnections and the steps.
fn play(
    model: impl FittedModel + 'static,
    seed: u64,
    limit: usize,
) -> (Bot, usize, Vec<StreamStep>) {
    play_with(model, Policy::every_candle(), seed, limit)
}

fn play_with(
    model: impl FittedModel + 'static,
    policy: Policy,
    seed: u64,
    limit: usize,
) -> (Bot, usize, Vec<StreamStep>) {
    let series = sample::load("BTCUSDT").unwrap();
    let (past, stream) = series.candles().split_at(series.len() - STREAMED);
    let steps = script(stream, seed);
    let (pair, interval) = (series.pair().clone(), series.interval());
    let mut exchange =
        Exchange { pair: pair.clone(), interval, closed: past.to_vec(), pause: Duration::ZERO };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let played = steps.clone();
    let server = thread::spawn(move || exchange.serve(&listener, &played));
    let mut bot = Bot::new(model, pair.clone(), 5.0).unwrap();
    bot.tracker = PositionTracker::new(policy, interval);
    let mut connection = Connection::open(&url, (pair, interval), TIMEOUT).unwrap();
    bot.run(&mut connection, limit).unwrap();
    if limit == usize::MAX {
        server.join().unwrap().unwrap();
    }
    (bot, connection.reconnections, steps)
}

#[test]
fn bot_predictions_equal_batch_for_every_seed_of_faults() {
    for seed in 1..=20 {
        let (bot, ..) = play(v32::pretrained(), seed, usize::MAX);
        bot.check("BTCUSDT".parse().unwrap()).unwrap();
        assert_eq!(bot.candles.len(), 45 + STREAMED - 1, "seed {seed}");
    }
}

fn count(steps: &[StreamStep], wanted: fn(&StreamStep) -> bool) -> usize {
    steps.iter().filter(|step| wanted(step)).count()
}

#[test]
fn bot_fetches_missing_candles_and_ignores_duplicates() {
    let (bot, reconnections, steps) = play(v32::pretrained(), 7, usize::MAX);
    bot.check("BTCUSDT".parse().unwrap()).unwrap();
    // All candles except the lost one, after a warm-up of 45 candles.
    let first = bot.candles[45];
    let expected = sample::load("BTCUSDT").unwrap().split_at(first.open_time()).1;
    assert_eq!(bot.candles.len(), 45 + STREAMED - 1);
    let lost = expected.get(STREAMED / 2).unwrap();
    let kept: Vec<Candle> = expected.iter().filter(|c| *c != lost).copied().collect();
    assert_eq!(bot.candles[45..], kept);
    // The predictor restarts its warm-up after the lost candle.
    assert_eq!(bot.predictions.len(), 1 + STREAMED - 1 - 44);

    let closed = count(&steps, |step| matches!(step, StreamStep::Closed(_)));
    let sent = count(&steps, |step| matches!(step, StreamStep::Send(_, true)));
    let repeated = steps.windows(2).filter(|two| two[0] == two[1]).count();
    let unsent = closed + repeated - sent;
    let counts = bot.feed.counts();
    let received = [counts.fetched, counts.duplicates, counts.missing];
    assert_eq!(received, [45 + unsent, repeated, 1].map(|count| count as u64));
    assert_eq!(reconnections, count(&steps, |step| matches!(step, StreamStep::Disconnect)));
    assert!(reconnections > 2 && repeated > 2 && unsent > reconnections);
}

#[test]
fn bot_with_saved_model_trades_like_one_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    v32::pretrained().save(&file).unwrap();
    let (saved, ..) = play(load(&file).unwrap(), 8, usize::MAX);
    let (own, ..) = play(v32::pretrained(), 8, usize::MAX);
    assert_eq!((saved.predictions, saved.equity), (own.predictions, own.equity));
}

#[test]
fn bot_equity_follows_predictions_after_costs() {
    let (bot, ..) = play(v32::pretrained(), 9, usize::MAX);
    let (mut equity, mut position) = (1.0, 0.0);
    for two in bot.candles.windows(2) {
        let [now, next] = two else { continue };
        let own =
            |prediction: &&Prediction| prediction.decided_at == now.close_time(Interval::HOUR);
        let wanted = match bot.predictions.iter().find(own).map(|p| p.direction) {
            Some(Direction::Up) => 1.0,
            Some(Direction::Down) => -1.0,
            _ => 0.0_f64,
        };
        equity *= 1.0 - 5e-4 * (wanted - position).abs();
        position = wanted;
        equity *= 1.0 + position * (next.close() / now.close() - 1.0);
    }
    // The position after the last candle has had its cost, but is not settled.
    assert!((bot.equity / equity - 1.0).abs() < 1.1e-3, "{} {equity}", bot.equity);
    assert_ne!(bot.equity, 1.0);
}

#[test]
fn bot_follows_the_policy_of_its_model() {
    let scores = (0..100).map(|k| 2e-6 * f64::from(k));
    let policy = Policy::fit(PolicyConfig { share: 0.5, ..PolicyConfig::default() }, scores);
    let policy = policy.unwrap();
    let (bot, ..) = play_with(v32::pretrained(), policy, 9, usize::MAX);
    let mut predictor = Predictor::new(v32::pretrained(), Interval::HOUR).unwrap();
    let mut tracker = PositionTracker::new(policy, Interval::HOUR);
    let (mut equity, mut before, mut trades) = (1.0, 0.0, 0);
    for (index, candle) in bot.candles.iter().enumerate() {
        if let Some(last) = index.checked_sub(1).map(|last| bot.candles[last].close()) {
            equity *= 1.0 + before * (candle.close() / last - 1.0);
        }
        let position = tracker.on_outcome(candle, &predictor.on_candle(candle).unwrap()).size();
        equity *= 1.0 - 5e-4 * (position - before).abs();
        trades += usize::from(position != before);
        before = position;
    }
    assert_eq!(bot.equity, equity);
    assert!((2..60).contains(&trades), "{trades}");
}

#[test]
fn bot_ends_after_requested_number_of_predictions() {
    let (bot, ..) = play(v32::pretrained(), 1, 10);
    assert_eq!(bot.predictions.len(), 10);
}

/// Runs a bot against an exchange that treats every connection as given.
fn run_against(exchange: fn(WebSocket<TcpStream>), timeout: Duration) -> Result<Bot, String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || exchange(tungstenite::accept(stream.unwrap()).unwrap()));
        }
    });
    let pair = Pair::new("BTCUSDT").unwrap();
    let stream = (pair.clone(), Interval::HOUR);
    let mut connection = Connection::open(&url, stream, timeout).unwrap();
    let mut bot = Bot::new(v32::pretrained(), pair, 5.0).unwrap();
    bot.run(&mut connection, usize::MAX).map(|()| bot).map_err(|error| error.to_string())
}

fn pings(socket: &mut WebSocket<TcpStream>) -> tungstenite::Result<()> {
    socket.send(Message::Ping(vec![0; 125].into()))
}

#[test]
fn bot_ends_if_exchange_sends_pings_only() {
    for exchange in [
        // It does not read the answers, so that they fill the buffers of the sockets.
        (|mut socket| while pings(&mut socket).is_ok() {}) as fn(WebSocket<TcpStream>),
        // It reads each answer.
        |mut socket| while pings(&mut socket).is_ok() && socket.read().is_ok() {},
        // It is silent.
        |_socket| thread::sleep(Duration::from_secs(60)),
        // It sends candles of another pair.
        |mut socket| {
            let series = sample::load("ETHUSDT").unwrap();
            let text = wire::event((series.pair(), Interval::HOUR), &series.candles()[0], true);
            while socket.send(Message::text(text.clone())).is_ok() {}
        },
    ] {
        let error = run_against(exchange, Duration::from_millis(200)).unwrap_err();
        assert!(error.ends_with("no candle of BTCUSDT on 8 connections"), "{error}");
    }
}

/// Sends 60 candles and ends the stream; answers no request.
fn send_candles(mut socket: WebSocket<TcpStream>, pause: Duration) {
    let series = sample::load("BTCUSDT").unwrap();
    for candle in &series.candles()[..60] {
        let text = wire::event((series.pair(), Interval::HOUR), candle, true);
        socket.send(Message::text(text)).unwrap();
        thread::sleep(pause);
    }
    let _ = socket.close(None);
    // With unread requests the end of the connection would be an error for the bot.
    while socket.read().is_ok() {}
}

#[test]
fn bot_continues_without_history_if_exchange_answers_no_request() {
    for exchange in [
        (|socket| send_candles(socket, Duration::from_millis(50))) as fn(WebSocket<TcpStream>),
        // The stream ends before the time-out of the request.
        |socket| send_candles(socket, Duration::ZERO),
    ] {
        // Longer than a busy machine lets a thread wait: the bot would connect again.
        let bot = run_against(exchange, Duration::from_secs(2)).unwrap();
        assert_eq!((bot.candles.len(), bot.predictions.len()), (60, 60 - 44));
        assert_eq!(bot.feed.counts().fetched, 0);
    }
}

#[test]
fn bot_continues_after_a_candle_with_a_time_in_microseconds() {
    let series = sample::load("BTCUSDT").unwrap();
    let (past, stream) = series.candles().split_at(series.len() - 40);
    let wrong = Timestamp::from_millis(stream[20].open_time().millis() * 1_000);
    let wrong = Candle::new(wrong, stream[20].values()).unwrap();
    let mut steps = Vec::new();
    for (row, candle) in stream.iter().enumerate() {
        if row == 20 {
            steps.extend([false, true].map(|closed| StreamStep::Send(wrong, closed)));
        }
        steps.extend([StreamStep::Closed(*candle), StreamStep::Send(*candle, true)]);
    }
    let (pair, interval) = (series.pair().clone(), series.interval());
    let (closed, pause) = (past.to_vec(), Duration::ZERO);
    let mut exchange = Exchange { pair: pair.clone(), interval, closed, pause };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || exchange.serve(&listener, &steps));
    let mut bot = Bot::new(v32::pretrained(), pair.clone(), 5.0).unwrap();
    let mut connection = Connection::open(&url, (pair.clone(), interval), TIMEOUT).unwrap();
    bot.run(&mut connection, usize::MAX).unwrap();
    server.join().unwrap().unwrap();
    bot.check(pair).unwrap();
    // The first prediction is that of the last candle of the history.
    assert_eq!((bot.predictions.len(), bot.feed.counts().refused), (1 + 40, 1));
}

#[test]
fn bot_trades_the_candles_of_json_lines() {
    let series = sample::load("BTCUSDT").unwrap();
    let (pair, mut text) = (series.pair(), String::new());
    for candle in &series.candles()[..60] {
        let Ohlcv { open, high, low, close, volume } = candle.values();
        let time = candle.open_time();
        let line = format!(
            "{{\"close\":{close:?},\"high\":{high:?},\"low\":{low:?},\"open\":{open:?},\
             \"open_time\":\"{time}\",\"pair\":\"{pair}\",\"volume\":{volume:?}}}\n"
        );
        text += &line;
    }
    let mut bot = Bot::new(v32::pretrained(), pair.clone(), 5.0).unwrap();
    bot.run_lines(text.as_bytes(), pair, usize::MAX).unwrap();
    bot.check(pair.clone()).unwrap();
    assert_eq!(bot.candles, series.candles()[..60]);
    assert_eq!(bot.predictions.len(), 60 - 44);
    for (wrong, problem) in [
        ("", "EOF"),
        (text.lines().next().unwrap().replace("volume", "v").as_str(), "no volume"),
        (
            text.replace("BTCUSDT", "ETHUSDT").lines().next().unwrap(),
            "expected a candle of BTCUSDT",
        ),
    ] {
        let line = format!("{wrong}\n");
        let error = bot.run_lines(line.as_bytes(), pair, 100).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn bot_reports_a_feed_that_fails_or_is_missing() {
    let pair = Pair::new("BTCUSDT").unwrap();
    let start = |program| LiveFeed::start(program, "binance", (&pair, Interval::HOUR), 44);
    let mut bot = Bot::new(v32::pretrained(), pair.clone(), 5.0).unwrap();
    for (program, is_good) in [("true", true), ("false", false)] {
        let (feed, lines) = start(program).unwrap();
        bot.run_lines(lines, &pair, usize::MAX).unwrap();
        assert_eq!(feed.finish().is_ok(), is_good);
    }
    let error = start("no-such-feed").unwrap_err().to_string();
    assert!(error.contains("no-such-feed is not installed: cargo install"), "{error}");
}

#[test]
fn wire_ignores_invalid_messages_and_other_pairs() {
    let series = sample::load("BTCUSDT").unwrap();
    let (pair, interval) = (series.pair(), series.interval());
    let candle = series.candles()[0];
    let good = wire::event((pair, interval), &candle, true);
    assert_eq!(wire::parse(&good, pair, interval), Some(wire::Message::Kline(candle, true)));
    let wrong = [
        "not JSON".to_string(),
        r#"{"result":null,"id":1}"#.to_string(),
        r#"{"id":0,"status":429,"result":[[1]]}"#.to_string(),
        good.replace("BTCUSDT", "ETHUSDT"),
        good.replace("\"i\":\"1h\"", "\"i\":\"5m\""),
        good.replace("\"v\":\"", "\"v\":\"-"),
        good.replace("\"t\":1", "\"t\":7"),
    ];
    for text in &wrong {
        assert_ne!(text, &good);
        assert_eq!(wire::parse(text, pair, interval), None, "{text}");
    }
    let [from, to] = [0, 2].map(|row| series.candles()[row].open_time());
    let answer = wire::answer(&wire::request(from, to), series.candles()).unwrap();
    let expected =
        wire::Message::History(from, series.between(from, to.plus(interval, 1).unwrap()));
    assert_eq!(wire::parse(&answer, pair, interval), Some(expected));
    assert_eq!(wire::answer(&good, series.candles()), None);
}

#[test]
fn exchange_script_is_determined_by_seed() {
    let series = sample::load("BTCUSDT").unwrap();
    let candles = &series.candles()[..200];
    assert_eq!(script(candles, 3), script(candles, 3));
    assert_ne!(script(candles, 3), script(candles, 4));
}
