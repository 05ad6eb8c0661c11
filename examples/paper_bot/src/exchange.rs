//! An exchange to practise on: candles over a WebSocket, with the faults of real ones.
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tungstenite::{Bytes, Error as SocketError, Message, WebSocket};
use windvane::prelude::*;

use crate::{Error, wire};

/// Time that the exchange waits for a bot's answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// One event on the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Present state of a candle that has not closed.
    Update(Candle),
    /// A candle closes and is sent.
    Close(Candle),
    /// A candle closes; only a request brings it.
    CloseUnsent(Candle),
    /// A closed candle is sent again.
    Repeat(Candle),
    /// The connection breaks.
    Disconnect,
}

/// Steps that stream these candles, decided by the seed: one candle in 20 each is unsent, repeated, or
/// follows a disconnection, and the middle one is lost.
pub fn script(candles: &[Candle], seed: u64) -> Vec<Step> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut steps = Vec::new();
    for (index, candle) in candles.iter().enumerate() {
        let Ohlcv { open, close, volume, .. } = candle.values();
        let (high, low) = (open.max(close), open.min(close));
        let part = Ohlcv { open, high, low, close, volume: 0.5 * volume };
        let fault = random.random_range(0..20);
        let calm = index == 0 || index + 4 >= candles.len();
        if index > 0 && index == candles.len() / 2 {
            continue;
        }
        steps.extend(Candle::new(candle.open_time(), part).map(Step::Update));
        match fault {
            0 if !calm => steps.extend([Step::Disconnect, Step::CloseUnsent(*candle)]),
            1 if !calm => steps.push(Step::CloseUnsent(*candle)),
            2 if !calm => steps.extend([Step::Close(*candle), Step::Repeat(*candle)]),
            _ => steps.push(Step::Close(*candle)),
        }
    }
    steps
}

/// Candles of one pair that have closed; grows with the stream.
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
            if let Step::Close(candle) | Step::CloseUnsent(candle) = step {
                self.closed.push(*candle);
            }
            match step {
                Step::Disconnect => bot = None,
                Step::CloseUnsent(_) => {}
                Step::Update(candle) => self.send(listener, &mut bot, candle, false)?,
                Step::Close(candle) | Step::Repeat(candle) => {
                    self.send(listener, &mut bot, candle, true)?;
                }
            }
        }
        if let Some(mut socket) = bot {
            let _ = socket.close(None);
            while socket.read().is_ok() {}
        }
        Ok(())
    }

    fn send(
        &self,
        listener: &TcpListener,
        bot: &mut Option<WebSocket<TcpStream>>,
        candle: &Candle,
        closed: bool,
    ) -> Result<(), Error> {
        let mut socket = match bot.take() {
            Some(socket) => socket,
            None => {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                tungstenite::accept(stream).map_err(|error| error.to_string())?
            }
        };
        let text = wire::event((&self.pair, self.interval), candle, closed);
        if socket.send(Message::text(text)).and_then(|()| self.settle(&mut socket)).is_ok() {
            *bot = Some(socket);
        }
        std::thread::sleep(self.pause);
        Ok(())
    }

    /// Answers requests until the bot has read everything: it answers a ping only after what came
    /// before.
    fn settle(&self, socket: &mut WebSocket<TcpStream>) -> Result<(), SocketError> {
        let start = Instant::now();
        loop {
            socket.send(Message::Ping(Bytes::new()))?;
            let mut answered = false;
            loop {
                match socket.read()? {
                    Message::Pong(_) => break,
                    Message::Text(text) => {
                        answered = true;
                        if let Some(answer) = wire::answer(&text, &self.closed) {
                            socket.send(Message::text(answer))?;
                        }
                    }
                    _ => {}
                }
            }
            if !answered || start.elapsed() > TIMEOUT {
                return Ok(());
            }
        }
    }
}
