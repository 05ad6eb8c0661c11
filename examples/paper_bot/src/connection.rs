//! The bot's side of the WebSocket: it reconnects, and asks for missed candles.
use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tungstenite::{Error as SocketError, Message, WebSocket};
use windvane::prelude::*;

use crate::{Error, wire};

/// Longest silence of an exchange, and longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 8;

/// Stream of candles of one pair.
#[derive(Debug)]
pub struct Connection {
    url: String,
    pair: Pair,
    interval: Interval,
    socket: WebSocket<TcpStream>,
    /// Messages that came while an answer was awaited.
    waiting: VecDeque<wire::Message>,
    requests: u64,
    /// Number of connections that broke.
    pub reconnections: usize,
}

impl Connection {
    /// Connects to `ws://host:port`, trying again while the exchange does not listen.
    pub fn open(url: &str, pair: Pair, interval: Interval) -> Result<Self, Error> {
        let (socket, url, waiting) = (connect(url)?, url.to_string(), VecDeque::new());
        Ok(Self { url, pair, interval, socket, waiting, requests: 0, reconnections: 0 })
    }

    /// The next message about this pair; `None` at the end of the stream.
    pub fn read(&mut self) -> Result<Option<wire::Message>, Error> {
        while self.waiting.is_empty() {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    self.waiting.extend(wire::parse(&text, &self.pair, self.interval));
                }
                Ok(Message::Close(_))
                | Err(SocketError::ConnectionClosed | SocketError::AlreadyClosed) => {
                    let _ = self.socket.flush();
                    return Ok(None);
                }
                Ok(_) => {} // the next read answers a ping
                Err(_) => {
                    self.socket = connect(&self.url)?;
                    self.reconnections += 1;
                }
            }
        }
        Ok(self.waiting.pop_front())
    }

    /// Closed candles between two open times, both included; none if the exchange does not answer.
    pub fn fetch(&mut self, from: Timestamp, to: Timestamp) -> Result<Vec<Candle>, Error> {
        self.requests += 1;
        // A broken connection shows at the next read.
        let _ = self.socket.send(Message::text(wire::request(self.requests, from, to)));
        let (start, mut others, mut candles) = (Instant::now(), VecDeque::new(), Vec::new());
        let mut asked_on = self.reconnections;
        while start.elapsed() < TIMEOUT {
            let message = self.read()?;
            if self.reconnections != asked_on {
                // The request was lost with the connection.
                asked_on = self.reconnections;
                let _ = self.socket.send(Message::text(wire::request(self.requests, from, to)));
            }
            match message {
                Some(wire::Message::History(id, answer)) if id == self.requests => {
                    candles = answer;
                    break;
                }
                Some(message) => others.push_back(message),
                None => break,
            }
        }
        self.waiting.append(&mut others);
        Ok(candles)
    }
}

fn connect(url: &str) -> Result<WebSocket<TcpStream>, Error> {
    let host = url.strip_prefix("ws://").ok_or("the URL must begin with ws://")?;
    let mut pause = Duration::from_millis(50);
    for _ in 1..ATTEMPTS {
        if let Ok(socket) = attempt(url, host) {
            return Ok(socket);
        }
        std::thread::sleep(pause);
        pause *= 2;
    }
    attempt(url, host)
}

fn attempt(url: &str, host: &str) -> Result<WebSocket<TcpStream>, Error> {
    let stream = TcpStream::connect(host).map_err(|error| format!("{url}: {error}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    Ok(tungstenite::client(url, stream).map_err(|error| format!("{url}: {error}"))?.0)
}
