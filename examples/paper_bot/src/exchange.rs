//! Simulated exchange: candles over a WebSocket, with the faults of real exchanges.
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tungstenite::{Bytes, Error as SocketError, Message, WebSocket};
use windvane::prelude::*;

use crate::{Error, wire};

/// Event on the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StreamStep {
    /// A candle has closed; from now on a request returns it.
    Closed(Candle),
    /// A candle is sent; the flag is true for its final state.
    Send(Candle, bool),
    /// The connection breaks.
    Disconnect,
}

/// Creates the steps of a stream of these candles. The seed determines the faults: one candle in 20
/// each is not sent, is sent twice, or follows a disconnection. The middle candle is lost.
pub fn script(candles: &[Candle], seed: u64) -> Vec<StreamStep> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut steps = Vec::new();
    for (index, candle) in candles.iter().enumerate() {
        if index > 0 && index == candles.len() / 2 {
            continue;
        }
        let Ohlcv { open, close, volume, .. } = candle.values();
        let (high, low) = (open.max(close), open.min(close));
        let part = Ohlcv { open, high, low, close, volume: 0.5 * volume };
        let part = Candle::new(candle.open_time(), part);
        steps.extend(part.map(|part| StreamStep::Send(part, false)));
        let (closed, sent) = (StreamStep::Closed(*candle), StreamStep::Send(*candle, true));
        let without_fault = index == 0 || index + 4 >= candles.len();
        match random.random_range(0..20) {
            0 if !without_fault => steps.extend([StreamStep::Disconnect, closed]),
            1 if !without_fault => steps.push(closed),
            2 if !without_fault => steps.extend([closed, sent, sent]),
            _ => steps.extend([closed, sent]),
        }
    }
    steps
}

/// Exchange with one pair; the stream adds to its closed candles.
#[derive(Debug)]
pub struct Exchange {
    /// Pair of the candles.
    pub pair: Pair,
    /// Interval of the candles.
    pub interval: Interval,
    /// Closed candles, oldest first.
    pub closed: Vec<Candle>,
    /// Time between two messages.
    pub pause: Duration,
}

impl Exchange {
    /// Plays the steps to one bot at a time, which may disconnect and reconnect.
    pub fn serve(&mut self, listener: &TcpListener, steps: &[StreamStep]) -> Result<(), Error> {
        let mut bot = None;
        for step in steps {
            match step {
                StreamStep::Disconnect => bot = None,
                StreamStep::Closed(candle) => self.closed.push(*candle),
                StreamStep::Send(candle, last) => {
                    let mut socket = bot.take().map_or_else(|| accept(listener), Ok)?;
                    let text = wire::event((&self.pair, self.interval), candle, *last);
                    let sent = socket.send(Message::text(text));
                    // After a disconnection, the next step accepts a new connection.
                    bot = sent.and_then(|()| self.settle(&mut socket)).ok().map(|()| socket);
                    std::thread::sleep(self.pause);
                }
            }
        }
        if let Some(mut socket) = bot {
            let _ = socket.close(None);
            while socket.read().is_ok() {}
        }
        Ok(())
    }

    /// Answers requests until the bot has read everything, which its answer to the last ping shows.
    fn settle(&self, socket: &mut WebSocket<TcpStream>) -> Result<(), SocketError> {
        let mut last = 0_u8;
        socket.send(Message::Ping(Bytes::from(vec![last])))?;
        loop {
            match socket.read()? {
                Message::Pong(ping) if *ping == [last] => return Ok(()),
                Message::Text(text) => {
                    if let Some(answer) = wire::answer(&text, &self.closed) {
                        socket.send(Message::text(answer))?;
                    }
                    // After the answer the bot may send another request.
                    last = last.wrapping_add(1);
                    socket.send(Message::Ping(Bytes::from(vec![last])))?;
                }
                _ => {}
            }
        }
    }
}

fn accept(listener: &TcpListener) -> Result<WebSocket<TcpStream>, Error> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(tungstenite::accept(stream).map_err(|error| error.to_string())?)
}
