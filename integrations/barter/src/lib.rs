//! Predictions of windvane in the engine state of [barter](https://docs.rs/barter).
//!
//! [`PredictionState`] is the global data of barter's `EngineState`: it builds candles from the
//! trades of all instruments, predicts after every close, and a strategy reads the predictions.
//!
//! # Examples
//! ```
//! use barter::engine::state::builder::EngineStateBuilder;
//! use barter::engine::state::instrument::data::DefaultInstrumentMarketData;
//! use barter_instrument::Underlying;
//! use barter_instrument::exchange::ExchangeId;
//! use barter_instrument::index::IndexedInstruments;
//! use barter_instrument::instrument::{Instrument, InstrumentIndex};
//! use windvane_barter::PredictionState;
//! use windvane_models::v32;
//!
//! let spot = |name: &str, base: &str| {
//!     let underlying = Underlying::new(base, "usdt");
//!     Instrument::spot(ExchangeId::BinanceSpot, format!("binance_{name}"), name, underlying, None)
//! };
//! let instruments = IndexedInstruments::new([spot("BTCUSDT", "btc"), spot("ETHUSDT", "eth")]);
//!
//! let predictions = PredictionState::new(v32::pretrained(), &instruments)?;
//! let state = EngineStateBuilder::new(&instruments, predictions, |_| {
//!     DefaultInstrumentMarketData::default()
//! })
//! .build();
//! // A strategy reads them in `generate_algo_orders`; there are none before the warm-up.
//! assert!(state.global.prediction(InstrumentIndex(0)).is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod state;

pub use state::{PredictionState, StateError};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
