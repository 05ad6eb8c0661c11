//! An exchange to practise on: candles over a WebSocket, with the faults of real ones.
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tungstenite::{Bytes, Error as SocketError, Message, WebSocket};
use windvane::prelude::*;

use crate::{Error, wire};

/// One event on the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// A candle has closed; a request brings it from now on.
    Closed(Candle),
    /// A candle is sent: its last state, or an earlier one.
    Send(Candle, bool),
    /// The connection breaks.
    Disconnect,
}

/// Steps that stream these candles, decided by the seed: one candle in 20 each is not sent, sent
/// twice, or follows a disconnection, and the middle one is lost.
pub fn script(candles: &[Candle], seed: u64) -> Vec<Step> {
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
        steps.extend(part.map(|part| Step::Send(part, false)));
        let (closed, sent) = (Step::Closed(*candle), Step::Send(*candle, true));
        let calm = index == 0 || index + 4 >= candles.len();
        match random.random_range(0..20) {
            0 if !calm => steps.extend([Step::Disconnect, closed]),
            1 if !calm => steps.push(closed),
            2 if !calm => steps.extend([closed, sent, sent]),
            _ => steps.extend([closed, sent]),
        }
    }
    steps
}

/// Candles of one pair; those that have closed grow with the stream.
#[derive(Debug)]
pub struct Exchange {
    /// Name on the stream.
    pub pair: Pair,
    /// Length of a candle.
    pub interval: Interval,
    /// Oldest first.
    pub closed: Vec<Candle>,
    /// Time between two messages.
    pub pause: Duration,
}

impl Exchange {
    /// Plays the steps to one bot at a time, which may leave and come back.
    pub fn serve(&mut self, listener: &TcpListener, steps: &[Step]) -> Result<(), Error> {
        let mut bot = None;
        for step in steps {
            match step {
                Step::Disconnect => bot = None,
                Step::Closed(candle) => self.closed.push(*candle),
                Step::Send(candle, last) => {
                    let mut socket = bot.take().map_or_else(|| accept(listener), Ok)?;
                    let text = wire::event((&self.pair, self.interval), candle, *last);
                    let sent = socket.send(Message::text(text));
                    // A bot that left comes back, or the next one does.
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

    /// Answers requests until the bot has read everything: until it answers the last ping.
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
                    // The bot reads the answer, and may request more.
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
