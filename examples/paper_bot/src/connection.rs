//! WebSocket connection of the bot: reconnects, and requests missing candles.
use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tungstenite::{Error as SocketError, Message, WebSocket};
use windvane::prelude::*;

use crate::{Error, wire};

/// Longest time without a message, and longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Number of attempts to connect.
const ATTEMPTS: u32 = 8;

/// Stream of candles of one pair.
#[derive(Debug)]
pub struct Connection {
    url: String,
    pair: Pair,
    interval: Interval,
    socket: WebSocket<TcpStream>,
    /// Messages received while waiting for an answer.
    waiting: VecDeque<wire::Message>,
    requests: u64,
    /// Number of connections that broke.
    pub reconnections: usize,
}

impl Connection {
    /// Connects to `ws://host:port`; retries if the exchange does not accept the connection.
    pub fn open(url: &str, pair: Pair, interval: Interval) -> Result<Self, Error> {
        let (socket, url, waiting) = (connect(url)?, url.to_string(), VecDeque::new());
        Ok(Self { url, pair, interval, socket, waiting, requests: 0, reconnections: 0 })
    }

    /// Returns the next message about this pair; `None` at the end of the stream.
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

    /// Requests the closed candles between two open times, both included; returns none if the
    /// exchange does not answer.
    pub fn fetch(&mut self, from: Timestamp, to: Timestamp) -> Result<Vec<Candle>, Error> {
        self.requests += 1;
        // The next read detects a broken connection.
        let _ = self.socket.send(Message::text(wire::request(self.requests, from, to)));
        let (start, mut others, mut candles) = (Instant::now(), VecDeque::new(), Vec::new());
        let mut requested_on = self.reconnections;
        while start.elapsed() < TIMEOUT {
            let message = self.read()?;
            if self.reconnections != requested_on {
                // The request was lost with the connection.
                requested_on = self.reconnections;
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
