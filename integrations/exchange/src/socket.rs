//! WebSocket over TCP or TLS with time-outs.
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tungstenite::client::IntoClientRequest;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Bytes, Connector, Error as SocketError, Message, WebSocket};

use crate::{Client, ExchangeError};

/// Longest time of a connection attempt and of a write.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Time without a message after which a ping is sent; twice this time without one is a failure.
const SILENCE: Duration = Duration::from_secs(20);

/// Open stream of messages.
pub(crate) struct Socket {
    url: String,
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    /// Whether a ping is unanswered.
    pinged: bool,
}

impl Socket {
    /// Connects to a `ws://` or `wss://` address and sends the subscription.
    pub(crate) fn open(
        client: &Client,
        url: &str,
        subscription: Option<&Value>,
    ) -> Result<Self, ExchangeError> {
        let failed = |problem: String| ExchangeError::Stream { url: url.to_string(), problem };
        let request = url.into_client_request().map_err(|error| failed(error.to_string()))?;
        let host = request.uri().host().ok_or_else(|| failed("no host".into()))?;
        let is_tls = request.uri().scheme_str() == Some("wss");
        let port = request.uri().port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let stream = connect(host, port).map_err(|error| failed(error.to_string()))?;
        let tls =
            if is_tls { Connector::Rustls(Arc::clone(&client.tls)) } else { Connector::Plain };
        let opened = tungstenite::client_tls_with_config(request, stream, None, Some(tls));
        let (mut socket, _) = opened.map_err(|error| failed(error.to_string()))?;
        if let Some(subscription) = subscription {
            let sent = socket.send(Message::text(subscription.to_string()));
            sent.map_err(|error| failed(error.to_string()))?;
        }
        Ok(Self { url: url.to_string(), socket, pinged: false })
    }

    /// Reads the next JSON message.
    ///
    /// # Errors
    /// [`ExchangeError::Stream`] for a closed, broken or silent connection.
    pub(crate) fn next(&mut self) -> Result<Value, ExchangeError> {
        loop {
            let problem = match self.socket.read() {
                Ok(Message::Text(text)) => {
                    self.pinged = false;
                    match serde_json::from_str(&text) {
                        Ok(value) => return Ok(value),
                        // Some exchanges answer a ping by the text "pong".
                        Err(_) => continue,
                    }
                }
                Ok(Message::Close(_)) => "closed by the exchange".to_string(),
                Ok(_) => {
                    self.pinged = false;
                    continue;
                }
                Err(SocketError::Io(error)) if is_timeout(&error) && !self.pinged => {
                    self.pinged = true;
                    match self.socket.send(Message::Ping(Bytes::new())) {
                        Ok(()) => continue,
                        Err(error) => error.to_string(),
                    }
                }
                Err(error) => error.to_string(),
            };
            return Err(ExchangeError::Stream { url: self.url.clone(), problem });
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Connects to the first address that answers.
fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::new(ErrorKind::NotFound, "no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(SILENCE))?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
