//! The bot's side of the WebSocket: it reconnects, and asks for missed candles.
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tungstenite::{Error as SocketError, Message, WebSocket};
use windvane::prelude::*;

use crate::{Error, wire};

/// Time that a connection attempt or an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 8;

/// A stream of candles of one pair.
#[derive(Debug)]
pub struct Connection<'a> {
    url: &'a str,
    pair: Pair,
    interval: Interval,
    stop: &'a AtomicBool,
    socket: WebSocket<TcpStream>,
    /// Messages that came while an answer was awaited.
    waiting: VecDeque<wire::Message>,
    requests: u64,
    /// Connections that broke.
    pub reconnections: usize,
}

impl<'a> Connection<'a> {
    /// Connects to `ws://host:port`; trying again while the exchange does not listen.
    pub fn open(
        url: &'a str,
        pair: Pair,
        interval: Interval,
        stop: &'a AtomicBool,
    ) -> Result<Self, Error> {
        let (socket, waiting) = (connect(url, stop)?, VecDeque::new());
        Ok(Self { url, pair, interval, stop, socket, waiting, requests: 0, reconnections: 0 })
    }

    /// The next message about this pair; `None` at the end of the stream, or when told to stop.
    pub fn next(&mut self) -> Result<Option<wire::Message>, Error> {
        while !self.stop.load(Ordering::Relaxed) {
            if let Some(message) = self.waiting.pop_front() {
                return Ok(Some(message));
            }
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    self.waiting.extend(wire::parse(&text, &self.pair, self.interval));
                }
                Ok(Message::Close(_)) | Err(SocketError::ConnectionClosed) => {
                    let _ = self.socket.flush();
                    return Ok(None);
                }
                Ok(_) => {} // the next read answers a ping
                Err(SocketError::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => {
                    self.socket = connect(self.url, self.stop)?;
                    self.reconnections += 1;
                }
            }
        }
        Ok(None)
    }

    /// Closed candles between two open times, both included; none if the exchange does not answer.
    pub fn fetch(&mut self, from: Timestamp, to: Timestamp) -> Result<Vec<Candle>, Error> {
        self.requests += 1;
        let id = self.requests;
        // A broken connection shows at the next read.
        let _ = self.socket.send(Message::text(wire::request(id, from, to)));
        let (start, mut others) = (Instant::now(), VecDeque::new());
        let mut candles = Vec::new();
        while start.elapsed() < TIMEOUT {
            match self.next()? {
                Some(wire::Message::History(of, answer)) if of == id => {
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

fn connect(url: &str, stop: &AtomicBool) -> Result<WebSocket<TcpStream>, Error> {
    let host = url.strip_prefix("ws://").ok_or("the URL must begin with ws://")?;
    let mut failure = "stopped".to_string();
    for attempt in 0..ATTEMPTS {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50) * ((1 << attempt) - 1));
        match TcpStream::connect(host) {
            Err(error) => failure = error.to_string(),
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                match tungstenite::client(url, stream) {
                    Err(error) => failure = error.to_string(),
                    Ok((socket, _)) => {
                        let glance = Duration::from_millis(100);
                        socket.get_ref().set_read_timeout(Some(glance))?;
                        return Ok(socket);
                    }
                }
            }
        }
    }
    Err(format!("{url}: {failure}; start the exchange first").into())
}
