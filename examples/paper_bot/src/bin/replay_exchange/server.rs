//! The exchange's side of the WebSocket.
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use tungstenite::{Bytes, Error, Message, WebSocket};
use windvane::prelude::*;

use super::kline::{HistoryAnswer, HistoryRequest, KlineEvent};
use super::script::Step;

/// How long the exchange waits for a bot to connect, or to answer a ping.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one look for messages takes.
const GLANCE: Duration = Duration::from_millis(5);

type Socket = WebSocket<TcpStream>;

/// What the exchange knows.
pub(crate) struct Exchange {
    pub(crate) pair: Pair,
    pub(crate) interval: Interval,
    /// Candles that have closed, the oldest first: what it tells when asked for the past.
    pub(crate) closed: Vec<Candle>,
    /// Between two steps.
    pub(crate) pause: Duration,
}

/// How the bot was lost.
enum Lost {
    /// It is gone.
    Gone,
    /// It neither comes nor answers.
    Silent,
}

impl From<Error> for Lost {
    fn from(_: Error) -> Self {
        Self::Gone
    }
}

impl Exchange {
    /// Plays all steps to one bot at a time, which may leave and come back: it then misses nothing
    /// but the step it left in. Ends with the last step, or when no bot comes for a minute.
    pub(crate) fn serve(&mut self, listener: &TcpListener, steps: &[Step]) -> Result<(), String> {
        listener.set_nonblocking(true).map_err(|error| error.to_string())?;
        let mut connected: Option<Socket> = None;
        for step in steps {
            match step {
                Step::Disconnect => connected = None,
                // Nobody has to listen.
                Step::CloseUnsent(candle) => self.closed.push(*candle),
                Step::Update(candle) => self.tell(listener, &mut connected, candle, false)?,
                Step::Close(candle) => {
                    self.closed.push(*candle);
                    self.tell(listener, &mut connected, candle, true)?;
                }
                Step::Repeat(candle) => self.tell(listener, &mut connected, candle, true)?,
            }
        }
        if let Some(mut socket) = connected {
            // The bot may hang up first.
            let _ = socket.close(None).and_then(|()| socket.flush());
            let start = Instant::now();
            while start.elapsed() < PATIENCE && !matches!(glance(&mut socket), Err(Lost::Gone)) {}
        }
        Ok(())
    }

    /// Sends a candle, to the next bot if there is none.
    fn tell(
        &self,
        listener: &TcpListener,
        connected: &mut Option<Socket>,
        candle: &Candle,
        closed: bool,
    ) -> Result<(), String> {
        let mut socket = match connected.take() {
            Some(socket) => socket,
            None => accept(listener)?,
        };
        let event = KlineEvent::new(&self.pair, self.interval, candle, closed);
        let text = serde_json::to_string(&event).map_err(|error| error.to_string())?;
        let sent = socket.send(Message::text(text)).map_err(Lost::from);
        match sent.and_then(|()| self.settle(&mut socket)) {
            Ok(()) => *connected = Some(socket),
            Err(Lost::Gone) => {}
            Err(Lost::Silent) => return Err("the bot does not answer pings".to_string()),
        }
        Ok(())
    }

    /// Waits until the bot has heard everything and asks for nothing more: it answers a ping only
    /// behind what came before. Then lets the pause pass.
    fn settle(&self, socket: &mut Socket) -> Result<(), Lost> {
        let start = Instant::now();
        loop {
            socket.send(Message::Ping(Bytes::new()))?;
            let mut answered = false;
            loop {
                match glance(socket)? {
                    Some(Message::Text(text)) => {
                        answered = true;
                        self.answer(socket, &text)?;
                    }
                    Some(Message::Pong(_)) => break,
                    _ if start.elapsed() > PATIENCE => return Err(Lost::Silent),
                    _ => {}
                }
            }
            if !answered {
                break;
            }
        }
        let start = Instant::now();
        while start.elapsed() < self.pause {
            if let Some(Message::Text(text)) = glance(socket)? {
                self.answer(socket, &text)?;
            }
        }
        Ok(())
    }

    /// Tells of the past; what is no question about that gets no answer.
    fn answer(&self, socket: &mut Socket, text: &str) -> Result<(), Lost> {
        let Ok(request) = serde_json::from_str::<HistoryRequest>(text) else { return Ok(()) };
        let asked = request.params.start_time..=request.params.end_time;
        let candles = self.closed.iter().filter(|c| asked.contains(&c.open_time().millis()));
        let answer = HistoryAnswer::new(request.id, self.interval, candles);
        let text = serde_json::to_string(&answer).map_err(|_| Lost::Gone)?;
        Ok(socket.send(Message::text(text))?)
    }
}

fn accept(listener: &TcpListener) -> Result<Socket, String> {
    let start = Instant::now();
    let stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.to_string()),
            Err(_) if start.elapsed() > PATIENCE => return Err("no bot connects".to_string()),
            Err(_) => std::thread::sleep(GLANCE),
        }
    };
    stream.set_nonblocking(false).map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let socket = tungstenite::accept(stream).map_err(|error| error.to_string())?;
    socket.get_ref().set_read_timeout(Some(GLANCE)).map_err(|error| error.to_string())?;
    Ok(socket)
}

/// The next message, if there is one.
fn glance(socket: &mut Socket) -> Result<Option<Message>, Lost> {
    match socket.read() {
        Ok(message) => Ok(Some(message)),
        Err(Error::Io(e)) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
