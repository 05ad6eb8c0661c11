//! Trading signals from candles: the same bits live and in batch, and no look-ahead.
//!
//! The way of the data: [`Candle`](windvane_candles::Candle)s go through a [`SignalPipeline`],
//! whose channels a [`SignalSpec`] names, and become rows. The last rows are a [`Window`], what
//! a model looks at. For training, a [`SignalTable`] holds the rows of a series, a [`SampleSet`]
//! the windows with their labels, and a [`Split`] cuts them by calendar time into a
//! [`TrainSet`], a [`ValidationSet`] and a test. [`Dataset`] does all of it in two calls.
//!
//! ```
//! use windvane_candles::{Candle, Ohlcv, Timestamp};
//! use windvane_signals::Rsi;
//!
//! let mut rsi = Rsi::new(14)?;
//! let mut last = None;
//! for hour in 0..20 {
//!     let close = 100.0 + hour as f64;
//!     let values = Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
//!     last = rsi.update(&Candle::new(Timestamp::from_millis(hour * 3_600_000), values).unwrap());
//! }
//! assert_eq!(last, Some(100.0)); // nothing but gains
//! # Ok::<(), windvane_signals::SignalError>(())
//! ```
//!
//! # Layers
//! Layer 3 of the list in `docs/design.md`; depends on candles.
//!
//! # Features
//! `serde`: [`SignalSpec`], [`Scaler`] and what they hold can be written and read.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod channels;
mod dataset;
mod deciles;
mod drift;
mod error;
mod labels;
mod named_sets;
mod pipeline;
mod scaler;
mod spec;
mod splits;
mod state;
mod windows;

/// The candles that signals are made from.
pub use windvane_candles as candles;

pub use channels::{
    Channel, ChannelInfo, Macd, MarketClose, MarketSnapshot, Momentum, Registry, RelativeMacd, Rsi,
    Volatility, VolumeChange,
};
pub use dataset::{Dataset, DatasetParts};
pub use deciles::Deciles;
pub use drift::ChannelDrift;
pub use error::SignalError;
pub use labels::{Band, LabelSpec, Sample, SampleSet};
pub use pipeline::{Rows, SignalPipeline};
pub use scaler::Scaler;
pub use spec::{ChannelSpec, GapPolicy, SignalSpec};
pub use splits::{
    Combinatorial, Period, Split, SplitBuilder, TrainSet, ValidationSet, WalkForward,
};
pub use state::{StateReader, StateWriter};
pub use windows::{Outcome, SignalTable, Window};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
