//! Predicts where the next candle of a trading pair goes: UP, DOWN or NEUTRAL, with a probability.
//!
//! This crate is a thin facade. Each layer is a crate of its own and can be used alone:
//!
//! | module | crate | what |
//! |---|---|---|
//! | [`candles`] | `windvane-candles` | candles, series, the real sample, simulated markets |
//! | [`signals`] | `windvane-signals` | indicators, channels, scaler, windows, labels, splits |
//! | [`models`] | `windvane-models` | v2, v3, v3.1, v3.2, training, saved models, the live predictor |
#![cfg_attr(
    feature = "readers",
    doc = "| [`readers`] | `windvane-readers` | files of exchanges and tools: CSV, JSON, zip, gzip, Arrow, Parquet |"
)]
#![cfg_attr(
    feature = "ensemble",
    doc = "| [`ensemble`] | `windvane-ensemble` | votes over models; loads any saved model |"
)]
#![cfg_attr(
    feature = "backtest",
    doc = "| [`backtest`] | `windvane-backtest` | walk-forward, intervals, baselines, reports, leak audit |"
)]
//!
//! [`load`] reads saved models of every kind, [`catalog`] lists the models with their learners, and
//! [`prelude`] has what most programs import.
//!
//! # Features
//! `v2` and `v32` (default), `v3`, `v31`, `logistic`: the models. `pretrained`: a fitted v3.2. `ensemble`: votes over models;
//! `original` and `tuned` are the named ones.
//! `train`: fitting. `backtest`: walk-forward tests and reports. `readers`, `columnar`, `sample`,
//! `simulate`: where candles come from. `full`: everything but `columnar`, which takes longer to build than the rest.
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

pub use load::{from_bytes, kinds, load};

/// Types and traits that most programs import.
pub mod prelude {
    pub use crate::load;
    #[cfg(feature = "backtest")]
    pub use windvane_backtest::{Backtest, Instrument};
    pub use windvane_candles::{
        Candle, CandleSeries, Columns, Direction, Interval, Ohlcv, Pair, Timestamp,
    };
    #[cfg(all(feature = "ensemble", feature = "train"))]
    pub use windvane_ensemble::EnsembleLearner;
    #[cfg(feature = "train")]
    pub use windvane_models::TrainError;
    #[cfg(all(feature = "train", any(feature = "v3", feature = "v31", feature = "v32")))]
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
        DirectionModel, FittedModel, LoadError, ModelId, PredictError, Prediction, Predictor,
    };
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
