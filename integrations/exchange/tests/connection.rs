//! Real connections to local servers with a certificate of their own: requests over TLS, a stream
//! that breaks, missed candles, a trusted and an untrusted certificate.
#![allow(clippy::unwrap_used, reason = "a test may stop")]
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tungstenite::Message;
use windvane_candles::{Interval, Timestamp};
use windvane_exchange::exchanges::{Binance, Endpoints, Kraken};
use windvane_exchange::{Client, ExchangeError, History, LiveCandles, Market};

const HOUR: i64 = 3_600_000;
/// 2024-01-01.
const START: i64 = 1_704_067_200_000;

/// Settings of the servers, and the certificate that a client must trust.
fn certificate() -> (Arc<ServerConfig>, Vec<u8>) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), cert.der().to_vec())
}

fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn accept(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
) -> StreamOwned<ServerConnection, TcpStream> {
    let (stream, _) = listener.accept().unwrap();
    StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream)
}

/// Row of the hour `hour` as Binance sends it.
fn row(hour: i64) -> Value {
    let open = START + hour * HOUR;
    let close = format!("{}", 100 + hour);
    json!([open, "100", "500", "50", close, "7", open + HOUR - 1, "0", 1, "0", "0", "0"])
}

/// Message of the stream for the hour `hour`.
fn kline(hour: i64, closed: bool) -> Message {
    let open = START + hour * HOUR;
    let k = json!({ "t": open, "o": "100", "h": "500", "l": "50", "c": format!("{}", 100 + hour), "v": "7", "x": closed });
    Message::text(json!({ "e": "kline", "k": k }).to_string())
}

/// Answers requests with the rows of their period; the first one with status 503.
fn serve_history(listener: TcpListener, config: Arc<ServerConfig>, requests: usize) {
    thread::spawn(move || {
        for number in 0..requests {
            let mut stream = accept(&listener, &config);
            let mut request = String::new();
            let mut lines = BufReader::new(&mut stream);
            if lines.read_line(&mut request).is_err() {
                continue; // the client did not trust the certificate
            }
            let mut line = String::new();
            while lines.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let number_of = |key: &str| -> i64 {
                let text = request.split_once(key).unwrap().1;
                text[..text.find(|c: char| !c.is_ascii_digit()).unwrap()].parse().unwrap()
            };
            let (from, to) = (number_of("startTime="), number_of("endTime="));
            let hours = (0..200).filter(|hour| (from..=to).contains(&(START + hour * HOUR)));
            let rows: Vec<Value> = hours.map(row).collect();
            let (status, body) = if number == 0 {
                ("503 Busy", "busy".into())
            } else {
                ("200 OK", json!(rows).to_string())
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    });
}

fn exchange(rest: u16, stream: u16) -> Binance {
    Binance(Endpoints {
        rest: format!("https://localhost:{rest}"),
        stream: format!("wss://localhost:{stream}"),
    })
}

fn market() -> Market {
    Market::new("BTCUSDT".parse().unwrap(), Interval::HOUR)
}

#[test]
fn history_is_downloaded_over_tls_after_a_repeated_request() {
    let (config, root) = certificate();
    let (listener, port) = listen();
    serve_history(listener, config, 3);
    let (exchange, client, market) = (exchange(port, 0), Client::new(&[root]), market());
    let (from, now) =
        (Timestamp::from_millis(START + 1), Timestamp::from_millis(START + 51 * HOUR + 99));
    let mut history = History::new(&exchange, &client, &market, from, now).unwrap();
    let candles = history.next_page().unwrap().unwrap();
    assert_eq!((candles.len(), candles[0].close()), (50, 101.0)); // hours 1 to 50
    assert!(history.next_page().unwrap().is_none());
}

#[test]
fn request_to_a_server_with_an_unknown_certificate_fails() {
    let (config, _) = certificate();
    let (listener, port) = listen();
    serve_history(listener, config, 1);
    let (_, other) = certificate();
    let client = Client::new(&[other]);
    let url = format!("https://localhost:{port}/api?startTime=0&endTime=1&");
    let error = client.get(&url).unwrap_err().to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[test]
fn live_candles_continue_after_a_disconnection_with_the_missed_ones() {
    let (config, root) = certificate();
    let ((rest, rest_port), (stream, stream_port)) = (listen(), listen());
    serve_history(rest, Arc::clone(&config), 3);
    thread::spawn(move || {
        let mut first = tungstenite::accept(accept(&stream, &config)).unwrap();
        for message in [kline(10, false), kline(10, true), kline(10, true)] {
            first.send(message).unwrap();
        }
        drop(first); // without a close message
        let mut second = tungstenite::accept(accept(&stream, &config)).unwrap();
        for message in [kline(13, false), kline(13, true), kline(14, true)] {
            second.send(message).unwrap();
        }
        while second.read().is_ok() {}
    });
    let (exchange, client) = (exchange(rest_port, stream_port), Client::new(&[root]));
    let last = Some(Timestamp::from_millis(START + 9 * HOUR));
    let mut live = LiveCandles::new(&exchange, &client, market(), last, 0);
    let first = live.next_candle().unwrap();
    assert_eq!((first.candle.close(), first.missed.len()), (110.0, 0));
    let second = live.next_candle().unwrap();
    let missed: Vec<f64> = second.missed.iter().map(|candle| candle.close()).collect();
    assert_eq!((missed, second.candle.close(), second.missing), (vec![111.0, 112.0], 113.0, 0));
    let third = live.next_candle().unwrap();
    assert_eq!((third.candle.close(), third.missed.len()), (114.0, 0));
}

/// Writer that is closed after some lines, as a pipe whose reader has ended.
struct Pipe<'a>(&'a mut Vec<u8>, usize);

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.iter().filter(|byte| **byte == b'\n').count() >= self.1 {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn live_candles_are_written_as_lines_until_the_reader_ends() {
    let (config, root) = certificate();
    let ((rest, rest_port), (stream, stream_port)) = (listen(), listen());
    serve_history(rest, Arc::clone(&config), 3);
    thread::spawn(move || {
        let mut socket = tungstenite::accept(accept(&stream, &config)).unwrap();
        for message in [kline(10, true), kline(11, false), kline(12, true), kline(13, true)] {
            socket.send(message).unwrap();
        }
        while socket.read().is_ok() {}
    });
    let (exchange, client) = (exchange(rest_port, stream_port), Client::new(&[root]));
    let mut live = LiveCandles::new(&exchange, &client, market(), None, 2);
    let mut text = Vec::new();
    live.write_lines(Pipe(&mut text, 5)).unwrap();
    let text = String::from_utf8(text).unwrap();
    // Two candles of history, the first of the stream, a missed one and the next.
    let closes: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["close"].take())
        .collect();
    assert_eq!(closes, [108.0, 109.0, 110.0, 111.0, 112.0]);
    let first = r#"{"close":108.0,"high":500.0,"low":50.0,"open":100.0,"open_time":"2024-01-01T08:00:00Z","pair":"BTCUSDT","volume":7.0}"#;
    assert_eq!(text.lines().next().unwrap(), first);
}

#[test]
fn kraken_history_older_than_its_memory_is_refused() {
    let (kraken, client) = (Kraken::default(), Client::default());
    let market = Market::new("BTC/USD".parse().unwrap(), Interval::HOUR);
    let now = Timestamp::from_millis(START);
    let old = Timestamp::from_millis(START - 1_000 * HOUR);
    let error = History::new(&kraken, &client, &market, old, now).unwrap_err();
    assert!(matches!(error, ExchangeError::TooOld { .. }), "{error}");
    let recent = Timestamp::from_millis(START - 100 * HOUR);
    assert!(History::new(&kraken, &client, &market, recent, now).is_ok());
}
