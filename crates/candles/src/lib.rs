//! Candles of trading pairs: validated, in order of time, with every gap listed.
//!
//! ```
//! use windvane_candles::{Candle, CandleSeries, Interval, Ohlcv, Pair, Timestamp};
//!
//! let first = Candle::new(
//!     "2024-01-01 00:00".parse()?,
//!     Ohlcv { open: 42_280.0, high: 42_554.6, low: 42_261.0, close: 42_503.5, volume: 1_271.7 },
//! )?;
//! let series = CandleSeries::new(Pair::new("BTCUSDT")?, Interval::HOUR, vec![first])?;
//! assert_eq!(series.close_time(0), Some("2024-01-01 01:00".parse::<Timestamp>()?));
//!
//! let duplicate = vec![first, first];
//! let error = CandleSeries::new(Pair::new("BTCUSDT")?, Interval::HOUR, duplicate).unwrap_err();
//! assert!(error.to_string().starts_with("candle 1 has the open time 2024-01-01T00:00:00Z of"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Overview
//! A [`Candle`] has four consistent prices and a volume; a [`CandleSeries`] has the candles
//! of one [`Pair`] and one [`Interval`] in order of time. Both are validated on construction and
//! immutable afterwards, so no later code validates them again.
//!
//! Times are [`Timestamp`]s, milliseconds since 1970-01-01 00:00 UTC. A candle is stored by its
//! open time and known at its [close time](Candle::close_time), one interval later.
//!
//! A [`CandleBuilder`] makes candles from trades. A [`Feed`] puts the candles of a live stream in
//! order: it drops duplicates and requests missing candles. Both work without I/O.
//!
//! The crate `windvane-readers` reads files of candles.
//!
//! # Features
//! None is on by default.
//! - `sample`: module `sample`, real candles of ten instruments (2.8 MB of text).
//! - `simulate`: module `simulate`, simulated markets whose best possible accuracy is known.
//! - `jiff`, `chrono`: conversions between [`Timestamp`] and the types of these crates.
//! - `serde`: serialises [`Timestamp`] as a number, [`Interval`], [`Pair`] and [`Direction`] as
//!   strings.
//!
//! # Layers
//! Layer 1 of the list in `docs/design.md`; depends on no other crate of the workspace.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod candle;
mod direction;
mod error;
mod feed;
mod interval;
mod pair;
mod resample;
#[cfg(feature = "sample")]
pub mod sample;
mod series;
#[cfg(feature = "simulate")]
pub mod simulate;
mod time;

pub use builder::{CandleBuilder, Trade, TradeCandle, TradeSide};
pub use candle::{Candle, Ohlcv};
pub use direction::Direction;
pub use error::{
    CandleError, FeedError, IntervalError, PairError, ResampleError, SeriesError, TimeError,
};
pub use feed::{Action, Feed, FeedCounts, IgnoreReason};
pub use interval::Interval;
pub use pair::Pair;
pub use resample::Resampled;
pub use series::{CandleColumns, CandleSeries, Gap};
pub use time::Timestamp;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
