//! Public interfaces of the exchanges, without I/O.
mod binance;
mod bybit;
mod coinbase;
mod json;
mod kraken;
mod okx;

use std::fmt;

use serde_json::Value;
use windvane_candles::{Candle, Interval, Timestamp, Trade};

use crate::{ExchangeError, Market};

pub use binance::Binance;
pub use bybit::Bybit;
pub use coinbase::Coinbase;
pub use kraken::Kraken;
pub use okx::Okx;

/// Names of the exchanges.
pub const EXCHANGES: [&str; 5] = ["binance", "bybit", "okx", "kraken", "coinbase"];

/// Content of a stream's message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Update {
    /// State of a candle; `closed` is the exchange's flag for the final state, `None` if the
    /// exchange has no such flag.
    Candle {
        /// Candle so far.
        candle: Candle,
        /// Whether it is final.
        closed: Option<bool>,
    },
    /// A trade, from an exchange without a stream of candles.
    Trade(Trade),
}

/// Addresses, requests and messages of an exchange.
///
/// Every function is pure; [`History`](crate::History) and [`LiveCandles`](crate::LiveCandles) do
/// the I/O.
pub trait Exchange: fmt::Debug + Send + Sync {
    /// Returns the name, as in [`EXCHANGES`].
    fn name(&self) -> &'static str;

    /// Returns the number of candles of a page of the history.
    fn page_len(&self) -> u32;

    /// Returns the number of last candles that the exchange keeps; `None` if it keeps all.
    fn kept_candles(&self) -> Option<u32> {
        None
    }

    /// Returns the address of the candles that open from `from` on and before `to`, at most
    /// [`page_len`](Self::page_len) intervals.
    ///
    /// # Errors
    /// [`ExchangeError::Interval`] for an interval that the exchange does not have.
    fn history_url(
        &self,
        market: &Market,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<String, ExchangeError>;

    /// Parses the answer to that request, in any order and also with further candles.
    ///
    /// # Errors
    /// [`ExchangeError::Refused`] with the exchange's message, [`ExchangeError::Message`] for
    /// another form.
    fn parse_history(&self, market: &Market, answer: &Value) -> Result<Vec<Candle>, ExchangeError>;

    /// Returns the address of the stream, and the message that subscribes to the market.
    ///
    /// # Errors
    /// [`ExchangeError::Interval`] for an interval that the exchange does not have.
    fn subscription(&self, market: &Market) -> Result<(String, Option<Value>), ExchangeError>;

    /// Parses a message of the stream; messages of other kinds have no update.
    ///
    /// # Errors
    /// [`ExchangeError::Refused`] for a rejected subscription, [`ExchangeError::Message`] for
    /// another form.
    fn parse_message(&self, market: &Market, message: &Value)
    -> Result<Vec<Update>, ExchangeError>;
}

/// Returns the exchange of a name.
///
/// # Errors
/// [`ExchangeError::Name`] for a name that is not in [`EXCHANGES`].
pub fn by_name(name: &str) -> Result<Box<dyn Exchange>, ExchangeError> {
    Ok(match name {
        "binance" => Box::new(Binance::default()),
        "bybit" => Box::new(Bybit::default()),
        "okx" => Box::new(Okx::default()),
        "kraken" => Box::new(Kraken::default()),
        "coinbase" => Box::new(Coinbase::default()),
        _ => {
            let (name, expected) = (name.to_string(), EXCHANGES.join(", "));
            return Err(ExchangeError::Name { name, expected });
        }
    })
}

/// Addresses of an exchange; the tests use servers of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Beginning of the addresses of requests, such as `https://api.binance.com`.
    pub rest: String,
    /// Beginning of the addresses of streams, such as `wss://stream.binance.com:9443`.
    pub stream: String,
}

impl Endpoints {
    fn new(rest: &str, stream: &str) -> Self {
        Self { rest: rest.to_string(), stream: stream.to_string() }
    }
}

/// Returns the exchange's name of an interval, from a list of lengths in minutes.
fn interval_name(
    exchange: &'static str,
    interval: Interval,
    names: &[(i64, &'static str)],
) -> Result<&'static str, ExchangeError> {
    let aligned = !interval.is_by_session() && interval.is_aligned(Timestamp::from_millis(0));
    // Weeks begin on Monday; the epoch was a Thursday.
    let minutes = (aligned || interval == Interval::WEEK).then(|| interval.millis() / 60_000);
    let found = names.iter().find(|(length, _)| Some(*length) == minutes);
    found.map(|(_, name)| *name).ok_or_else(|| {
        let lengths = names.iter().filter_map(|(length, _)| {
            Interval::from_millis(length * 60_000).ok().map(|interval| interval.to_string())
        });
        let expected = lengths.collect::<Vec<_>>().join(", ");
        ExchangeError::Interval { exchange, interval: interval.to_string(), expected }
    })
}
