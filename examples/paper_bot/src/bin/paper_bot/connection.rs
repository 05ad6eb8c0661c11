//! The bot's side of the WebSocket.
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tungstenite::{Error, Message, WebSocket};

/// How long to wait for a message before looking up.
const GLANCE: Duration = Duration::from_millis(100);
/// How long a connection or a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Attempts to connect, with twice the pause between them each time …
const ATTEMPTS: u32 = 8;
/// … from this one on.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Connection(WebSocket<TcpStream>);

/// What a look at the stream brings.
pub(crate) enum Heard {
    Text(String),
    Nothing,
    /// The stream ended in order.
    End,
    /// The connection broke.
    Broken,
}

impl Connection {
    /// Connects, waiting longer after each failure; `None` when told to stop meanwhile.
    pub(crate) fn open(url: &str, stop: &AtomicBool) -> Result<Option<Self>, String> {
        let mut pause = FIRST_PAUSE;
        let mut error = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                std::thread::sleep(pause);
                pause *= 2;
            }
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            match connect(url) {
                Ok(socket) => return Ok(Some(Self(socket))),
                Err(message) => error = message,
            }
        }
        Err(format!("{url}: {error}, {ATTEMPTS} times"))
    }

    pub(crate) fn send(&mut self, text: String) {
        // A broken connection shows at the next read, and what was asked for is asked again.
        let _ = self.0.send(Message::text(text));
    }

    /// The next message, or nothing for a while.
    pub(crate) fn hear(&mut self) -> Heard {
        match self.0.read() {
            Ok(Message::Text(text)) => Heard::Text(text.to_string()),
            Ok(Message::Close(_)) => {
                // Sends the answer that the close asks for.
                let _ = self.0.flush();
                Heard::End
            }
            // Pings are answered by the next read.
            Ok(_) => Heard::Nothing,
            Err(Error::Io(e))
                if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Heard::Nothing
            }
            Err(Error::ConnectionClosed) => Heard::End,
            Err(_) => Heard::Broken,
        }
    }

    pub(crate) fn close(mut self) {
        // The other side may have hung up.
        let _ = self.0.close(None).and_then(|()| self.0.flush());
    }
}

fn connect(url: &str) -> Result<WebSocket<TcpStream>, String> {
    let place = url.strip_prefix("ws://").ok_or("the url must begin with ws://")?;
    let host = place.split('/').next().unwrap_or(place);
    let stream = TcpStream::connect(host).map_err(|error| error.to_string())?;
    let set = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(PATIENCE)));
    set.map_err(|error| error.to_string())?;
    let (socket, _) = tungstenite::client(url, stream).map_err(|error| error.to_string())?;
    let set = socket.get_ref().set_read_timeout(Some(GLANCE));
    set.map_err(|error| error.to_string())?;
    Ok(socket)
}
