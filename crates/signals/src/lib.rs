//! Trading signals from candles without look-ahead, with identical bits in streaming and batch.
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
//! assert_eq!(last, Some(100.0)); // gains only
//! # Ok::<(), windvane_signals::SignalError>(())
//! ```
//!
//! # Overview
//! 1. A [`SignalPipeline`] turns each [`Candle`](windvane_candles::Candle) into a row: one value
//!    per channel of its [`SignalSpec`].
//! 2. The last rows are a [`Window`], the input of a model.
//! 3. For training, a [`SignalTable`] contains the rows of a series, and a [`SampleSet`] the
//!    windows with their labels.
//! 4. A [`Split`] divides the samples by calendar time into a [`TrainSet`], a [`ValidationSet`] and
//!    a test set.
//!
//! [`Dataset`] runs the steps 1 to 4 in two calls.
//!
//! # Layers
//! Layer 3 of the list in `docs/design.md`; depends on candles.
//!
//! # Features
//! `serde`: serialises [`SignalSpec`], [`Scaler`], [`Lags`] and the types of their fields.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod channels;
mod dataset;
mod deciles;
mod drift;
mod error;
mod labels;
mod named_sets;
mod panel;
mod pipeline;
mod scaler;
mod spec;
mod spec_text;
mod splits;
mod state;
mod windows;

/// Re-export of the candle types.
pub use windvane_candles as candles;

pub use channels::{
    Channel, ChannelInfo, CloseVolatility, Macd, MarketClose, MarketSnapshot, Momentum, Registry,
    RelativeMacd, Rsi, Volatility, VolumeChange,
};
pub use dataset::{Dataset, DatasetParts};
pub use deciles::Deciles;
pub use drift::ChannelDrift;
pub use error::SignalError;
pub use labels::{Band, LabelSpec, PanelMedian, Sample, SampleSet};
pub use panel::{Panel, PanelClose, PanelStats};
pub use pipeline::{SignalPipeline, SignalRows};
pub use scaler::Scaler;
pub use spec::{ChannelSpec, GapPolicy, SignalSpec};
pub use splits::{
    Combinatorial, Period, RefitSchedule, RollingRefit, Split, SplitBuilder, TrainSet,
    ValidationSet, WalkForward,
};
pub use state::{StateReader, StateWriter};
pub use windows::{Lags, Outcome, RowReader, SignalTable, TableStore, Window};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
