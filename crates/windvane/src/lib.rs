//! Predicts the direction of the next candle of a trading pair: UP, DOWN or NEUTRAL, with a
//! probability.
//!
//! ```
//! use windvane::candles::sample;
//! use windvane::prelude::*;
//!
//! let series = sample::load("BTCUSDT").ok_or("no such sample")?; // hourly candles
//! let mut predictor = Predictor::new(v32::pretrained(), series.interval())?;
//! let mut last = None;
//! for candle in &series.candles()[..200] {
//!     last = predictor.on_candle(candle)?.into_prediction(); // None during the warm-up
//! }
//! let prediction = last.ok_or("no prediction")?;
//! println!("{prediction}"); // such as UP with 53.1 %
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Crates
//! This crate is a facade. Each layer is a separate crate and can be used alone:
//!
//! | module | crate | content |
//! |---|---|---|
//! | [`candles`] | `windvane-candles` | candles, series, live feeds, sample data, simulated markets |
//! | [`signals`] | `windvane-signals` | channels, scaler, windows, labels, splits |
//! | [`models`] | `windvane-models` | v2, v3, v3.1, v3.2, training, saved models, live predictor |
#![cfg_attr(
    feature = "readers",
    doc = "| [`readers`] | `windvane-readers` | readers of candle files: CSV, JSON, zip, gzip, Arrow, Parquet |"
)]
#![cfg_attr(
    feature = "ensemble",
    doc = "| [`ensemble`] | `windvane-ensemble` | votes of several models |"
)]
#![cfg_attr(
    feature = "backtest",
    doc = "| [`backtest`] | `windvane-backtest` | walk-forward tests, confidence intervals, baselines, reports, audit for look-ahead |"
)]
//!
//! [`load`] loads saved models of every kind, [`catalog`] lists the models with their learners, and
//! [`prelude`] contains the types and traits that most programs import.
//!
//! # Features
//! - Models: `v2` and `v32` (both default), `v3`, `v31`, `logistic`; `network` has GRU, TCN,
//!   transformer and MLP, `trees` gradient-boosted trees; `pretrained` is a fitted v3.2.
//! - Ensembles: `ensemble`; `original`, `tuned` and `mixed` are the learners of the named ones;
//!   `mixed` also has `stacked`, `meta` and `online`.
//! - `train`: training. `backtest`: walk-forward tests and reports; `html` adds the report as a page.
//! - Candles: `readers`, `columnar`, `sample`, `simulate`; `jiff` and `chrono` convert the times of
//!   these crates.
//! - `full`: all features except `columnar`, whose dependencies take longer to build than
//!   everything else, `jiff` and `chrono`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod catalog;
mod load;

#[cfg(feature = "backtest")]
pub use windvane_backtest as backtest;
pub use windvane_candles as candles;
#[cfg(feature = "ensemble")]
pub use windvane_ensemble as ensemble;
pub use windvane_models as models;
#[cfg(feature = "readers")]
pub use windvane_readers as readers;
pub use windvane_signals as signals;

#[cfg(feature = "onnx")]
pub use load::to_onnx;
pub use load::{from_bytes, kinds, load};

/// Types and traits that most programs import.
pub mod prelude {
    pub use crate::load;
    #[cfg(feature = "backtest")]
    pub use windvane_backtest::{Backtest, Instrument};
    pub use windvane_candles::{
        Candle, CandleColumns, CandleSeries, Direction, Interval, Ohlcv, Pair, Timestamp,
    };
    #[cfg(all(feature = "ensemble", feature = "train"))]
    pub use windvane_ensemble::EnsembleLearner;
    #[cfg(feature = "train")]
    pub use windvane_models::TrainError;
    #[cfg(all(feature = "network", feature = "train"))]
    pub use windvane_models::network::NetworkLearner;
    #[cfg(feature = "train")]
    pub use windvane_models::train::{Learner, Run};
    #[cfg(all(feature = "v2", feature = "train"))]
    pub use windvane_models::v2::WeightedSignalsLearner;
    #[cfg(feature = "v3")]
    pub use windvane_models::v3;
    #[cfg(feature = "v31")]
    pub use windvane_models::v31;
    pub use windvane_models::{
        CandleOutcome, DirectionModel, FittedModel, LoadError, ModelId, PredictError, Prediction,
        Predictor,
    };
    #[cfg(feature = "network")]
    pub use windvane_models::{gru, gru_stateful, mlp, tcn, transformer};
    #[cfg(feature = "v32")]
    pub use windvane_models::{v32, v32_stateful};
    pub use windvane_signals::{
        ChannelSpec, Dataset, GapPolicy, LabelSpec, Registry, SampleSet, SignalSpec, SignalTable,
        Split,
    };
}

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct WorkspaceReadmeDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/cookbook.md")]
struct CookbookDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/live.md")]
struct LiveDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/signals.md")]
struct SignalsDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/training.md")]
struct TrainingDoctests;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/saved-models.md")]
struct SavedModelsDoctests;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
