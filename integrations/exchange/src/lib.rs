//! Candles of exchanges: history by REST, closed candles by WebSocket.
//!
//! | module | content |
//! |---|---|
//! | `exchanges` | addresses, requests and messages of Binance, Bybit, OKX, Kraken and Coinbase, without I/O |
//! | [`Client`] | HTTP and TLS, with repeated requests |
//! | [`History`] | candles of a period, page by page |
//! | [`LiveCandles`] | closed candles in order of time, across disconnections and gaps; also as JSON lines |
//!
//! Only public market data: no keys, no orders. Everything blocks; use one thread per pair.
#![forbid(unsafe_code)]

mod backoff;
mod client;
mod error;
pub mod exchanges;
mod history;
mod lines;
mod live;
mod market;
mod socket;

pub use client::Client;
pub use error::ExchangeError;
pub use exchanges::{EXCHANGES, Exchange, Update};
pub use history::History;
pub use lines::json_line;
pub use live::{LiveCandle, LiveCandles};
pub use market::Market;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
