//! Models that predict the direction of the next candle of a trading pair: UP, DOWN or NEUTRAL,
//! with a probability.
//!
//! ```
//! use windvane_models::{Predictor, v32};
//! use windvane_models::candles::sample;
//!
//! let series = sample::load("BTCUSDT").ok_or("no such sample")?; // hourly candles
//! let mut predictor = Predictor::new(v32::pretrained(), series.interval())?;
//! let mut last = None;
//! for candle in &series.candles()[..200] {
//!     last = predictor.on_candle(candle)?.into_prediction(); // None during the warm-up
//! }
//! let prediction = last.ok_or("no prediction")?;
//! assert_eq!(prediction.probabilities.classes().len(), 3); // UP, DOWN, NEUTRAL
//! assert!(prediction.confidence > 1.0 / 3.0); // probability of `prediction.direction`
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Models
//! A bot enables the features of the models that it uses:
//!
//! | feature | item | model |
//! |---|---|---|
//! | `v2` | `v2::WeightedSignals` | weighted average of squashed signals; weights set by hand or learned |
//! | `logistic` | `logistic::LogisticRegression` | logistic regression on all values of a window |
//! | `trees` | `trees::BoostedTrees` | gradient-boosted trees on a window or on lags; imports LightGBM models |
//! | `network` | `network::Network` | any network of a `network::NetworkConfig` |
//! | `v3` | `v3::config` | preset v3: bidirectional LSTM, 64 units in each direction |
//! | `v31` | `v31::config` | preset v3.1: v3 with attention, hidden dense layers and dropout |
//! | `v32` | `v32::config` | preset v3.2: LSTM, 32 units; the production model |
//! | `v32` | `v32_stateful::config` | preset v3.2 stateful: v3.2 with a recurrent state carried over all candles |
//! | `network` | `gru::config` | preset GRU: gated recurrent units |
//! | `network` | `gru_stateful::config` | preset GRU stateful: the GRU with a recurrent state carried over all candles |
//! | `network` | `tcn::config` | preset TCN: temporal convolutional network |
//! | `network` | `transformer::config` | preset transformer: self-attention over the rows of a window |
//! | `network` | `mlp::config` | preset MLP: dense layers on a window or on lags |
//! | `pretrained` | `v32::pretrained` | v3.2 (LSTM, 32 units) fitted on hourly BTCUSDT candles |
//! | `onnx` | module `onnx` | ONNX files of the models for other runtimes; enables `network` |
//! | `train` | module `train` | training; prediction and loading do not need it |
//!
//! The features `v3`, `v31` and `v32` enable `network`, which contains all presets.
//!
//! # Overview
//! - [`DirectionModel`] predicts from one window. [`FittedModel`] adds training record, calibration,
//!   recurrent state and saving.
//! - [`Predictor`] runs a model in a live loop, candle by candle, with the same bits as a backtest,
//!   and answers each candle with a [`CandleOutcome`].
//!   It saves and restores its state, accepts a newer model while it runs ([`Retraining`]), and
//!   suppresses predictions after drift, in novel windows and at anomalous candles
//!   ([`TrainingProfile`], [`AnomalyGate`]).
//! - [`Policy`] turns predictions into positions, and [`PositionTracker`] follows it live.
//! - [`load`] reads a saved model of any enabled kind; each is one safetensors file.
//! - [`Reliability`] measures calibration; [`AdaptiveConformal`] returns prediction sets.
//! - [`Occlusion`] measures the effect of each channel on a prediction; [`explain`] (with `train`)
//!   returns the activations of network layers.
//!
//! Layer 5 of the list in `docs/design.md`: uses `candles`, `signals` and `lstm-core`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod artifact;
mod calibration;
mod error;
pub mod explain;
pub mod linear;
mod live;
mod model;
#[cfg(feature = "network")]
pub mod network;
#[cfg(feature = "onnx")]
pub mod onnx;
mod policy;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "trees")]
pub mod trees;

/// Candles, intervals and pairs.
pub use windvane_candles as candles;
/// Channels, signal tables, labels and splits.
pub use windvane_signals as signals;

pub use artifact::{Artifact, Kinds, Loader, from_bytes, load, replace_file, replace_file_with};
pub use calibration::{
    AdaptiveConformal, Calibration, ConformalSettings, DirectionSet, PredictionSet, Reliability,
    ReliabilityBin,
};
pub use error::{LoadError, PredictError, SettingError, TrainError};
pub use explain::Occlusion;
#[allow(unused_imports, unreachable_pub, reason = "each linear model has its own feature")]
pub use linear::*;
pub use live::{
    AnomalyGate, CandleOutcome, FeedStats, NoPrediction, NoPredictionReason, PanelPredictor,
    PanelUpdate, Predictor, PredictorBuilder, Retraining, Stop, TrainingProfile,
};
pub use model::{
    DirectionModel, FittedModel, HeldOut, ModelId, ModelSpec, NeutralReason, Prediction,
    Probabilities, Scratch, StatefulModel, TableReader, TrainingRecord, Vote,
};
#[cfg(feature = "network")]
pub use network::presets::*;
#[cfg(feature = "train")]
pub use policy::fit_policy;
pub use policy::{Policy, PolicyConfig, Position, PositionSize, PositionTracker};

#[cfg(all(doctest, feature = "v32", feature = "train"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
