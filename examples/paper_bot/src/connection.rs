//! WebSocket connection of the bot: reconnects, and repeats requests.
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use tungstenite::{Error as SocketError, Message, WebSocket};
use windvane::prelude::*;

use crate::{Error, wire};

/// Time-out of a bot.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Number of attempts to connect, and of connections in a row without a candle.
const ATTEMPTS: u32 = 8;

/// Stream of candles of one pair.
#[derive(Debug)]
pub struct Connection {
    url: String,
    /// Pair and interval of the candles.
    stream: (Pair, Interval),
    /// Longest duration of a read and a write, and longest wait for a candle or an answer.
    timeout: Duration,
    socket: WebSocket<TcpStream>,
    /// Time from which on the connection counts as broken.
    deadline: Instant,
    /// First and last open time of the request without an answer.
    request: Option<(Timestamp, Timestamp)>,
    /// Number of connections in a row that broke before a candle.
    silent: u32,
    /// Number of connections that broke.
    pub reconnections: usize,
}

impl Connection {
    /// Connects to `ws://host:port`; retries if the exchange does not accept the connection.
    pub fn open(url: &str, stream: (Pair, Interval), timeout: Duration) -> Result<Self, Error> {
        let (socket, url) = (connect(url, timeout)?, url.to_string());
        let (deadline, silent, reconnections) = (Instant::now() + timeout, 0, 0);
        Ok(Self { url, stream, timeout, socket, deadline, request: None, silent, reconnections })
    }

    /// Returns the next message about this pair; `None` at the end of the stream. A request that is
    /// not answered within the time-out has an empty answer.
    ///
    /// A connection counts as broken if it sends no candle within the time-out, even if it sends
    /// pings. After eight of them in a row the bot ends.
    pub fn read(&mut self) -> Result<Option<wire::Message>, Error> {
        loop {
            if Instant::now() > self.deadline {
                self.deadline = Instant::now() + self.timeout;
                match self.unanswered() {
                    None => self.reconnect()?,
                    answer => return Ok(answer),
                }
            }
            let message = match self.socket.read() {
                Ok(Message::Text(text)) => wire::parse(&text, &self.stream.0, self.stream.1),
                Ok(Message::Close(_))
                | Err(SocketError::ConnectionClosed | SocketError::AlreadyClosed) => {
                    let _ = self.socket.flush();
                    return Ok(self.unanswered());
                }
                Ok(_) => None, // the next read answers a ping
                Err(_) => self.reconnect().map(|()| None)?,
            };
            let Some(message) = message else { continue };
            if let wire::Message::History(from, _) = &message {
                self.request = self.request.filter(|(first, _)| first != from);
            }
            self.silent = 0;
            if self.request.is_none() {
                self.deadline = Instant::now() + self.timeout;
            }
            return Ok(Some(message));
        }
    }

    /// Empty answer to the outstanding request.
    fn unanswered(&mut self) -> Option<wire::Message> {
        let ((from, _), (pair, interval)) = (self.request.take()?, self.stream.clone());
        Some(wire::Message::History(from, CandleSeries::new(pair, interval, Vec::new()).ok()?))
    }

    /// Requests the closed candles between two open times, both included. The answer is a message;
    /// the request is repeated after a reconnection.
    pub fn request(&mut self, from: Timestamp, to: Timestamp) {
        (self.request, self.deadline) = (Some((from, to)), Instant::now() + self.timeout);
        // The next read detects a broken connection.
        let _ = self.socket.send(Message::text(wire::request(from, to)));
    }

    fn reconnect(&mut self) -> Result<(), Error> {
        if self.silent == ATTEMPTS {
            let (url, pair) = (&self.url, &self.stream.0);
            return Err(format!("{url}: no candle of {pair} on {ATTEMPTS} connections").into());
        }
        self.socket = connect(&self.url, self.timeout)?;
        self.deadline = Instant::now() + self.timeout;
        self.silent += 1;
        self.reconnections += 1;
        if let Some((from, to)) = self.request {
            self.request(from, to);
        }
        Ok(())
    }
}

fn connect(url: &str, timeout: Duration) -> Result<WebSocket<TcpStream>, Error> {
    let host = url.strip_prefix("ws://").ok_or("the URL must begin with ws://")?;
    let connected = (1..ATTEMPTS).find_map(|failures| {
        let pause = Duration::from_millis(25 << failures);
        attempt(url, host, timeout).inspect_err(|_| std::thread::sleep(pause)).ok()
    });
    connected.map_or_else(|| attempt(url, host, timeout), Ok)
}

fn attempt(url: &str, host: &str, timeout: Duration) -> Result<WebSocket<TcpStream>, Error> {
    let mut addresses = host.to_socket_addrs().map_err(|error| format!("{url}: {error}"))?;
    let stream = addresses.find_map(|address| TcpStream::connect_timeout(&address, timeout).ok());
    let stream = stream.ok_or_else(|| format!("{url}: no connection"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(timeout))?;
    // An exchange that does not read would block the answer to its pings.
    stream.set_write_timeout(Some(timeout))?;
    Ok(tungstenite::client(url, stream).map_err(|error| format!("{url}: {error}"))?.0)
}
